"""A contact over the API and on its page: bad input, retired words, two who save at once, pictures, settings."""

import io
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy import update

from callcenter.actor import SYSTEM, AccountRole, Role
from callcenter.contacts import custom_fields, dictionaries
from callcenter.contacts.custom_fields import CustomFieldInput
from callcenter.users.models import User
from tests.webui.conftest import Person, Site

CONTACTS = "/api/v1/contacts"
SAME_SITE = {"origin": "http://testserver"}


async def good(answer: httpx.Response) -> Any:
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


async def describe(site: Site) -> None:
    async with site.database.unit_of_work(SYSTEM) as uow:
        for name in ("Lead", "Customer"):
            await dictionaries.add_entry(uow, "stage", name)
        await custom_fields.add_field(uow, CustomFieldInput(name="Turnover", kind="number"))
        await custom_fields.add_field(uow, CustomFieldInput(name="Plan", kind="choice", options=["Basic", "Full"]))
        await custom_fields.add_field(uow, CustomFieldInput(name="Likes", kind="choices", options=["Golf", "Chess"]))


async def test_custom_answers_go_in_and_come_back_and_bad_ones_name_their_field(site: Site, consultant: Person) -> None:
    await describe(site)
    async with site.client(consultant.bearer) as client:
        custom: dict[str, Any] = {"turnover": 5, "plan": "full", "likes": ["Chess"]}
        made = await good(await client.post(CONTACTS, json={"last_name": "Nowak", "custom": custom}))
        assert made["custom"] == {"turnover": 5, "plan": "Full", "likes": ["Chess"]}
        path = f"{CONTACTS}/{made['id']}"
        body: dict[str, Any] = {"last_name": "Nowak", "version": 1}
        bad: list[tuple[dict[str, Any], str]] = [
            ({"custom": {"turnover": "5"}}, "custom.turnover"),
            ({"custom": {"turnover": {"a": 1}}}, "custom.turnover"),
            ({"custom": {"plan": "x" * 300}}, "custom.plan"),
            ({"custom": {"nothing": 1}}, "custom.nothing"),
            ({"custom": {"No Key!": 1}}, "custom.No Key!"),
            ({"custom": 5}, "custom"),
            ({"custom": {"likes": ["Golf"] * 51}}, "custom.likes"),
            ({"shoe_size": 43}, "shoe_size"),
            ({"tags": "vip"}, "tags"),
            ({"numbers": [{"number": 5}]}, "numbers.0.number"),
            ({"country": "Poland"}, "country"),
            ({"type": "friend"}, "type"),
        ]
        for wrong, field in bad:
            refused = await client.put(path, json=body | wrong)
            assert (refused.status_code, refused.json()["error"]["field"]) == (422, field), refused.text
        changed = await good(await client.put(path, json=body | {"custom": {"turnover": None}}))
        assert changed["custom"] == {"plan": "Full", "likes": ["Chess"]}


async def test_a_retired_word_may_stay_and_may_not_be_newly_chosen(site: Site, consultant: Person) -> None:
    await describe(site)
    administrator = await site.person("ada", Role.ADMINISTRATOR)
    async with site.client(consultant.bearer) as client, site.client(administrator.bearer) as admin:
        made = await good(await client.post(CONTACTS, json={"last_name": "Nowak", "stage": "lead"}))
        lead = (await good(await admin.get("/api/v1/dictionaries/stage")))["items"][0]
        for path in (f"/api/v1/dictionaries/stage/{lead['id']}/retire", f"/api/v1/dictionaries/stage/{lead['id']}/restore"):
            assert (await client.post(path, json={})).status_code == 403
        await good(await admin.post(f"/api/v1/dictionaries/stage/{lead['id']}/retire", json={}))
        names = [each["name"] for each in (await good(await client.get("/api/v1/dictionaries/stage")))["items"]]
        assert names == ["Customer"]
        stays = {"last_name": "Nowy", "stage": "Lead", "version": 1}
        assert (await good(await client.put(f"{CONTACTS}/{made['id']}", json=stays)))["stage"] == "Lead"
        refused = await client.post(CONTACTS, json={"last_name": "Nowak", "stage": "Lead"})
        assert (refused.status_code, refused.json()["error"]["field"]) == (422, "stage")
        await good(await admin.post(f"/api/v1/dictionaries/stage/{lead['id']}/restore"))
        await good(await client.post(CONTACTS, json={"last_name": "Nowak", "stage": "Lead"}))
        assert (await admin.get("/api/v1/dictionaries/shoes")).status_code == 404


