"""Tickets: what customers ask for, complain about or report, until it is settled (docs/decisions/0017-tickets.md)."""
