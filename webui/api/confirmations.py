"""What followed the spoken yes of a call: the terms that were sent, the customer's statement, or why there is none."""

import datetime as dt

from pydantic import BaseModel

from callcenter.campaigns import confirmation_queries, confirmations
from callcenter.campaigns.confirmation_queries import Yes
from callcenter.campaigns.confirmation_steps import RefusalInput, StatementInput, TermsInput
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from webui.openapi import operation, routes_of
from webui.validation import KeyText

_ONE = "/calls/{call_id}/confirmation"


class ConfirmationOut(BaseModel):
    """A spoken yes. `state`: awaiting, terms_sent (both await durable confirmation), confirmed, not_confirmed, withdrawn (the
    call was given another disposition).

    `said_at`: when that talk began; `waits_days` since then, null once it has an end. Days are by the campaign's clock.
    `end_how`: how the statement came, or declined, or no_answer. `*_by`: names, empty of nobody. `hidden`: a contact you may
    not see, without notes.
    """

    call_id: str
    campaign_id: int
    lead_id: int
    state: str
    said_at: dt.datetime
    taken_by: str
    waits_days: int | None
    terms_on: dt.date | None
    terms_how: str
    terms_note: str
    terms_by: str
    terms_at: dt.datetime | None
    ended_on: dt.date | None
    end_how: str
    end_note: str
    end_by: str
    end_at: dt.datetime | None
    hidden: bool


def shown(found: Yes) -> ConfirmationOut:
    """Return a spoken yes as the API tells it."""
    record = found.record
    ours = ("campaign_id", "lead_id", "state", "said_at", "terms_on", "terms_how", "terms_at", "ended_on", "end_how", "end_at")
    told = ("taken_by", "waits_days", "terms_note", "terms_by", "end_note", "end_by", "hidden")
    return ConfirmationOut.model_validate(
        {
            "call_id": record.attempt_id,
            **{name: getattr(record, name) for name in ours},
            **{name: getattr(found, name) for name in told},
        }
    )


@operation("GET", _ONE, "getConfirmation")
async def get_confirmation(uow: UnitOfWork, call_id: KeyText) -> ConfirmationOut:
    """The spoken yes of a call, and what followed."""
    return shown(await confirmation_queries.get(uow, call_id))


@operation("PUT", f"{_ONE}/terms", "recordTermsSent", errors=(Conflict,))
async def record_terms_sent(uow: UnitOfWork, call_id: KeyText, body: TermsInput) -> ConfirmationOut:
    """The proposed terms were sent to the customer."""
    await confirmations.terms_sent(uow, call_id, body)
    return shown(await confirmation_queries.get(uow, call_id))


@operation("PUT", f"{_ONE}/statement", "recordStatement", errors=(Conflict,))
async def record_statement(uow: UnitOfWork, call_id: KeyText, body: StatementInput) -> ConfirmationOut:
    """The customer's own statement came, on paper or another durable medium: the yes is confirmed."""
    await confirmations.confirmed(uow, call_id, body)
    return shown(await confirmation_queries.get(uow, call_id))


@operation("PUT", f"{_ONE}/refusal", "recordNotConfirmed", errors=(Conflict,))
async def record_not_confirmed(uow: UnitOfWork, call_id: KeyText, body: RefusalInput) -> ConfirmationOut:
    """The customer declined, or did not answer the terms."""
    await confirmations.not_confirmed(uow, call_id, body)
    return shown(await confirmation_queries.get(uow, call_id))


@operation("POST", f"{_ONE}/reopen", "reopenConfirmation", errors=(Conflict,))
async def reopen_confirmation(uow: UnitOfWork, call_id: KeyText) -> ConfirmationOut:
    """Take a recorded end back, so that it can be corrected."""
    await confirmations.reopen(uow, call_id)
    return shown(await confirmation_queries.get(uow, call_id))


ROUTES = routes_of(__name__)
