"""Rules about one matter each that need more than a function."""
