"""Trunks over SIP."""
