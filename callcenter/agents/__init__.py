"""Consultants as routing sees them: state, station, the only claim."""
