"""Addresses and header text: nothing gets through that would be a header of its own."""

import email
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter import clock
from callcenter.errors import BadValue, Invalid
from callcenter.messages import addresses
from callcenter.messages.compose import compose
from callcenter.messages.models import Mail

SENDER = addresses.parse_sender("Infolinia Żółw, Sp. z o.o. <post@example.com>")


@pytest.mark.parametrize(
    "text",
    [
        *("", "anna", "anna@", "@example.com", "anna@example", "a b@example.com", "anna@example.com\r\nBcc: x@example.org"),
        *("a..b@x.pl", "anna@-x.pl", "anna@x..pl", "a,b@x.pl", "<a@x.pl>", "a\x00@x.pl", "a\u200bb@x.pl", "x@[127.0.0.1]"),
        *(f"{'a' * 65}@x.pl", f"a@{'b' * 64}.pl", f"a@{'b.' * 130}pl", "a@b@c.pl", '"a b"@x.pl'),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is not an e-mail address") as refused:
        addresses.checked(text)
    assert refused.value.field == "email"
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        (" anna.nowak+crm@example.com ", "anna.nowak+crm@example.com"),
        ("anna@Żółw.pl", "anna@xn--w-uga1v8h.pl"),
        ("żółw@example.com", "żółw@example.com"),
    ],
)
def test_an_address_goes_out_with_its_domain_in_ascii(text: str, wire: str) -> None:
    assert addresses.on_the_wire(addresses.checked(text)) == wire


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("Infolinia <post@example.com>", "Infolinia", "post@example.com"),
        ('"Żółw, Sp. z o.o." <post@example.com>', "Żółw, Sp. z o.o.", "post@example.com"),
        ("Żółw, Sp. z o.o. <post@example.com>", "Żółw, Sp. z o.o.", "post@example.com"),
        ("post@localhost", "", "post@localhost"),
    ],
)
def test_a_sender_is_read_as_people_write_it(text: str, name: str, address: str) -> None:
    sender = addresses.parse_sender(text)
    assert (sender.display_name, sender.addr_spec) == (name, address)


@pytest.mark.parametrize("text", ["", "Infolinia", "Infolinia <>", "a@b.pl <", "a@b.pl, c@d.pl", "A <a@b.pl>\nBcc: <c@d.pl>"])
def test_what_is_no_sender_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="is not a sender"):
        addresses.parse_sender(text)


def mail(subject: str, body: str = "x", to: str = "jan@example.org") -> Mail:
    return Mail(
        id=1,
        to_address=to,
        subject=subject,
        body=body,
        message_id="<1@example.com>",
        created_at=clock.now(),
        cc=[],
        from_name="",
        reply_to="",
        html="",
        parents=[],
        files=[],
        calendar="",
        method="",
    )


@given(st.text(max_size=300), st.text(max_size=2000))
def test_no_subject_and_no_body_becomes_a_header(subject: str, body: str) -> None:
    raw = compose(mail(addresses.one_line(subject), body.encode("utf-8", "replace").decode()), SENDER)
    found = email.message_from_bytes(raw, policy=default)
    wanted = "Auto-Submitted Content-Transfer-Encoding Content-Type Date From MIME-Version Message-ID Subject To"
    assert sorted(found.keys()) == wanted.split()
    assert found["To"] == "jan@example.org"
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998, "RFC 5322, section 2.1.1"


def test_names_subjects_and_bodies_arrive_as_they_were_written() -> None:
    subject = "Zażółć gęślą jaźń 🐢: " + "bardzo długi temat " * 8
    body = "Dzień dobry,\n\n" + "zażółć " * 50 + "\n.\nkoniec\n"
    found = email.message_from_bytes(compose(mail(subject.strip(), body, "jan@żółw.pl"), SENDER), policy=default)
    assert found["Subject"] == subject.strip()
    assert found["From"].addresses[0].display_name == "Infolinia Żółw, Sp. z o.o."
    assert found["To"].addresses[0].addr_spec == "jan@xn--w-uga1v8h.pl"
    assert found.get_content().replace("\r\n", "\n") == body
