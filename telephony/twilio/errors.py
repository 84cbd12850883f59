"""What can become of a request to Twilio. The difference that counts: did it happen, did it not, or can nobody say."""


class Refused(Exception):
    """Twilio said no: it did not happen. `code` is Twilio's own (https://www.twilio.com/docs/api/errors)."""

    def __init__(self, status: int, code: int | None, words: str) -> None:
        super().__init__(words)
        self.status, self.code, self.words = status, code, words


class TooFast(Refused):
    """Too many requests (429): it did not happen, and may be asked again later. `after`: seconds Twilio named, or 0."""

    def __init__(self, code: int | None, words: str, after: float = 0.0) -> None:
        super().__init__(429, code, words)
        self.after = after


class Unsent(Exception):
    """There was no connection: it did not happen."""


class Uncertain(Exception):
    """The connection was lost, or Twilio failed, while it was asked: it may or may not have happened."""
