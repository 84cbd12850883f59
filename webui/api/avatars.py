"""The picture of a contact: read, uploaded, taken away."""

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from callcenter.actor import Actor
from callcenter.contacts import avatars
from callcenter.errors import Invalid
from webui.openapi import operation, routes_of
from webui.validation import Id


async def received(request: Request) -> bytes:
    """Return the picture a form brings in its field `file`; raises Invalid."""
    async with request.form(max_files=1, max_fields=10) as form:
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            raise Invalid("Choose a picture.", field="file")
        content = await upload.read(avatars.LARGEST + 1)
    if not content:
        raise Invalid("Choose a picture.", field="file")
    return content


async def served(request: Request, actor: Actor, contact_id: int) -> Response:
    """Answer with the picture. Browsers keep it for its person: the address of another picture is another."""
    avatar_id, content = await avatars.read(request.app.state.database, actor, contact_id)
    kept = "private, max-age=86400" if request.query_params.get("v") == str(avatar_id) else "private, no-cache"
    tag = f'"{avatar_id}"'
    headers = {"cache-control": kept, "etag": tag, "vary": "Cookie, Authorization"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=avatars.MEDIA_TYPE, headers=headers)


@operation("GET", "/contacts/{contact_id}/avatar", "readAvatar", media_type=avatars.MEDIA_TYPE)
async def read_avatar(request: Request, actor: Actor, contact_id: Id) -> str:
    """The contact's picture, 256 x 256 pixels; 404 when there is none."""
    return await served(request, actor, contact_id)  # type: ignore[return-value]  # sent as it is


@operation("PUT", "/contacts/{contact_id}/avatar", "setAvatar", upload=True, dry_run=False)
async def set_avatar(request: Request, actor: Actor, contact_id: Id) -> None:
    """Upload a picture (PNG, JPEG, WebP or GIF, at most 10 MB) as `file` of a form; it is cut square and drawn anew."""
    await avatars.store(request.app.state.database, actor, contact_id, await received(request))


@operation("DELETE", "/contacts/{contact_id}/avatar", "removeAvatar")
async def remove_avatar(request: Request, actor: Actor, contact_id: Id) -> None:
    """Take the picture away."""
    await avatars.remove(request.app.state.database, actor, contact_id)


ROUTES = routes_of(__name__)
