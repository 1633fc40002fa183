"""Steps that have people act: who is next, what they are reminded of."""
