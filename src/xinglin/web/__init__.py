"""The desks: one file per person who comes in."""
