"""SIPp, a foreign SIP implementation: scenarios written as short steps, run as a process of its own."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

SIPP = shutil.which("sipp")
PATIENCE = 60  # seconds until a run that hangs is killed

_SDP = (
    "v=0\no=- 1 1 IN IP[local_ip_type] [local_ip]\ns=-\nc=IN IP[media_ip_type] [media_ip]\nt=0 0\n"
    "m=audio 6000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n"
)
_LAST = "[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]\n"


def send(text: str, attributes: str = "") -> str:
    """Return a step that sends a message."""
    return f"<send {attributes}><![CDATA[\n\n{text}\n]]></send>"


def recv(what: str, *, optional: bool = False, extra: str = "") -> str:
    """Return a step that waits for a request (INVITE) or a response (200)."""
    kind = "response" if what.isdigit() else "request"
    return f'<recv {kind}="{what}" {"optional=" + chr(34) + "true" + chr(34) if optional else ""} {extra}/>'


def reply(status: str, *, body: bool = False, more: str = "") -> str:
    """Return a step of a called party that answers the last request."""
    head = (
        f"SIP/2.0 {status}\n"
        + _LAST.format(tag=";tag=[call_number]")
        + "Contact: <sip:[local_ip]:[local_port];transport=[transport]>\n"
        + more
    )
    if body:
        return send(head + "Content-Type: application/sdp\nContent-Length: [len]\n\n" + _SDP, 'retrans="500"')
    return send(head + "Content-Length: 0\n", 'retrans="500"' if status[0] in "3456" else "")


def ok_to_bye() -> str:
    """Return a step that answers BYE."""
    return send("SIP/2.0 200 OK\n" + _LAST.format(tag="") + "Content-Length: 0\n")


def request(
    method: str,
    *,
    body: bool = False,
    sequence: int = 1,
    branch: str = "[branch]",
    tag: str = "[peer_tag_param]",
    retrans: bool = True,
) -> str:
    """Return a step of a calling party."""
    uri = "[next_url]" if method in ("ACK", "BYE") and tag else "sip:[service]@[remote_ip]:[remote_port]"
    text = (
        f"{method} {uri} SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}\n"
        f"From: <sip:+48600100200@[local_ip]:[local_port]>;tag=[pid]c[call_number]\nTo: <sip:[service]@[remote_ip]>{tag}\n"
        f"Call-ID: [call_id]\nCSeq: {sequence} {method}\nContact: <sip:x@[local_ip]:[local_port]>\nMax-Forwards: 70\n"
    )
    text += "Content-Type: application/sdp\nContent-Length: [len]\n\n" + _SDP if body else "Content-Length: 0\n"
    return send(text, 'retrans="500"' if retrans and method != "ACK" else "")


def scenario(folder: Path, *steps: str) -> Path:
    """Write a scenario and return its file."""
    path = folder / "scenario.xml"
    path.write_text('<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="x">\n' + "\n".join(steps) + "\n</scenario>\n")
    return path


@asynccontextmanager
async def running(*arguments: str, cwd: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run SIPp; it is gone when the block ends."""
    command: Sequence[str] = (
        SIPP or "sipp",
        "-nostdin",
        "-i",
        "127.0.0.1",
        "-timeout",
        f"{PATIENCE}s",
        "-timeout_error",
        *arguments,
    )
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdin=null, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def finished(process: asyncio.subprocess.Process) -> str:
    """Wait for SIPp to end well; returns what it printed."""
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE + 10)
    text = output.decode(errors="replace")
    assert process.returncode == 0, text[-3000:]
    return text
