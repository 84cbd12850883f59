"""Files of numbers not to be called, started from a page or the API; the work goes on in the background."""

import asyncio

from starlette.datastructures import FormData
from starlette.requests import Request

from callcenter.actor import Actor, Role
from callcenter.contacts import number_lists
from callcenter.contacts.consent_models import NumberList
from callcenter.db import Database
from callcenter.errors import Invalid
from callcenter.projects.models import Project
from webui import imports as background


async def upload(request: Request, actor: Actor, form: FormData) -> NumberList:
    """Start to read the form's `file` onto the list of `project_id` ("": everybody's); returns it as it begins."""
    try:
        return await _upload(request, actor, form)
    finally:
        await form.close()


async def _upload(request: Request, actor: Actor, form: FormData) -> NumberList:
    actor.require(Role.SUPERVISOR)
    sent, _ = background.sent_file(form)
    database: Database = request.app.state.database
    async with database.unit_of_work(actor) as uow:
        project = None
        if (wanted := form.get("project_id") or "") != "":
            number = int(wanted) if isinstance(wanted, str) and wanted.isascii() and wanted.isdigit() and len(wanted) < 10 else 0
            project = await uow.session.get(Project, number)
            if project is None:
                raise Invalid("There is no such project.", field="project_id")
        region = project.region if project else database.settings.region
        made = await number_lists.create(uow, project.id if project else None, background.file_name(sent))
    file = database.settings.data_dir / "imports" / f"numbers-{made.id}.file"
    await asyncio.to_thread(background.keep, sent, file)
    request.app.state.imports.start(made.id, number_lists.read(database, actor, made.id, file, region), file)
    return made
