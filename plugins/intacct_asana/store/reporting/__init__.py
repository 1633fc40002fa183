"""What the page and the alerts read: the report of each run, and the calls of each day."""
