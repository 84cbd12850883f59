"""A consultant presses Call."""

from typing import Any

import pytest

from callcenter.calls import service as calls
from callcenter.calls.models import Call, Leg
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound, NotPermitted, Unavailable
from callcenter.events import CallAnswered, CallChanged, CallEnded, CallRinging, ContactOpened, SwitchState
from callcenter.phone import (
    Bridge,
    EndReason,
    HangUpLeg,
    LegAnswered,
    LegEnded,
    LegRinging,
    LinkDown,
    LinkUp,
    Originate,
    Play,
    SendDtmf,
    Snapshot,
    Sound,
    SwitchDraining,
    TrunkChanged,
    TrunkState,
)
from callcenter.trunks.service import TrunkInput, add_trunk, update_trunk
from tests.callcenter.calls.floor import ADMIN, CALLER, DIALLED, Floor


async def dial(floor: Floor, who: str = "anna", number: str = CALLER, **more: Any) -> tuple[str, str]:
    """Dial and return leg and call."""
    made = await floor.do(who, calls.dial, number, **more)
    return floor.sent(Originate)[-1].leg_id, made.id


async def trunk(floor: Floor, **fields: Any) -> None:
    values = {"name": "carrier", "host": "192.0.2.1", "caller_ids": [DIALLED], **fields}
    async with floor.database.unit_of_work(ADMIN) as uow:
        await update_trunk(uow, floor.trunk_id, TrunkInput.model_validate(values))


async def test_dialling_rings_is_answered_and_ends_in_a_wrap_up(floor: Floor) -> None:
    contact_id = await floor.add_contact("Jan")
    await floor.ready("anna")
    leg_id, call_id = await dial(floor, number="601 234 567")
    originate, bridge = floor.commands[-2:]
    assert isinstance(originate, Originate)
    assert isinstance(bridge, Bridge)
    assert (originate.number, originate.caller_id, originate.trunk_id) == (CALLER, DIALLED, floor.trunk_id)
    assert {member.id for member in bridge.members} == {leg_id, str(floor.people["anna"].id)}
    assert (await floor.states())["anna"] == "on_call"
    assert [event.contact_id for event in floor.said(ContactOpened, "anna")] == [contact_id]
    await floor.event(LegRinging(leg_id, early_media=False))
    assert [event.call_id for event in floor.said(CallRinging, "anna")] == [call_id]
    assert (await floor.call(call_id)).state == "ringing"
    await floor.event(LegAnswered(leg_id))
    assert [event.call_id for event in floor.said(CallAnswered, "anna")] == [call_id]
    await floor.do("anna", calls.hang_up, call_id)
    assert HangUpLeg(leg_id, EndReason.COMPLETED) in floor.commands
    call = await floor.call(call_id)
    assert (call.state, call.end_reason) == ("ended", "completed")
    assert (await floor.states())["anna"] == "wrap_up"
    assert [entry.data["direction"] for entry in await floor.timeline(contact_id)] == ["outbound"]


@pytest.mark.parametrize("reason", [reason for reason in EndReason if reason is not EndReason.COMPLETED])
async def test_each_way_a_call_fails_is_shown_as_what_it_is(floor: Floor, reason: EndReason) -> None:
    await floor.ready("anna")
    leg_id, call_id = await dial(floor)
    await floor.event(LegEnded(leg_id, reason, "far", 486, "Busy Here"))
    call = await floor.call(call_id)
    assert (call.end_reason, call.end_code, call.end_text) == (reason.value, 486, "Busy Here")
    ended = floor.said(CallEnded, "anna")[0]
    assert (ended.reason, ended.code, ended.text) == (reason.value, 486, "Busy Here")
    assert await floor.call_backs() == []


async def test_giving_up_is_final_and_a_late_answer_is_hung_up(floor: Floor) -> None:
    await floor.ready("anna")
    leg_id, call_id = await dial(floor)
    await floor.do("anna", calls.hang_up, call_id)
    assert (await floor.call(call_id)).end_reason == "cancelled"
    floor.commands.clear()
    await floor.event(LegAnswered(leg_id))
    assert floor.commands == [HangUpLeg(leg_id, EndReason.COMPLETED)]
    await floor.event(LegRinging(leg_id, early_media=False))
    await floor.event(LegEnded(leg_id, EndReason.BUSY, "far", 486))
    await floor.event(LegEnded(leg_id, EndReason.FAILED, "far", 500))
    call = await floor.call(call_id)
    assert (call.state, call.end_reason, call.end_code) == ("ended", "cancelled", None)
    assert (await floor.all(Leg))[0].end_code == 486, "the leg keeps what the carrier said first"
    assert len(floor.said(CallEnded, "anna")) == 1
    await floor.do("anna", calls.hang_up, call_id)


async def test_dialling_from_a_break_goes_back_there_and_from_a_wrap_up_ends_it(floor: Floor) -> None:
    await floor.live("anna")
    await floor.do("anna", calls.set_agent_state, "break", "lunch")
    _, first = await dial(floor)
    await floor.do("anna", calls.hang_up, first)
    assert (await floor.states())["anna"] == "wrap_up"
    _, second = await dial(floor)
    assert (await floor.call(first)).wrapped_at is not None
    await floor.do("anna", calls.hang_up, second)
    await floor.do("anna", calls.finish_wrap_up)
    assert (await floor.states())["anna"] == "break"


