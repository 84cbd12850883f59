"""Phone meetings: a promise that this person is called, by that consultant, inside this window (M4, M6, S14, S15)."""
