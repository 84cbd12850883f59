"""What groups numbers, people and rules."""
