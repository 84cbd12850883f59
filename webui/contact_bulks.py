"""What can be done to many contacts from the list, joined from the capabilities that can; it goes on in the background."""

from starlette.applications import Starlette

from callcenter.actor import Actor
from callcenter.contacts import bulk
from callcenter.contacts.bulk_acts import ACTS as CONTACT_ACTS
from callcenter.meetings.bulk import plan_many

ACTS: bulk.Acts = {**CONTACT_ACTS, "meetings": plan_many}


def start(app: Starlette, actor: Actor, bulk_id: int) -> None:
    """Let the rest of it go on in the background (imports.ImportWork)."""
    app.state.imports.start(bulk_id, bulk.run(app.state.database, actor, ACTS, bulk_id))
