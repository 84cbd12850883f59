"""Tests of the Twilio carrier."""
