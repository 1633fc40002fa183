"""What people are given to do."""
