"""The built-in carrier: a registrar, an exchange and customers who call and answer, in a process of its own.

It shares no SIP or RTP code with the product's side on purpose: two independent readings of the RFCs test each other.
"""
