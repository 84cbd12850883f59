"""Errors that reach a person: each has a status and a sentence somebody can act on."""

from collections.abc import Mapping


def fill(sentence: str, values: Mapping[str, object]) -> str:
    """Return an English sentence with its values in it."""
    return sentence.format(**values) if values else sentence


class CallCenterError(Exception):
    """Anything the product refuses or cannot do.

    `status` is the HTTP status a door answers with; `code` is a stable word for scripts; `sentence` is English and
    is translated at the door (webui) with `values` filled in.
    """

    status = 500
    code = "error"

    def __init__(self, sentence: str, /, **values: object) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.values = values

    def __str__(self) -> str:
        return fill(self.sentence, self.values)


class Invalid(CallCenterError):
    """What was given cannot be accepted; `field` names the input at fault."""

    status = 422
    code = "invalid"

    def __init__(self, sentence: str, /, *, field: str | None = None, **values: object) -> None:
        super().__init__(sentence, **values)
        self.field = field


class BadValue(ValueError):
    """What a field's validator says of a value: a sentence with values, which the door turns into Invalid for that field."""

    def __init__(self, sentence: str, /, **values: object) -> None:
        super().__init__(sentence.format(**values))
        self.sentence = sentence
        self.values = values


class NotSignedIn(CallCenterError):
    """No session or token, or one that has ended."""

    status = 401
    code = "not_signed_in"


class NotPermitted(CallCenterError):
    """The actor may not do this."""

    status = 403
    code = "not_permitted"


class NotFound(CallCenterError):
    """No such thing, or none this actor may see."""

    status = 404
    code = "not_found"


class Conflict(CallCenterError):
    """The state does not allow it now: taken, ended, changed meanwhile."""

    status = 409
    code = "conflict"


class Merged(CallCenterError):
    """It is another one now: the contact was merged into `survivor_id`."""

    status = 410
    code = "merged"

    def __init__(self, survivor_id: int) -> None:
        super().__init__("This contact was merged into another one: number {survivor_id}.", survivor_id=survivor_id)
        self.survivor_id = survivor_id


class DoNotContact(Conflict):
    """The customer objected to being contacted this way."""

    code = "do_not_contact"


class NoConsent(DoNotContact):
    """The customer has not agreed to be contacted this way for this purpose; nobody may pass over it."""

    code = "no_consent"


class TooMany(CallCenterError):
    """Too many tries; wait."""

    status = 429
    code = "too_many"


class Unavailable(CallCenterError):
    """A part the product needs (switch, database, carrier) is away."""

    status = 503
    code = "unavailable"
