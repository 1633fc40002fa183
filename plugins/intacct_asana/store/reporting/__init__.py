"""What is kept so that people can look back."""
