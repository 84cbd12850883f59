"""Every table, in one import, for migrations and tests."""

from callcenter import inbox, jobs
from callcenter.agents import models as agents
from callcenter.calls import models as calls
from callcenter.campaigns import confirmation_models as confirmations
from callcenter.campaigns import lead_models as leads
from callcenter.campaigns import models as campaigns
from callcenter.contacts import bulk_models as contact_bulks
from callcenter.contacts import consent_models as consents
from callcenter.contacts import field_models as contact_fields
from callcenter.contacts import import_models as contact_imports
from callcenter.contacts import index_log as contact_index
from callcenter.contacts import models as contacts
from callcenter.correspondence import models as correspondence
from callcenter.db import Base
from callcenter.files import models as files
from callcenter.meetings import models as meetings
from callcenter.messages import models as messages
from callcenter.privacy import models as privacy
from callcenter.projects import models as projects
from callcenter.roster import models as roster
from callcenter.texts import models as texts
from callcenter.tickets import models as tickets
from callcenter.trunks import models as trunks
from callcenter.users import models as users

__all__ = [
    "Base",
    "agents",
    "calls",
    "campaigns",
    "confirmations",
    "consents",
    "contact_bulks",
    "contact_fields",
    "contact_imports",
    "contact_index",
    "contacts",
    "correspondence",
    "files",
    "inbox",
    "jobs",
    "leads",
    "meetings",
    "messages",
    "privacy",
    "projects",
    "roster",
    "texts",
    "tickets",
    "trunks",
    "users",
]
