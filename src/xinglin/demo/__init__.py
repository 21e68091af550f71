"""One working day of a county, played through the actions people call."""
