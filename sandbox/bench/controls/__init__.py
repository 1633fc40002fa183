"""What the controls tell, and what they should not tell: counts, and no seconds."""
