"""Calls and text messages over a Twilio account: its requests, its webhooks, and its Media Streams."""
