"""What can be done, by whom, and what it leaves behind. Above the state, below the routes."""
