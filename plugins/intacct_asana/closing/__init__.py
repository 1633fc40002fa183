"""What was open at the end of a day: pure. `facts` is what is kept by time, `view` who held what, `table` sums and CSV."""
