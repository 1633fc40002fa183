"""Both wire formats as pure functions: records to requests, any answer to data or one of our errors. No I/O, no clock."""
