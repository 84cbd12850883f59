"""Which step after a spoken yes may follow which, and on which days: as a table."""

import datetime as dt
from typing import Any

import pytest

from callcenter.campaigns import confirmation_steps as steps
from callcenter.campaigns.confirmation_models import Confirmation, ConfirmationState
from callcenter.campaigns.confirmation_steps import RefusalInput, StatementInput, TermsInput
from callcenter.errors import CallCenterError, Conflict, Invalid

FIRST, TODAY = dt.date(2026, 5, 4), dt.date(2026, 5, 14)
SENT = dt.date(2026, 5, 6)


def yes(state: str) -> Confirmation:
    """Return a yes in a state, as it would have come there."""
    sent = state in {"terms_sent", "confirmed", "not_confirmed", "withdrawn_late"}
    found = Confirmation(attempt_id="a", state=state.removesuffix("_late"), terms_on=None, terms_how="", terms_note="")
    found.ended_on, found.end_how, found.end_note = None, "", ""
    if sent:
        found.terms_on, found.terms_how = SENT, "email"
    if state == "confirmed":
        found.ended_on, found.end_how = SENT, "letter"
    if state == "not_confirmed":
        found.end_how = "declined"
    return found


def outcome(state: str, step: str) -> str:
    """Try a step: "" nothing to do, "yes" it may be recorded, else the class of the error."""
    found = yes(state)
    tries: dict[str, Any] = {
        "terms": lambda: steps.check_terms(found, TermsInput(day=TODAY, how="letter"), FIRST, TODAY),
        "same terms": lambda: steps.check_terms(found, TermsInput(day=SENT, how="email"), FIRST, TODAY),
        "statement": lambda: steps.check_statement(found, StatementInput(day=TODAY, how="email"), FIRST, TODAY),
        "same statement": lambda: steps.check_statement(found, StatementInput(day=SENT, how="letter"), FIRST, TODAY),
        "declined": lambda: steps.check_refusal(found, RefusalInput(why="declined")),
        "no answer": lambda: steps.check_refusal(found, RefusalInput(why="no_answer")),
        "reopen": lambda: steps.check_reopening(found),
    }
    try:
        return "yes" if tries[step]() else ""
    except CallCenterError as error:
        return type(error).__name__


C = "Conflict"
STEPS = ("terms", "same terms", "statement", "same statement", "declined", "no answer", "reopen")
TABLE = {
    "awaiting": ("yes", "yes", C, C, "yes", C, ""),
    "terms_sent": ("yes", "", "yes", "yes", "yes", "yes", ""),
    "confirmed": (C, "", C, "", C, C, "yes"),
    "not_confirmed": (C, "", C, C, "", C, "yes"),
    "withdrawn": (C, C, C, C, C, C, C),
    "withdrawn_late": (C, C, C, C, C, C, C),
}


@pytest.mark.parametrize("state", TABLE)
def test_which_step_may_follow(state: str) -> None:
    assert tuple(outcome(state, step) for step in STEPS) == TABLE[state]


def test_every_state_is_in_the_table() -> None:
    assert {each.value for each in ConfirmationState} <= set(TABLE)


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (FIRST - dt.timedelta(days=1), "before the call"),
        (FIRST, ""),
        (TODAY, ""),
        (TODAY + dt.timedelta(days=1), "not come yet"),
        (dt.date.min, "before the call"),
        (dt.date.max, "not come yet"),
    ],
)
def test_terms_are_sent_between_the_call_and_today(day: dt.date, said: str) -> None:
    given = TermsInput(day=day, how="email")
    if not said:
        assert steps.check_terms(yes("awaiting"), given, FIRST, TODAY)
        return
    with pytest.raises(Invalid, match=said) as refused:
        steps.check_terms(yes("awaiting"), given, FIRST, TODAY)
    assert refused.value.field == "day"


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (SENT - dt.timedelta(days=1), "sent after that day"),
        (SENT, ""),
        (TODAY, ""),
        (TODAY + dt.timedelta(days=1), "not come yet"),
        (FIRST - dt.timedelta(days=1), "before the call"),
    ],
)
def test_a_statement_comes_after_the_terms(day: dt.date, said: str) -> None:
    given = StatementInput(day=day, how="email")
    if not said:
        assert steps.check_statement(yes("terms_sent"), given, FIRST, TODAY)
        return
    with pytest.raises(Invalid, match=said):
        steps.check_statement(yes("terms_sent"), given, FIRST, TODAY)


def test_why_a_statement_before_the_terms_counts_for_nothing_is_said() -> None:
    with pytest.raises(Conflict, match="does not bind them"):
        steps.check_statement(yes("awaiting"), StatementInput(day=TODAY, how="email"), FIRST, TODAY)


def test_where_a_yes_without_an_end_stands() -> None:
    assert steps.reopened(yes("confirmed")) == "terms_sent"
    assert steps.reopened(yes("withdrawn")) == "awaiting"
    assert [steps.standing(yes(each)) for each in ("terms_sent", "confirmed", "not_confirmed")] == [
        "agreed",
        "yes_confirmed",
        "yes_not_confirmed",
    ]
