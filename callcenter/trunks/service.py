"""Trunks: what an administrator configures, and what the switch is told of it."""

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from callcenter.actor import Role
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.phone import ConfigureTrunks, TrunkConfig, TrunkState
from callcenter.trunks import secrets
from callcenter.trunks.fields import TrunkInput, TrunkOut
from callcenter.trunks.models import Trunk
from callcenter.users.service import audit

__all__ = [
    "TrunkInput",
    "TrunkOut",
    "add_trunk",
    "configs",
    "delete_trunk",
    "get_trunk",
    "list_trunks",
    "set_state",
    "switch_away",
    "switch_draining",
    "tell_switch",
    "update_trunk",
]

AWAY = "away"  # the state of all trunks while the switch cannot be reached
DRAINING = "draining"  # while it is stopping: what it says of a trunk then does not matter any more


async def list_trunks(uow: UnitOfWork) -> list[TrunkOut]:
    """Return all trunks by name (administrators)."""
    uow.actor.require(Role.ADMINISTRATOR)
    return [_out(trunk) for trunk in await uow.session.scalars(select(Trunk).order_by(Trunk.name))]


async def get_trunk(uow: UnitOfWork, trunk_id: int) -> TrunkOut:
    """Return a trunk (administrators)."""
    uow.actor.require(Role.ADMINISTRATOR)
    return _out(await _get(uow, trunk_id))


async def add_trunk(uow: UnitOfWork, data: TrunkInput) -> TrunkOut:
    """Store a new trunk and tell the switch (administrators)."""
    uow.actor.require(Role.ADMINISTRATOR)
    trunk = Trunk(created_at=uow.now, state_at=None)
    await _write(uow, trunk, data)
    _audit(uow, "trunk.added", trunk, data)
    return _out(trunk)


async def update_trunk(uow: UnitOfWork, trunk_id: int, data: TrunkInput) -> TrunkOut:
    """Replace a trunk's fields and tell the switch (administrators)."""
    uow.actor.require(Role.ADMINISTRATOR)
    trunk = await _get(uow, trunk_id)
    await _write(uow, trunk, data)
    _audit(uow, "trunk.updated", trunk, data)
    return _out(trunk)


async def delete_trunk(uow: UnitOfWork, trunk_id: int) -> None:
    """Remove a trunk; its calls stay, without it (administrators)."""
    uow.actor.require(Role.ADMINISTRATOR)
    trunk = await _get(uow, trunk_id)
    audit(uow, "trunk.deleted", "trunk", trunk.id, name=trunk.name)
    await uow.session.delete(trunk)
    await uow.session.flush()
    uow.send(await configs(uow))


async def configs(uow: UnitOfWork) -> ConfigureTrunks:
    """Return all enabled trunks as the switch needs them, passwords in clear."""
    settings = uow.database.settings
    trunks = await uow.session.scalars(select(Trunk).where(Trunk.enabled).order_by(Trunk.id))
    return ConfigureTrunks(
        tuple(
            TrunkConfig(
                trunk_id=trunk.id,
                name=trunk.name,
                host=trunk.host,
                port=trunk.port,
                username=trunk.username,
                auth_username=trunk.auth_username,
                password=secrets.unseal(settings.data_dir, trunk.password_sealed),
                domain=trunk.domain,
                outbound_proxy=trunk.outbound_proxy,
                register=trunk.register,
                trusted=trunk.trusted,
                allow=tuple(trunk.allow),
                number_format=trunk.number_format,  # type: ignore[arg-type]  # only validated values are stored
                number_from=trunk.number_from,
                region=settings.region,
                external_address=trunk.external_address,
                rtp_ports=trunk.rtp_ports,
                codecs=tuple(trunk.codecs),
            )
            for trunk in trunks
        )
    )


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


async def _write(uow: UnitOfWork, trunk: Trunk, data: TrunkInput) -> None:
    if data.register_ and not data.username:
        raise Invalid("A trunk that registers needs a user name.", field="username")
    same_name = select(Trunk.id).where(Trunk.name == data.name, Trunk.id != (trunk.id or 0))
    if await uow.session.scalar(same_name) is not None:
        raise _taken(data.name)
    for field, value in data.model_dump(exclude={"password"}).items():
        setattr(trunk, field, value)
    if data.password is not None:
        trunk.password_sealed = secrets.seal(uow.database.settings.data_dir, data.password)
    uow.session.add(trunk)
    try:
        await uow.session.flush()
    except IntegrityError as error:
        raise _taken(data.name) from error
    uow.send(await configs(uow))


def _taken(name: str) -> Conflict:
    return Conflict("Another trunk is called {name}. Choose another name.", name=name)


def _audit(uow: UnitOfWork, action: str, trunk: Trunk, data: TrunkInput) -> None:
    detail = data.model_dump(exclude={"password"})
    audit(uow, action, "trunk", trunk.id, password_changed=data.password is not None, **detail)


def _out(trunk: Trunk) -> TrunkOut:
    fields = {name: getattr(trunk, info.alias or name) for name, info in TrunkOut.model_fields.items() if name != "has_password"}
    return TrunkOut.model_validate({**fields, "has_password": bool(trunk.password_sealed)})
