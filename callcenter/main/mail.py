"""`callcenter mail`: e-mails from files, for whoever tries the inbox without a mail server."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from callcenter.actor import SYSTEM
from callcenter.correspondence import receiving
from callcenter.correspondence import service as correspondence
from callcenter.db import Database
from callcenter.errors import Invalid
from callcenter.main.commanding import open_database

mail_app = typer.Typer(no_args_is_help=True, help="E-mails that come.")


@mail_app.callback()
def mail() -> None:
    """E-mails that come."""


@mail_app.command("receive")
def receive(
    files: Annotated[list[Path], typer.Argument(help="E-mails as files (.eml).", exists=True, dir_okay=False, readable=True)],
) -> None:
    """Take files as if the mail server had brought them: matched, on the timeline, in the inbox."""
    for line in asyncio.run(_receive(files)):
        typer.echo(line)


async def _receive(paths: list[Path]) -> list[str]:
    lines = []
    async with open_database() as database:
        for path in paths:
            if path.stat().st_size > receiving.LARGEST:
                raise Invalid("{path} is larger than {limit} MB.", path=str(path), limit=receiving.LARGEST >> 20)
            email_id = await correspondence.receive(database, path.read_bytes())
            lines.append(f"{path}: {await _told(database, email_id)}")
    return lines


async def _told(database: Database, email_id: int | None) -> str:
    if email_id is None:
        return "is here already."
    async with database.reading(SYSTEM) as uow:
        email = await correspondence.get_email(uow, email_id)
    whose = f"of {email.contact}" if email.contact_id else "of nobody known" if not email.candidates else "of several"
    return f"e-mail {email.id} {whose}: {email.subject or '(no subject)'}"
