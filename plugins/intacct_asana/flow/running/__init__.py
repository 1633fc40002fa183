"""What a flow file says of how its DAGs run, a module a subject."""
