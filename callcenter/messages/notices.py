"""What the person who caused a mail is told of it, while they work."""

from callcenter.db import UnitOfWork
from callcenter.events import Notice
from callcenter.messages.models import Mail

TEST = "test"  # what the mail is about that an administrator sends to see whether any arrive
_PAGES = {"phone_meeting": "/meetings/", "email": "/emails/", "fax": "/emails/"}  # where one reads about what a mail is about


def tell(uow: UnitOfWork, mail: Mail, level: str, sentence: str) -> None:
    """Tell the person who caused a mail what became of it; `sentence` may name {address} and {reason}."""
    if mail.user_id is None:
        return
    page = _PAGES.get(mail.about)
    link = f"{page}{mail.about_id}" if page else ("/messages" if mail.about == TEST else "")
    values = {"address": mail.to_address, "reason": mail.error}
    uow.emit(Notice(level=level, sentence=sentence, values=values, link=link), [mail.user_id])
