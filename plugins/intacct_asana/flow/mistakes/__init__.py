"""What is told of mistakes in a flow file: of text that is no YAML, and of values of another form."""
