"""Leads of campaigns at a consultant's desk: call the one that is shown, or skip it (M7). The lead itself is `lead` of getMe."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from callcenter.calls import service as calls
from callcenter.calls.views import CallOut
from callcenter.campaigns import previews
from callcenter.contacts import text
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from webui.openapi import operation, routes_of
from webui.validation import In, KeyText

_ONE = "/leads/shown/{attempt_id}"


class SkipIn(In):
    """Why the lead is not called now."""

    reason: Annotated[str, Field(max_length=previews.LONGEST_REASON, pattern="^[^\\x00]*$"), AfterValidator(text.clean_lines)] = (
        ""
    )


class Skipped(BaseModel):
    """The lead is not at one's desk any more."""

    attempt_id: str


@operation("POST", f"{_ONE}/call", "callLead", errors=(Conflict,))
async def call_lead(uow: UnitOfWork, attempt_id: KeyText) -> CallOut | Skipped:
    """Dial the lead one is shown, now. Without a call: it may not be called any more, and is not at one's desk."""
    if await previews.call_now(uow, attempt_id):
        return await calls.get_call(uow, attempt_id)
    return Skipped(attempt_id=attempt_id)


@operation("POST", f"{_ONE}/skip", "skipLead", errors=(Conflict, Invalid))
async def skip_lead(uow: UnitOfWork, attempt_id: KeyText, body: SkipIn) -> Skipped:
    """Put the lead one is shown off, with a reason; it comes again later."""
    await previews.skip(uow, attempt_id, body.reason)
    return Skipped(attempt_id=attempt_id)


ROUTES = routes_of(__name__)
