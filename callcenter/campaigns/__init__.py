"""Campaigns: lists of people to call, how they are dialled, and what became of each."""
