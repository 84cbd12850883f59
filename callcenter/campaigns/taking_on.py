"""Calls that only ask for a consent: blocked until an administrator takes them on, in writing."""

from callcenter.actor import Role
from callcenter.campaigns.models import Campaign
from callcenter.contacts.consents import ASKING
from callcenter.contacts.text import clean_lines
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.projects.models import Project
from callcenter.users.service import audit

SHORTEST, LONGEST = 20, 2000  # characters of a ground


async def take_on(uow: UnitOfWork, campaign_id: int, ground: str) -> Campaign:
    """Write down why a campaign may call people only to ask for their consent; "" takes it back (administrators, audited).

    Raises Conflict for a campaign of a project that is for something else, Invalid for a ground that says nothing.
    """
    uow.actor.require(Role.ADMINISTRATOR)
    campaign = await uow.session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound("There is no such campaign.")
    project = await uow.session.get_one(Project, campaign.project_id)
    words = clean_lines(ground)
    if words and project.purpose != ASKING:
        raise Conflict("The project {project} is not for asking for consents.", project=project.name)
    if words and not SHORTEST <= len(words) <= LONGEST:
        raise Invalid(
            "Write in {least} to {most} characters why these calls are lawful.", field="ground", least=SHORTEST, most=LONGEST
        )
    if words != campaign.asks_consent:
        audit(uow, "campaign.taken_on", "campaign", campaign.id, ground=words, before=campaign.asks_consent)
        campaign.asks_consent, campaign.updated_at, campaign.version = words, uow.now, campaign.version + 1
        await uow.session.flush()
    return campaign
