"""What there is, how it is found and how it is shown. Nothing here knows who changes it."""
