"""The contact centre: people, customers and calls. Knows no web page, no SIP and no vendor."""

__version__ = "0.1.0"
