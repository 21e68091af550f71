"""Delivery: vehicles, plans, runs, stops and proof of delivery."""
