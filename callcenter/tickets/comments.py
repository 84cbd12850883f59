"""What people say about a ticket, in order; correctable by who said it, with the old text kept."""

from callcenter.contacts import text as texts
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid, NotFound, NotPermitted
from callcenter.tickets import log, rows, views
from callcenter.tickets.forms import TicketCommentOut
from callcenter.tickets.models import TicketComment
from callcenter.users.models import User
from callcenter.users.service import audit

LONGEST = 20_000


async def add(uow: UnitOfWork, ticket_id: int, text: str) -> TicketCommentOut:
    """Say something about a ticket one may see; its assignee is told, and the customer's timeline."""
    ticket, text = await rows.held(uow, ticket_id), _text(text)
    comment = TicketComment(ticket_id=ticket.id, user_id=uow.actor.user_id, at=uow.now, text=text, before=[])
    uow.session.add(comment)
    await uow.session.flush()
    ticket.updated_at = uow.now
    log.write(uow, ticket, "comment", comment_id=comment.id)
    audit(uow, "ticket.commented", "ticket", ticket.id, comment_id=comment.id)
    said = log.beginning(text)
    await log.on_timeline(uow, ticket, "comment", f"{log.label(ticket)}: {said}", comment_id=comment.id, comment=said)
    await log.tell_commented(uow, ticket)
    log.tell(uow, ticket)
    return views.comment(comment, uow.actor.name)


async def correct(uow: UnitOfWork, ticket_id: int, comment_id: int, text: str) -> TicketCommentOut:
    """Put one's own comment right; what it said before is kept. Raises NotPermitted for somebody else's."""
    ticket = await rows.held(uow, ticket_id)
    comment = await uow.session.get(TicketComment, comment_id, populate_existing=True)
    if comment is None or comment.ticket_id != ticket.id:
        raise NotFound("There is no such comment.")
    if comment.user_id is None or comment.user_id != uow.actor.user_id:
        raise NotPermitted("Only who wrote a comment may correct it.")
    text = _text(text)
    if text != comment.text:
        written = comment.edited_at or comment.at
        comment.before = [*comment.before, {"text": comment.text, "at": written.isoformat()}]
        comment.text, comment.edited_at = text, uow.now
        log.write(uow, ticket, "comment", comment_id=comment.id, corrected=True)
        audit(uow, "ticket.comment_corrected", "ticket", ticket.id, comment_id=comment.id)
        log.tell(uow, ticket)
    user = await uow.session.get(User, comment.user_id)
    return views.comment(comment, user.name if user else "")


def _text(text: str) -> str:
    text = texts.clean_lines(text)
    if not text:
        raise Invalid("A comment needs a text.", field="text")
    if len(text) > LONGEST:
        raise Invalid("A comment has at most {most} characters.", field="text", most=LONGEST)
    return text
