"""Trunks: who may configure them, what is accepted, what the switch is told, and that no secret leaks."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from callcenter.actor import Actor, Role
from callcenter.db import Committed, Database
from callcenter.errors import Conflict, Invalid, NotFound, NotPermitted, Unavailable
from callcenter.keys import KEY_FILE
from callcenter.phone import ConfigureTrunks, TrunkConfig
from callcenter.trunks import secrets, service
from callcenter.trunks.models import Trunk
from callcenter.trunks.service import TrunkInput
from callcenter.users.models import AuditEntry

ADMIN = Actor(None, "root", Role.ADMINISTRATOR)


def trunk(**fields: Any) -> TrunkInput:
    return TrunkInput.model_validate({"name": "carrier", "host": "sip.example.com", **fields})


async def test_a_stored_trunk_reaches_the_switch_with_its_password_and_shows_it_to_nobody(database: Database) -> None:
    left: list[Committed] = []
    database.after_commit.append(left.append)
    async with database.unit_of_work(ADMIN) as uow:
        made = await service.add_trunk(
            uow,
            trunk(username="me", password="hunter2", register=True, allow=["203.0.113.7/24"], caller_ids=["+48 22 123 45 67"]),
        )
    command = left[0].commands[-1]
    assert isinstance(command, ConfigureTrunks)
    config = command.trunks[0]
    assert isinstance(config, TrunkConfig)
    assert (config.password, config.allow, config.register, config.region) == ("hunter2", ("203.0.113.0/24",), True, "PL")
    assert "hunter2" not in repr(config)
    assert made.has_password
    assert made.caller_ids == ["+48221234567"]
    assert "hunter2" not in made.model_dump_json()
    assert made.model_dump()["register"] is True
    async with database.reading(ADMIN) as uow:
        stored = await uow.session.get_one(Trunk, made.id)
        assert "hunter2" not in stored.password_sealed
        entry = await uow.session.get_one(AuditEntry, 1)
        assert "hunter2" not in str(entry.detail)
        assert entry.detail["password_changed"] is True
    key = database.settings.data_dir / KEY_FILE
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


async def test_a_password_is_kept_changed_or_removed(database: Database) -> None:
    async with database.unit_of_work(ADMIN) as uow:
        made = await service.add_trunk(uow, trunk(username="me", password="one"))
    for given, wanted in ((None, "one"), ("two", "two"), ("", "")):
        async with database.unit_of_work(ADMIN) as uow:
            await service.update_trunk(uow, made.id, trunk(username="me", password=given))
            [config] = (await service.configs(uow)).trunks
            assert isinstance(config, TrunkConfig)
            assert config.password == wanted


async def test_a_lost_key_says_what_to_do(database: Database) -> None:
    async with database.unit_of_work(ADMIN) as uow:
        await service.add_trunk(uow, trunk(password="one"))
    (database.settings.data_dir / KEY_FILE).unlink()
    async with database.reading(ADMIN) as uow:
        with pytest.raises(Unavailable, match="type the passwords again"):
            await service.configs(uow)


async def test_only_administrators_see_or_change_trunks(database: Database) -> None:
    async with database.unit_of_work(Actor(1, "sue", Role.SUPERVISOR)) as uow:
        for call in (
            service.list_trunks(uow),
            service.get_trunk(uow, 1),
            service.add_trunk(uow, trunk()),
            service.update_trunk(uow, 1, trunk()),
            service.delete_trunk(uow, 1),
        ):
            with pytest.raises(NotPermitted):
                await call


async def test_names_are_unique_and_disabled_or_deleted_trunks_leave_the_switch(database: Database) -> None:
    async with database.unit_of_work(ADMIN) as uow:
        made = await service.add_trunk(uow, trunk())
        with pytest.raises(Conflict, match="called carrier"):
            await service.add_trunk(uow, trunk())
        with pytest.raises(Invalid, match="user name"):
            await service.add_trunk(uow, trunk(name="b", register=True))
        await service.update_trunk(uow, made.id, trunk(enabled=False))
        assert (await service.configs(uow)).trunks == ()
        assert [each.name for each in await service.list_trunks(uow)] == ["carrier"]
        await service.delete_trunk(uow, made.id)
        with pytest.raises(NotFound):
            await service.get_trunk(uow, made.id)


@pytest.mark.parametrize(
    "fields",
    [
        {"host": ""},
        {"host": "bad host"},
        {"host": "300.1.1.1"},
        {"host": "-a.example"},
        {"host": "a\r\nVia: x"},
        {"port": 0},
        {"port": 70000},
        {"allow": ["10.0.0.0/33"]},
        {"allow": ["everything"]},
        {"caller_ids": ["221234567"]},
        {"caller_ids": ["+48"]},
        {"number_format": "odd"},
        {"number_from": "To: x"},
        {"username": "me\r\nX: y"},
        {"domain": "not a domain"},
        {"outbound_proxy": "proxy:99999"},
        {"rtp_ports": "9-8"},
        {"rtp_ports": "20000"},
        {"codecs": []},
        {"codecs": ["opus"]},
        {"external_address": "here there"},
        {"surprise": 1},
        {"name": ""},
    ],
)
def test_what_a_carrier_could_not_use_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        trunk(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"host": "2001:db8::1"},
        {"host": "[2001:db8::1]"},
        {"host": "127.0.0.1", "port": 5070},
        {"outbound_proxy": "proxy.example.com:5080"},
        {"outbound_proxy": "[2001:db8::2]:5080"},
        {"number_from": "P-Called-Party-ID"},
        {"rtp_ports": "30000-30100", "external_address": "198.51.100.4"},
    ],
)
def test_what_carriers_use_is_accepted(fields: dict[str, Any]) -> None:
    trunk(**fields)


def test_keys_made_at_the_same_moment_end_as_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda n: secrets.seal(tmp_path / "new", str(n)), range(16)))
    assert [secrets.unseal(tmp_path / "new", each) for each in sealed] == [str(n) for n in range(16)]
    assert [each.name for each in (tmp_path / "new").iterdir()] == [KEY_FILE]
