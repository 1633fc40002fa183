"""Having the people who are due decide: subtasks in their own lists, who is next, and what they are reminded of."""
