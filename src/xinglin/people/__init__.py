"""People: who comes in, and what each role may do."""
