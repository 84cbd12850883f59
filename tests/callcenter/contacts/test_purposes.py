"""What a project is for: marketing needs a consent at every door, and nobody passes over that."""

from dataclasses import replace
from typing import Any

import pytest

from callcenter import clock
from callcenter.calls import service as calls
from callcenter.contacts import consents, suppressions
from callcenter.contacts.consents import ConsentInput
from callcenter.contacts.models import Contact
from callcenter.correspondence.permitted import permitted
from callcenter.db import Database
from callcenter.errors import DoNotContact, Invalid, NoConsent, NotPermitted
from callcenter.meetings import service as meetings
from callcenter.projects.models import Project
from callcenter.projects.service import ProjectInput, update_project
from callcenter.texts import service as texts
from callcenter.users.models import AuditEntry
from tests.callcenter.calls.floor import ADMIN, DIALLED, Floor
from tests.callcenter.meetings.desk import HOUR, state, waiting
from tests.callcenter.meetings.office import meeting, open_office, planned
from tests.callcenter.texts.conftest import add_sending_trunk

NUMBER = "+48601234999"
YES = {"channel": "call", "purpose": "marketing", "means": "person", "given": True, "source": "form on the web"}


@pytest.fixture
async def office(database: Database) -> Floor:
    made = await open_office(database)
    await purpose(made, "marketing")
    return made


async def purpose(office: Floor, wanted: str, who: str = "root") -> None:
    rules = {"name": "Sales", "numbers": [DIALLED], "trunk_id": office.trunk_id, "caller_id": DIALLED, "purpose": wanted}
    office.people["root"] = replace(ADMIN, user_id=office.people["sue"].user_id)
    await office.do(who, update_project, office.project_id, ProjectInput.model_validate(rules))


async def agree(office: Floor, contact_id: int, **fields: Any) -> None:
    await office.do("anna", consents.record, contact_id, ConsentInput.model_validate(YES | fields))


async def test_the_purpose_of_a_project_is_stored_and_audited(office: Floor) -> None:
    assert [each.purpose for each in await office.all(Project)] == ["marketing"]
    entry = next(each for each in await office.all(AuditEntry) if each.action == "project.updated")
    assert entry.detail["purpose"] == "marketing"


async def test_a_supervisor_makes_a_project_marketing_but_does_not_unmake_it(office: Floor) -> None:
    for given_up in ("service", "survey", "consent"):
        with pytest.raises(NotPermitted, match="administrator"):
            await purpose(office, given_up, "sue")
    await purpose(office, "marketing", "sue")
    await purpose(office, "service")
    await purpose(office, "marketing", "sue")


