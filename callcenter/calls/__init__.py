"""Conversations: offer, answer, hang up, wrap up, call back."""
