"""What a run reads and what of it is worth a look: pure decisions of the operators."""
