"""What the planning steps do with records that were read."""
