"""What finds a meeting by its beginning: the words of what is searched, kept beside it (docs/decisions/0004-search.md)."""

from collections.abc import Set

from sqlalchemy import Text, bindparam, delete, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, UOWTransaction, mapped_column

from callcenter.db import Base


class MeetingTerm(Base):
    """What finds a meeting by its beginning: each word of its `folded` (search.terms; docs/decisions/0004-search.md).

    Written by the flush that writes the meeting (models.py). No foreign key: it would ask for an index by meeting, a term whose
    meeting is gone finds nothing, and one that is no longer true is seen by `folded`.
    """

    __tablename__ = "phone_meeting_terms"
    __table_args__ = ({"sqlite_with_rowid": False},)
    term: Mapped[str] = mapped_column(Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True)
    meeting_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


_ADD = {each.dialect.name: each.insert(MeetingTerm).on_conflict_do_nothing() for each in (sqlite, postgresql)}
_DROP = delete(MeetingTerm).where(MeetingTerm.term == bindparam("gone"), MeetingTerm.meeting_id == bindparam("of"))
_NOTED = "meeting_terms"  # in Session.info: of the flush that runs, those that go and those that come


def note(session: Session, meeting_id: int, before: Set[str], after: Set[str]) -> None:
    """Let the flush that runs bring the terms of a meeting up to date, together with those of others it writes."""
    gone, come = session.info.setdefault(_NOTED, ([], []))
    gone += [{"gone": term, "of": meeting_id} for term in sorted(before - after)]
    come += [{"term": term, "meeting_id": meeting_id} for term in sorted(after - before)]


@event.listens_for(Session, "before_flush")
def _forget(session: Session, _context: UOWTransaction, _instances: object) -> None:
    """Forget what a flush that failed has left."""
    session.info.pop(_NOTED, None)


@event.listens_for(Session, "after_flush")
def _write(session: Session, _context: UOWTransaction) -> None:
    gone, come = session.info.pop(_NOTED, ([], []))
    if gone:
        session.connection().execute(_DROP, gone)
    if come:
        connection = session.connection()
        connection.execute(_ADD[connection.dialect.name], come)
