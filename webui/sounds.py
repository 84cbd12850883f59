"""A sound somebody sends: the same field of the same kind of form, wherever one is kept."""

from starlette.datastructures import UploadFile
from starlette.requests import Request

from callcenter.errors import Invalid
from webui import views
from webui.errors import WrongType


async def sent(request: Request) -> bytes:
    """Return the octets of the field `file`; raises WrongType for anything but a form with files, Invalid when there is none."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise WrongType("Send the file as multipart/form-data.")
    form = await views.form(request)
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise Invalid("Choose a WAV file.", field="file")
        return await file.read()
    finally:
        await form.close()
