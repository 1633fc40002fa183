"""What people type: `python -m intacct_asana ...`, with the plugins folder on PYTHONPATH."""
