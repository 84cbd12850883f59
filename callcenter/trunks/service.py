"""Trunks: what an administrator configures, and what the switch is told of it."""

from typing import Any, overload

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from callcenter.actor import Role
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.phone import AnyTrunk, ConfigureTrunks, TrunkState
from callcenter.trunks import storing
from callcenter.trunks.fields import TrunkInput, TrunkOut
from callcenter.trunks.models import Trunk
from callcenter.trunks.twilio import AnyTrunkInput, AnyTrunkOut, TwilioInput, TwilioOut
from callcenter.users.service import audit

__all__ = [
    "AnyTrunkInput",
    "AnyTrunkOut",
    "TrunkInput",
    "TrunkOut",
    "TwilioInput",
    "TwilioOut",
    "add_trunk",
    "configs",
    "delete_trunk",
    "get_trunk",
    "list_trunks",
    "set_state",
    "switch_away",
    "switch_draining",
    "takes_webhooks",
    "tell_switch",
    "update_trunk",
    "webhooks_asked_for",
]

AWAY = "away"  # the state of all trunks while the switch cannot be reached
DRAINING = "draining"  # while it is stopping: what it says of a trunk then does not matter any more


async def list_trunks(uow: UnitOfWork) -> list[AnyTrunkOut]:
    """Return all trunks by name (administrators)."""
    uow.actor.require(Role.ADMINISTRATOR)
    return [storing.shown(trunk) for trunk in await uow.session.scalars(select(Trunk).order_by(Trunk.name))]


async def get_trunk(uow: UnitOfWork, trunk_id: int) -> AnyTrunkOut:
    """Return a trunk (administrators)."""
    uow.actor.require(Role.ADMINISTRATOR)
    return storing.shown(await _get(uow, trunk_id))


@overload
async def add_trunk(uow: UnitOfWork, data: TrunkInput) -> TrunkOut: ...
@overload
async def add_trunk(uow: UnitOfWork, data: TwilioInput) -> TwilioOut: ...
async def add_trunk(uow: UnitOfWork, data: AnyTrunkInput) -> AnyTrunkOut:
    """Store a new trunk and tell the switch (administrators)."""
    uow.actor.require(Role.ADMINISTRATOR)
    trunk = Trunk(kind=data.kind, host="", created_at=uow.now, state_at=None)
    await _write(uow, trunk, data)
    audit(uow, "trunk.added", "trunk", trunk.id, **storing.audited(data))
    return storing.shown(trunk)


async def update_trunk(uow: UnitOfWork, trunk_id: int, data: AnyTrunkInput) -> AnyTrunkOut:
    """Replace a trunk's fields and tell the switch (administrators)."""
    uow.actor.require(Role.ADMINISTRATOR)
    trunk = await _get(uow, trunk_id)
    if data.kind != trunk.kind:
        raise Invalid("A trunk cannot become one of another kind. Add a new one.", field="kind")
    await _write(uow, trunk, data)
    audit(uow, "trunk.updated", "trunk", trunk.id, **storing.audited(data))
    return storing.shown(trunk)


async def delete_trunk(uow: UnitOfWork, trunk_id: int) -> None:
    """Remove a trunk; its calls stay, without it (administrators)."""
    uow.actor.require(Role.ADMINISTRATOR)
    trunk = await _get(uow, trunk_id)
    audit(uow, "trunk.deleted", "trunk", trunk.id, name=trunk.name)
    await uow.session.delete(trunk)
    await uow.session.flush()
    uow.send(await configs(uow))


async def configs(uow: UnitOfWork) -> ConfigureTrunks:
    """Return all enabled trunks as the switch needs them, secrets in clear."""
    settings = uow.database.settings
    trunks = await uow.session.scalars(select(Trunk).where(Trunk.enabled).order_by(Trunk.id))
    told: list[AnyTrunk] = [storing.config(trunk, settings) for trunk in trunks]
    return ConfigureTrunks(tuple(told))


