"""What a run did, in numbers and in words, and the calls that it needed."""
