"""The last step of each run, which says what the run did."""
