"""`callcenter handset call|wait`: one more customer, on pyVoIP, in a process of its own. Prints what happens; Ctrl-C hangs up."""

import contextlib
import queue
import re
import signal
import socket
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

from pyVoIP.VoIP import CallState, PhoneStatus, VoIPCall

from callcenter.config import Settings, host_port
from telephony.lab import voice
from telephony.lab.accounts import passwords
from telephony.lab.customers import DEMO_NUMBER, HANDSET_NUMBER, handset_number, normal
from telephony.lab.pyvoip_phone import Phone, Sip, eight_bit, has_audio, quiet_threads

COMPLETED, FAILED, USAGE = 0, 1, 2  # exit codes
LONGEST = 1140  # seconds: pyVoIP's packet numbers run out after 21 minutes
_FRAME = 0.02
_RTP_PORTS = 20
_REASONS = {
    403: "The carrier does not allow it.",
    404: "There is no such number.",
    408: "Nobody answered.",
    480: "The number cannot be reached now.",
    486: "It is busy.",
    487: "The call was given up.",
    488: "The other end knows no audio this phone speaks.",
    600: "It is busy.",
    603: "The call was rejected.",
}
Say = Callable[[str], None]


def say_line(sentence: str) -> None:
    """Print a sentence at once."""
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


def call(
    settings: Settings,
    number: str = "",
    *,
    as_number: str = HANDSET_NUMBER,
    seconds: float = 0,
    tone: int = 0,
    record: Path | None = None,
    say: Say = say_line,
) -> int:
    """Call `number` (empty: the demo project's) as the customer `as_number`, speak, then echo what is heard.

    Hangs up after `seconds` (0: when the other end does, or after LONGEST).
    `tone` (Hz) is hummed instead of words; `record` is a WAV file of what was heard. Returns the exit code: 0 the call was
    answered, 1 it was refused or failed, 2 the numbers make no sense.
    """
    _hear_interrupts()
    number = number or DEMO_NUMBER
    if not re.fullmatch(r"\+?[0-9*#]{1,32}", normal(number)):
        say(f"{number} is not a number that can be dialled.")
        return USAGE
    with _registered(settings, as_number, say) as ready:
        if not isinstance(ready, Phone):
            return ready
        say(f"Calling {number}.")
        talk = ready.call(normal(number))
        try:
            answered = _until_answered(ready.sip, talk, say)
            if answered:
                _talk(talk, seconds, tone, record)
        except KeyboardInterrupt:
            answered = talk.state == CallState.ANSWERED
        _put_down(ready, talk, say)
        return COMPLETED if answered else FAILED


