"""The words of a file of meetings in the reader's language: its columns, modes and states, and those of a report."""

from collections.abc import Mapping

from webui import i18n
from webui.i18n import gettext


def header() -> list[str]:
    """Return the first line of an export, as exports.HEADER."""
    return [
        gettext("Id"),
        gettext("Name"),
        gettext("Number"),
        gettext("Mode"),
        gettext("From"),
        gettext("To"),
        gettext("Information"),
        gettext("Project"),
        gettext("Consultant"),
        gettext("Contact"),
        gettext("State"),
        gettext("Attempts"),
        gettext("Outcome"),
        gettext("Reason"),
        gettext("Created"),
    ]


def words() -> Mapping[str, str]:
    """Return modes and states as people call them."""
    return {
        "manual": gettext("Manual"),
        "automatic": gettext("Automatic"),
        "planned": gettext("Planned"),
        "due": gettext("Due"),
        "dialling": gettext("Dialling"),
        "in_talk": gettext("Talking"),
        "retry_wait": gettext("Will be tried again"),
        "uncertain": gettext("Uncertain"),
        "held": gettext("Held"),
        "not_held": gettext("Not held"),
        "rescheduled": gettext("Rescheduled"),
        "missed": gettext("Missed meeting"),
        "cancelled": gettext("Cancelled"),
    }


def say(sentence: str, values: Mapping[str, object]) -> str:
    """Say a sentence, or a column's name, of a report of rejected rows."""
    own = {"Line": gettext("Line"), "Column": gettext("Column"), "Reason": gettext("Reason")}
    return own.get(sentence) or i18n.say(sentence, values)
