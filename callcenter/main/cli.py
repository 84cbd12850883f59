"""The command line: `callcenter serve` and the commands an administrator's scripts use."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.exc import ArgumentError, DBAPIError

from callcenter import jobs
from callcenter.actor import EVERY_ACCOUNT, SYSTEM, AccountRole
from callcenter.config import Settings
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Invalid, NotFound
from callcenter.main import schema
from callcenter.main import serve as serving
from callcenter.main.database import open_database
from callcenter.main.importing import import_app
from callcenter.main.mail import mail_app
from callcenter.main.pacer import command as pacer
from callcenter.main.rehearse import command as rehearse
from callcenter.messages.addresses import CONSOLE
from callcenter.projects import service as projects
from callcenter.projects.service import ProjectInput
from callcenter.trunks import service as trunks
from callcenter.trunks.service import TrunkInput, TrunkOut, TwilioInput, TwilioOut
from callcenter.trunks.twilio import FOUR_HOURS
from callcenter.users import service as users
from callcenter.users.models import User
from webui.validation import invalid

T = TypeVar("T")
Text = Annotated[str, typer.Argument()]
People = Literal["consultant", "supervisor", "administrator"]

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="A contact centre in one command."
)
user_app = typer.Typer(no_args_is_help=True, help="People who may sign in.")
token_app = typer.Typer(no_args_is_help=True, help="Bearer tokens for scripts.")
project_app = typer.Typer(no_args_is_help=True, help="Projects: numbers and who serves them.")
trunk_app = typer.Typer(no_args_is_help=True, help="Connections to carriers.")
handset_app = typer.Typer(no_args_is_help=True, help="One more customer of the built-in carrier, as a telephone of its own.")
for name, each in (("user", user_app), ("token", token_app), ("project", project_app), ("trunk", trunk_app)):
    app.add_typer(each, name=name)
app.add_typer(import_app, name="import")
app.add_typer(handset_app, name="handset")
app.add_typer(mail_app, name="mail")
app.command(name="pacer")(pacer)
app.command(name="rehearse")(rehearse)


def run() -> None:
    """Run the command line; errors for people become one sentence on standard error and exit status 1."""
    try:
        app()
    except CallCenterError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    except ValidationError as error:
        refused = invalid(error)
        sys.stderr.write(f"{refused.field}: {refused}\n" if refused.field else f"{refused}\n")
        sys.exit(1)
    except DBAPIError as error:
        sys.stderr.write(f"{_about_database(error)}\n")
        sys.exit(1)
    except ArgumentError as error:
        sys.stderr.write(f"CALLCENTER_DATABASE_URL cannot be used: {error}.\n")
        sys.exit(1)
    except UnicodeEncodeError:  # an argument that is no text in the terminal's encoding
        sys.stderr.write("The text holds a character that cannot be kept.\n")
        sys.exit(1)


def _about_database(error: DBAPIError) -> str:
    """Return what to do about a database that refuses, as one sentence."""
    reason = str(error.orig).strip().splitlines()[0].rstrip(".")
    if reason.startswith("no such table") or (reason.startswith('relation "') and reason.endswith("does not exist")):
        return "The database has no schema yet, or an old one. Run `callcenter migrate` first."
    return f"The database cannot be used: {reason}."


def in_transaction(work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    """Run one unit of work as the system, on the configured database."""

    async def transact() -> T:
        async with open_database() as database, database.unit_of_work() as uow:
            return await work(uow)

    return asyncio.run(transact())


def _password(what: str) -> str:
    """Read a password from standard input: typed unseen on a terminal, else the first line."""
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True, confirmation_prompt=True))
    try:
        line = sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Invalid("The password on standard input is no text in UTF-8.") from None
    if not line:
        raise Invalid("No password came on standard input.")
    return line


@app.command()
def serve(
    demo: Annotated[bool, typer.Option("--demo", help="Demo data and the built-in carrier.")] = False,
    http: Annotated[str, typer.Option(help="HOST:PORT of the pages.")] = "",
    sip: Annotated[str, typer.Option(help="HOST:PORT for SIP.")] = "",
    trunk: Annotated[str, typer.Option(help="Carrier of the demo: sip or twilio-demo.")] = "",
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate (PEM) for HTTPS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key (PEM).")] = None,
) -> None:
    """Start the contact centre and watch its processes until Ctrl-C."""
    given = {"demo": demo or None, "http": http or None, "sip": sip or None, "tls_cert": tls_cert, "tls_key": tls_key}
    given["demo_trunk"] = trunk or None
    settings = Settings(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    settings = demonstrable(settings)
    raise typer.Exit(serving.serve(settings, typer.echo))


def demonstrable(settings: Settings) -> Settings:
    """Let the demo write e-mails and faxes, which go to the log where no mail server is set."""
    return settings.model_copy(update={"smtp": CONSOLE}) if settings.demo and not settings.smtp else settings


@app.command()
def migrate(to: Annotated[str, typer.Option(help="A revision, `head`, or `base` for an empty database.")] = "head") -> None:
    """Bring the database schema up to date, or to a revision."""
    schema.migrate(Settings(), to)
    typer.echo("The database is at the requested schema.")


@app.command(name="settings")
def show_settings() -> None:
    """Print every setting, its value and what it does."""
    settings = Settings()
    for key, field in Settings.model_fields.items():
        typer.echo(f"CALLCENTER_{key.upper()}={getattr(settings, key) or ''}\n    {field.description}")


ACCOUNTS = (
    "What they may do with contacts and organisations: all (read and change all), none (no access), or any of "
    + ", ".join(AccountRole)
    + " with commas between."
)


@user_app.command("add")
def add_user(
    login: Text,
    name: Annotated[str, typer.Option(help="Name as colleagues see it.")],
    role: Annotated[People, typer.Option(help="What they may do.")] = "consultant",
    language: Annotated[str, typer.Option(help="en or pl.")] = "en",
    accounts: Annotated[str, typer.Option(help=ACCOUNTS)] = "all",
) -> None:
    """Add a person; the password comes on standard input."""
    chosen = _account_roles(accounts)
    password = _password("Password")

    async def work() -> User:
        async with open_database() as database:
            return await users.add_user(database, SYSTEM, login, name, role, password, language, chosen)

    user = asyncio.run(work())
    typer.echo(f"Added {user.login} ({user.role}), id {user.id}. Account roles: {_listed(user)}.")


@user_app.command("accounts")
def set_account_roles(login: Text, accounts: Annotated[str, typer.Argument(help=ACCOUNTS)]) -> None:
    """Set what a person may do with contacts and organisations; it counts at once, also where they are signed in."""
    chosen = _account_roles(accounts)

    async def work(uow: UnitOfWork) -> User:
        return await users.update_user(uow, await _user_id(uow, login), accounts=chosen)

    user = in_transaction(work)
    typer.echo(f"{user.login}: account roles: {_listed(user)}.")


def _account_roles(said: str) -> list[AccountRole]:
    """Return the account roles of an option: "all", "none", or names with commas between."""
    names = [each.strip().replace("-", "_") for each in said.split(",") if each.strip()]
    if names in (["all"], ["none"]):
        return sorted(EVERY_ACCOUNT) if names == ["all"] else []
    try:
        return [AccountRole(each) for each in names]
    except ValueError as error:
        raise typer.BadParameter(f"An account role is one of {', '.join(AccountRole)}; or say all, or none.") from error


def _listed(user: User) -> str:
    return ", ".join(user.accounts) or "none"


@token_app.command("add")
def add_token(login: Text, name: Annotated[str, typer.Option(help="What it is for.")] = "") -> None:
    """Print a new bearer token of a user; it is shown this once."""
    typer.echo(in_transaction(lambda uow: users.add_token(uow, login, name)))


@project_app.command("add")
def add_project(
    name: Text,
    number: Annotated[list[str] | None, typer.Option(help="A number customers dial; may be repeated.")] = None,
    member: Annotated[list[str] | None, typer.Option(help="LOGIN of who serves it; may be repeated.")] = None,
) -> None:
    """Add a project with its numbers and members."""

    async def work(uow: UnitOfWork) -> int:
        members = [await _user_id(uow, login) for login in member or []]
        data = ProjectInput(name=name, numbers=number or [], region=Settings().region)
        project = await projects.add_project(uow, data)
        await projects.set_members(uow, project.id, members)
        return project.id

    typer.echo(f"Added project {name}, id {in_transaction(work)}.")


async def _user_id(uow: UnitOfWork, login: str) -> int:
    """Return the id of the user who signs in as `login`; raises NotFound."""
    user_id = await uow.session.scalar(select(User.id).where(User.login == login))
    if user_id is None:
        raise NotFound("There is no user {login}.", login=login)
    return user_id


@trunk_app.command("add")
def add_trunk(
    name: Text,
    host: Annotated[str, typer.Option(help="The carrier's host or address.")],
    port: Annotated[int, typer.Option(help="Its SIP port.")] = 5060,
    username: Annotated[str, typer.Option(help="Account at the carrier.")] = "",
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")] = False,
    register: Annotated[bool, typer.Option("--register", help="Register with the carrier.")] = False,
    trusted: Annotated[bool, typer.Option("--trusted", help="Believe the caller identity it asserts.")] = False,
    allow: Annotated[list[str] | None, typer.Option(help="CIDR calls may come from; may be repeated.")] = None,
    caller_id: Annotated[list[str] | None, typer.Option(help="Number we may show; may be repeated.")] = None,
) -> None:
    """Add a SIP trunk."""
    password = _password("Password at the carrier") if password_stdin else ""
    data = TrunkInput(
        name=name,
        host=host,
        port=port,
        username=username,
        password=password,
        register_=register,
        trusted=trusted,
        allow=allow or [],
        caller_ids=caller_id or [],
    )

    async def work(uow: UnitOfWork) -> TrunkOut:
        await jobs.put(uow, "configure_trunks", "configure_trunks", uow.now)  # a contact centre that runs tells its switch
        return await trunks.add_trunk(uow, data)

    trunk = in_transaction(work)
    typer.echo(f"Added trunk {trunk.name}, id {trunk.id}.")


@trunk_app.command("add-twilio")
def add_twilio(
    name: Text,
    account_sid: Annotated[str, typer.Option(help="The account's SID, AC...")],
    number: Annotated[list[str], typer.Option(help="A number of the account, with +; may be repeated.")],
    public_url: Annotated[str, typer.Option(help="https://HOST Twilio reaches us by; empty: CALLCENTER_PUBLIC_URL.")] = "",
    api_key: Annotated[str, typer.Option(help="SID of an API key, SK...; its secret is the second line.")] = "",
    stream_url: Annotated[str, typer.Option(help="Where audio streams connect; empty: wss://HOST/streams.")] = "",
    api_url: Annotated[str, typer.Option(help="A gateway of your own instead of Twilio.")] = "",
    calls_per_second: Annotated[float, typer.Option(help="Calls the account may begin in a second.")] = 1.0,
    machine_detection: Annotated[bool, typer.Option("--machine-detection", help="Find answering machines.")] = False,
    longest_call: Annotated[int, typer.Option(help="Seconds after which a call is hung up; 0: never.")] = FOUR_HOURS,
    minute_price: Annotated[str, typer.Option(help="What a started minute of a call that leaves costs.")] = "0",
    daily_spend: Annotated[str, typer.Option(help="What calls may cost in a day (UTC); 0: no limit.")] = "0",
) -> None:
    """Add a Twilio account as a trunk; the auth token comes on standard input, the API key's secret on a second line."""
    token = _password("Auth token")
    secret = _password("Secret of the API key") if api_key else None
    data = TwilioInput(
        kind="twilio",
        name=name,
        account_sid=account_sid,
        auth_token=token,
        api_key=api_key,
        api_secret=secret,
        public_url=public_url,
        stream_url=stream_url,
        api_url=api_url,
        caller_ids=number,
        calls_per_second=calls_per_second,
        machine_detection=machine_detection,
        longest_call_seconds=longest_call,
        minute_price=minute_price,
        daily_spend=daily_spend,
    )

    async def work(uow: UnitOfWork) -> TwilioOut:
        await jobs.put(uow, "configure_trunks", "configure_trunks", uow.now)
        return await trunks.add_trunk(uow, data)

    trunk = in_transaction(work)
    typer.echo(f"Added trunk {trunk.name}, id {trunk.id}. Its webhooks begin with {trunk.webhook_url}")


