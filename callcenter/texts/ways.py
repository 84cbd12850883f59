"""Which trunk a text message leaves on, from which of our numbers; and whether the number may be written to."""

from contextlib import suppress
from typing import NamedTuple

from sqlalchemy import select

from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, Unavailable
from callcenter.projects.dialling import Rules, decide
from callcenter.projects.models import Project
from callcenter.projects.service import projects_of, served
from callcenter.texts.models import TextMessage
from callcenter.texts.rows import one
from callcenter.trunks.models import Trunk
from callcenter.trunks.service import AWAY, DRAINING

SENDING = ("twilio",)  # kinds of trunks that can


class Way(NamedTuple):
    """How a message leaves; `sender` is E.164."""

    project: Project | None
    trunk: Trunk
    sender: str


class Choice(NamedTuple):
    """How a message would leave, or why it cannot (`refusal`)."""

    project: Project | None
    sender: str
    refusal: CallCenterError | None


async def can_send(uow: UnitOfWork) -> bool:
    """Tell whether any trunk sends text messages."""
    return bool(await _sending(uow))


async def way_out(uow: UnitOfWork, project: Project | None, answered: TextMessage | None = None) -> Way:
    """Return how a message leaves: on the project's trunk if it can send, else on the only one that can.

    An answer leaves from the number the customer wrote to. Otherwise the sender is the project's caller id if the trunk has
    it, else the trunk's first number. Raises Conflict with what an administrator has to do when there is no way.
    """
    trunks = await _sending(uow)
    if not trunks:
        raise Conflict("No trunk here can send text messages. An administrator adds a Twilio trunk with its numbers.")
    if answered is not None:
        same = [each for each in trunks if answered.own_number in each.caller_ids]
        same.sort(key=lambda each: each.id != answered.trunk_id)
        if same:
            return Way(project, same[0], answered.own_number)
    chosen = [each for each in trunks if project is not None and each.id == project.trunk_id] or trunks
    if len(chosen) > 1:
        raise Conflict("Several trunks can send text messages. Ask an administrator to choose one of them for the project.")
    (trunk,) = chosen
    if not trunk.caller_ids:
        raise Conflict("The trunk {trunk} has no number to send from. Ask an administrator to add it.", trunk=trunk.name)
    own = project.caller_id if project is not None else ""
    return Way(project, trunk, own if own in trunk.caller_ids else str(trunk.caller_ids[0]))


def check_up(trunk: Trunk) -> None:
    """Raise Unavailable while the switch cannot be reached or is stopping."""
    if trunk.state == AWAY:
        raise Unavailable("The telephone switch cannot be reached. Try again in a moment.")
    if trunk.state == DRAINING:
        raise Unavailable("The system is stopping: no text messages can be sent now. Try again in a minute.")


def checked(uow: UnitOfWork, number: str, project: Project | None) -> str:
    """Return a number in E.164; raises Invalid (field number) when no message may go to it: the decision of every door."""
    rules = Rules(
        region=region(uow, project),
        by_hand=False,
        allow_premium=bool(project and project.allow_premium),
        foreign_countries=frozenset(project.foreign_countries if project else ()),
    )
    decision = decide(number, rules)
    if decision.kind == "emergency":
        raise Invalid(
            "{number} is an emergency number. It cannot read text messages: call it.", field="number", number=number[:40]
        )
    if decision.kind == "short":
        sentence = "{number} is a short number. No text message can be sent to it from here."
        raise Invalid(sentence, field="number", number=decision.e164)
    if decision.refusal is not None:
        raise Invalid(decision.refusal.sentence, field="number", **decision.refusal.values)
    return decision.e164


def region(uow: UnitOfWork, project: Project | None) -> str:
    """Return the country numbers without + belong to."""
    return project.region if project else uow.database.settings.region


async def choices(uow: UnitOfWork, reply_to: str | None = None) -> list[Choice]:
    """Return how the actor's messages would leave, for each of their projects; without one, as one way outside any.

    Of an answer (`reply_to`) the project it was written to comes first.
    """
    answered = None if reply_to is None else await one(uow, reply_to, lock=False)
    first = await project_of(uow, None, answered)
    if first is None:
        return [await _choice(uow, None, answered)]
    others = [each.id for each in await projects_of(uow) if each.id != first.id]
    return [await _choice(uow, each, answered) for each in [first, *[await served(uow, other) for other in others]]]


async def project_of(uow: UnitOfWork, project_id: int | None, answered: TextMessage | None) -> Project | None:
    """Return the project a message is written for: the one named, that of the message it answers, else one's first."""
    if project_id is None and answered is not None and answered.project_id is not None:
        with suppress(Invalid):  # not theirs: they answer for a project of their own
            return await served(uow, answered.project_id)
    return await served(uow, project_id)


async def _choice(uow: UnitOfWork, project: Project | None, answered: TextMessage | None) -> Choice:
    try:
        way = await way_out(uow, project, answered)
    except CallCenterError as refused:
        return Choice(project, "", refused)
    return Choice(project, way.sender, None)


async def _sending(uow: UnitOfWork) -> list[Trunk]:
    query = select(Trunk).where(Trunk.enabled, Trunk.kind.in_(SENDING)).order_by(Trunk.id)
    return list(await uow.session.scalars(query))
