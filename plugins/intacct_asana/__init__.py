"""Sage Intacct and Asana, joined by Apache Airflow.

Read the packages from the inside out: the nouns (`records`, `ports`, `errors`, `text`), what people declare (`flow`, `pins`),
what a record looks like as a task (`task`), the decisions (`sync`, `vendors`, `approvals`), what speaks to the outside
(`http`, `intacct`, `asana`, `store`), and Airflow's face (`operators`, `triggers`, `web`, `notifications`).
"""

__version__ = "0.1.0"
