"""The only I/O with the two systems: one hook each, over one small transport. Everything they decide is in `protocol`."""
