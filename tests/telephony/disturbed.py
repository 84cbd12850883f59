"""A SIP carrier on a bad network: its datagrams come twice, late, in another order, or not at the first try."""

import threading
from typing import Any

from telephony.sip.trunks import SipCarrier
from tests.telephony.rig import Disturbance

_LATE = 0.2  # seconds


def disturbed(carrier: SipCarrier, how: Disturbance) -> None:
    """Let what `carrier` sends from now on come so. What is lost is every second datagram: SIP sends again."""
    transactions: Any = carrier._engine._transactions
    server = transactions.l4r.server
    send, count = server.send_to, 0

    def later(seconds: float, *what: Any) -> None:
        timer = threading.Timer(seconds, send, what)
        timer.daemon = True
        timer.start()

    def send_to(*what: Any) -> None:
        nonlocal count
        count += 1
        match how:
            case Disturbance.TWICE:
                send(*what)
                send(*what)
            case Disturbance.LATE:
                later(_LATE, *what)
            case Disturbance.REORDERED:
                later(_LATE, *what) if count % 2 else send(*what)
            case Disturbance.LOST:
                if count % 2 == 0:
                    send(*what)

    server.send_to = send_to