async def test_fields_are_declared_changed_and_retired_over_the_api(site: Site) -> None:
    administrator = await site.person("ada", Role.ADMINISTRATOR)
    async with site.client(administrator.bearer) as admin:
        field = await good(
            await admin.post("/api/v1/custom-fields", json={"name": "Plan", "kind": "choice", "options": ["A", "B"]})
        )
        path = f"/api/v1/custom-fields/{field['id']}"
        option = await good(await admin.post(f"{path}/options", json={"name": "C"}))
        await good(await admin.put(f"{path}/options/{option['id']}", json={"name": "Full", "place": 1}))
        await good(
            await admin.post(f"{path}/options/{field['options'][0]['id']}/retire", json={"values": "replace", "by": "full"})
        )
        await good(await admin.put(path, json={"name": "The plan", "required": True}))
        [found] = (await good(await admin.get("/api/v1/custom-fields")))["items"]
        assert (found["key"], found["name"], found["required"]) == ("plan", "The plan", True)
        assert [(each["name"], each["retired"]) for each in found["options"]] == [("Full", False), ("B", False), ("A", True)]
        refused = await admin.post(CONTACTS, json={"last_name": "Nowak"})
        assert (refused.status_code, refused.json()["error"]["field"]) == (422, "custom.plan")
        await good(await admin.post(f"{path}/retire", json={}))
        await good(await admin.post(CONTACTS, json={"last_name": "Nowak"}))
        assert (await admin.post("/api/v1/custom-fields/999/retire", json={})).status_code == 404


async def test_the_second_of_two_who_save_is_told_what_differs(site: Site, consultant: Person) -> None:
    await describe(site)
    async with site.client(consultant.bearer) as client:
        made = await good(await client.post(CONTACTS, json={"last_name": "Nowak", "custom": {"turnover": 1}}))
        path = f"{CONTACTS}/{made['id']}"
        await good(await client.put(path, json={"last_name": "Nowak", "city": "Sopot", "version": 1}))
        mine = {"last_name": "Nowacka", "stage": "lead", "custom": {"turnover": 2}, "version": 1}
        refused = await client.put(path, json=mine)
        assert refused.status_code == 409
        error = refused.json()["error"]
        assert error["version"] == 2
        assert error["differs"] == {
            "last_name": {"typed": "Nowacka", "stored": "Nowak"},
            "city": {"typed": "", "stored": "Sopot"},
            "stage": {"typed": "lead", "stored": ""},
            "custom.turnover": {"typed": 2.0, "stored": 1.0},
        }


NAMES = [
    "O'Hara-D\u2019Arcy",
    "Zoë 🙂 👩‍👩‍👧",
    "שלום עולם",
    "<script>alert(1)</script>",
    "Robert'); DROP TABLE contacts;--",
    "=cmd|'/c calc'!A1",
]


