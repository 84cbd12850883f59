"""Every table, in one import, for migrations and tests."""

from callcenter import inbox, jobs
from callcenter.agents import models as agents
from callcenter.calls import models as calls
from callcenter.contacts import models as contacts
from callcenter.db import Base
from callcenter.meetings import models as meetings
from callcenter.messages import models as messages
from callcenter.projects import models as projects
from callcenter.roster import models as roster
from callcenter.texts import models as texts
from callcenter.trunks import models as trunks
from callcenter.users import models as users

__all__ = [
    "Base",
    "agents",
    "calls",
    "contacts",
    "inbox",
    "jobs",
    "meetings",
    "messages",
    "projects",
    "roster",
    "texts",
    "trunks",
    "users",
]
