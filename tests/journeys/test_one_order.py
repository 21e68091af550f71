"""A village clinic's order becomes a signed delivery, through the API."""
