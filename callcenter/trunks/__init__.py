"""Carrier connections as the administrator configures them."""