@pytest.mark.parametrize("name", NAMES)
async def test_names_of_every_kind_come_back_as_typed_and_do_nothing_on_the_page(
    site: Site, consultant: Person, name: str
) -> None:
    async with site.client(consultant.cookies | SAME_SITE) as client:
        made = await good(await client.post(CONTACTS, json={"first_name": name, "note": name}))
        assert (made["first_name"], made["note"]) == (name, name)
        page = await client.get(f"/contacts/{made['id']}")
        assert page.status_code == 200
        assert "<script>alert" not in page.text


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"last_name": "x" * 300}, "too long"),
        ({"last_name": "Nowak", "email": "jan at acme"}, "not an e-mail address"),
        ({"last_name": "Nowak", "email": "jan@acme"}, "not an e-mail address"),
        ({"last_name": "Nowak", "number_type": "mobile", "number": "call me"}, "is not a telephone number"),
        ({"last_name": "Nowak", "number_type": "shoe", "number": "501234567"}, "none of the possible values"),
        ({"last_name": "Nowak", "stage": "President"}, "not in the list"),
        ({"last_name": "Nowak", "custom.turnover": "a lot"}, "A number is needed"),
        ({"last_name": "Nowak", "country": "XYZ"}, "not written as it should be"),
        ({}, "needs a first name"),
    ],
)
async def test_what_a_form_says_wrongly_is_told_at_its_field_and_nothing_typed_is_lost(
    site: Site, consultant: Person, form: dict[str, str], said: str
) -> None:
    await describe(site)
    async with site.client(consultant.cookies | SAME_SITE) as client:
        for path in ("/contacts", f"/contacts/{(await good(await client.post(CONTACTS, json={'last_name': 'A'})))['id']}"):
            answer = await client.post(path, data={"first_name": "", "city": "Łódź", "version": "1"} | form)
            assert answer.status_code == 422, answer.text[:300]
            assert said in answer.text
            assert "Łódź" in answer.text


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("501 234 567, 22 123 45 67", ["+48501234567", "+48221234567"]),
        ("501234567 / 502234567", ["+48501234567", "+48502234567"]),
        ("501234567 lub 502234567", ["+48501234567", "+48502234567"]),
        ("22 123 45 67 wew. 12", ["+48221234567"]),
        ("22 123 45 67 ext 12", ["+48221234567"]),
        ("22 123 45 67, 12", ["+48221234567"]),
    ],
)
async def test_two_numbers_in_one_field_become_two_and_an_extension_stays_with_its_number(
    site: Site, consultant: Person, typed: str, numbers: list[str]
) -> None:
    async with site.client(consultant.bearer) as client:
        body = {"last_name": "Nowak", "numbers": [{"type": "work", "number": typed}]}
        made = await good(await client.post(CONTACTS, json=body))
        assert [(each["type"], each["e164"]) for each in made["numbers"]] == [("work", each) for each in numbers]


async def test_the_page_shows_both_versions_and_saves_what_was_chosen(site: Site, consultant: Person) -> None:
    await describe(site)
    async with site.client(consultant.cookies | SAME_SITE) as client:
        made = await good(await client.post(CONTACTS, json={"last_name": "Nowak", "city": "Gdynia"}))
        path = f"/contacts/{made['id']}"
        await good(
            await client.put(f"/api/v1{path}", json={"last_name": "Nowak", "city": "Sopot", "postcode": "81-700", "version": 1})
        )
        base = '{"last_name": "Nowak", "city": "Gdynia", "postcode": "", "stage": ""}'
        mine = {
            "last_name": "Nowacka",
            "city": "Hel",
            "stage": "Lead",
            "version": "1",
            "base": base,
            "custom.likes": ["", "Golf"],
        }
        both = await client.post(path, data=mine)
        assert both.status_code == 409
        assert 'value="typed" checked' in both.text.split("take.city")[1]
        assert 'value="stored" checked' in both.text.split("take.postcode")[2][:60]
        chosen = {"take.city": "stored", "take.postcode": "stored", "take.last_name": "typed"}
        saved = await client.post(path, data=mine | chosen | {"version": "2"})
        assert saved.status_code == 303
        now = await good(await client.get(f"/api/v1{path}"))
        assert (now["last_name"], now["city"], now["postcode"], now["stage"]) == ("Nowacka", "Sopot", "81-700", "Lead")
        assert now["custom"] == {"likes": ["Golf"]}


async def test_who_may_not_change_a_contact_reads_it_plainly(site: Site, consultant: Person) -> None:
    async with site.client(consultant.bearer) as client:
        made = await good(
            await client.post(CONTACTS, json={"last_name": "Nowak", "city": "Hel", "numbers": [{"number": "501234567"}]})
        )
    async with site.database.unit_of_work() as uow:
        roles = [AccountRole.CUSTOMER_READER.value]
        await uow.session.execute(update(User).where(User.id == consultant.id).values(accounts=roles))
    async with site.client(consultant.cookies | SAME_SITE) as client:
        page = await client.get(f"/contacts/{made['id']}")
        assert page.status_code == 200
        assert "data-edit" not in page.text
        assert "field-last_name" not in page.text
        assert "Hel" in page.text
        assert (await client.post(f"/contacts/{made['id']}", data={"last_name": "X", "version": "1"})).status_code == 403
        assert (await client.get(f"/contacts/{made['id']}/edit")).headers["location"] == f"/contacts/{made['id']}"


