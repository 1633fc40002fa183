"""The API: a request becomes a call, a call an act or a reading, and the result JSON."""
