"""The leads' state machine: which state may follow which. Pure."""

from callcenter.campaigns.lead_models import LeadState

_S = LeadState
FOLLOWING: dict[LeadState, frozenset[LeadState]] = {
    # To done: the disposition of its last call said to try again, and is corrected.
    _S.WAITING: frozenset({_S.SHOWN, _S.DIALLING, _S.DONE, _S.EXHAUSTED, _S.REFUSED, _S.REMOVED}),
    _S.SHOWN: frozenset({_S.WAITING, _S.DIALLING, _S.EXHAUSTED, _S.REFUSED}),
    # From dialling to done: a message was played, or left, and nobody of ours talked.
    _S.DIALLING: frozenset({_S.WAITING, _S.TALKING, _S.DONE, _S.EXHAUSTED, _S.REFUSED, _S.UNCERTAIN}),
    _S.TALKING: frozenset({_S.WAITING, _S.DONE, _S.EXHAUSTED, _S.REFUSED, _S.UNCERTAIN}),
    # The disposition of a call that is over may be corrected.
    _S.DONE: frozenset({_S.WAITING, _S.EXHAUSTED, _S.REFUSED}),
    _S.EXHAUSTED: frozenset({_S.WAITING, _S.DONE, _S.REFUSED, _S.REMOVED}),
    _S.REFUSED: frozenset({_S.WAITING, _S.DONE, _S.EXHAUSTED, _S.REMOVED}),
    # What became of the call may turn out after all: the switch is back and knows it.
    _S.UNCERTAIN: frozenset({_S.WAITING, _S.TALKING, _S.DONE, _S.EXHAUSTED, _S.REFUSED, _S.REMOVED}),
    _S.REMOVED: frozenset({_S.WAITING}),
}
GOING = frozenset({_S.SHOWN, _S.DIALLING, _S.TALKING})  # somebody, or the dialer, has it in hand
OPEN = GOING | {_S.WAITING, _S.UNCERTAIN}  # it may be called yet
PUT_BACK = frozenset({_S.DONE, _S.EXHAUSTED, _S.REFUSED, _S.UNCERTAIN, _S.REMOVED})  # a supervisor may let it be called again


def may_follow(before: LeadState, after: LeadState) -> bool:
    """Tell whether a lead may go from one state to another; staying is allowed."""
    return before is after or after in FOLLOWING[before]
