"""What is proven: the chain of evidence as values, its export, and what the holder of an export can prove with it alone."""
