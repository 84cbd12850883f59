"""Figures: what the product does under load, measured, never asserted. `make bench`, or `python -m bench NAME ...`."""
