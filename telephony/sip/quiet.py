"""What sippy would print goes to the log instead, without the SIP message (credentials, numbers); and a slow habit cured.

sippy 2.5.0 prints from within its modules and dumps raw messages to standard output on every exception it meets; a
module-level name takes the place of the built-in there. Import this before a message is read.
"""

import sys
from types import ModuleType

import sippy.SipConf
import sippy.SipMsg
import sippy.SipRequest
import sippy.SipURL
import sippy.SipVia
import structlog

log = structlog.get_logger(__name__)


def _printed(*words: object, **_: object) -> None:
    log.debug("sippy_printed", text=" ".join(map(str, words))[:80])


def _dumped(text: str, f: object = None, extra: object = None) -> None:
    error = sys.exc_info()[1]
    log.error("sippy_failed", text=text[:120], error=type(error).__name__, exc_info=error is not None)


def hush(*modules: ModuleType) -> None:
    """Turn the prints and dumps of these modules of sippy into log lines."""
    for module in modules:
        module.print = _printed  # type: ignore[attr-defined]
        if hasattr(module, "dump_exception"):
            module.dump_exception = _dumped  # type: ignore[attr-defined]


def _attributes(thing: object) -> tuple[str, ...]:
    return ("my",) if hasattr(thing, "my") else ()


hush(sippy.SipMsg, sippy.SipRequest, sippy.SipURL)
for _module in (sippy.SipConf, sippy.SipURL, sippy.SipVia):
    # They ask `"my" in dir(thing)` for every address they write: listing all attributes took 80 % of writing a message.
    _module.dir = _attributes
