"""Benchmarks: one file for each claim of docs/performance.md; each prints a table and asserts nothing."""