async def test_a_call_by_hand_for_marketing_needs_a_consent_and_no_second_word_passes_over_it(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    await office.ready("anna")
    await office.ready("sue")
    for who in ("anna", "sue"):
        for despite in (False, True):
            with pytest.raises(NoConsent, match="not agreed to marketing calls"):
                await office.do(
                    who, calls.dial, NUMBER, contact_id=contact_id, project_id=office.project_id, despite_objection=despite
                )
    await agree(office, contact_id)
    await office.do("anna", calls.dial, NUMBER, contact_id=contact_id)
    assert office.commands


async def test_a_number_nobody_has_agreed_to_nothing(office: Floor) -> None:
    await office.ready("anna")
    with pytest.raises(NoConsent):
        await office.do("anna", calls.dial, NUMBER)
    await office.do("anna", calls.dial, "112")  # an emergency asks nobody


async def test_a_consent_to_another_means_channel_or_purpose_is_none(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    await office.ready("anna")
    for fields in ({"means": "automatic"}, {"channel": "sms"}, {"purpose": "service"}, {"purpose": "", "means": ""}):
        await agree(office, contact_id, **fields)
        with pytest.raises(NoConsent):
            await office.do("anna", calls.dial, NUMBER, contact_id=contact_id)


async def test_an_objection_after_the_consent_is_not_passed_over_in_marketing(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    await agree(office, contact_id)
    clock.shift(60)
    await office.do("anna", consents.record, contact_id, ConsentInput(channel="call", given=False))
    await office.ready("anna")
    with pytest.raises(NoConsent):
        await office.do("anna", calls.dial, NUMBER, contact_id=contact_id, despite_objection=True)
    await purpose(office, "service")
    await office.do("anna", calls.dial, NUMBER, contact_id=contact_id, despite_objection=True)


async def test_a_listed_number_is_not_passed_over_in_marketing(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    await agree(office, contact_id)
    await office.do("sue", suppressions.do_not_call, NUMBER, "PL")
    await office.ready("anna")
    with pytest.raises(NoConsent, match="do-not-call list"):
        await office.do("anna", calls.dial, NUMBER, contact_id=contact_id, despite_objection=True)


async def test_a_projects_own_list_keeps_its_people_from_calling_and_nobody_elses(office: Floor) -> None:
    await purpose(office, "service")
    await office.do("sue", suppressions.do_not_call, NUMBER, "PL", project_id=office.project_id)
    assert not await office.do("sue", suppressions.is_listed, NUMBER, "PL")
    assert await office.do("sue", suppressions.is_listed, NUMBER, "PL", project_id=office.project_id)
    await office.ready("anna")
    with pytest.raises(DoNotContact, match="do-not-call list"):
        await office.do("anna", calls.dial, NUMBER)
    await office.do("sue", suppressions.do_not_call, NUMBER, "PL", project_id=office.project_id + 1)
    await office.do("sue", suppressions.do_not_call, NUMBER, "PL", project_id=office.project_id, listed=False)
    await office.do("anna", calls.dial, NUMBER)


async def test_no_meeting_for_marketing_is_planned_without_a_consent_nor_moved_there(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    for known in ({"contact_id": contact_id}, {}):
        with pytest.raises(Invalid, match="not agreed to marketing calls"):
            await office.do("sue", meetings.plan, meeting(office, number=NUMBER, **known))
    await agree(office, contact_id)
    await planned(office, "sue", number=NUMBER, contact_id=contact_id)


async def test_a_planned_meeting_is_not_dialled_once_the_consent_is_withdrawn(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    await agree(office, contact_id)
    await office.ready("anna")
    meeting_id = await planned(office, "sue", contact_id=contact_id, number=NUMBER, mode="automatic")
    office.shift(60)
    await agree(office, contact_id, given=False)
    await office.later(HOUR + 1)
    assert (await state(office, meeting_id), await waiting(office, meeting_id)) == ("due", "no_consent")


async def test_no_text_for_marketing_goes_out_without_a_consent_to_texts(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    await add_sending_trunk(office)
    await agree(office, contact_id)
    for known in ({"contact_id": contact_id}, {}):
        with pytest.raises(NoConsent, match="text message"):
            await office.do("anna", texts.send_text, NUMBER, "Hello", project_id=office.project_id, **known)
    await agree(office, contact_id, channel="sms")
    await office.do("anna", texts.send_text, NUMBER, "Hello", contact_id=contact_id, project_id=office.project_id)


async def test_no_fax_for_marketing_goes_out_without_a_consent_to_faxes(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    async with office.database.reading(office.people["anna"]) as uow:
        contact = await uow.session.get_one(Contact, contact_id)
        with pytest.raises(NoConsent, match="fax"):
            await permitted(uow, contact, "fax", NUMBER)
    await agree(office, contact_id, channel="fax")
    async with office.database.reading(office.people["anna"]) as uow:
        assert await permitted(uow, contact, "fax", NUMBER) == NUMBER


async def test_a_project_that_only_asks_for_consents_dials_nobody_by_hand(office: Floor) -> None:
    await purpose(office, "consent")
    await office.ready("anna")
    with pytest.raises(NoConsent, match="only asks for consents"):
        await office.do("anna", calls.dial, NUMBER, despite_objection=True)


async def test_a_survey_needs_no_consent_by_a_person(office: Floor) -> None:
    await purpose(office, "survey")
    await office.ready("anna")
    await office.do("anna", calls.dial, NUMBER)
