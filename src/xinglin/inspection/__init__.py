"""Inspection: reads every book, writes only findings."""
