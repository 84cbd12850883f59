"""The commands that bring data in: `callcenter import contacts` and `callcenter import meetings`."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import select

from callcenter.actor import SYSTEM, Actor
from callcenter.contacts import import_mapping, import_queries, imports
from callcenter.contacts.models import Import
from callcenter.db import Database
from callcenter.errors import NotFound
from callcenter.main.commanding import open_database
from callcenter.meetings import import_undo
from callcenter.meetings import imports as meeting_imports
from callcenter.meetings.import_undo import Line
from callcenter.meetings.models import MeetingImport
from callcenter.users import service as users
from callcenter.users.models import User

_LINE = 1000  # rows between two lines of progress

import_app = typer.Typer(no_args_is_help=True, help="Bringing data in.")


@import_app.command("contacts")
def import_contacts(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the rows, change nothing.")] = False,
    mapping: Annotated[
        str, typer.Option("--mapping", help="What the columns mean, as JSON or @FILE with it; without it the headings say so.")
    ] = "",
) -> None:
    """Bring contacts in from a CSV, XLSX or vCard file; rejected rows are printed with the reason."""
    given = Path(mapping[1:]).read_text(encoding="utf-8") if mapping.startswith("@") else mapping

    async def work() -> Import:
        async with open_database() as database:
            chosen = import_mapping.from_json(given) if given else None
            done = await imports.run_import(database, SYSTEM, file, file.name, dry_run, _progress, mapping=chosen)
            if done.rejected:
                async for piece in import_queries.report(database, SYSTEM, done.id):
                    typer.echo(piece, nl=False, err=True)
                typer.echo(err=True)
            return done

    done = asyncio.run(work())
    verb = "would be added" if dry_run else "added"
    if done.state == "failed":
        typer.echo(done.problem, err=True)
        raise typer.Exit(1)
    count = done.accepted if dry_run else done.applied
    beside = f", {done.updated} filled in" if done.updated else ""
    beside += f", {done.skipped} left out" if done.skipped else ""
    typer.echo(f"{done.total} rows read, {count} contacts {verb}, {done.rejected} rows rejected{beside}.")


@import_app.command("meetings")
def import_phone_meetings(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the rows, plan nothing.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Plan the meetings of a file that was imported before once more.")
    ] = False,
    login: Annotated[
        str, typer.Option("--as", help="LOGIN of whoever plans: their rights, their time zone. Empty: the system.")
    ] = "",
) -> None:
    """Plan phone meetings from a CSV file; rejected rows are printed with the reason, and the exit status is 1 then."""

    async def work() -> tuple[MeetingImport, str, list[Line]]:
        async with open_database() as database:
            actor, progress = await _actor(database, login), _meter()
            done = await meeting_imports.run_import(database, actor, file, file.name, dry_run, progress)
            if done.state == "checked" and not dry_run and (again or _wanted_again()):
                done = await meeting_imports.plan(database, actor, done.id, progress)
            async with database.reading(actor) as uow:
                rejected = await meeting_imports.report(uow, done.id) if done.rejected else ""
                return done, rejected, await import_undo.lines(uow, done.id, "already", limit=done.already)

    done, rejected, already = asyncio.run(work())
    _name_lines("Already planned, so not once more", already)
    if rejected:
        typer.echo(rejected, err=True)
    if done.state == "failed":
        typer.echo(done.problem, err=True)
        raise typer.Exit(1)
    count, verb = (done.accepted, "would be planned") if done.dry_run else (done.planned, "planned")
    standing = f", {done.already} already planned" if done.already else ""
    typer.echo(f"{done.total} rows read, {count} meetings {verb}, {done.rejected} rows rejected{standing}.")
    if done.planned:
        typer.echo(f"To take them back: callcenter import undo-meetings {done.id}", err=True)
    if done.state == "checked" and not dry_run:
        typer.echo("This file was imported before, so nothing was planned. --again plans what no longer stands.", err=True)
        raise typer.Exit(1)
    raise typer.Exit(1 if done.rejected else 0)


@import_app.command("undo-meetings")
def undo_meetings(
    import_id: Annotated[int, typer.Argument(min=1, max=2**31 - 1, help="The import's number, as its page and its end name it.")],
    login: Annotated[str, typer.Option("--as", help="LOGIN of whoever takes them back. Empty: the system.")] = "",
) -> None:
    """Cancel the meetings an import planned, but for those that were dialled or are over, which are named."""

    async def work() -> tuple[MeetingImport, list[Line]]:
        async with open_database() as database:
            actor = await _actor(database, login)
            done = await meeting_imports.undo(database, actor, import_id)
            async with database.reading(actor) as uow:
                return done, await import_undo.lines(uow, import_id, "kept", limit=done.kept)

    done, kept = asyncio.run(work())
    _name_lines("Kept, since dialled or over", kept)
    typer.echo(f"{done.undone} meetings cancelled, {done.kept} kept.")


def _name_lines(what: str, found: list[Line]) -> None:
    """Name lines of a file and their meetings."""
    for each in found:
        typer.echo(f"{what}: line {each.line}, meeting {each.meeting_id or '-'} {each.name}".rstrip(), err=True)


async def _actor(database: Database, login: str) -> Actor:
    """Return who signs in as `login` as an actor, the system for ""; raises NotFound."""
    if not login:
        return SYSTEM
    async with database.reading() as uow:
        user = await uow.session.scalar(select(User).where(User.login == login, User.disabled_at.is_(None)))
    if user is None:
        raise NotFound("There is no user {login}.", login=login)
    return users.actor_of(user)


def _wanted_again() -> bool:
    """Ask whether a file that was imported before is meant to be, where somebody is there to answer."""
    return sys.stdin.isatty() and typer.confirm("This file was imported before. Plan its meetings once more?")


def _meter() -> meeting_imports.Progress:
    """Return what shows how far the import is: on one line of a terminal, else a line for every thousand rows."""
    shown = 0

    def show(row: MeetingImport) -> None:
        nonlocal shown
        said = f"{row.state}: {row.total} read, {row.rejected} rejected, {row.planned} planned"
        if sys.stderr.isatty():
            typer.echo(f"\r{said} ", nl=False, err=True)
        elif (row.total + row.planned) // _LINE > shown:
            shown = (row.total + row.planned) // _LINE
            typer.echo(said, err=True)

    return show


def _progress(row: Import) -> None:
    """Show how far the import is, on a terminal."""
    if sys.stderr.isatty():
        typer.echo(f"\r{row.state}: {row.accepted + row.rejected} read, {row.applied} added ", nl=False, err=True)
