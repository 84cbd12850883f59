"""Planning phone meetings with many contacts at once: the same project, mode and window, by the rules of service.plan."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from callcenter.contacts.models import Contact
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Invalid
from callcenter.meetings import service
from callcenter.meetings.forms import MeetingInput


async def plan_many(uow: UnitOfWork, ids: Sequence[int], value: dict[str, Any]) -> dict[int, CallCenterError]:
    """Plan one with each contact, at their first valid number; returns with whom none could be planned, and why.

    `value`: project_id, mode, from_at, to_at (ISO 8601), user_id and information as MeetingInput takes them.
    """
    query = select(Contact).where(Contact.id.in_(ids)).options(selectinload(Contact.numbers), selectinload(Contact.organisation))
    refused: dict[int, CallCenterError] = {}
    for contact in list(await uow.session.scalars(query)):
        number = next((each.e164 for each in contact.numbers if each.e164), None)
        try:
            if number is None:
                raise Invalid("This contact has no number that can be called.")
            given = {
                "number": number,
                "contact_id": contact.id,
                "keep_number": False,
                "project_id": value["project_id"],
                "mode": value.get("mode"),
                "user_id": value.get("user_id"),
                "information": value.get("information", ""),
                "from_at": dt.datetime.fromisoformat(value["from_at"]),
                "to_at": dt.datetime.fromisoformat(value["to_at"]) if value.get("to_at") else None,
            }
            async with uow.apart():
                await service.plan(uow, MeetingInput.model_validate(given), confirmed=False)
        except CallCenterError as error:
            refused[contact.id] = error
    return refused
