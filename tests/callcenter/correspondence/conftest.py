"""A contact centre that writes e-mails: a mail server, a contact with an address, a person."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest

from callcenter.actor import EVERY_ACCOUNT, Actor, Role
from callcenter.contacts import service as contacts
from callcenter.contacts.models import TimelineEntry
from callcenter.contacts.service import ContactInput, NumberInput
from callcenter.contacts.timeline import newest
from callcenter.correspondence import service
from callcenter.correspondence.models import Email
from callcenter.correspondence.service import EmailOut, Written
from callcenter.db import Committed, Database
from callcenter.events import LiveEvent
from callcenter.files import service as files
from callcenter.messages.mailer import Mailer
from tests.callcenter.messages import post as posts
from tests.callcenter.messages.conftest import add_person, settings_for
from tests.callcenter.messages.post import Post

JAN = "jan@example.org"
PDF = b"%PDF-1.4\n1 0 obj << /Type /Page >> endobj\n%%EOF\n"


@dataclass(slots=True)
class Office:
    """The house, a consultant (`anna`) and a contact (`jan`). `told`: what browsers heard, and who."""

    database: Database
    post: Post
    anna: Actor
    jan: int
    told: list[tuple[LiveEvent, tuple[int, ...]]]

    async def upload(self, name: str = "oferta.pdf", content: bytes = PDF) -> int:
        return (await files.store(self.database, self.anna, name, content)).id

    async def write(self, **more: Any) -> EmailOut:
        given = {"channel": "email", "address": JAN, "subject": "Oferta", "text": "Dzień dobry,\nw załączniku oferta."} | more
        async with self.database.unit_of_work(self.anna) as uow:
            return await service.send(uow, more.pop("contact_id", self.jan), Written(**given))

    async def fax(self, number: str = "22 123 45 67", **more: Any) -> EmailOut:
        given = {"channel": "fax", "address": number, "subject": "", "text": "", "files": [await self.upload()]} | more
        return await self.write(**given)

    async def deliver(self) -> None:
        assert await Mailer(self.database).run_due()

    async def email(self, email_id: int) -> Email:
        async with self.database.reading() as uow:
            return await uow.session.get_one(Email, email_id)

    async def timeline(self, contact_id: int | None = None) -> list[TimelineEntry]:
        async with self.database.reading() as uow:
            return await newest(uow, contact_id=contact_id or self.jan)

    async def contact(self, email: str, **more: Any) -> int:
        async with self.database.unit_of_work() as uow:
            return (await contacts.create_contact(uow, ContactInput(email=email, **more), "PL")).id


def letter(sender: str = "Jan Żuk <jan@example.org>", subject: str = "Re: Oferta", text: str = "Biorę.", **headers: str) -> bytes:
    """Return a mail as a customer's program writes it; `headers` with _ for -."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = "post@example.com"
    message["Subject"] = subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with posts.running(data_size_limit=50 << 20) as found:
        yield found


@pytest.fixture
async def office(database: Database, post: Post, tmp_path: Path) -> Office:
    database.settings = settings_for(tmp_path, post.port, fax_gateway="{number}@fax.example.com")
    told: list[tuple[LiveEvent, tuple[int, ...]]] = []

    def hear(committed: Committed) -> None:
        told.extend((each.event, each.recipients or ()) for each in committed.outgoing)

    database.after_commit.append(hear)
    user_id = await add_person(database)
    anna = Actor(user_id, "Anna Nowak", Role.CONSULTANT, accounts=EVERY_ACCOUNT)
    async with database.unit_of_work() as uow:
        number = NumberInput(type="office_fax", number="+48221234567")
        data = ContactInput(first_name="Jan", last_name="Żuk", email=JAN, numbers=[number], organisation="Żuk i Synowie")
        jan = await contacts.create_contact(uow, data, "PL")
    return Office(database, post, anna, jan.id, told)
