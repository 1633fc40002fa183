"""Sage Intacct and Asana, joined by Apache Airflow.

Read the packages from the inside out: the nouns (`records`, `ports`, `errors`), the pure decisions (`protocol`, `mapping`,
`sync`, `approvals`), the input and output (`hooks`, `store`), and Airflow's face (`operators`, `notifications`).
"""

__version__ = "0.1.0"
