"""Kinds and states as most teams use them: put in place by a button where there are none, and in the demo."""

from sqlalchemy import func, select

from callcenter.actor import Role
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from callcenter.tickets import settings
from callcenter.tickets.forms import TicketKindInput, TicketStateInput, TicketStepPair, TicketStepsInput
from callcenter.tickets.models import EVERY_KIND, TicketKind, TicketState

KINDS = {
    "en": ("Complaint", "Question", "Order", "Fault"),
    "pl": ("Reklamacja", "Pytanie", "Zamówienie", "Awaria"),
}
STATES = {  # in the order of _LOOKS
    "en": ("New", "In progress", "Waiting for the customer", "Settled", "Closed"),
    "pl": ("Nowe", "W toku", "Czeka na klienta", "Załatwione", "Zamknięte"),
}
_LOOKS = (("blue", False), ("azure", False), ("yellow", False), ("green", True), ("grey", True))
_NEW, _PROGRESS, _WAITING, _SETTLED, _CLOSED = range(5)
_STEPS = {
    _NEW: (_PROGRESS, _WAITING, _SETTLED, _CLOSED),
    _PROGRESS: (_WAITING, _SETTLED, _CLOSED),
    _WAITING: (_PROGRESS, _SETTLED, _CLOSED),
    _SETTLED: (_PROGRESS, _CLOSED),  # the customer comes back
}


async def put(uow: UnitOfWork, language: str) -> None:
    """Declare the usual kinds and states in a language (administrators); raises Conflict where any is declared."""
    uow.actor.require(Role.ADMINISTRATOR)
    for table in (TicketKind, TicketState):
        if await uow.session.scalar(select(func.count()).select_from(table)):
            raise Conflict("There are kinds or states already. Change those.")
    names = STATES.get(language, STATES["en"])
    states = [
        await settings.add_state(uow, TicketStateInput.model_validate({"name": name, "colour": colour, "ends": ends}))
        for name, (colour, ends) in zip(names, _LOOKS, strict=True)
    ]
    for name in KINDS.get(language, KINDS["en"]):
        await settings.add_kind(uow, TicketKindInput(name=name))
    steps = [TicketStepPair(from_id=states[one].id, to_id=states[other].id) for one, others in _STEPS.items() for other in others]
    await settings.set_steps(uow, EVERY_KIND, TicketStepsInput(steps=steps))
