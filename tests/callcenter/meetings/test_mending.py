"""What should never be, found and put right without ever dialling twice."""

import pytest

from callcenter.db import Database
from callcenter.events import Notice
from callcenter.meetings import due as clockwork
from callcenter.meetings.models import Attempt, Meeting
from callcenter.phone import HangUpLeg, Originate
from tests.callcenter.calls.floor import Floor
from tests.callcenter.meetings.desk import due, state


@pytest.mark.parametrize("was", ["dialling", "in_talk"])
async def test_a_call_whose_attempt_is_gone_is_put_in_front_of_people_not_dialled_again(office: Floor, was: str) -> None:
    await office.ready("anna")
    meeting_id = await due(office)
    await office.later(6)
    assert len(office.sent(Originate)) == 1
    async with office.database.unit_of_work() as uow:
        meeting = await uow.session.get_one(Meeting, meeting_id)
        meeting.state, meeting.next_at = was, uow.now
        attempt = await uow.session.get_one(Attempt, office.sent(Originate)[0].call_id)
        attempt.state = "over"
    async with office.database.unit_of_work() as uow:
        await clockwork.tick(uow, {})
    assert await state(office, meeting_id) == "uncertain"
    await office.later(600)
    assert len(office.sent(Originate)) == 1


async def test_a_part_that_fails_takes_back_what_it_was_going_to_send_and_nothing_else(database: Database) -> None:
    async with database.unit_of_work() as uow:
        uow.send(HangUpLeg("kept"))
        with pytest.raises(ZeroDivisionError):
            async with uow.apart():
                uow.send(HangUpLeg("lost"))
                uow.emit(Notice(level="info", sentence="lost"), [1])
                uow.due(uow.now)
                raise ZeroDivisionError
        async with uow.apart():
            uow.send(HangUpLeg("kept, too"))
        left = uow.committed
        assert [each.leg_id for each in left.commands if isinstance(each, HangUpLeg)] == ["kept", "kept, too"]
        assert not left.outgoing
        assert not left.due
