"""RFC 4475's SIP torture tests (its section names in the keys), the addresses in them replaced by documentation ones."""

_SDP = """v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.1
s=-
c=IN IP4 192.0.2.1
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
"""


def _text(name: str, start: str, headers: str, body: str = "", *, length: str = "", replace: str = "") -> bytes:
    """Put a message together: `replace` names the usual headers that `headers` bring themselves."""
    method = start.split(" ")[0].replace("SIP/2.0", "INVITE")
    usual = {
        "Via": "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK" + name,
        "To": "sip:user@example.com",
        "From": "sip:caller@example.net;tag=" + name,
        "Call-ID": f"{name}.rfc4475@example.net",
        "CSeq": f"9 {method}",
        "Max-Forwards": "70",
        "Contact": "<sip:caller@host.example.net>",
    }
    lines = [start, *(f"{key}: {value}" for key, value in usual.items() if key not in replace.split())]
    lines += headers.strip("\n").split("\n") if headers.strip("\n") else []
    if body:
        lines.append("Content-Type: application/sdp" if "Content-Type" not in headers else "X-Body: yes")
    octets = body.replace("\n", "\r\n").encode("latin-1")
    lines.append(f"Content-Length: {length or len(octets)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8") + octets


_INVITE = "INVITE sip:user@example.com SIP/2.0"
_WSINV = """TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33"""
_USUAL = "Via To From Call-ID CSeq Max-Forwards Contact"
_LONG = "unknown" + "".join(f"{n}long" for n in range(300))

