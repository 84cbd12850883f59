"""SIPp scenarios, one function per role: what the test wants is said in arguments, the XML is written here.

Keys SIPp fills in at run time (-key): dialled, caller. `-rtp_echo` echoes on [media_port].
"""

from collections.abc import Sequence

_SDP = """v=0
o=sipp 1 [call_number] IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio {port} RTP/AVP {types} 101
{maps}
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a={direction}"""
_MAPS = {"pcmu": (0, "a=rtpmap:0 PCMU/8000"), "pcma": (8, "a=rtpmap:8 PCMA/8000")}


def sdp(laws: Sequence[str] = ("pcma", "pcmu"), *, direction: str = "sendrecv", stream: bool = False) -> str:
    """Return a session description; with `stream` the audio is sent by SIPp from a file."""
    chosen = [_MAPS[law] for law in laws]
    return _SDP.format(
        port="[rtpstream_audio_port]" if stream else "[media_port]",
        types=" ".join(str(number) for number, _ in chosen),
        maps="\n".join(line for _, line in chosen),
        direction=direction,
    )


def _scenario(*steps: str) -> str:
    body = "\n".join(each for each in steps if each)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="peer">\n{body}\n</scenario>\n'


def _send(start: str, headers: str, body: str = "", *, attributes: str = "") -> str:
    kind = "Content-Type: application/sdp\n" if body else ""
    text = f"{start}\n{headers}\n{kind}Content-Length: [len]\n\n{body}"
    return f"<send {attributes}><![CDATA[\n{text}\n]]></send>"


def _recv(what: str, **attributes: str) -> str:
    kind = "response" if what.isdigit() else "request"
    more = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f'<recv {kind}="{what}" {more}></recv>'


def pause(milliseconds: int) -> str:
    """Return a step that waits."""
    return f'<pause milliseconds="{milliseconds}"/>' if milliseconds else ""


_BRANCH = "z9hG4bK[pid]x[call_number]x"
_SHARED = {("CANCEL", False): "INVITE", ("ACK", False): "INVITE"}  # these carry the branch of the INVITE they are for


def _from_us(method: str, cseq: int, *, dialog: bool, authorise: bool = False, extra: str = "") -> tuple[str, str]:
    uri = "[next_url]" if dialog else "sip:[dialled]@[remote_ip]:[remote_port]"
    lines = [
        f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={_BRANCH}{cseq}{_SHARED.get((method, dialog), method)};rport",
        "From: <sip:[caller]@[local_ip]:[local_port]>;tag=[pid]t[call_number]",
        "To: <sip:[dialled]@[remote_ip]:[remote_port]>" + ("[peer_tag_param]" if dialog else ""),
        "Call-ID: [call_id]",
        f"CSeq: {cseq} {method}",
        "Contact: <sip:[caller]@[local_ip]:[local_port]>",
        "Max-Forwards: 70",
        *(["[authentication]"] if authorise else []),
        *([extra] if extra else []),
    ]
    return f"{method} {uri} SIP/2.0", "\n".join(lines)


def caller(
    *,
    final: int = 200,
    challenged: bool = False,
    talk_ms: int = 1000,
    they_hang_up: bool = False,
    cancel_after_ms: int | None = None,
    body: str | None = None,
    hold: bool = False,
    stream: str = "",
    extra: str = "",
) -> str:
    """Call and expect `final`. With `cancel_after_ms` CANCEL once it rings; with `hold` re-INVITE sendonly in the talk.

    `challenged` expects 407 first (SIPp's -au and -ap answer it); `stream` is an rtp_stream specification "FILE,-1,8".
    """
    offer = sdp(stream=bool(stream)) if body is None else body
    steps = [_send(*_from_us("INVITE", 1, dialog=False, extra=extra), offer, attributes='retrans="500"')]
    cseq = 1
    if challenged:
        cseq = 2
        steps += [_recv("100", optional="true"), _recv("407", auth="true"), _send(*_from_us("ACK", 1, dialog=False))]
        steps.append(_send(*_from_us("INVITE", 2, dialog=False, authorise=True, extra=extra), offer, attributes='retrans="500"'))
    steps.append(_recv("100", optional="true"))
    if cancel_after_ms is not None:
        steps += [_recv("180"), pause(cancel_after_ms)]
        steps += [_cancel(cseq), _recv("200"), _recv("487"), _ack_refusal(cseq)]
        return _scenario(*steps)
    steps += [_recv("180", optional="true"), _recv("183", optional="true"), _recv(str(final), rrs="true", rtd="true")]
    if final >= 300:
        return _scenario(*steps, _ack_refusal(cseq))
    steps.append(_send(*_from_us("ACK", cseq, dialog=True)))
    if stream:
        steps.append(f'<nop><action><exec rtp_stream="{stream}"/></action></nop>')
    if hold:
        cseq += 1
        steps += [pause(talk_ms), *_reinvite(cseq, "sendonly"), pause(talk_ms)]
        cseq += 1
        steps += _reinvite(cseq, "sendrecv")
    steps.append(pause(talk_ms))
    return _scenario(*steps, *(_they_hang_up() if they_hang_up else _we_hang_up(cseq + 1)))


