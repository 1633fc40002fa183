"""Steps that look at what stands around a bill."""
