"""What was open at the end of a day: what the steps keep for it, and how it is read."""
