"""Asking people in Asana by what Asana's users know: subtasks in their own lists."""