As = Annotated[str, typer.Option("--as", help="Number to be; empty: a spare one.")]
Seconds = Annotated[float, typer.Option(help="Stop after this long; 0: when the other end hangs up.")]
Tone = Annotated[int, typer.Option(help="Hum this pitch (Hz) instead of speaking.")]
Record = Annotated[Path | None, typer.Option(help="Write what is heard to this WAV file.")]


@handset_app.command("call")
def handset_call(
    number: Annotated[str, typer.Argument(help="Whom to call; empty: the demo project.")] = "",
    as_number: As = "",
    seconds: Seconds = 0,
    tone: Tone = 0,
    record: Record = None,
) -> None:
    """Call a number through the built-in carrier, as a customer."""
    from telephony.lab import customers, handset  # noqa: PLC0415 - pyVoIP is loaded by the handset alone

    me = as_number or customers.HANDSET_NUMBER
    raise typer.Exit(handset.call(Settings(), number, as_number=me, seconds=seconds, tone=tone, record=record))


@handset_app.command("wait")
def handset_wait(
    ring: Annotated[float, typer.Option(help="Seconds to ring before answering.")] = 3,
    as_number: As = "",
    seconds: Seconds = 0,
    tone: Tone = 0,
    record: Record = None,
) -> None:
    """Register with the built-in carrier and answer the calls that come."""
    from telephony.lab import customers, handset  # noqa: PLC0415

    me, limit = as_number or customers.HANDSET_NUMBER, seconds or handset.LONGEST
    raise typer.Exit(handset.wait(Settings(), as_number=me, ring=ring, seconds=limit, tone=tone, record=record))
