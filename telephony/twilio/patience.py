"""How long the carrier waits for what may never come."""

from typing import NamedTuple

from callcenter.phone import LONGEST_WEBHOOK


class Patience(NamedTuple):
    """All in seconds; tests are less patient."""

    webhook: float = LONGEST_WEBHOOK  # a voice webhook is held for so long
    asking: float = 6.0  # a caller who was told to pause for a second asks again within this
    stream: float = 15.0  # from picking up until the audio comes
    ended: float = 3.0  # between the loss of the audio and the word that the call is over
    refusal: float = 3.0  # until a caller whom we refuse has fetched the refusal
    uncertain: float = 5.0  # until a call that may have been dialled says so
    overdue: float = 15.0  # beyond the ring time, until Twilio is asked what became of a call
    silent: float = 10.0  # without a frame of audio, until Twilio is asked whether the call lives
    retry: float = 1.0  # before what did not happen is tried again, doubled each time
    account: float = 30.0  # between two tries to reach an account that cannot be reached
    leftovers: float = 20.0  # between two looks for calls nobody here knows
    text: float = 30.0  # until Twilio is asked what became of a message
    stop: float = 5.0  # for the last requests when the switch stops