async def takes_webhooks(uow: UnitOfWork, trunk_id: int) -> bool:
    """Tell whether a carrier may ask us something about this trunk over HTTP."""
    found = select(Trunk.id).where(Trunk.id == trunk_id, Trunk.kind == "twilio", Trunk.enabled)
    return await uow.session.scalar(found) is not None


async def webhooks_asked_for(uow: UnitOfWork, trunk_id: int) -> None:
    """Note that the carrier is to be told where a trunk's calls go (administrators); raises Conflict where it need not be."""
    uow.actor.require(Role.ADMINISTRATOR)
    trunk = await _get(uow, trunk_id)
    if trunk.kind != "twilio":
        raise Conflict("A SIP trunk has no webhooks.")
    if not trunk.enabled:
        raise Conflict("The trunk {trunk} is switched off. Switch it on first.", trunk=trunk.name)
    audit(uow, "trunk.webhooks_set", "trunk", trunk.id, name=trunk.name, numbers=list(trunk.caller_ids))


async def tell_switch(uow: UnitOfWork, _payload: dict[str, Any]) -> None:
    """Tell the switch its trunks: another process, the command line, changed them."""
    uow.send(await configs(uow))


async def set_state(uow: UnitOfWork, state: TrunkState) -> None:
    """Keep what the switch says of a trunk; an unknown trunk is ignored, and all are while the switch is stopping."""
    values = {"state": state.state, "state_detail": state.detail, "state_values": state.values, "state_at": uow.now}
    await uow.session.execute(update(Trunk).where(Trunk.id == state.trunk_id, Trunk.state != DRAINING).values(values))


async def switch_away(uow: UnitOfWork, away: bool) -> None:
    """Mark all trunks as out of reach, or as not heard of yet once the switch is back and takes calls."""
    changed = update(Trunk).where(Trunk.state != AWAY if away else Trunk.state.in_((AWAY, DRAINING)))
    await uow.session.execute(
        changed.values(state=AWAY if away else "unknown", state_detail="", state_values={}, state_at=uow.now)
    )


async def switch_draining(uow: UnitOfWork) -> None:
    """Mark all trunks as taking no new calls: the switch is stopping."""
    values = {"state": DRAINING, "state_detail": "", "state_values": {}, "state_at": uow.now}
    await uow.session.execute(update(Trunk).values(values))


async def _get(uow: UnitOfWork, trunk_id: int) -> Trunk:
    trunk = await uow.session.get(Trunk, trunk_id)
    if trunk is None:
        raise NotFound("There is no such trunk.")
    return trunk


async def _write(uow: UnitOfWork, trunk: Trunk, data: AnyTrunkInput) -> None:
    same_name = select(Trunk.id).where(Trunk.name == data.name, Trunk.id != (trunk.id or 0))
    if await uow.session.scalar(same_name) is not None:
        raise _taken(data.name)
    if isinstance(data, TwilioInput):
        await _one_answers(uow, trunk, data)
    storing.write(trunk, data, uow.database.settings)
    uow.session.add(trunk)
    try:
        await uow.session.flush()
    except IntegrityError as error:
        raise _taken(data.name) from error
    uow.send(await configs(uow))


async def _one_answers(uow: UnitOfWork, trunk: Trunk, data: TwilioInput) -> None:
    """Refuse a number another trunk of the account has: a number has one webhook."""
    same_account = select(Trunk).where(Trunk.kind == "twilio", Trunk.id != (trunk.id or 0), Trunk.api_url == data.api_url)
    for other in await uow.session.scalars(same_account):
        twice = [number for number in data.caller_ids if number in other.caller_ids]
        if twice and other.account_sid.lower() == data.account_sid.lower():
            sentence = "The trunk {trunk} has {number} of this account already, and its calls can come to one of the two only."
            raise Invalid(sentence, field="caller_ids", trunk=other.name, number=twice[0])


def _taken(name: str) -> Conflict:
    return Conflict("Another trunk is called {name}. Choose another name.", name=name)
