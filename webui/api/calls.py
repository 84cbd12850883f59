"""Calls: dial, answer, talk, note, and what became of them; pop-ups' acknowledgements; the call-back list."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from starlette.requests import Request

from callcenter import clock
from callcenter.actor import Actor, Role
from callcenter.agents.views import AgentOut
from callcenter.calls import service as calls
from callcenter.calls.views import CallBackOut, CallOut, CallPage, ListeningOut, Stretch, TalkOut
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound
from webui.openapi import operation, routes_of
from webui.validation import Id, In, KeyText, Text


class DialIn(In):
    """Whom to call: a number as typed, and what it is about if known.

    `despite_objection`: call although the customer asked not to be called (409 do_not_contact otherwise); it is audited.
    """

    number: Annotated[str, Field(min_length=1, max_length=100, pattern="^[^\\x00]*$")]
    contact_id: Id | None = None
    project_id: Id | None = None
    despite_objection: bool = False


class CallsQuery(In):
    """Which calls: one's own only, those of a contact; `after` is `next` of the page before."""

    mine: bool = False
    contact_id: Id | None = None
    after: Annotated[str, Field(max_length=100, pattern="^[^\\x00]*$")] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class DigitsIn(In):
    """Keys pressed, one after another."""

    digits: Annotated[str, Field(min_length=1, max_length=32, pattern="^[0-9*#A-D]+$")]


class HoldIn(In):
    """Whether the customer hears music."""

    on: bool


class ListenIn(In):
    """How to be in the call: `listen` (nobody hears one), `whisper` (the consultant does), `barge` (the customer, too)."""

    way: Literal["listen", "whisper", "barge"] = "listen"


class StretchList(BaseModel):
    """Who was in the call beside consultant and customer, in order."""

    items: list[Stretch]


class TalkList(BaseModel):
    """Calls that go on, the longest first."""

    items: list[TalkOut]


class RefusedIn(In):
    """Who shall not call the customer any more: the call's project, or nobody at all."""

    everywhere: bool = False


NoteVersion = Annotated[int, Field(ge=0, le=2_147_483_647)]


class NoteIn(In):
    """The note as typed so far; `version` is the `note_version` it was typed upon."""

    note: Text
    version: NoteVersion | None = None


class DispositionIn(In):
    """What came of the call; `version` is the `note_version` the person saw."""

    disposition_id: Id | None = None
    note: Text = ""
    version: NoteVersion | None = None


class MatchIn(In):
    """Who the customer really is: a contact, an organisation, or nobody known."""

    contact_id: Id | None = None
    organisation_id: Id | None = None


class CallBacksQuery(In):
    """Which missed calls."""

    mine: bool = True
    state: Literal["open", "done"] = "open"


class CallBackList(BaseModel):
    """Missed calls, oldest first."""

    items: list[CallBackOut]


class DoneIn(In):
    """What came of calling back."""

    note: Text = ""


class TakeIn(In):
    """Who takes it over: oneself when null; somebody else for supervisors."""

    user_id: Id | None = None


@operation("POST", "/calls", "dial", errors=(Conflict, Invalid, NotFound), status=201)
async def dial(uow: UnitOfWork, body: DialIn) -> CallOut:
    """Call a number from one's station. Whether it rings, is busy or is answered comes by /live."""
    return await calls.dial(uow, **body.model_dump())


@operation("GET", "/calls", "listCalls")
async def list_calls(uow: UnitOfWork, query: CallsQuery) -> CallPage:
    """Calls, newest first: one's own; all for supervisors."""
    return await calls.list_calls(uow, mine=query.mine, contact_id=query.contact_id, after=query.after or None, limit=query.limit)


@operation("GET", "/calls/{call_id}", "getCall")
async def get_call(uow: UnitOfWork, call_id: KeyText) -> CallOut:
    """One call."""
    return await calls.get_call(uow, call_id)


@operation("POST", "/calls/{call_id}/answer", "answerCall", errors=(Conflict,))
async def answer_call(uow: UnitOfWork, call_id: KeyText) -> CallOut:
    """Take the call that is offered."""
    return await calls.answer(uow, call_id)


@operation("POST", "/calls/{call_id}/decline", "declineCall", errors=(Conflict,))
async def decline_call(uow: UnitOfWork, call_id: KeyText) -> CallOut:
    """Let the offered call go to somebody else."""
    return await calls.decline(uow, call_id)


@operation("POST", "/calls/{call_id}/hang-up", "hangUpCall", errors=(Conflict,))
async def hang_up_call(uow: UnitOfWork, call_id: KeyText) -> CallOut:
    """End the call."""
    return await calls.hang_up(uow, call_id)


