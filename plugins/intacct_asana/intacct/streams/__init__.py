"""What tells that records of Intacct changed, came or went."""
