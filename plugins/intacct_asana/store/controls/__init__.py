"""What is kept for the controls around a bill, each in a module of its own."""
