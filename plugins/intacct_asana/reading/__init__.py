"""What was read of both systems, and where to look next: pure decisions about reading."""
