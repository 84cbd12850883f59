"""Tests of the built-in carrier."""
