"""Telling people of many meetings at once, without a message for each of them."""

from collections import Counter

from callcenter.db import Outgoing, UnitOfWork
from callcenter.events import MeetingAssigned, MeetingChanged

ENOUGH = 6  # changes: of more than five a calendar reads all anew (webui/static/app/calendar.js)


def thin_out(uow: UnitOfWork, *, assigned: int = 1) -> None:
    """Keep of what a transaction tells each person the first changes, enough to read lists anew, and the first `assigned`.

    Two hundred meetings of a series given to a consultant are one sentence on their page, not two hundred.
    """
    told: Counter[tuple[str, bool, int]] = Counter()
    kept: list[Outgoing] = []
    for each in uow.committed.outgoing:
        match each.event:
            case MeetingChanged():
                most, taken = ENOUGH, False
            case MeetingAssigned():
                most, taken = assigned, each.event.taken
            case _:
                kept.append(each)
                continue
        people = []
        for user_id in each.recipients or ():
            told[each.event.TYPE, taken, user_id] += 1
            if told[each.event.TYPE, taken, user_id] <= most:
                people.append(user_id)
        if people:
            kept.append(Outgoing(each.event, tuple(people)))
    uow.committed.outgoing[:] = kept
