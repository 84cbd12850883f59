"""The contact centre without its pages, for tests that kill it: `python -m tests.callcenter.crash_child`.

CALLCENTER_CRASH_SHIFT: seconds its clock is ahead.
"""

import asyncio
import logging
import os

import structlog
from sqlalchemy import select

from callcenter import clock
from callcenter.actor import EVERY_ACCOUNT, Actor, Role
from callcenter.agents.models import Agent, AgentState
from callcenter.calls import service as calls
from callcenter.campaigns.dialer import Dialer
from callcenter.config import Settings
from callcenter.db import Committed, Database, away
from callcenter.errors import CallCenterError
from callcenter.scheduler import Scheduler
from callcenter.switchboard import Switchboard
from callcenter.wiring import wire
from telephony.link import SwitchLink


async def main() -> None:
    """Run until killed; consultants are ready again whenever they are not at work."""
    clock.shift(float(os.environ.get("CALLCENTER_CRASH_SHIFT", "0")))
    settings = Settings(_env_file=None)
    database = wire(Database(settings.sqlalchemy_url, settings=settings))
    link, scheduler, dialer = SwitchLink(settings.socket_path("link")), Scheduler(database), Dialer(database)

    def send(committed: Committed) -> None:
        for command in committed.commands:
            link.send(command)

    database.after_commit.extend([send, scheduler.committed, dialer.committed])
    print("up", flush=True)  # noqa: T201 - the parent waits for it
    async with asyncio.TaskGroup() as tasks:
        for each in (link.run(), Switchboard(database, link).run(), scheduler.run(), dialer.run(), _hands(database)):
            tasks.create_task(each)


async def _hands(database: Database) -> None:
    """Press Ready for everybody who is not at work and has a microphone."""
    idle = [AgentState.OFFLINE.value, AgentState.BREAK.value, AgentState.WRAP_UP.value]
    while True:
        try:
            async with database.reading() as uow:
                query = select(Agent.user_id).where(Agent.state.in_(idle), Agent.station_live)
                found = list(await uow.session.scalars(query))
            for user_id in found:
                async with database.unit_of_work(Actor(user_id, str(user_id), Role.CONSULTANT, accounts=EVERY_ACCOUNT)) as uow:
                    await calls.set_agent_state(uow, "ready")
        except CallCenterError:
            pass
        except Exception as error:
            if not away(error):
                raise
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(main())
