"""Old mails: deleted a few at a time by the scheduler, but for those somebody still reads."""

from collections.abc import Set

from sqlalchemy import select

from callcenter import clock, jobs
from callcenter.db import Database, UnitOfWork
from callcenter.files import service as files
from callcenter.jobs import Job
from callcenter.messages import pruning, service
from callcenter.messages.models import Mail
from callcenter.privacy import retention
from callcenter.scheduler import Scheduler
from tests.callcenter.messages.conftest import settings_for

DAY = 86_400.0


async def nobody(_uow: UnitOfWork, _about: str, _ids: Set[str]) -> Set[str]:
    return set()


async def queue(database: Database, count: int, *, state: str = "sent", about: str = "", about_id: int = 0) -> None:
    async with database.unit_of_work() as uow:
        for _ in range(count):
            mail = await service.queue_mail(uow, "jan@example.org", "Offer", "Hello", about=about, about_id=about_id)
            mail.state = state


async def prune(database: Database, needed: pruning.Needed = nobody, **payload: int) -> Job:
    """Run the job once; returns when it comes again."""
    async with database.unit_of_work() as uow:
        await pruning.prune(uow, dict(payload), needed)
        await uow.session.flush()
    async with database.reading() as uow:
        return await uow.session.get_one(Job, pruning.KIND)


async def states(database: Database) -> list[str]:
    async with database.reading() as uow:
        return list(await uow.session.scalars(select(Mail.state).order_by(Mail.id)))


async def test_mails_older_than_the_setting_are_deleted_but_for_those_still_queued(mailing: Database) -> None:
    mailing.settings = settings_for(mailing.settings.data_dir, 25, mail_days=30)
    for state in ("sent", "failed", "queued"):
        await queue(mailing, 1, state=state)
    clock.shift(29 * DAY)
    await queue(mailing, 1)
    await prune(mailing)
    assert await states(mailing) == ["sent", "failed", "queued", "sent"]
    clock.shift(30.1 * DAY)
    job = await prune(mailing)
    assert await states(mailing) == ["queued", "sent"]
    assert (job.due_at - clock.now()).days == 0
    assert (job.due_at - clock.now()).total_seconds() > DAY / 2
    assert job.payload == {}


async def test_they_are_deleted_a_few_at_a_time_and_what_stays_is_not_looked_at_twice(mailing: Database) -> None:
    await queue(mailing, 3, about="phone_meeting", about_id=7)
    await queue(mailing, pruning.BATCH + 10)
    clock.shift(366 * DAY)

    async def seven(_uow: UnitOfWork, about: str, ids: Set[str]) -> Set[str]:
        return ids & {"7"} if about == "phone_meeting" else set()

    job = await prune(mailing, seven)
    assert len(await states(mailing)) == 13 + 3
    assert (job.due_at - clock.now()).total_seconds() < 60
    assert job.payload["after"] == pruning.BATCH
    job = await prune(mailing, seven, **job.payload)
    assert len(await states(mailing)) == 3
    assert job.payload == {}


async def test_the_scheduler_looks_after_its_start_and_then_every_day(mailing: Database) -> None:
    await queue(mailing, 1)
    worker = Scheduler(mailing)
    await worker._first_sweep()
    async with mailing.unit_of_work() as uow:
        await jobs.drop(uow, "sweep")
        await jobs.drop(uow, files.KIND)
        await jobs.drop(uow, retention.KIND)
    clock.shift(366 * DAY)
    assert await worker.run_due() == 1
    assert await states(mailing) == []
    assert await worker.run_due() == 0
    await queue(mailing, 1)
    clock.shift(2 * 366 * DAY)
    assert await worker.run_due() == 1
    assert await states(mailing) == []
