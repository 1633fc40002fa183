"""What speaks to Asana, from pure requests and answers to the hook."""
