"""A built-in carrier with customers who call and answer, as a process of its own."""
