"""The words of planted accounts, by which they are known wherever they come out."""


def said(kind: str, what: str) -> str:
    """Return a text of an account: its first word may be looked for, the second must not come out at a wrong door."""
    return f"Qx{kind} Zv{kind}{what}"


def secret(kind: str) -> str:
    """Return how every secret word of an account begins, folded."""
    return f"zv{kind}"
