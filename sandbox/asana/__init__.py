"""A stand-in for Asana's REST API: tasks, typed fields, stories, events, limits and webhooks, with state."""
