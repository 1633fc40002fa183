"""What task processes are forked from: it imports the steps once, instead of each task for itself."""