def _cancel(cseq: int) -> str:
    return _send(*_from_us("CANCEL", cseq, dialog=False))


def _ack_refusal(cseq: int) -> str:
    start, headers = _from_us("ACK", cseq, dialog=False)
    return _send(start, headers.replace("[remote_port]>\nCall", "[remote_port]>[peer_tag_param]\nCall"))


def _reinvite(cseq: int, direction: str) -> list[str]:
    invite = _send(*_from_us("INVITE", cseq, dialog=True), sdp(direction=direction), attributes='retrans="500"')
    return [invite, _recv("100", optional="true"), _recv("200", rrs="true"), _send(*_from_us("ACK", cseq, dialog=True))]


def _we_hang_up(cseq: int) -> list[str]:
    return [_send(*_from_us("BYE", cseq, dialog=True), attributes='retrans="500"'), _recv("200")]


def _they_hang_up() -> list[str]:
    return [_recv("BYE"), _send("SIP/2.0 200 OK", _ECHOED)]


_ECHOED = "[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\nContact: <sip:[local_ip]:[local_port]>"
_TAGGED = _ECHOED.replace("[last_To:]", "[last_To:];tag=[pid]s[call_number]")
_OPTIONS_FIRST = '<recv request="OPTIONS" optional="true" next="7"></recv>'
_OPTIONS_LAST = '<nop next="8"/><label id="7"/>' + _send("SIP/2.0 200 OK", _TAGGED) + '<label id="8"/>'
_ACK = """<recv request="ACK"><action>
<ereg regexp=".*" search_in="hdr" header="From:" assign_to="2"/><ereg regexp=".*" search_in="hdr" header="To:" assign_to="3"/>
</action></recv><Reference variables="2,3"/>"""


def callee(
    *,
    final: int = 200,
    reason: str = "OK",
    ring_ms: int = 200,
    early: bool = False,
    challenge: bool = False,
    laws: Sequence[str] = ("pcma", "pcmu"),
    hang_up_after_ms: int | None = None,
    cancelled: bool = False,
    stream: str = "",
    extra: str = "",
    options: bool = False,
) -> str:
    """Take a call: ring (or `early` media), then `final`. With `cancelled` expect CANCEL while it rings.

    `challenge` asks for credentials (407) first; `hang_up_after_ms` sends BYE from here; `extra` is a header of the final answer
    (Contact for 302). With `options` an OPTIONS that opens a call is answered too (SIPp counts it as a call of its own).
    """
    steps = [_recv("INVITE", rrs="true")]
    if challenge:
        steps += _asking()
    steps.append(_send("SIP/2.0 183 Session Progress", _TAGGED, sdp(laws)) if early else _send("SIP/2.0 180 Ringing", _TAGGED))
    if cancelled:
        steps += [_recv("CANCEL"), _send("SIP/2.0 200 OK", _ECHOED)]
        steps += [_send("SIP/2.0 487 Request Terminated", _CANCELLED, attributes='retrans="500"'), _recv("ACK")]
    elif final >= 300:
        headers = f"{_TAGGED}\n{extra}" if extra else _TAGGED
        steps += [pause(ring_ms), _send(f"SIP/2.0 {final} {reason}", headers, attributes='retrans="500"'), _recv("ACK")]
    else:
        answer = sdp(laws, stream=bool(stream))
        steps += [pause(ring_ms), _send("SIP/2.0 200 OK", _TAGGED, answer, attributes='retrans="500"'), _ACK]
        if stream:
            steps.append(f'<nop><action><exec rtp_stream="{stream}"/></action></nop>')
        steps += _they_hang_up() if hang_up_after_ms is None else [pause(hang_up_after_ms), *_callee_hangs_up()]
    return _scenario(_OPTIONS_FIRST, *steps, _OPTIONS_LAST) if options else _scenario(*steps)


def _asking() -> list[str]:
    """Ask for credentials, and accept no second INVITE without."""
    asks = 'Proxy-Authenticate: Digest realm="peer", nonce="47ebe028cda119c35d4877b383027d28", algorithm=MD5'
    again = """<recv request="INVITE" rrs="true"><action>
<ereg regexp="username=" search_in="hdr" header="Proxy-Authorization:" check_it="true" assign_to="1"/>
</action></recv><Reference variables="1"/>"""
    return [_send("SIP/2.0 407 Proxy Authentication Required", f"{_TAGGED}\n{asks}"), _recv("ACK"), again]


def _callee_hangs_up() -> list[str]:
    bye = f"""Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={_BRANCH}BYE;rport
From:[$3]
To:[$2]
Call-ID: [call_id]
CSeq: 1 BYE
Max-Forwards: 70"""
    return [_send("BYE [next_url] SIP/2.0", bye, attributes='retrans="500"'), _recv("200")]


_CANCELLED = _TAGGED.replace("[last_CSeq:]", "CSeq: 1 INVITE")
