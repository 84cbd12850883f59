"""E-mails and faxes with customers, both ways: written, sent, received, on the customer's timeline."""
