"""What the company holds: its rows, how they are found, and what happens to a bill or a payment."""
