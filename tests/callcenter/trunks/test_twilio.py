"""Twilio accounts as trunks: what is accepted, what the switch is told, and that no secret leaks or moves elsewhere."""

from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from callcenter.actor import Actor, Role
from callcenter.config import Settings
from callcenter.db import Committed, Database
from callcenter.errors import Conflict, Invalid, NotPermitted
from callcenter.phone import ConfigureTrunks, TrunkConfig, TwilioConfig
from callcenter.trunks import money, service
from callcenter.trunks.models import Trunk
from callcenter.trunks.service import TrunkInput, TwilioInput
from callcenter.users.models import AuditEntry
from webui.validation import invalid

ADMIN = Actor(None, "root", Role.ADMINISTRATOR)
SID, KEY, TOKEN, SECRET = "AC" + "0123456789abcdef" * 2, "SK" + "0" * 32, "a-very-secret-token", "key-secret-of-ours"
NUMBER = "+48221234567"


def account(**fields: Any) -> TwilioInput:
    given = {"kind": "twilio", "name": "twilio", "account_sid": SID, "auth_token": TOKEN, "caller_ids": [NUMBER]}
    return TwilioInput.model_validate({**given, "public_url": "https://calls.example.com", **fields})


async def told(database: Database) -> TwilioConfig:
    async with database.reading(ADMIN) as uow:
        [config] = (await service.configs(uow)).trunks
    assert isinstance(config, TwilioConfig)
    return config


async def test_an_account_reaches_the_switch_with_its_secrets_and_shows_them_to_nobody(database: Database) -> None:
    left: list[Committed] = []
    database.after_commit.append(left.append)
    data = account(api_key=KEY, api_secret=SECRET, caller_ids=["+48 22 123 45 67", NUMBER], minute_price="0.0130")
    async with database.unit_of_work(ADMIN) as uow:
        made = await service.add_trunk(uow, data)
    command = left[0].commands[-1]
    assert isinstance(command, ConfigureTrunks)
    [config] = command.trunks
    assert config == TwilioConfig(
        trunk_id=made.id,
        name="twilio",
        account_sid=SID,
        auth_token=TOKEN,
        public_url="https://calls.example.com",
        stream_url="wss://calls.example.com/streams",
        api_key=KEY,
        api_secret=SECRET,
        numbers=(NUMBER,),
        longest_call_seconds=14_400,
    )
    assert made.webhook_url == f"https://calls.example.com/twilio/{made.id}/"
    assert (made.has_auth_token, made.has_api_secret, made.minute_price) == (True, True, "0.013")
    async with database.reading(ADMIN) as uow:
        stored = await uow.session.get_one(Trunk, made.id)
        [entry] = await uow.session.scalars(select(AuditEntry))
    assert stored.minute_price == 130
    assert entry.detail["auth_token_changed"] is True
    for text in (repr(config), repr(data), repr(made), made.model_dump_json(), str(entry.detail), stored.password_sealed):
        assert TOKEN not in text
        assert SECRET not in text


async def test_secrets_are_kept_until_they_are_for_somebody_else(database: Database) -> None:
    async with database.unit_of_work(ADMIN) as uow:
        with pytest.raises(Invalid, match="auth token is missing"):
            await service.add_trunk(uow, account(auth_token=None))
    async with database.unit_of_work(ADMIN) as uow:
        made = await service.add_trunk(uow, account(api_key=KEY, api_secret=SECRET))
    async with database.unit_of_work(ADMIN) as uow:
        await service.update_trunk(uow, made.id, account(auth_token=None, api_key=KEY, calls_per_second=2))
    config = await told(database)
    assert (config.auth_token, config.api_secret, config.calls_per_second) == (TOKEN, SECRET, 2)
    elsewhere = (
        ({"account_sid": "AC" + "1" * 32}, "auth_token"),
        ({"api_url": "https://evil.example.com"}, "auth_token"),
        ({"api_url": "https://evil.example.com", "auth_token": "another-token"}, "api_secret"),
        ({"api_key": "SK" + "1" * 32}, "api_secret"),
        ({"api_secret": ""}, "api_secret"),
    )
    for fields, wanted in elsewhere:
        with pytest.raises(Invalid) as refused:
            async with database.unit_of_work(ADMIN) as uow:
                await service.update_trunk(uow, made.id, account(**{"auth_token": None, "api_key": KEY, **fields}))
        assert refused.value.field == wanted, fields
    assert (await told(database)) == config
    async with database.unit_of_work(ADMIN) as uow:
        changed = await service.update_trunk(uow, made.id, account(auth_token="another-token"))
    assert changed.model_dump()["has_api_secret"] is False
    config = await told(database)
    assert (config.auth_token, config.api_key, config.api_secret) == ("another-token", "", "")


