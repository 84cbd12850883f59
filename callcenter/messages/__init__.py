"""What leaves the house in writing: e-mails, kept until the server has taken them."""
