"""What people look back at: reports of runs and their calls, incidents, releases, and what was known of bills by time."""
