"""Everything known of a person in one structure, nothing of anybody else."""

import json

import pytest

from callcenter.db import Base
from callcenter.errors import NotFound, NotPermitted
from callcenter.privacy import export as exporting
from callcenter.privacy import service as privacy
from callcenter.users.models import AuditEntry
from tests.callcenter.calls.floor import Floor
from tests.callcenter.privacy.test_erasure import NUMBER, SECRETS, live_through_all

HIDDEN = {"zdzislawa", "wyjatkowska"}  # folded words for search are no data of their own


async def test_all_that_is_known_comes_out_and_nothing_of_others(office: Floor) -> None:
    contact_id = await live_through_all(office)
    other = await office.add_contact("Nieproszony", "+48601000111")
    assert other != contact_id
    told = await office.do("sue", privacy.export, contact_id)
    text = json.dumps(told, ensure_ascii=False)
    for secret in set(SECRETS) - HIDDEN:
        assert secret in text
    assert "Nieproszony" not in text
    assert "password" not in text
    tables = set(told["data"])
    assert tables >= {"contacts", "numbers", "timeline", "calls", "legs", "text_messages", "phone_meetings", "consents"}
    assert tables >= {"leads", "lead_numbers", "lead_attempts", "lead_decisions", "lead_confirmations"}
    assert "sekretna oferta" in text
    assert "users" not in tables
    assert told["came_from"]["file"] == "people.csv"
    assert [each["e164"] for each in told["data"]["numbers"]] == [NUMBER]
    assert "contact.data_exported" in {each.action for each in await office.all(AuditEntry)}


async def test_only_who_may_erase_may_take_all_away(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    with pytest.raises(NotPermitted):
        await office.do("anna", privacy.export, contact_id)
    with pytest.raises(NotFound):
        await office.do("sue", privacy.export, contact_id + 1)


def test_what_is_left_out_is_there_to_be_left_out() -> None:
    assert set(exporting.LEFT_OUT) <= set(Base.metadata.tables)