async def test_the_setting_stands_for_an_address_nobody_wrote(database: Database) -> None:
    for setting, said in (("", "address Twilio reaches us by"), ("http://calls.example.com", "will not do")):
        database.settings = Settings(data_dir=database.settings.data_dir, public_url=setting, _env_file=None)
        with pytest.raises(Invalid, match=said) as refused:
            async with database.unit_of_work(ADMIN) as uow:
                await service.add_trunk(uow, account(public_url=""))
        assert refused.value.field == "public_url"
    database.settings = Settings(data_dir=database.settings.data_dir, public_url="https://Calls.example.com:443/", _env_file=None)
    async with database.unit_of_work(ADMIN) as uow:
        await service.add_trunk(uow, account(public_url=" "))
    assert (await told(database)).public_url == "https://calls.example.com"


@pytest.mark.parametrize(
    ("fields", "public_url", "stream_url"),
    [
        ({"public_url": "https://calls.example.com/"}, "https://calls.example.com", "wss://calls.example.com/streams"),
        ({"public_url": "https://[2001:db8::1]:8443"}, "https://[2001:db8::1]:8443", "wss://[2001:db8::1]:8443/streams"),
        ({"public_url": "http://127.0.0.1:8000"}, "http://127.0.0.1:8000", "ws://127.0.0.1:8001/streams"),
        ({"public_url": "http://localhost:8000"}, "http://localhost:8000", "ws://127.0.0.1:8001/streams"),
        ({"stream_url": "wss://media.example.com"}, "https://calls.example.com", "wss://media.example.com/streams"),
        ({"stream_url": "ws://127.0.0.1:8001/x"}, "https://calls.example.com", "ws://127.0.0.1:8001/x"),
    ],
)
async def test_addresses_are_kept_in_one_form(
    database: Database, fields: dict[str, str], public_url: str, stream_url: str
) -> None:
    async with database.unit_of_work(ADMIN) as uow:
        await service.add_trunk(uow, account(**fields))
    config = await told(database)
    assert (config.public_url, config.stream_url) == (public_url, stream_url)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account_sid", ""),
        ("account_sid", "AC123"),
        ("account_sid", "SK" + "0" * 32),
        ("account_sid", "AC" + "g" * 32),
        ("account_sid", SID + "\n0"),
        ("auth_token", ""),
        ("auth_token", "short"),
        ("auth_token", "with spaces inside"),
        ("auth_token", "x" * 200),
        ("api_key", "AC" + "0" * 32),
        ("api_secret", "zażółć gęślą"),
        ("public_url", "http://calls.example.com"),
        ("public_url", "https://calls.example.com/path"),
        ("public_url", "https://calls.example.com?a=b"),
        ("public_url", "https://calls.example.com/#x"),
        ("public_url", "https://user:pass@calls.example.com"),
        ("public_url", "ftp://calls.example.com"),
        ("public_url", "calls.example.com"),
        ("public_url", "https://"),
        ("public_url", "https://calls.example.com:99999"),
        ("public_url", "https://calls\n.example.com"),
        ("public_url", "https://zażółć.example.com"),
        ("stream_url", "https://calls.example.com/streams"),
        ("stream_url", "ws://calls.example.com/streams"),
        ("stream_url", "wss://calls.example.com/streams?token=1"),
        ("api_url", "http://gateway.example.com"),
        ("api_url", "gateway"),
        ("caller_ids", []),
        ("caller_ids", ["221234567"]),
        ("calls_per_second", 0),
        ("calls_per_second", 101),
        ("calls_per_second", float("nan")),
        ("longest_call_seconds", -1),
        ("longest_call_seconds", 86_401),
        ("minute_price", "0.00001"),
        ("minute_price", "-1"),
        ("minute_price", "0,05"),
        ("minute_price", "1e3"),
        ("minute_price", "100000.0001"),
        ("minute_price", "\u0661"),
        ("daily_spend", "much"),
        ("kind", "sip"),
        ("name", ""),
        ("surprise", 1),
        ("host", "sip.example.com"),
        ("emergency", True),
    ],
)
def test_what_could_not_work_is_refused_on_its_field(field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        account(**{field: value})
    found = invalid(refused.value)
    assert found.field is not None
    assert found.field.partition(".")[0] == field
    if field in {"auth_token", "api_secret"} and value:
        assert value not in str(found)
        assert value not in str(refused.value)


async def test_a_number_of_an_account_is_on_one_trunk_only(database: Database) -> None:
    async with database.unit_of_work(ADMIN) as uow:
        first = await service.add_trunk(uow, account())
        with pytest.raises(Invalid, match=r"twilio has \+48221234567") as refused:
            await service.add_trunk(
                uow, account(name="b", account_sid="AC" + SID[2:].upper(), caller_ids=["+48500600700", NUMBER])
            )
        assert refused.value.field == "caller_ids"
        await service.add_trunk(uow, account(name="other number", caller_ids=["+48500600700"]))
        await service.add_trunk(uow, account(name="other account", account_sid="AC" + "1" * 32))
        await service.add_trunk(uow, TrunkInput(name="sip", host="sip.example.com", caller_ids=[NUMBER]))
        await service.update_trunk(uow, first.id, account(auth_token=None))


async def test_a_trunk_keeps_its_kind_and_only_administrators_know_of_it(database: Database) -> None:
    async with database.unit_of_work(ADMIN) as uow:
        made = await service.add_trunk(uow, account())
        sip = await service.add_trunk(uow, TrunkInput(name="sip", host="sip.example.com"))
        for trunk_id, data in ((made.id, TrunkInput(name="x", host="h")), (sip.id, account(name="x"))):
            with pytest.raises(Invalid, match="another kind"):
                await service.update_trunk(uow, trunk_id, data)
        with pytest.raises(Conflict, match="no webhooks"):
            await service.webhooks_asked_for(uow, sip.id)
        await service.webhooks_asked_for(uow, made.id)
        assert [await service.takes_webhooks(uow, each) for each in (made.id, sip.id, 99)] == [True, False, False]
        await service.update_trunk(uow, made.id, account(auth_token=None, enabled=False))
        assert not await service.takes_webhooks(uow, made.id)
        with pytest.raises(Conflict, match="switched off"):
            await service.webhooks_asked_for(uow, made.id)
    async with database.unit_of_work(Actor(1, "sue", Role.SUPERVISOR)) as uow:
        for call in (service.add_trunk(uow, account(name="y")), service.webhooks_asked_for(uow, made.id)):
            with pytest.raises(NotPermitted):
                await call


async def test_both_kinds_carry_their_limits(database: Database) -> None:
    async with database.unit_of_work(ADMIN) as uow:
        limits = {"longest_call_seconds": 3600, "minute_price": "0.05", "daily_spend": "20"}
        made = await service.add_trunk(uow, TrunkInput.model_validate({"name": "sip", "host": "h", **limits}))
        assert {name: getattr(made, name) for name in limits} == limits
        [config] = (await service.configs(uow)).trunks
        assert isinstance(config, TrunkConfig)
        assert config.longest_call_seconds == 3600
        with pytest.raises(Invalid) as refused:
            await service.add_trunk(uow, TrunkInput(name="b", host="h", daily_spend="20"))
        assert refused.value.field == "minute_price"


def test_amounts_are_exact() -> None:
    for text, amount, shown in (("0", 0, "0"), ("0.0001", 1, "0.0001"), ("12.5", 125_000, "12.50"), ("100000", 10**9, "100000")):
        assert money.parts(text) == amount
        assert money.written(amount) == shown
        assert money.parts(shown) == amount
