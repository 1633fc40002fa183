"""How flows run beside each other and over time: who is told of what, and one file out of many."""
