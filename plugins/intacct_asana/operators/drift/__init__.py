"""The daily audit of both sides."""
