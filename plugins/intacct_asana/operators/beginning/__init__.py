"""What there is before there is a flow."""
