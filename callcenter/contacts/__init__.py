"""Customers: contacts, organisations, numbers and the timeline."""
