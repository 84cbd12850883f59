"""Consents and objections: what stands, who may record what, and that every door asks."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter import clock
from callcenter.actor import AccountRole
from callcenter.calls import service as calls
from callcenter.calls.models import Call
from callcenter.contacts import consents, suppressions
from callcenter.contacts.consent_models import CHANNELS, MEANS, PURPOSES, Consent
from callcenter.contacts.consents import ConsentInput
from callcenter.db import Database
from callcenter.errors import DoNotContact, Invalid, NotFound, NotPermitted
from callcenter.meetings import service as meetings
from callcenter.texts import service as texts
from callcenter.users.models import AuditEntry
from tests.callcenter.calls.floor import Floor
from tests.callcenter.meetings.desk import HOUR, state, waiting
from tests.callcenter.meetings.office import meeting, open_office, planned
from tests.callcenter.texts.conftest import add_sending_trunk

NUMBER = "+48601234999"
MARKETING = {"channel": "call", "purpose": "marketing", "means": "person", "given": True, "source": "form on the web"}


@pytest.fixture
async def office(database: Database) -> Floor:
    return await open_office(database)


def said(**fields: Any) -> ConsentInput:
    return ConsentInput.model_validate({"channel": "call", "given": False} | fields)


moments = st.integers(0, 5).map(lambda day: dt.datetime(2026, 1, 1 + day, tzinfo=dt.UTC))
statements = st.builds(
    lambda n, channel, about, given, at: Consent(id=n, channel=channel, purpose=about[0], means=about[1], given=given, at=at),
    st.integers(1, 1000),
    st.sampled_from(CHANNELS[:2]),
    st.sampled_from([("", ""), ("marketing", "person"), ("marketing", "automatic")]),
    st.booleans(),
    moments,
)


@given(st.lists(statements, unique_by=lambda each: each.id, max_size=12))
def test_what_a_customer_said_last_stands(said_so: list[Consent]) -> None:
    newest_first = sorted(said_so, key=lambda each: (each.at, each.id), reverse=True)
    stands = consents.standing(newest_first)
    for key, each in stands.items():
        same = [one for one in said_so if (one.channel, one.purpose, one.means) == tuple(key)]
        assert (each.at, each.id) == max((one.at, one.id) for one in same)
    assert consents.objections(newest_first) == {
        key.channel for key, each in stands.items() if (key.purpose, key.means) == ("", "") and not each.given
    }


async def test_a_consent_covers_its_channel_purpose_and_means_and_no_other(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    await office.do("anna", consents.record, contact_id, said(**MARKETING))
    covered = {
        (channel, purpose, means)
        for channel in CHANNELS
        for purpose in PURPOSES
        for means in MEANS
        if await office.do("anna", consents.allows, contact_id, channel, purpose, means)
    }
    assert covered == {("call", "marketing", "person")}
    await office.do("anna", consents.record, contact_id, said())
    assert not await office.do("anna", consents.allows, contact_id, "call", "marketing", "person")  # an objection goes before


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"purpose": "marketing"}, "purpose"),
        ({"means": "person"}, "purpose"),
        ({"given": True}, "source"),
        ({"at": dt.datetime(2099, 1, 1, tzinfo=dt.UTC)}, "at"),
        ({"at": dt.datetime(1900, 1, 1, tzinfo=dt.UTC)}, "at"),
    ],
)
async def test_half_a_consent_is_refused(office: Floor, fields: dict[str, Any], field: str) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    with pytest.raises(Invalid) as refused:
        await office.do("anna", consents.record, contact_id, said(**fields))
    assert refused.value.field == field


async def test_who_only_reads_may_record_an_objection_but_no_consent(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    anna = office.people["anna"]
    office.people["reader"] = replace(anna, accounts=frozenset({AccountRole.CUSTOMER_READER}))
    office.people["other"] = replace(anna, accounts=frozenset({AccountRole.PARTNER_READER}))
    await office.do("reader", consents.record, contact_id, said())
    with pytest.raises(NotPermitted):
        await office.do("reader", consents.record, contact_id, said(given=True, source="call"))
    with pytest.raises(NotFound):
        await office.do("other", consents.record, contact_id, said())
    with pytest.raises(NotFound):
        await office.do("other", consents.history, contact_id)


async def test_who_objected_is_called_by_hand_only_on_a_second_word_which_is_written_down(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    await office.do("anna", consents.record, contact_id, said())
    await office.ready("anna")
    for known in ({"contact_id": contact_id}, {}):  # from the contact's page, and typed
        with pytest.raises(DoNotContact, match="asked not to be called"):
            await office.do("anna", calls.dial, NUMBER, **known)
    assert await office.all(Call) == []
    await office.do("anna", calls.dial, NUMBER, contact_id=contact_id, despite_objection=True)
    assert "call.despite_objection" in {each.action for each in await office.all(AuditEntry)}


async def test_an_objection_taken_back_is_none(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    await office.do("anna", consents.record, contact_id, said())
    clock.shift(60)
    await office.do("anna", consents.record, contact_id, said(given=True, source="call of today"))
    await office.ready("anna")
    await office.do("anna", calls.dial, NUMBER, contact_id=contact_id)


async def test_a_listed_number_is_not_dialled_whoever_has_it(office: Floor) -> None:
    await office.do("sue", suppressions.do_not_call, "601 234 999", "PL")
    assert await office.do("sue", suppressions.is_listed, NUMBER, "PL")
    await office.ready("anna")
    with pytest.raises(DoNotContact, match="do-not-call list"):
        await office.do("anna", calls.dial, NUMBER)
    with pytest.raises(Invalid, match="do-not-call list"):
        await office.do("sue", meetings.plan, meeting(office, number=NUMBER))
    await office.do("sue", suppressions.do_not_call, NUMBER, "PL", listed=False)
    await office.do("anna", calls.dial, NUMBER)
    with pytest.raises(NotPermitted):
        await office.do("anna", suppressions.do_not_call, NUMBER, "PL")
    with pytest.raises(Invalid):
        await office.do("sue", suppressions.do_not_call, "abc", "PL")


async def test_an_emergency_number_asks_nobody(office: Floor) -> None:
    async with office.database.unit_of_work() as uow:
        await suppressions.suppress(uow, [suppressions.number_token(uow, "112")], suppressions.DO_NOT_CALL)
    await office.ready("anna")
    await office.do("anna", calls.dial, "112")


async def test_no_meeting_is_planned_with_who_objected_and_none_planned_before_is_dialled(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    await office.ready("anna")
    meeting_id = await planned(office, "sue", contact_id=contact_id, number=NUMBER, mode="automatic")
    await office.do("anna", consents.record, contact_id, said())
    with pytest.raises(Invalid, match="asked not to be called"):
        await office.do("sue", meetings.plan, meeting(office, contact_id=contact_id, number=NUMBER))
    await office.later(HOUR + 1)
    assert (await state(office, meeting_id), await waiting(office, meeting_id)) == ("due", "objected")


async def test_no_text_goes_to_who_objected(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    await add_sending_trunk(office)
    await office.do("anna", consents.record, contact_id, said(channel="sms"))
    with pytest.raises(DoNotContact, match="no text messages"):
        await office.do("anna", texts.send_text, NUMBER, "Hello", contact_id=contact_id)
    assert office.commands == []


async def test_a_token_depends_on_the_key_file(office: Floor) -> None:
    async with office.database.reading() as uow:
        token = suppressions.number_token(uow, NUMBER)
        assert token == suppressions.number_token(uow, NUMBER) != suppressions.email_token(uow, NUMBER)
        (office.database.settings.data_dir / "secret.key").unlink()
        suppressions._key.cache_clear()
        assert suppressions.number_token(uow, NUMBER) != token
