"""Stand-ins for Sage Intacct and Asana over real HTTP, with state, a movable clock and faults on demand.

Made for the demo, the tests and for trying things out. The plugin never imports it.
"""
