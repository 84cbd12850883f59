"""The meetings' state machine: which state may follow which. Pure."""

from callcenter.meetings.models import MeetingState

_S = MeetingState
FOLLOWING: dict[MeetingState, frozenset[MeetingState]] = {
    _S.PLANNED: frozenset({_S.DUE, _S.CANCELLED, _S.RESCHEDULED, _S.MISSED}),
    _S.DUE: frozenset({_S.PLANNED, _S.DIALLING, _S.MISSED, _S.CANCELLED, _S.RESCHEDULED}),
    _S.DIALLING: frozenset({_S.DUE, _S.IN_TALK, _S.RETRY_WAIT, _S.UNCERTAIN, _S.MISSED}),
    # From a talk to a retry: the customer answered in the consultant's time of grace, and the consultant stayed away.
    _S.IN_TALK: frozenset({_S.HELD, _S.NOT_HELD, _S.UNCERTAIN, _S.RETRY_WAIT, _S.MISSED}),
    _S.RETRY_WAIT: frozenset({_S.PLANNED, _S.DUE, _S.DIALLING, _S.MISSED, _S.CANCELLED, _S.RESCHEDULED}),
    _S.UNCERTAIN: frozenset({_S.DUE, _S.RETRY_WAIT, _S.HELD, _S.NOT_HELD, _S.MISSED, _S.CANCELLED, _S.RESCHEDULED}),
    _S.HELD: frozenset({_S.NOT_HELD, _S.RESCHEDULED}),
    _S.NOT_HELD: frozenset({_S.HELD, _S.RESCHEDULED}),
    _S.MISSED: frozenset({_S.RESCHEDULED}),
    _S.RESCHEDULED: frozenset(),
    _S.CANCELLED: frozenset({_S.RESCHEDULED}),
}
OPEN = frozenset({_S.PLANNED, _S.DUE, _S.DIALLING, _S.IN_TALK, _S.RETRY_WAIT, _S.UNCERTAIN})  # somebody has yet to act
DIALLABLE = frozenset({_S.DUE, _S.RETRY_WAIT})  # an attempt may begin


def may_follow(before: MeetingState, after: MeetingState) -> bool:
    """Tell whether a meeting may go from one state to another; staying is allowed."""
    return before is after or after in FOLLOWING[before]
