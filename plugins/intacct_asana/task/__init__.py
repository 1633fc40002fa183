"""What a bill or a vendor looks like as a task."""
