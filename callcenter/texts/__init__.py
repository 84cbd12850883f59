"""Text messages (SMS): sent from the numbers of trunks that can, received on them, on the customer's timeline."""
