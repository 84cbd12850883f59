"""Run the measurements and print a report: `python -m bench [NAME ...] [--runs N] [--contacts N] [--meetings N] ...`."""

import argparse
import asyncio
import os
import platform
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from bench import (
    bridges,
    campaign,
    contacts,
    cores,
    detection,
    figures,
    growth,
    importing,
    importing_calls,
    kept,
    leads,
    meetings,
    meetings_idle,
    meetings_list,
    popup,
    sip,
    stack,
    timeline,
    twilio,
    webhooks,
)
from bench.figures import Run


def main() -> None:
    """Run what was asked for, each several times, printing as it goes."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        help="popup, sip, stack, bridges, twilio, webhooks, meetings, meetings_list, meetings_idle, timeline, contacts, import,"
        " import_calls, leads, campaign, detection, growth; none: all but growth",
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--meetings", type=int, default=meetings_list.MEETINGS)
    parser.add_argument("--leads", type=int, default=leads.LEADS)
    parser.add_argument("--campaign-seconds", type=int, default=campaign.SECONDS)
    parser.add_argument("--due", type=int, default=10_000, help="meetings due at once")
    parser.add_argument("--consultants", type=int, default=200)
    parser.add_argument("--rows", type=int, default=importing.ROWS, help="of the file that is imported")
    parser.add_argument("--growth-seconds", type=int, default=600)
    parser.add_argument("--kept", type=Path, help="a folder for databases that take long to fill, to measure them again")
    asked = parser.parse_args()
    if asked.kept is not None:
        kept.choose(asked.kept)
    measures: dict[str, tuple[str, int, Callable[[], Coroutine[Any, Any, Run]]]] = {
        "popup": (popup.__doc__ or "", asked.runs, lambda: popup.run(asked.contacts, asked.seconds)),
        "sip": (sip.__doc__ or "", asked.runs, sip.run),
        "stack": (stack.__doc__ or "", asked.runs, stack.run),
        "bridges": (bridges.__doc__ or "", asked.runs, bridges.run),
        "twilio": (twilio.__doc__ or "", asked.runs, twilio.run),
        "webhooks": (webhooks.__doc__ or "", asked.runs, lambda: webhooks.run(asked.contacts, asked.seconds)),
        "meetings": (meetings.__doc__ or "", asked.runs, lambda: meetings.run(asked.due, asked.consultants)),
        "meetings_list": (meetings_list.__doc__ or "", 1, lambda: meetings_list.run(asked.meetings)),
        "meetings_idle": (meetings_idle.__doc__ or "", 1, lambda: meetings_idle.run(asked.meetings, asked.seconds)),
        "timeline": (timeline.__doc__ or "", 1, lambda: timeline.run(asked.contacts)),
        "import": (importing.__doc__ or "", asked.runs, lambda: importing.run(asked.rows)),
        "import_calls": (importing_calls.__doc__ or "", 1, lambda: importing_calls.run(min(asked.contacts, 100_000), asked.rows)),
        "contacts": (contacts.__doc__ or "", 1, lambda: contacts.run(asked.contacts)),
        "leads": (leads.__doc__ or "", 1, lambda: leads.run(asked.leads)),
        "campaign": (campaign.__doc__ or "", 1, lambda: campaign.run(asked.campaign_seconds)),
        "detection": (detection.__doc__ or "", 1, detection.run),
        "growth": (growth.__doc__ or "", 1, lambda: growth.run(asked.growth_seconds)),
    }
    about = {"python": platform.python_version(), "cores": os.cpu_count(), "machine": platform.machine()}
    print(f"Python {about['python']}, {about['cores']} cores, {about['machine']}")  # noqa: T201 - a report
    cores.settle()
    for name in asked.names or [each for each in measures if each != "growth"]:
        title, runs, measure = measures[name]
        found: list[Run] = []
        for n in range(runs):
            print(f"{name}: run {n + 1} of {runs} ...", flush=True)  # noqa: T201
            found.append(asyncio.run(measure()))
        print(figures.table(title.strip().splitlines()[0], found), flush=True)  # noqa: T201
        figures.keep(name, found, about)


if __name__ == "__main__":
    main()
