"""Who works when: a weekly pattern of shifts, and the exceptions from it."""
