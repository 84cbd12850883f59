"""Account roles on the users' pages and over the API, what they change at once, and the tab Managers."""

import httpx

from callcenter.actor import EVERY_ACCOUNT, AccountRole, Role
from callcenter.contacts import service as contacts
from callcenter.contacts.forms import ContactInput
from callcenter.events import Notice
from callcenter.inbox import after
from callcenter.users.models import User
from tests.webui.conftest import Person, Site

FORM = {"sec-fetch-site": "same-origin"}


async def roles_of(site: Site, person: Person) -> list[str]:
    async with site.database.reading() as uow:
        return list((await uow.session.get_one(User, person.id)).accounts)


async def contact(site: Site) -> int:
    async with site.database.unit_of_work() as uow:
        return (await contacts.create_contact(uow, ContactInput(first_name="Aneta"), "PL")).id


async def change(client: httpx.AsyncClient, person: Person, **form: object) -> httpx.Response:
    return await client.post(f"/users/{person.id}", data={"name": "Anna", "role": "consultant", **form}, headers=FORM)


async def test_roles_are_ticked_on_the_page_and_count_with_the_next_request(
    site: Site, administrator: Person, consultant: Person
) -> None:
    contact_id = await contact(site)
    async with site.client(administrator.bearer) as admin, site.client(consultant.bearer) as anna:
        page = (await admin.get(f"/users/{consultant.id}")).text
        assert page.count('name="accounts"') == len(AccountRole)
        assert page.count('name="accounts" value="customer_admin" checked') == 1
        assert (await anna.get(f"/contacts/{contact_id}")).status_code == 200
        assert (await change(admin, consultant, accounts=["partner_reader", "customer_manager"])).status_code == 303
        assert await roles_of(site, consultant) == ["customer_manager", "partner_reader"]
        assert (await anna.get(f"/contacts/{contact_id}")).status_code == 404
        assert "their own" in (await admin.get("/users")).text
        await change(admin, consultant)
        assert await roles_of(site, consultant) == []


async def test_without_a_role_the_module_is_not_there(site: Site) -> None:
    nobody = await site.person("nora", accounts=())
    contact_id = await contact(site)
    async with site.client(nobody.bearer) as client:
        for path in ("/contacts", "/contacts/new", f"/contacts/{contact_id}", "/api/v1/contacts", "/api/v1/organisations"):
            answer = await client.get(path)
            assert (path, answer.status_code) == (path, 403)
            assert "no access to contacts and organisations" in answer.text
        desk = (await client.get("/")).text
        assert 'href="/contacts"' not in desk
        assert 'href="/meetings"' in desk


async def test_a_new_user_has_what_is_ticked(site: Site, administrator: Person) -> None:
    async with site.client(administrator.bearer) as client:
        form = {"login": "olga", "name": "Olga", "role": "consultant", "language": "pl", "password": "a long password"}
        refused = await client.post("/users", data={**form, "accounts": ["customer_reader", "nonsense"]}, headers=FORM)
        assert refused.status_code == 422
        assert refused.text.count(" checked") == 1
        made = await client.post("/users", data={**form, "accounts": ["customer_reader"]}, headers=FORM)
        user_id = int(made.headers["location"].rsplit("/", 1)[1])
        assert (await client.get(f"/api/v1/users/{user_id}")).json()["accounts"] == ["customer_reader"]
        changed = await client.put(f"/api/v1/users/{user_id}", json={"accounts": ["partner_admin", "customer_reader"]})
        assert changed.json()["accounts"] == ["customer_reader", "partner_admin"]
        assert (await client.put(f"/api/v1/users/{user_id}", json={"name": "Olga B"})).json()["accounts"] == [
            "customer_reader",
            "partner_admin",
        ]


async def test_messages_that_wait_are_forgotten_with_the_rights(site: Site, administrator: Person, consultant: Person) -> None:
    async with site.database.unit_of_work() as uow:
        uow.emit(Notice(level="info", sentence="About Aneta"), [consultant.id])
    async with site.client(administrator.bearer) as client:
        await client.put(f"/api/v1/users/{consultant.id}", json={"accounts": []})
    async with site.database.reading() as uow:
        assert await after(uow, consultant.id, 0) == []


