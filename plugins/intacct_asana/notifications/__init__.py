"""Who is told when a run fails: the notifiers that a flow names, or the log."""