def _hear_interrupts() -> None:
    """Take Ctrl-C as such even where a background shell told its children to ignore it."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def wait(
    settings: Settings,
    *,
    as_number: str = HANDSET_NUMBER,
    ring: float = 3,
    seconds: float = 0,
    tone: int = 0,
    record: Path | None = None,
    calls: int = 0,
    say: Say = say_line,
) -> int:
    """Wait for calls to `as_number`, ring `ring` seconds, answer, speak, then echo; until Ctrl-C or `calls` calls (0: no end).

    Returns 0, 1 when it could not register, 2 when the number makes no sense.
    """
    _hear_interrupts()
    waiting: queue.Queue[VoIPCall] = queue.Queue()
    with _registered(settings, as_number, say) as ready:
        if not isinstance(ready, Phone):
            return ready
        ready.on_call(waiting.put)
        say("Waiting for calls. Ctrl-C ends it.")
        taken = 0
        with contextlib.suppress(KeyboardInterrupt):
            while not calls or taken < calls:
                _take(ready, waiting.get(), ring, seconds, tone, record, say)
                taken += 1
    return COMPLETED


def _take(phone: Phone, talk: VoIPCall, ring: float, seconds: float, tone: int, record: Path | None, say: Say) -> None:
    say(f"{talk.request.headers['From']['number']} is calling.")
    if not has_audio(talk):
        phone.turn_down(talk)
        say("Turned down: the caller knows no audio this phone speaks.")
        return
    try:
        until = time.monotonic() + ring
        while time.monotonic() < until and talk.state == CallState.RINGING:
            time.sleep(_FRAME)
        if talk.state == CallState.RINGING:
            talk.answer()
            say("Answered.")
            _talk(talk, seconds, tone, record)
    finally:
        _put_down(phone, talk, say)


@contextlib.contextmanager
def _registered(settings: Settings, as_number: str, say: Say) -> Iterator[Phone | int]:
    """Yield a phone registered at the built-in carrier, or the exit code after saying why there is none."""
    number = normal(as_number)
    server = host_port(settings.lab_sip)
    if not handset_number(number):
        say(f"{as_number} is not a number of the built-in carrier; try {HANDSET_NUMBER}.")
        yield USAGE
        return
    if not _answers(server):
        say(f"The built-in carrier does not answer at {settings.lab_sip}. Start the product with --demo first.")
        yield FAILED
        return
    own = _own_address(server)
    phone = Phone(server, number, passwords(settings.data_dir)["handset"], own, range(own[1] + 2, own[1] + 2 + _RTP_PORTS))
    undo = quiet_threads()
    try:
        phone.start()
        if phone.get_status() == PhoneStatus.REGISTERED:
            say(f"Registered as {number}.")
            yield phone
        else:
            say(f"The carrier did not accept the registration of {number}.")
            yield FAILED
    finally:
        with contextlib.suppress(OSError):
            phone.stop()
        undo()


def _until_answered(sip: Sip, talk: VoIPCall, say: Say) -> bool:
    def waiting() -> bool:
        return bool(talk.state == CallState.DIALING and sip.refused is None)

    while waiting() and not sip.rings:
        time.sleep(_FRAME)
    if sip.rings:
        say("It rings.")
    while waiting():
        time.sleep(_FRAME)
    if sip.refused is not None:
        status, reason = sip.refused
        say(f"{_REASONS.get(status, 'The call failed.')} ({status} {reason})")
        return False
    say("Answered.")  # it may have ended again already: pyVoIP's receiving thread starts a second late
    return True


def _talk(talk: VoIPCall, seconds: float, tone: int, record: Path | None) -> None:
    """Speak, then echo, a frame every 20 ms, until the call or the time is over."""
    speech = eight_bit(voice.tone(tone) if tone else voice.greeting(140))
    heard: list[bytes] = []
    size, position = voice.FRAME, 0
    due = start = time.monotonic()
    try:
        while talk.state == CallState.ANSWERED and due < start + min(seconds or LONGEST, LONGEST):
            frame = talk.read_audio(size, blocking=False)
            if record is not None:
                heard.append(frame)
            if tone:
                position %= len(speech)
            speaking = position < len(speech)
            talk.write_audio(speech[position : position + size].ljust(size, b"\x80") if speaking else frame)
            position += size
            due += _FRAME
            time.sleep(max(0.0, due - time.monotonic()))
    finally:
        if record is not None:
            _write(record, b"".join(heard))


def _put_down(phone: Phone, talk: VoIPCall, say: Say) -> None:
    if talk.state == CallState.ANSWERED:
        talk.hangup()
        say("Hung up.")
    elif talk.state == CallState.RINGING:
        phone.turn_down(talk)
        say("Turned down.")
    elif talk.state == CallState.DIALING and phone.sip.refused is None:
        phone.sip.cancel(talk.request)
        say("Given up.")
        until = time.monotonic() + 2
        while phone.sip.refused is None and time.monotonic() < until:
            time.sleep(_FRAME)
    elif talk.state == CallState.ENDED:
        say("The other end hung up.")


def _write(path: Path, samples: bytes) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(voice.RATE)
        file.writeframes(samples)


def _answers(server: tuple[str, int]) -> bool:
    """Whether something answers SIP there (OPTIONS, three tries in three seconds)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(server)
        probe.settimeout(1)
        host, port = probe.getsockname()
        request = (
            f"OPTIONS sip:{server[0]}:{server[1]} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bKprobe{port};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:probe@{host}>;tag={port}\r\nTo: <sip:{server[0]}>\r\nCall-ID: probe{port}@{host}\r\n"
            "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        )
        for _ in range(3):
            with contextlib.suppress(OSError):  # nobody listens (refused) or nobody answers (time-out)
                probe.send(request.encode())
                return probe.recv(4096).startswith(b"SIP/2.0 ")
    return False


def _own_address(server: tuple[str, int]) -> tuple[str, int]:
    """Return our address towards the carrier, with a free port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(server)
        host, port = probe.getsockname()
        return str(host), int(port)