async def test_who_may_not_start_a_call_is_told_why(floor: Floor) -> None:
    with pytest.raises(Conflict, match="offline"):
        await dial(floor)
    await floor.ready("anna")
    await floor.lost("anna")
    with pytest.raises(Conflict, match="microphone"):
        await dial(floor)
    await floor.live("anna")
    await dial(floor)
    with pytest.raises(Conflict, match="on a call"):
        await dial(floor)
    await floor.ready("bob")
    await floor.ring()
    with pytest.raises(Conflict, match="ringing"):
        await dial(floor, "bob")
    await floor.ready("celia")
    with pytest.raises(Invalid, match="do not serve"):
        await dial(floor, "celia", project_id=77)
    with pytest.raises(NotFound):
        await dial(floor, "celia", contact_id=77)
    assert len(floor.sent(Originate)) == 1


@pytest.mark.parametrize(
    ("number", "error"),
    [("", Invalid), ("12", Invalid), ("701234567", NotPermitted), ("+49 30 901820", NotPermitted), ("hello", Invalid)],
)
async def test_what_may_not_be_dialled_is_refused_before_anything_is_written(
    floor: Floor, number: str, error: type[CallCenterError]
) -> None:
    await floor.ready("anna")
    with pytest.raises(error):
        await dial(floor, number=number)
    assert await floor.all(Call) == []
    assert (await floor.states())["anna"] == "ready"


async def test_an_emergency_call_goes_out_at_once_past_every_limit(floor: Floor) -> None:
    await trunk(floor, enabled=False)
    async with floor.database.unit_of_work(ADMIN) as uow:
        rescue = await add_trunk(uow, TrunkInput(name="rescue", host="192.0.2.2", emergency=True))
    await floor.ready("anna")
    with pytest.raises(Conflict, match="switched off"):
        await dial(floor)
    await floor.ring()
    waiting = floor.offers()[0][1]
    await dial(floor, number="+48 112")
    originate = floor.sent(Originate)[0]
    assert (originate.number, originate.trunk_id) == ("112", rescue.id)
    assert (await floor.call(waiting)).state == "waiting", "the offer goes back to the queue"
    await floor.live("bob")
    await dial(floor, "bob", number="999")
    assert floor.sent(Originate)[-1].number == "999"


async def test_where_emergency_calls_cannot_leave_it_says_so(floor: Floor) -> None:
    assert await floor.do("anna", calls.emergency_warning) is False
    await trunk(floor, emergency=False)
    assert await floor.do("anna", calls.emergency_warning) is True
    await floor.ready("anna")
    with pytest.raises(Unavailable, match="mobile phone"):
        await dial(floor, number="112")


async def test_an_unverified_caller_id_is_refused(floor: Floor) -> None:
    await trunk(floor, caller_ids=["+48229999999"])
    await floor.ready("anna")
    with pytest.raises(Conflict, match="not verified"):
        await dial(floor)


async def test_nothing_is_dialled_while_the_switch_is_away(floor: Floor) -> None:
    await floor.ready("anna")
    await floor.event(LinkDown())
    with pytest.raises(Unavailable, match="switch"):
        await dial(floor)
    await floor.event(LinkUp(Snapshot("boot")))
    await floor.live("anna")
    await dial(floor)


async def test_nothing_is_dialled_while_the_switch_is_stopping(floor: Floor) -> None:
    await floor.ready("anna")
    await floor.event(SwitchDraining(on=True))
    assert floor.said(SwitchState)[-1] == SwitchState(up=True, draining=True)
    await floor.event(TrunkChanged(TrunkState(floor.trunk_id, "ready")))  # an OPTIONS was answered meanwhile
    with pytest.raises(Unavailable, match="is stopping"):
        await dial(floor)
    await floor.event(LinkDown())
    await floor.event(LinkUp(Snapshot("boot", draining=True)))  # the web was started again meanwhile
    assert floor.said(SwitchState)[-1] == SwitchState(up=True, draining=True)
    await floor.live("anna")
    with pytest.raises(Unavailable, match="is stopping"):
        await dial(floor)
    await floor.event(LinkUp(Snapshot("another boot")))
    assert floor.said(SwitchState)[-1] == SwitchState(up=True)
    await floor.live("anna")
    await dial(floor)


async def test_keys_and_hold(floor: Floor) -> None:
    await floor.ready("anna")
    leg_id, call_id = await dial(floor)
    with pytest.raises(Conflict, match="Nobody talks"):
        await floor.do("anna", calls.send_dtmf, call_id, "1")
    await floor.event(LegAnswered(leg_id))
    await floor.do("anna", calls.send_dtmf, call_id, "12a#")
    assert floor.sent(SendDtmf) == [SendDtmf(leg_id, "12A#")]
    for wrong in ("", "x", "1" * 33):
        with pytest.raises(Invalid):
            await floor.do("anna", calls.send_dtmf, call_id, wrong)
    with pytest.raises(NotFound):
        await floor.do("bob", calls.hold, call_id, True)
    assert (await floor.do("anna", calls.hold, call_id, True)).held
    assert floor.commands[-2:] == [Bridge(call_id, ()), Play(leg_id, Sound.MUSIC)]
    await floor.do("anna", calls.hold, call_id, True)
    assert len(floor.said(CallChanged, "anna")) == 1
    await floor.do("anna", calls.hold, call_id, False)
    assert len(floor.sent(Bridge)[-1].members) == 2
