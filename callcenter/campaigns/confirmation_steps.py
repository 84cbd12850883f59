"""Which step of a confirmation may follow which, on which days, and what is told of it. Pure."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from callcenter.campaigns.confirmation_models import OPEN, Confirmation
from callcenter.campaigns.confirmation_models import ConfirmationState as State
from callcenter.contacts import text
from callcenter.errors import Conflict, Invalid

LONGEST_NOTE = 500
Note = Annotated[str, Field(max_length=LONGEST_NOTE, pattern="^[^\\x00]*$"), AfterValidator(text.clean_lines)]
STANDING = {State.CONFIRMED: "yes_confirmed", State.NOT_CONFIRMED: "yes_not_confirmed"}  # with what a lead stands; else "agreed"


class TermsInput(BaseModel):
    """The proposed terms went to the customer on this day; `note`: where to, or which version."""

    model_config = ConfigDict(extra="forbid")
    day: dt.date
    how: Literal["email", "letter", "sms", "other"]
    note: Note = ""


class StatementInput(BaseModel):
    """The customer's own statement came on this day; `note`: such as where it is kept."""

    model_config = ConfigDict(extra="forbid")
    day: dt.date
    how: Literal["email", "letter", "sms", "web_form", "other"]
    note: Note = ""


class RefusalInput(BaseModel):
    """The customer declined, or did not answer the terms."""

    model_config = ConfigDict(extra="forbid")
    why: Literal["declined", "no_answer"]
    note: Note = ""


def check_terms(found: Confirmation, given: TermsInput, first: dt.date, today: dt.date) -> bool:
    """Tell whether terms may be recorded; False: they are, just so. `first`: the call's day. Raises Conflict, Invalid.

    Terms that were recorded otherwise are corrected, until there is an end.
    """
    stands = (found.terms_on, found.terms_how, found.terms_note) == (given.day, given.how, given.note)
    if stands and found.state != State.WITHDRAWN:
        return False
    _open(found)
    _day(given.day, first, today)
    return True


def check_statement(found: Confirmation, given: StatementInput, first: dt.date, today: dt.date) -> bool:
    """Tell whether the customer's statement may be recorded; False: it is, just so. Raises Conflict, Invalid."""
    if found.state == State.CONFIRMED and (found.ended_on, found.end_how, found.end_note) == (given.day, given.how, given.note):
        return False
    _open(found)
    if found.terms_on is None:
        raise Conflict(
            "Record first that the terms were sent: a statement made before the customer had them on paper or another "
            "durable medium does not bind them."
        )
    _day(given.day, first, today)
    if given.day < found.terms_on:
        raise Invalid("The terms were sent after that day; only a statement made after that binds the customer.", field="day")
    return True


def check_refusal(found: Confirmation, given: RefusalInput) -> bool:
    """Tell whether a yes may end without a statement; False: it did, just so. Raises Conflict."""
    if found.state == State.NOT_CONFIRMED and (found.end_how, found.end_note) == (given.why, given.note):
        return False
    _open(found)
    if given.why == "no_answer" and found.terms_on is None:
        raise Conflict("The terms were not sent yet, so there is nothing the customer could have answered.")
    return True


def check_reopening(found: Confirmation) -> bool:
    """Tell whether an end is to be taken back; False: there is none. Raises Conflict for a yes that was taken back itself."""
    if found.state == State.WITHDRAWN:
        _open(found)
    return State(found.state) not in OPEN


def reopened(found: Confirmation) -> State:
    """Return where a yes without an end stands."""
    return State.AWAITING if found.terms_on is None else State.TERMS_SENT


def standing(found: Confirmation) -> str:
    """Return the code (of explaining.py) a lead stands with after this yes."""
    return STANDING.get(State(found.state), "agreed")


def _open(found: Confirmation) -> None:
    if found.state == State.WITHDRAWN:
        raise Conflict(
            "The call was given another disposition, so no confirmation is awaited. Give it the spoken yes again first."
        )
    if State(found.state) not in OPEN:
        raise Conflict("What became of this yes is recorded already. Take that back first, to correct it.")


def _day(day: dt.date, first: dt.date, today: dt.date) -> None:
    if day > today:
        raise Invalid("This day has not come yet.", field="day")
    if day < first:
        raise Invalid("This day is before the call in which the customer said yes.", field="day")