async def test_managers_are_chosen_in_their_tab(site: Site, administrator: Person) -> None:
    contact_id = await contact(site)
    outsider = await site.person("olaf", accounts=())
    manager = await site.person("mila", accounts=[AccountRole.CUSTOMER_MANAGER])
    path = f"/contacts/{contact_id}/managers"
    async with site.client(administrator.bearer) as client, site.client(manager.bearer) as mila:
        assert f'value="{manager.id}"' in (await client.get(path)).text
        assert (await mila.get(path)).status_code == 404
        chosen = {"user_ids": [str(manager.id), str(outsider.id)]}
        assert (await client.post(path, data=chosen, headers=FORM)).headers["location"] == path
        page = (await client.get(path)).text
        assert page.count("None of their account roles gives access") == 1
        seen = await mila.get(path)
        assert (seen.status_code, "user_ids" in seen.text, "Olaf" in seen.text) == (200, False, True)
        assert (await mila.post(path, data={}, headers=FORM)).status_code == 403
        found = (await client.get(f"/api/v1{path}")).json()
        assert [(each["name"], each["fits"]) for each in found["items"]] == [("Mila", True), ("Olaf", False)]
        assert (await client.post(path, data={"user_ids": ["x"]}, headers=FORM)).status_code == 422
        assert (await client.put(f"/api/v1{path}", json={"user_ids": [999]})).status_code == 422


async def test_who_takes_away_their_own_access_goes_back_to_the_list(site: Site) -> None:
    sue = await site.person("sue", Role.SUPERVISOR, accounts=[AccountRole.CUSTOMER_MANAGER])
    async with site.client(sue.bearer) as client:
        made = (await client.post("/api/v1/contacts", json={"first_name": "Aneta"})).json()
        gone = await client.post(f"/contacts/{made['id']}/managers", data={}, headers=FORM)
        assert gone.headers["location"] == "/contacts"
        assert (await client.get(f"/contacts/{made['id']}")).status_code == 404
    assert sorted(EVERY_ACCOUNT) == ["customer_admin", "partner_admin"]


async def test_who_manages_and_is_no_supervisor_deletes_merges_and_gives_away_nobody(site: Site, administrator: Person) -> None:
    """Through none of the doors: one by one or many at once, on the page or over the API (0014)."""
    mila = await site.person("mila", accounts=[AccountRole.CUSTOMER_MANAGER])
    sue = await site.person("sue", Role.SUPERVISOR, accounts=[AccountRole.CUSTOMER_MANAGER])
    async with site.client(mila.bearer) as client:
        one, other = [(await client.post("/api/v1/contacts", json={"first_name": each})).json() for each in ("Aneta", "Beata")]
        firm = (await client.post("/api/v1/organisations", json={"name": "Firm"})).json()
        for action in ("delete", "add_manager", "set_manager", "remove_manager"):
            form = {"action": action, "manager_id": str(administrator.id), "ids": str(one["id"]), "sure": "1", "query": "f=1"}
            answer = await client.post("/contacts/bulk", data=form, headers=FORM)
            assert "Your account roles do not allow this." in (await client.get(answer.headers["location"])).text
            given = {"action": action, "ids": [one["id"]], "id": administrator.id}
            report = (await client.post("/api/v1/contacts/bulk", json=given)).json()
            assert (report["state"], report["done"], report["refused"]) == ("done", 0, 1), report
        managers = (await client.get(f"/api/v1/contacts/{one['id']}/managers")).json()["items"]
        assert [each["name"] for each in managers] == ["Mila"]
        merged = f"/api/v1/contacts/{one['id']}/merge/{other['id']}"
        versions = {"version": one["version"], "other_version": other["version"]}
        assert (await client.post(merged, json=versions)).status_code == 403
        assert (await client.delete(f"/api/v1/organisations/{firm['id']}?version={firm['version']}")).status_code == 403
        for path in (f"/contacts/{one['id']}", f"/organisations/{firm['id']}"):
            assert "/merge" not in (await client.get(path)).text
    async with site.client(sue.bearer) as client:
        mine = (await client.post("/api/v1/contacts", json={"first_name": "Cela"})).json()
        gone = await client.post("/api/v1/contacts/bulk", json={"action": "delete", "ids": [mine["id"]]})
        assert gone.status_code == 201
        assert gone.json()["done"] == 1
