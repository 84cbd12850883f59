"""The words of the port: why a leg ended, what a port is in a bridge, what can be heard."""

import enum
from dataclasses import dataclass
from typing import Literal


class EndReason(enum.StrEnum):
    """Why a leg or call ended, the same words for every carrier."""

    COMPLETED = "completed"  # it was answered, and somebody hung up
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    CANCELLED = "cancelled"  # the calling side gave up before an answer
    UNREACHABLE = "unreachable"  # wrong number, switched off, no route
    FAILED = "failed"  # carrier or switch trouble
    DROPPED = "dropped"  # of calls only: the consultant was gone for good while the customer was on the line
    ABANDONED = "abandoned"  # of calls only: it was dialled without a consultant, answered, and nobody was free


class PortRole(enum.StrEnum):
    """What a port is in a bridge; who hears whom follows from it."""

    CUSTOMER = "customer"
    AGENT = "agent"
    SUPERVISOR = "supervisor"


class Way(enum.StrEnum):
    """How a supervisor is in a bridge: who hears them. They hear everybody, but supervisors who only listen."""

    LISTEN = "listen"  # nobody
    WHISPER = "whisper"  # the agent, and other supervisors
    BARGE = "barge"  # everybody


class Sound(enum.StrEnum):
    """What the switch can play to a port by itself."""

    SILENCE = "silence"
    MUSIC = "music"
    RINGBACK = "ringback"
    BUSY_TONE = "busy_tone"


@dataclass(frozen=True, slots=True)
class Member:
    """A port in a bridge: a carrier leg or a consultant's station. `way` counts for supervisors only."""

    port: Literal["leg", "station"]
    id: str
    role: PortRole
    way: Way = Way.LISTEN


@dataclass(frozen=True, slots=True)
class Quality:
    """What a leg's audio was like: packets each way, lost and late from the far end, jitter in milliseconds (RFC 3550)."""

    received: int = 0
    sent: int = 0
    lost: int = 0
    jitter_ms: float = 0.0
    foreign: int = 0  # packets from an address that was not the latched one
    law: str = ""


@dataclass(frozen=True, slots=True)
class Announced:
    """How much of an announcement (Announce) was played to a leg, in milliseconds; `of_ms` 0: it could not be played."""

    played_ms: int
    of_ms: int


@dataclass(frozen=True, slots=True)
class Listening:
    """When somebody who answered is taken for a person or for a machine, by their sound; milliseconds since the answer.

    A person says a few words and waits: `pause_ms` of silence after at most `greeting_ms` of speech. A machine speaks longer,
    or says more than `words` words (bursts of speech at least `word_ms` long), or nothing for `silence_ms` (0: that says
    nothing), or beeps. After `most_ms` nothing was found out.
    """

    pause_ms: int = 600
    greeting_ms: int = 2400
    words: int = 6
    word_ms: int = 100
    silence_ms: int = 0
    most_ms: int = 6000
