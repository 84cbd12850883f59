"""The command line: `callcenter serve` and the commands an administrator's scripts use."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from sqlalchemy.exc import ArgumentError, DBAPIError

from callcenter.config import Settings
from callcenter.errors import CallCenterError
from callcenter.main import schema
from callcenter.main import serve as serving
from callcenter.main.handset import handset_app
from callcenter.main.importing import import_app
from callcenter.main.mail import mail_app
from callcenter.main.pacer import command as pacer
from callcenter.main.people import project_app, token_app, user_app
from callcenter.main.rehearse import command as rehearse
from callcenter.main.trunks import trunk_app
from callcenter.messages.addresses import CONSOLE
from webui.validation import invalid

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="A contact centre in one command."
)
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
