"""What people declare: one YAML file a flow, read with its line numbers, checked in words."""
