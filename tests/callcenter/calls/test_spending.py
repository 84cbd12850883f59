"""What calls cost on a trunk, the limit at every door, who is told; and answering machines."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text

from callcenter import clock
from callcenter.actor import EVERY_ACCOUNT, Actor, Role
from callcenter.calls import rows, spending
from callcenter.calls import service as calls
from callcenter.calls.models import Call, Leg
from callcenter.db import Database
from callcenter.errors import NotPermitted
from callcenter.events import CallChanged, Notice
from callcenter.phone import EndReason, LegAnswered, LegEnded, LinkUp, MachineDetected, Originate, Snapshot
from callcenter.trunks.models import Trunk
from callcenter.trunks.service import TrunkInput, update_trunk
from callcenter.users.models import User
from tests.callcenter.calls.floor import ADMIN, CALLER, DIALLED, Floor, open_floor


@pytest.fixture
async def limited(database: Database) -> Floor:
    """Set up a floor at six in the evening UTC whose trunk may spend 1.00 a day, 0.20 a minute."""
    floor = await open_floor(database)
    evening = clock.now().replace(hour=18, minute=0, second=0)
    floor.shift((evening - clock.now()).total_seconds())
    await price(floor)
    await floor.ready("anna")
    return floor


async def price(floor: Floor, **fields: Any) -> None:
    values = {"name": "carrier", "host": "192.0.2.1", "caller_ids": [DIALLED], "emergency": True, "minute_price": "0.20"}
    async with floor.database.unit_of_work(ADMIN) as uow:
        await update_trunk(uow, floor.trunk_id, TrunkInput.model_validate({**values, "daily_spend": "1", **fields}))


async def talk(floor: Floor, seconds: float) -> str:
    """Let anna call somebody and talk; returns the call."""
    call = await floor.do("anna", calls.dial, CALLER)
    leg_id = floor.sent(Originate)[-1].leg_id
    await floor.event(LegAnswered(leg_id))
    floor.shift(seconds)
    await floor.event(LegEnded(leg_id, EndReason.COMPLETED, "far"))
    await floor.do("anna", calls.finish_wrap_up)
    return str(call.id)


async def now_spent(floor: Floor) -> tuple[str, int]:
    async with floor.database.reading(floor.people["sue"]) as uow:
        [each] = await spending.today(uow)
    return each.spent, each.percent


async def test_started_minutes_of_answered_calls_that_left_are_counted(limited: Floor) -> None:
    assert await now_spent(limited) == ("0", 0)
    await talk(limited, 59)
    assert await now_spent(limited) == ("0.20", 20)
    await talk(limited, 61)
    assert await now_spent(limited) == ("0.60", 60)
    await limited.do("anna", calls.dial, CALLER)  # not answered yet: it costs nothing
    await limited.event(LegEnded(limited.sent(Originate)[-1].leg_id, EndReason.BUSY, "far"))
    await limited.do("anna", calls.finish_wrap_up)
    leg_id, _ = await limited.talk("anna")  # nor does one that came in
    await limited.leaves(leg_id, EndReason.COMPLETED)
    assert await now_spent(limited) == ("0.60", 60)


async def test_a_call_that_goes_on_counts_and_yesterday_does_not(limited: Floor) -> None:
    await limited.do("anna", calls.dial, CALLER)
    await limited.event(LegAnswered(limited.sent(Originate)[-1].leg_id))
    limited.shift(150)
    assert await now_spent(limited) == ("0.60", 60)
    limited.shift(6 * 3600)
    assert await now_spent(limited) == ("0", 0)  # past midnight: it belongs to the day it was answered on


async def test_the_limit_holds_at_the_door_until_the_day_is_over_but_for_emergencies(limited: Floor) -> None:
    await talk(limited, 240.5)
    assert await now_spent(limited) == ("1", 100)
    with pytest.raises(spending.SpentForToday) as refused:
        await limited.do("anna", calls.dial, CALLER)
    told = str(refused.value)
    midnight = clock.now().replace(hour=0, minute=0) + dt.timedelta(days=1)
    assert "carrier have cost 1 today; the limit of a day is 1." in told
    assert f"From {midnight.astimezone(ZoneInfo('Europe/Warsaw')):%H:%M} calls leave again" in told
    assert refused.value.status == 409
    assert (await limited.do("anna", calls.dial, "112")).number == "112"
    await limited.event(LegEnded(limited.sent(Originate)[-1].leg_id, EndReason.BUSY, "far"))
    await limited.do("anna", calls.finish_wrap_up)
    limited.shift(6 * 3600)
    await limited.do("anna", calls.dial, CALLER)


async def test_without_a_limit_nothing_is_asked_of_the_legs(limited: Floor) -> None:
    await price(limited, daily_spend="0")
    await talk(limited, 3590)
    assert await now_spent(limited) == ("12", 0)
    await limited.do("anna", calls.dial, CALLER)


async def test_administrators_hear_of_it_twice_a_day_and_anew_with_another_limit(limited: Floor) -> None:
    async with limited.database.unit_of_work() as uow:
        for login, disabled in (("adam", None), ("gone", uow.now)):
            role = Role.ADMINISTRATOR.value
            user = User(
                login=login,
                name=login,
                role=role,
                accounts=sorted(EVERY_ACCOUNT),
                password_hash="",
                created_at=uow.now,
                disabled_at=disabled,
            )
            uow.session.add(user)
            await uow.session.flush()
            limited.people[login] = Actor(user.id, login, Role.ADMINISTRATOR, accounts=EVERY_ACCOUNT)

    async def heard() -> list[tuple[str, str]]:
        limited.messages.clear()
        async with limited.database.unit_of_work() as uow:
            await calls.sweep(uow, {})
        assert not limited.said(Notice, "gone")
        assert not limited.said(Notice, "sue")
        return [(each.level, each.values["spent"]) for each in limited.said(Notice, "adam")]

    await talk(limited, 170)
    assert await heard() == []
    await talk(limited, 10)
    assert await heard() == [("warning", "0.80")]
    assert await heard() == []
    await talk(limited, 100)
    assert await heard() == [("danger", "1.20")]
    assert await heard() == []
    await price(limited, daily_spend="1.25")
    assert await heard() == [("warning", "1.20")]
    await price(limited, daily_spend="1.25")  # saved again as it was
    assert await heard() == []
    limited.shift(6 * 3600)
    assert await heard() == []
    await talk(limited, 590)
    assert await heard() == [("danger", "2")]


def test_a_minute_that_has_begun_counts_whole() -> None:
    at = clock.now()
    for seconds, minutes in ((0, 1), (59.9, 1), (60, 1), (60.001, 2), (3600, 60), (-5, 1)):
        assert rows.started_minutes(at, at + dt.timedelta(seconds=seconds)) == minutes
    assert rows.started_minutes(None, at) is None


async def test_the_end_of_a_call_keeps_its_minutes_however_it_is_learnt(limited: Floor) -> None:
    await talk(limited, 61)
    await limited.do("anna", calls.dial, CALLER)
    await limited.event(LegAnswered(limited.sent(Originate)[-1].leg_id))
    limited.shift(121)
    await limited.event(LinkUp(Snapshot("boot")))  # the switch was killed
    assert [leg.minutes for leg in sorted(await limited.all(Leg), key=lambda leg: leg.id)] == [2, 3]
    assert await now_spent(limited) == ("1", 100)


async def test_consultants_do_not_see_what_calls_cost(limited: Floor) -> None:
    async with limited.database.reading(limited.people["anna"]) as uow:
        with pytest.raises(NotPermitted):
            await spending.today(uow)


async def test_the_count_is_one_look_into_the_index(limited: Floor) -> None:
    await price(limited, daily_spend="1000")
    async with limited.database.unit_of_work() as uow:
        seen: list[str] = []
        for number in range(2000):
            at = uow.now - dt.timedelta(hours=number)
            call = Call(id=f"{number:032x}", direction="outbound", state="ended", started_at=at, match=[])
            leg = Leg(id=f"{number:032x}", call_id=call.id, trunk_id=limited.trunk_id, direction="outbound", state="ended")
            leg.started_at = leg.answered_at = leg.ended_at = at
            uow.session.add_all([call, leg])
        await uow.session.flush()
        if not limited.database.sqlite:
            await uow.session.execute(text("ANALYZE legs"))
        trunk = await uow.session.get_one(Trunk, limited.trunk_id)
        original, connection = uow.session.execute, await uow.session.connection()

        async def explained(query: Any, *given: Any, **more: Any) -> Any:
            told = str(query.compile(connection.sync_engine, compile_kwargs={"literal_binds": True, "render_postcompile": True}))
            word = "EXPLAIN QUERY PLAN " if limited.database.sqlite else "EXPLAIN "
            seen.extend(str(tuple(line)) for line in await connection.exec_driver_sql(word + told))
            return await original(query, *given, **more)

        uow.session.execute = explained  # type: ignore[assignment, method-assign]
        await spending.check(uow, trunk)
    assert "ix_legs_trunk_id_answered_at" in " ".join(seen), seen
    assert "SCAN legs" not in " ".join(seen)
    assert "Seq Scan" not in " ".join(seen)


async def test_what_answered_is_kept_and_shown_at_once(limited: Floor) -> None:
    contact_id = await limited.add_contact("Olga")
    call = await limited.do("anna", calls.dial, CALLER, contact_id=contact_id)
    leg_id = limited.sent(Originate)[-1].leg_id
    await limited.event(LegAnswered(leg_id))
    limited.messages.clear()
    await limited.event(MachineDetected(leg_id, "machine"))
    assert [each.call_id for each in limited.said(CallChanged, "anna")] == [call.id]
    for again in ("machine", "unknown"):
        await limited.event(MachineDetected(leg_id, again))
    assert len(limited.said(CallChanged, "anna")) == 1
    async with limited.database.reading(limited.people["anna"]) as uow:
        assert (await calls.get_call(uow, call.id)).machine == "machine"
    await limited.event(LegEnded(leg_id, EndReason.COMPLETED, "far"))
    [line] = await limited.timeline(contact_id)
    assert line.data["machine"] == "machine"
    assert "Answering machine" in line.text


async def test_what_is_found_after_the_end_or_of_no_call_of_ours(limited: Floor) -> None:
    contact_id = await limited.add_contact("Olga")
    call = await limited.do("anna", calls.dial, CALLER, contact_id=contact_id)
    leg_id = limited.sent(Originate)[-1].leg_id
    await limited.event(MachineDetected("nobody's", "machine"))
    await limited.event(LegEnded(leg_id, EndReason.COMPLETED, "far"))
    await limited.event(MachineDetected(leg_id, "unknown"))
    await limited.event(MachineDetected(leg_id, "fax"))
    assert (await limited.call(call.id)).machine == "fax"
    [line] = await limited.timeline(contact_id)
    assert line.data["machine"] == "fax"
    inbound = await limited.ring()
    await limited.event(MachineDetected(inbound, "machine"))
    assert (await limited.call_of(inbound)).machine == ""
    async with limited.database.reading() as uow:
        assert len(list(await uow.session.scalars(select(Call.id).where(Call.machine != "")))) == 1
