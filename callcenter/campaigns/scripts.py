"""What the consultant reads out: the opening that must be said, pinned above the campaign's script with the lead's fields."""

import re
from typing import Any, NamedTuple

from sqlalchemy import or_, select, update

from callcenter.actor import Role
from callcenter.campaigns import changes, forms
from callcenter.campaigns.formatting import to_html, without_marks
from callcenter.campaigns.lead_models import Lead, LeadNumber
from callcenter.campaigns.models import Campaign
from callcenter.contacts.models import Contact
from callcenter.contacts.text import words
from callcenter.contacts.visibility import may_see
from callcenter.correspondence import fields, rendering
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid, Merged, NotFound
from callcenter.events import Notice
from callcenter.projects.models import Project
from callcenter.users.service import audit, supervisors

_CAMPAIGN = ("name", "company", "on_behalf_of", "about")
_OF_LEADS = ("name", "number", "numbers")
_LOOKED_AT = 100  # leads, for the fields they have
_LEAD_FIELD = re.compile(r"\blead\.([^\W\d]\w{0,99})")
_EXPRESSION = re.compile(r"\{\{(.{0,300}?)\}\}", re.DOTALL)
_STATEMENT = re.compile(r"\{%.{0,300}?%\}|\{#.{0,3000}?#\}", re.DOTALL)


class Opening(NamedTuple):
    """Who calls, on whose behalf, and what about: said first, always."""

    company: str
    on_behalf_of: str
    about: str


class Script(NamedTuple):
    """What is shown. `problem`: why the script stands there without the lead's fields, a sentence with `values`; "": none."""

    opening: Opening
    html: str
    problem: str = ""
    values: dict[str, Any] = {}