async def test_a_picture_is_uploaded_shown_kept_for_its_person_and_refused_when_it_is_none(
    site: Site, consultant: Person
) -> None:
    written = io.BytesIO()
    Image.new("RGB", (300, 200), "red").save(written, "PNG")
    async with site.client(consultant.bearer) as client:
        made = await good(await client.post(CONTACTS, json={"last_name": "Nowak"}))
        path = f"{CONTACTS}/{made['id']}/avatar"
        assert made["avatar"] is None
        assert (await client.get(path)).status_code == 404
        await good(await client.put(path, files={"file": ("me.png", written.getvalue(), "image/png")}))
        shown = (await good(await client.get(f"{CONTACTS}/{made['id']}")))["avatar"]
        picture = await client.get(shown)
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/webp")
        assert picture.headers["cache-control"].startswith("private")
        again = await client.get(shown, headers={"if-none-match": picture.headers["etag"]})
        assert again.status_code == 304
        for content in (b"<svg/>", b"%PDF-1.7", b""):
            refused = await client.put(path, files={"file": ("me.png", content, "image/png")})
            assert (refused.status_code, refused.json()["error"]["field"]) == (422, "file")
        assert (await client.put(path, files={"file": ("me.png", b"x" * (12 << 20), "image/png")})).status_code == 413
        await good(await client.delete(path))
        assert (await client.get(path)).status_code == 404


async def test_the_settings_pages_add_rename_move_retire_and_bring_back(site: Site) -> None:
    administrator = await site.person("ada", Role.ADMINISTRATOR)
    supervisor = await site.person("sue", Role.SUPERVISOR)
    async with site.client(administrator.cookies | SAME_SITE) as client:
        for name in ("Lead", "Customer"):
            assert (await client.post("/settings/contacts/stage", data={"name": name})).status_code == 303
        twice = await client.post("/settings/contacts/stage", data={"name": "lead"})
        assert (twice.status_code, "in the list already" in twice.text) == (409, True)
        ids = {each["name"]: each["id"] for each in (await good(await client.get("/api/v1/dictionaries/stage")))["items"]}
        path = f"/settings/contacts/stage/{ids['Lead']}"
        for data in (
            {"action": "rename", "name": "Hot lead"},
            {"action": "move", "place": "2"},
            {"action": "retire", "values": "replace", "by": "Customer"},
            {"action": "restore"},
        ):
            assert (await client.post(path, data=data)).status_code == 303, data
        page = await client.get("/settings/contacts/stage")
        assert page.text.index("Customer") < page.text.index("Hot lead")
        assert (await client.post(path, data={"action": "explode"})).status_code == 422
        field = {"name": "Plan", "kind": "choice", "options": "A\nB\n", "required": "1"}
        assert (await client.post("/settings/contacts/fields", data=field)).status_code == 303
        for data in (
            {"action": "rename", "name": "The plan"},
            {"action": "move", "place": "1"},
            {"action": "retire"},
            {"action": "restore"},
        ):
            assert (await client.post("/settings/contacts/fields/1", data=data)).status_code == 303, data
        assert (await client.post("/settings/contacts/fields/1/options", data={"name": "C"})).status_code == 303
        assert "The plan" in (await client.get("/settings/contacts/fields/1/options")).text
        wrong = await client.post("/settings/contacts/fields", data=field | {"name": "Other", "options": ""})
        assert (wrong.status_code, "needs options" in wrong.text) == (422, True)
        assert (await client.get("/settings/contacts/shoes")).status_code == 404
        assert (await client.get("/reports/sources")).status_code == 200
    async with site.client(supervisor.cookies | SAME_SITE) as client:
        assert (await client.get("/settings/contacts/stage")).status_code == 403
        assert (await client.post("/settings/contacts/stage", data={"name": "Mine"})).status_code == 403
        report = await good(await client.get("/api/v1/reports/sources"))
        assert report["items"] == []
