"""Having the people who are due decide: who is next, and what they are told of it."""