class _Row(dict[str, Any]):
    """A lead's fields: files differ, so every name is one; it is empty where the lead has none."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return ""


class _Sample(_Row):
    """The fields of a lead that does not exist: each shows its name."""

    def __missing__(self, name: str) -> str:
        return f"[{name}]"


async def check(uow: UnitOfWork, source: str) -> None:
    """Raise Invalid (field script) with the line at fault unless a script may be kept."""
    rendering.check(without_marks(source), await _known(uow), "script")


async def render(uow: UnitOfWork, campaign: Campaign, lead: Lead | None) -> Script:
    """Return the script for a lead as the actor may read it; None: for one made up. Never fails for what the script says."""
    opening = Opening(campaign.company, campaign.on_behalf_of, campaign.about)
    source = without_marks(campaign.script)
    try:
        shown = rendering.render(source, await _values(uow, campaign, lead), "script", marked=True)
    except Invalid as error:
        return Script(opening, to_html(_plainly(source)), error.sentence, dict(error.values))
    return Script(opening, to_html(shown))


async def shown(uow: UnitOfWork, campaign: Campaign, lead: Lead) -> Script:
    """Return the script for the consultant who is the actor; supervisors are told, once, when it fails."""
    script = await render(uow, campaign, lead)
    if script.problem:
        await _report(uow, campaign, lead, script)
    return script


async def preview(uow: UnitOfWork, campaign_id: int, typed: forms.Opening) -> Script:
    """Return how an opening and a script that are not saved would look for a lead of the campaign (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    campaign = await changes.stored(uow, campaign_id)
    unsaved = Campaign(project_id=campaign.project_id, name=campaign.name, **typed.model_dump())
    return await render(uow, unsaved, await _sample(uow, campaign_id))


async def unknown_fields(uow: UnitOfWork, campaign: Campaign) -> list[str]:
    """Return the fields of leads that the script names and none of the first leads has; none while there is no lead."""
    named = list(dict.fromkeys(_LEAD_FIELD.findall(campaign.script)))
    query = select(Lead.fields).where(Lead.campaign_id == campaign.id).order_by(Lead.state, Lead.id).limit(_LOOKED_AT)
    rows = list(await uow.session.scalars(query)) if named else []
    known = {*_OF_LEADS, *(key_of(name) for row in rows for name in row)}
    return [name for name in named if rows and name not in known]


async def known_fields(uow: UnitOfWork, campaign: Campaign) -> list[str]:
    """Return what a script of the campaign may name, as it is written there: lead.name, contact.first_name, user.name ..."""
    query = select(Lead.fields).where(Lead.campaign_id == campaign.id).order_by(Lead.state, Lead.id).limit(_LOOKED_AT)
    columns = dict.fromkeys(key_of(name) for row in await uow.session.scalars(query) for name in row)
    known = await _known(uow) | {"lead": dict.fromkeys([*_OF_LEADS, *columns], "")}
    return [each for group, names in known.items() for each in _paths(group, names)]


def key_of(name: str) -> str:
    """Return how a script names a lead's field: "Date of birth" is lead.date_of_birth."""
    key = "_".join(words(name)) or "field"
    return f"field_{key}" if key[0].isdigit() else key


def _paths(group: str, value: Any) -> list[str]:
    return [each for name in value for each in _paths(f"{group}.{name}", value[name])] if isinstance(value, dict) else [group]


def _plainly(source: str) -> str:
    """Return a script nobody could fill in, as a person can still read it out: fields in brackets, conditions left out."""
    return _EXPRESSION.sub(lambda found: f"[{found[1].strip(' -')}]", _STATEMENT.sub("", source))


async def _known(uow: UnitOfWork) -> dict[str, Any]:
    known = await fields.known(uow)
    del known["user"]["signature"]
    return {"lead": _Row(name="", number="", numbers=[]), **known, "campaign": dict.fromkeys(_CAMPAIGN, "")}


async def _values(uow: UnitOfWork, campaign: Campaign, lead: Lead | None) -> dict[str, Any]:
    """Return the fields of a lead, of its contact if the actor may see it, and of whom it is called for."""
    project = await uow.session.get(Project, campaign.project_id)
    own = {"campaign": {name: getattr(campaign, name) for name in _CAMPAIGN}}
    if lead is None:
        values = await fields.of_whom(uow, None, project)
        sample = {name: f"[{name}]" if value == "" else value for name, value in values["contact"].items()}
        return {**values, **own, "contact": sample, "lead": _Sample(numbers=["[number]"])}
    try:
        values = await fields.of_whom(uow, lead.contact_id, project)
    except (NotFound, Merged):  # an account that is not for this person: nothing of it is said
        return {**await fields.of_whom(uow, None, project), **own, "lead": _Row(numbers=[])}
    query = select(LeadNumber.number).where(LeadNumber.lead_id == lead.id).order_by(LeadNumber.position)
    numbers = list(await uow.session.scalars(query))
    row = {key_of(name): value if isinstance(value, int | float) else str(value) for name, value in lead.fields.items()}
    return {**values, **own, "lead": _Row(row | {"name": lead.name, "number": next(iter(numbers), ""), "numbers": numbers})}


async def _sample(uow: UnitOfWork, campaign_id: int) -> Lead | None:
    """Return a lead whose contact the actor may see, if there is one."""
    query = select(Lead).outerjoin(Contact, Contact.id == Lead.contact_id).where(Lead.campaign_id == campaign_id)
    query = query.where(or_(Lead.contact_id.is_(None), may_see(uow.actor))).order_by(Lead.state, Lead.id).limit(1)
    return await uow.session.scalar(query)


async def _report(uow: UnitOfWork, campaign: Campaign, lead: Lead, script: Script) -> None:
    """Write down that the script failed, unless that is known: it would fail for many leads one after the other."""
    note = update(Campaign).where(Campaign.id == campaign.id, Campaign.script_problem == "")
    values = {"script_problem": script.problem, "script_problem_values": script.values, "script_problem_at": uow.now}
    found = await uow.session.execute(note.values(**values).returning(Campaign.id))
    if found.first() is None:
        return
    audit(uow, "campaign.script_failed", "campaign", campaign.id, lead_id=lead.id, sentence=script.problem, values=script.values)
    sentence = "The script of {campaign} could not be shown as written: consultants see it without the lead's fields."
    notice = Notice(
        level="warning", sentence=sentence, values={"campaign": campaign.name}, link=f"/campaigns/{campaign.id}/script"
    )
    uow.emit(notice, await supervisors(uow))
