"""What people do in Intacct's own pages."""
