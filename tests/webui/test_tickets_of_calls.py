"""Tickets made of calls, on the pages and through the API: the button, what the ticket shows to whom, and what is refused."""

from callcenter import clock
from callcenter.calls import entries
from callcenter.calls.models import Call
from callcenter.contacts import service as contacts
from callcenter.contacts.forms import ContactInput
from tests.webui.conftest import Person, Site
from tests.webui.test_tickets_api import good, refused, usual

__all__ = ["usual"]  # a fixture


async def ended_call(site: Site, consultant: Person) -> tuple[int, str]:
    """Write a contact and a call with them that the consultant had; returns both ids."""
    async with site.database.unit_of_work() as uow:
        jan = await contacts.create_contact(uow, ContactInput(first_name="Jan", last_name="Kowal"), "PL")
        times = {"started_at": uow.now, "answered_at": uow.now, "ended_at": uow.now}
        call = Call(
            id=clock.new_id(), direction="inbound", state="ended", user_id=consultant.id, contact_id=jan.id, number="+48601234567"
        )
        for name, at in times.items():
            setattr(call, name, at)
        call.talk_seconds, call.end_reason = 5, "completed"
        uow.session.add(call)
        await uow.session.flush()
        await entries.write(uow, call)
        return jan.id, call.id


async def test_a_ticket_is_made_from_the_calls_page_and_names_it_for_who_may_see_it(
    site: Site, usual: dict[str, int], consultant: Person, supervisor: Person
) -> None:
    jan, call_id = await ended_call(site, consultant)
    new = f"/tickets/new?call={call_id}"
    async with site.client({**consultant.cookies, "sec-fetch-site": "same-origin"}) as client:
        for path in (f"/calls/{call_id}", f"/contacts/{jan}/timeline"):
            assert new in (await client.get(path)).text, path
        form = (await client.get(new)).text
        assert "It will name the call it came of" in form
        assert "It will be Jan Kowal's." in form
        said = {"title": "Kettle", "kind_id": str(usual["Complaint"]), "priority": "normal", "call_id": call_id}
        again = await client.post("/tickets", data={**said, "title": ""})
        assert again.status_code == 422
        assert f'name="call_id" value="{call_id}"' in again.text, "still known after a mistake"
        made = await client.post("/tickets", data=said)
        assert made.status_code == 303
        page = made.headers["location"].partition("?")[0]
        ticket = (await client.get(page)).text
        assert f"/calls/{call_id}" in ticket
        assert f"/contacts/{jan}" in ticket
        line = (await client.get(f"/contacts/{jan}/timeline?kind=ticket")).text
        assert "Ticket opened" in line
        assert f'<a href="/calls/{call_id}">from a call</a>' in line
    colleague = await site.person("celia")
    async with site.client(colleague.cookies) as client:
        assert new not in (await client.get(f"/contacts/{jan}/timeline")).text
        assert (await client.get(new)).status_code == 404
        text = (await client.get(page)).text
        assert "From a call of a colleague" in text
        assert f"/calls/{call_id}" not in text
    async with site.client(supervisor.cookies) as client:
        assert f"/calls/{call_id}" in (await client.get(page)).text


async def test_a_script_names_a_call_it_may_see_and_no_other(site: Site, usual: dict[str, int], consultant: Person) -> None:
    jan, call_id = await ended_call(site, consultant)
    body = {"title": "Kettle", "kind_id": usual["Complaint"], "call_id": call_id}
    async with site.client(consultant.bearer) as client:
        made = await good(client.post("/api/v1/tickets", json=body))
        assert (made["call_id"], made["contact_id"]) == (call_id, jan)
        for wrong in ("0" * 32, "", "x" * 65, "a b", 7):
            assert (await refused(client.post("/api/v1/tickets", json=body | {"call_id": wrong})))["field"] == "call_id"
    colleague = await site.person("celia")
    async with site.client(colleague.bearer) as client:
        assert (await refused(client.post("/api/v1/tickets", json=body)))["field"] == "call_id"
