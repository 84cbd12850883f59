"""Finding the foreign programs and free ports the peer tests need."""

import shutil
import socket

Address = tuple[str, int]


def required(program: str, package: str) -> str:
    """Return the path of a program; a missing one fails the test with the line that installs it."""
    path = shutil.which(program)
    if path is None:
        raise AssertionError(f"{program} is missing. Run: apt-get install -y --no-install-recommends {package}")
    return path


def free_udp_port() -> int:
    """Return a UDP port free on 127.0.0.1 now, even (RTP's rule) and with its odd neighbour free too."""
    for _ in range(200):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second,
        ):
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            if port % 2:
                continue
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise AssertionError("no free pair of UDP ports")
