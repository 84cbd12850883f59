"""Whatever a mail looks like, something of it can be kept, and nothing of it runs, swells or stops others."""

import datetime as dt
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.correspondence.html_text import to_text
from callcenter.correspondence.reading import LONGEST_TEXT, read
from tests.callcenter.correspondence.conftest import letter

BOUNCE = b"""From: MAILER-DAEMON@mx.example.org\r
To: post@example.com\r
Subject: Undelivered Mail Returned to Sender\r
Auto-Submitted: auto-replied\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r
\r
--b\r
Content-Type: text/plain\r
\r
Sorry.\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example.org\r
\r
Final-Recipient: rfc822; jan@example.org\r
Action: %(action)s\r
Status: 5.1.1\r
Diagnostic-Code: smtp; 550 5.1.1 <jan@example.org>: Recipient address rejected\r
\r
--b\r
Content-Type: message/rfc822\r
\r
From: post@example.com\r
Message-ID: %(id)s\r
Subject: Oferta\r
\r
Hello\r
--b--\r
"""


def bounce(message_id: str, action: str = "failed") -> bytes:
    return BOUNCE.replace(b"%(id)s", message_id.encode()).replace(b"%(action)s", action.encode())


def test_a_letter_is_read_with_its_words_as_they_were_written() -> None:
    found = read(
        letter("Ewa Żółć <ewa@example.org>", "Zażółć", "Gęślą\njaźń", References="<a@b.pl> <c@d.pl>", In_Reply_To="<c@d.pl>")
    )
    assert (found.address, found.name, found.subject) == ("ewa@example.org", "Ewa Żółć", "Zażółć")
    assert (found.text, found.parents, found.kind) == ("Gęślą\njaźń", ["<a@b.pl>", "<c@d.pl>"], "mail")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Zażółć".encode("iso-8859-2"), "Content-Type: text/plain; charset=iso-8859-2"),
        ("Zażółć".encode("cp1250"), "Content-Type: text/plain"),
        ("Zażółć".encode(), "X: y"),
        ("Zażółć".encode(), "Content-Type: text/plain; charset=klingon"),
        ("Zażółć".encode(), 'Content-Type: text/plain; charset="'),
    ],
)
def test_a_text_is_read_in_its_charset_or_without_one(raw: bytes, text: str) -> None:
    found = read(b"From: jan@example.org\r\nContent-Transfer-Encoding: 8bit\r\n" + text.encode() + b"\r\n\r\n" + raw)
    assert found.text == "Zażółć"


def test_a_bounce_tells_whose_mail_came_back_and_why() -> None:
    found = read(bounce("<abc@example.com>"))
    assert found.kind == "bounce"
    assert found.parents == ["<abc@example.com>"]
    assert found.report == ("failed", "jan@example.org", "550 5.1.1 <jan@example.org>: Recipient address rejected")
    assert read(bounce("<abc@example.com>", "delayed")).report.action == "delayed"  # type: ignore[union-attr]


@pytest.mark.parametrize("header", ["Auto-Submitted: auto-replied", "Precedence: bulk", "X-Autoreply: yes", "List-Id: <x.y>"])
def test_what_a_machine_wrote_is_marked(header: str) -> None:
    assert read(f"From: a@b.pl\r\n{header}\r\n\r\nAway".encode()).kind == "auto"
    assert read(b"From: a@b.pl\r\nAuto-Submitted: no\r\n\r\nHere").kind == "mail"


def test_html_becomes_text_and_fetches_and_runs_nothing() -> None:
    html = """<html><head><title>T</title><style>p{}</style></head><body onload="x()"><p>Dzień&nbsp;dobry</p>
    <script>alert(1)</script><img src="http://spy.example/pixel.gif"><ul><li>raz</li><li>dwa</li></ul>
    <a href="https://example.org/a">oferta</a> <a href="javascript:x()">tu</a></body></html>"""
    text = to_text(html)
    assert "Dzień dobry" in text
    assert "- raz" in text
    assert "oferta [https://example.org/a]" in text
    for bad in ("alert", "spy.example", "javascript", "<", "p{}"):
        assert bad not in text, bad
    raw = b"From: a@b.pl\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Tak &lt;b&gt;</p>"
    assert read(raw).text == "Tak <b>"