@operation("POST", "/calls/{call_id}/dtmf", "sendDtmf", errors=(Conflict,))
async def send_dtmf(uow: UnitOfWork, call_id: KeyText, body: DigitsIn) -> None:
    """Press keys."""
    await calls.send_dtmf(uow, call_id, body.digits)


@operation("POST", "/calls/{call_id}/hold", "holdCall", errors=(Conflict,))
async def hold_call(uow: UnitOfWork, call_id: KeyText, body: HoldIn) -> CallOut:
    """Put the customer on hold, or take them back."""
    return await calls.hold(uow, call_id, body.on)


@operation("GET", "/listening", "listTalks", role=Role.SUPERVISOR)
async def list_talks(uow: UnitOfWork) -> TalkList:
    """Consultants' calls that go on, of those one may listen to: of the projects one serves; all for administrators."""
    return TalkList(items=await calls.talks(uow))


@operation("GET", "/calls/{call_id}/listening", "listListening")
async def list_listening(uow: UnitOfWork, call_id: KeyText) -> StretchList:
    """Which supervisors were in the call, how, from when to when; consultants read those of whom they were told."""
    return StretchList(items=await calls.listenings(uow, call_id))


@operation("PUT", "/calls/{call_id}/listening", "listenToCall", role=Role.SUPERVISOR, errors=(Conflict, NotFound))
async def listen_to_call(uow: UnitOfWork, call_id: KeyText, body: ListenIn) -> ListeningOut:
    """Listen to a consultant's running call, whisper to them or barge in; from one way to another as often as one likes.

    One is in one call at most, and gets no calls meanwhile. Audited; the consultant is told where their project says so.
    """
    return await calls.listen(uow, call_id, body.way)


@operation("DELETE", "/calls/{call_id}/listening", "stopListening", role=Role.SUPERVISOR)
async def stop_listening(uow: UnitOfWork, call_id: KeyText) -> AgentOut:
    """Leave the call; one's state is again what it was."""
    return await calls.stop_listening(uow, call_id)


@operation("PUT", "/calls/{call_id}/do-not-call", "doNotCallAgain", errors=(Invalid,))
async def do_not_call_again(uow: UnitOfWork, call_id: KeyText, body: RefusedIn) -> CallOut:
    """Put the number of one's call on the project's do-not-call list.

    `everywhere`: on everybody's, and as the contact's objection.
    """
    return await calls.do_not_call(uow, call_id, everywhere=body.everywhere)


@operation("PUT", "/calls/{call_id}/disposition", "setDisposition", errors=(Conflict,))
async def set_disposition(uow: UnitOfWork, call_id: KeyText, body: DispositionIn) -> CallOut:
    """Say what came of the call, with the note that stands."""
    return await calls.set_disposition(uow, call_id, body.disposition_id, body.note, body.version)


@operation("PUT", "/calls/{call_id}/draft", "saveDraft", errors=(Conflict,))
async def save_draft(uow: UnitOfWork, call_id: KeyText, body: NoteIn) -> CallOut:
    """Keep the note as typed so far."""
    return await calls.save_draft(uow, call_id, body.note, body.version)


@operation("PUT", "/calls/{call_id}/contact", "changeMatch", errors=(Conflict,))
async def change_match(uow: UnitOfWork, call_id: KeyText, body: MatchIn) -> CallOut:
    """Say who the customer really is; the call and its note move along."""
    return await calls.change_match(uow, call_id, body.contact_id, body.organisation_id)


@operation("POST", "/offers/{offer_id}/shown", "popUpShown")
async def pop_up_shown(request: Request, actor: Actor, offer_id: KeyText) -> None:
    """The browser's own word that the pop-up is drawn; stamped now, written a moment later with others."""
    request.app.state.live.stamps.shown(actor, offer_id, clock.monotonic())


@operation("GET", "/call-backs", "listCallBacks")
async def list_call_backs(uow: UnitOfWork, query: CallBacksQuery) -> CallBackList:
    """Missed calls: one's own, or all one may take."""
    return CallBackList(items=await calls.call_backs(uow, mine=query.mine, state=query.state))


@operation("POST", "/call-backs/{call_back_id}/done", "finishCallBack", errors=(Conflict,))
async def finish_call_back(uow: UnitOfWork, call_back_id: Id, body: DoneIn) -> CallBackOut:
    """Mark a missed call as dealt with."""
    return await calls.finish_call_back(uow, call_back_id, body.note)


@operation("POST", "/call-backs/{call_back_id}/take", "takeCallBack", errors=(Conflict,))
async def take_call_back(uow: UnitOfWork, call_back_id: Id, body: TakeIn) -> CallBackOut:
    """Own a missed call."""
    return await calls.take_call_back(uow, call_back_id, body.user_id)


ROUTES = routes_of(__name__)
