"""Who is told: what tasks and runs say when they fail or succeed, and the look over all flows."""
