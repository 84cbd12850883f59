"""A campaign's evidence as a file, sent as it is written."""

from starlette.requests import Request
from starlette.responses import StreamingResponse

from callcenter.actor import Actor
from callcenter.campaigns import evidence
from callcenter.db import Database

_TYPES = {"csv": "text/csv", "json": "application/json"}


async def send(request: Request, actor: Actor, campaign_id: int, kind: evidence.Format) -> StreamingResponse:
    """Send it, noted in the audit trail; raises NotFound before the first piece."""
    database: Database = request.app.state.database
    async with database.unit_of_work(actor) as uow:
        await evidence.begin(uow, campaign_id, kind)
    headers = {
        "content-disposition": f'attachment; filename="campaign-{campaign_id}-evidence.{kind}"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return StreamingResponse(evidence.pieces(database, actor, campaign_id, kind), media_type=_TYPES[kind], headers=headers)
