"""How a flow runs, as its file says: who is told of what."""
