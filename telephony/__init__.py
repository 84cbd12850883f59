"""The switch: everything that touches audio or a carrier."""
