"""Bringing the database to the newest schema, or to a named one, through the Alembic history."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

import migrations
from callcenter.config import Settings
from callcenter.errors import Invalid
from callcenter.main import preflight


def alembic_config(url: str) -> Config:
    """Return Alembic's configuration for a database address, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["url"] = url
    return config


def migrate(settings: Settings, revision: str = "head") -> None:
    """Upgrade to `revision`; `base` or an older revision takes the schema down again."""
    preflight.folder(settings.data_dir)
    config = alembic_config(settings.sqlalchemy_url)
    try:
        if revision == "base" or revision.startswith("-"):
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)
    except CommandError as error:
        raise Invalid("The database cannot be brought to {revision}: {reason}.", revision=revision, reason=str(error)) from error