def nested(depth: int) -> bytes:
    head = b"From: a@b.pl\r\nSubject: deep\r\nMIME-Version: 1.0\r\n"
    for each in range(depth):
        head += f'Content-Type: multipart/mixed; boundary="b{each}"\r\n\r\n--b{each}\r\n'.encode()
    return head + b"Content-Type: text/plain\r\n\r\nbottom\r\n"


HOSTILE = {
    "nothing": b"",
    "no header": b"\r\n\r\njust text",
    "noise": bytes(range(256)) * 200,
    "NUL": b"From: a@b.pl\r\nSubject: a\x00b\r\n\r\nx\x00y",
    "ten thousand headers": b"From: a@b.pl\r\n" + b"X-Spam: yes\r\n" * 10_000 + b"\r\nx",
    "a header of a megabyte": b"From: a@b.pl\r\nSubject: " + b"x" * (1 << 20) + b"\r\n\r\nx",
    "many addresses": b"From: " + b"<" * 50_000 + b"a@b.pl\r\nTo: " + b"a@b.pl," * 50_000 + b"\r\n\r\nx",
    "many references": b"From: a@b.pl\r\nReferences: " + b"<a@b.pl> " * 50_000 + b"\r\n\r\nx",
    "nested": nested(40),
    "nested too deeply": nested(2000),
    "1970": b"From: a@b.pl\r\nDate: Thu, 01 Jan 1970 00:00:00 +0000\r\n\r\nx",
    "no date": b"From: a@b.pl\r\nDate: tomorrow 25:61 +9999999\r\n\r\nx",
    "year 99999": b"From: a@b.pl\r\nDate: Thu, 01 Jan 99999 00:00:00 +0000\r\n\r\nx",
    "bad base64": b"From: a@b.pl\r\nContent-Transfer-Encoding: base64\r\n\r\n@@@=\r\nabc",
    "bad word": b"From: =?utf-8?b?!!!?= <a@b.pl>\r\nSubject: =?x?q?=FF?= =?utf-8?b?/w==?=\r\n\r\nx",
    "bad file name": b"From: a@b.pl\r\nContent-Type: a/b; name*0*=x''%ZZ; name*2=y\r\n"
    b"Content-Disposition: attachment; filename*=%%\r\n\r\nx",
    "no boundary": b"From: a@b.pl\r\nContent-Type: multipart/mixed\r\n\r\n--\r\n\r\nx",
    "bad report": b"From: a@b.pl\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: message/delivery-status\r\n\r\nAction\r\n: failed\r\n--b--",
    "html without end": b"From: a@b.pl\r\nContent-Type: text/html\r\n\r\n" + b"<!--" * 20_000,
    "html of brackets": b"From: a@b.pl\r\nContent-Type: text/html\r\n\r\n" + b"<a " * 50_000,
    "right to left": "From: \u202e gro.elpmaxe@nav <a@b.pl>\r\nSubject: \u202etxt.exe\r\n\r\nx".encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_is_read_or_kept_as_it_is(name: str) -> None:
    started = time.process_time()
    found = read(HOSTILE[name])
    assert time.process_time() - started < 20, "slow, even here"
    assert "\x00" not in found.text + found.subject + found.name
    assert len(found.text) <= LONGEST_TEXT
    assert len(found.subject) <= 500
    assert found.sent_at is None or found.sent_at.year > 1990
    f"{found}".encode()  # no half of a character
    if name == "nested too deeply":
        assert found.flawed
        assert found.files[0].content == HOSTILE[name]
    if name == "nested":
        assert found.text == "bottom"


def test_an_archive_stays_as_it_came() -> None:
    raw = b"From: a@b.pl\r\nContent-Type: application/zip; name=../../x.zip\r\n"
    raw += b"Content-Transfer-Encoding: base64\r\n\r\nUEsDBA==\r\n"
    found = read(raw)
    assert [(each.name, each.content) for each in found.files] == [("x.zip", b"PK\x03\x04")]


def test_a_date_is_kept_in_utc() -> None:
    raw = b"From: a@b.pl\r\nDate: Sun, 22 Nov 2026 13:00:00 +0200\r\n\r\nx"
    assert read(raw).sent_at == dt.datetime(2026, 11, 22, 11, tzinfo=dt.UTC)


@given(st.binary(max_size=2000))
def test_no_octets_break_it(raw: bytes) -> None:
    read(raw)
    read(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + raw)
    read(b"Content-Type: text/html\r\nFrom: " + raw)


@given(st.text(max_size=500))
def test_no_html_breaks_it(html: str) -> None:
    assert "\x00" not in to_text(html.replace("\x00", ""))