TORTURE: dict[str, bytes] = {
    "3.1.1.1 wsinv": _text(
        "wsinv", "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0", _WSINV, _SDP, replace=_USUAL
    ),
    "3.1.1.2 intmeth": _text(
        "intmeth",
        "!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
        ":&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0",
        'To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:1_unusual.URI~(to-be!sure)&isn\'t+it$/crazy?,/;;*@example.com>\n'
        "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>"
        ";fromParam''~+*_!.-%=\"\u0440\u0430\u0431\";tag=_token~1'+`*%!-.\n"
        "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\n"
        "extensionHeader-!.%*+_`'~: \ufeff\u5927\u505c\u96fb",
        replace="To From CSeq",
    ),
    "3.1.1.3 esc01": _text(
        "esc01",
        "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0",
        "To: sip:%75se%72@example.com\nFrom: <sip:I%20have%20spaces@example.net>;tag=938\n"
        "Contact: <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>",
        _SDP,
        replace="To From Contact",
    ),
    "3.1.1.4 escnull": _text(
        "escnull",
        "REGISTER sip:example.com SIP/2.0",
        "To: sip:null-%00-null@example.com\nFrom: sip:null-%00-null@example.com;tag=839923423\n"
        "Contact: <sip:%00@host5.example.com>\nContact: <sip:%00%00@host5.example.com>",
        replace="To From Contact",
    ),
    "3.1.1.5 esc02": _text(
        "esc02",
        "RE%47IST%45R sip:registrar.example.com SIP/2.0",
        'To: "%Z%45" <sip:resource@example.com>\nFrom: "%Z%45" <sip:resource@example.com>;tag=f232jadfj23\n'
        "Contact: <sip:alias1@host1.example.com>\nC%6Fntact: <sip:alias2@host2.example.com>",
        replace="To From Contact",
    ),
    "3.1.1.6 lwsdisp": _text(
        "lwsdisp", "OPTIONS sip:user@example.com SIP/2.0", "From: caller<sip:caller@example.com>;tag=323", replace="From"
    ),
    "3.1.1.7 longreq": _text(
        "longreq",
        _INVITE,
        f'To: "I have a user name of {"extreme " * 40}proportion" <sip:user@example.com:6000;{_LONG}=v;{_LONG}x={_LONG}>\n'
        f"From: sip:{'amazinglylongcallername' * 10}@example.net;tag={'12982424' * 40};unknownheader{_LONG}\n"
        f"Call-ID: longreq.{'one' + 'really' * 60 + 'longcallid'}\n"
        f"Unknown-{'Long' * 60}-Name: {'unknown-long-value ' * 60}\n"
        + "\n".join(f"Via: SIP/2.0/TCP sip{n}.example.com;branch=z9hG4bK{n}{'long' * 10}" for n in range(33, 0, -1)),
        _SDP,
        replace="To From Call-ID",
    ),
    "3.1.1.8 dblreq": _text("dblreq", "REGISTER sip:example.com SIP/2.0", "", replace="")
    + _text("dblreq2", "INVITE sip:joe@example.com SIP/2.0", "", _SDP),
    "3.1.1.9 semiuri": _text("semiuri", "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0", ""),
    "3.1.1.10 transports": _text(
        "transports",
        "OPTIONS sip:user@example.com SIP/2.0",
        "Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw\nVia: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf\n"
        "Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj\nVia: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en",
        replace="Via",
    ),
    "3.1.1.11 mpart01": _text(
        "mpart01",
        "MESSAGE sip:kumiko@example.org SIP/2.0",
        "Content-Type: multipart/mixed;boundary=7a9cbec02ceef655",
        "--7a9cbec02ceef655\nContent-Type: text/plain\nContent-Transfer-Encoding: binary\n\nHello\n--7a9cbec02ceef655\n"
        "Content-Type: application/octet-stream\nContent-Transfer-Encoding: binary\n\n\x00\x01\x02\xff\xfe\n--7a9cbec02ceef655--",
    ),
    "3.1.1.12 unreason": _text(
        "unreason", "SIP/2.0 200 = 2**3 * 5**2 \u043d\u043e \u0441\u0442\u043e \u0434\u0435\u0432\u044f\u043d\u043e", "", _SDP
    ),
    "3.1.1.13 noreason": _text("noreason", "SIP/2.0 100 ", ""),
    "3.1.2.1 badinv01": _text(
        "badinv01",
        _INVITE,
        "To: sip:j.user@example.com\nFrom: sip:caller@example.net;tag=134161461246\nCSeq: 8 INVITE\n"
        'Via: SIP/2.0/UDP 192.0.2.15;;,;,,\nContact: "Joe" <sip:joe@example.org>;;;;',
        _SDP,
        replace="To From CSeq Via Contact",
    ),
    "3.1.2.2 clerr": _text("clerr", _INVITE, "", _SDP, length="9999"),
    "3.1.2.3 ncl": _text("ncl", _INVITE, "", _SDP, length="-999"),
    "3.1.2.4 scalar02": _text(
        "scalar02",
        "REGISTER sip:example.com SIP/2.0",
        "Via: SIP/2.0/TCP host129.example.com;branch=z9hG4bK342sdfoi3\nMax-Forwards: 300\nCSeq: 36893488147419103232 REGISTER\n"
        "Expires: 10000000000000000000000000000000000000000000\n"
        "Contact: <sip:user@host129.example.com>;expires=280297596632815",
        replace="Via Max-Forwards CSeq Contact",
    ),
    "3.1.2.5 scalarlg": _text(
        "scalarlg",
        "SIP/2.0 503 Service Unavailable",
        'CSeq: 9292394834772304023312 OPTIONS\nRetry-After: 949302838503028349304023988\nWarning: 1812 overture "In Progress"',
        replace="CSeq",
    ),
    "3.1.2.6 quotbal": _text("quotbal", _INVITE, 'To: "Mr. J. User <sip:j.user@example.com>', _SDP, replace="To"),
    "3.1.2.7 ltgtruri": _text("ltgtruri", "INVITE <sip:user@example.com> SIP/2.0", "", _SDP),
    "3.1.2.8 lwsruri": _text("lwsruri", "INVITE sip:user@example.com; lr SIP/2.0", "", _SDP),
    "3.1.2.9 lwsstart": _text("lwsstart", "INVITE  sip:user@example.com  SIP/2.0", "", _SDP),
    "3.1.2.10 trws": _text("trws", "OPTIONS sip:remote-target@example.com SIP/2.0  ", ""),
    "3.1.2.11 escruri": _text("escruri", "INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0", "", _SDP),
    "3.1.2.12 baddate": _text("baddate", _INVITE, "Date: Fri, 01 Jan 2010 16:00:00 EST", _SDP),
    "3.1.2.13 regbadct": _text(
        "regbadct",
        "REGISTER sip:example.com SIP/2.0",
        "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E",
        replace="Contact",
    ),
    "3.1.2.14 badaspec": _text(
        "badaspec", "OPTIONS sip:user@example.org SIP/2.0", 'To: "Watson, Thomas" < sip:t.watson@example.org >', replace="To"
    ),
    "3.1.2.15 baddn": _text(
        "baddn",
        "OPTIONS sip:t.watson@example.org SIP/2.0",
        "From: Bell, Alexander <sip:a.g.bell@example.com>;tag=43",
        replace="From",
    ),
    "3.1.2.16 badvers": _text(
        "badvers", "OPTIONS sip:t.watson@example.org SIP/7.0", "Via: SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw", replace="Via"
    ),
    "3.1.2.17 mismatch01": _text("mismatch01", "OPTIONS sip:user@example.com SIP/2.0", "CSeq: 8 INVITE", replace="CSeq"),
    "3.1.2.18 mismatch02": _text("mismatch02", "NEWMETHOD sip:user@example.com SIP/2.0", "CSeq: 8 INVITE", replace="CSeq"),
    "3.1.2.19 bigcode": _text(
        "bigcode", "SIP/2.0 4294967301 better not break the receiver", "CSeq: 353494 INVITE", replace="CSeq"
    ),
    "3.2.1 badbranch": _text(
        "badbranch", "OPTIONS sip:user@example.com SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK", replace="Via"
    ),
    "3.3.1 insuf": _text("insuf", _INVITE, "", replace="To From Call-ID Contact"),
    "3.3.2 unkscm": _text("unkscm", "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0", ""),
    "3.3.3 novelsc": _text("novelsc", "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0", ""),
    "3.3.4 unksm2": _text(
        "unksm2",
        "REGISTER sip:example.com SIP/2.0",
        "To: isbn:2983792873\nFrom: <http://www.example.com>;tag=3234233\nContact: <name:John_Smith>",
        replace="To From Contact",
    ),
    "3.3.5 bext01": _text(
        "bext01",
        "OPTIONS sip:user@example.com SIP/2.0",
        "Proxy-Require: noProxiesSupportThis, norDoAny\nRequire: nothingSupportsThis",
    ),
    "3.3.6 invut": _text("invut", _INVITE, "Content-Type: application/unknownformat", '<audio> <pcmu port="443"/> </audio>'),
    "3.3.7 regaut01": _text(
        "regaut01", "REGISTER sip:example.com SIP/2.0", "Authorization: NoOneKnowsThisScheme opaque-data=here"
    ),
    "3.3.8 multi01": _text(
        "multi01",
        _INVITE,
        "CSeq: 59 INVITE\nCall-ID: multi01.98asdh@192.0.2.1\nCall-ID: multi01.98asdh@192.0.2.2\nMax-Forwards: 70\n"
        "From: sip:other@example.net;tag=b1\nTo: sip:other@example.com\nMax-Forwards: 5",
        _SDP,
    ),
    "3.3.9 mcl01": _text(
        "mcl01",
        "OPTIONS sip:user@example.com SIP/2.0",
        "Content-Length: 13\nContent-Type: text/plain",
        "There's no way to know\n",
        length="5",
    ),
    "3.3.10 bcast": _text(
        "bcast", "SIP/2.0 200 OK", "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23", _SDP, replace="Via"
    ),
    "3.3.11 zeromf": _text("zeromf", "OPTIONS sip:user@example.com SIP/2.0", "Max-Forwards: 0", replace="Max-Forwards"),
    "3.3.12 cparam01": _text(
        "cparam01",
        "REGISTER sip:example.com SIP/2.0",
        "Contact: sip:+19725552222@gw1.example.net;unknownparam",
        replace="Contact",
    ),
    "3.3.13 cparam02": _text(
        "cparam02",
        "REGISTER sip:example.com SIP/2.0",
        "Contact: <sip:+19725552222@gw1.example.net;unknownparam>",
        replace="Contact",
    ),
    "3.3.14 regescrt": _text(
        "regescrt",
        "REGISTER sip:example.com SIP/2.0",
        "Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>",
        replace="Contact",
    ),
    "3.3.15 sdp01": _text("sdp01", _INVITE, "Accept: text/nobodyKnowsThis", _SDP),
    "3.4.1 inv2543": (
        b"INVITE sip:UserB@example.com SIP/2.0\r\nVia: SIP/2.0/UDP iftgw.example.com\r\n"
        b"From: <sip:+13035551111@ift.client.example.net;user=phone>\r\n"
        b"Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>\r\nTo: sip:+16505552222@ss1.example.net;user=phone\r\n"
        b"Call-ID: inv2543.1717@ift.client.example.com\r\nCSeq: 56 INVITE\r\nContent-Type: application/sdp\r\n\r\n"
    )
    + _SDP.replace("\n", "\r\n").encode(),
}
