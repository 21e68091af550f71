"""Formulary: what this county has adopted of the catalogue, at which tier and at which price."""
