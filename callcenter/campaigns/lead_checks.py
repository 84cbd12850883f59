"""What is asked of leads to be, beyond what they say themselves: who asked to be forgotten, and what the law wants.

CHECKS are asked in order as leads are added; at the moment of dialling each is asked again elsewhere.
"""

from collections.abc import Awaitable, Callable, Sequence

from callcenter.campaigns import permission
from callcenter.campaigns.lead_rows import Reason, Row
from callcenter.campaigns.models import Campaign
from callcenter.campaigns.permission import Asked
from callcenter.db import UnitOfWork

Check = Callable[[UnitOfWork, Campaign, Sequence[Row]], Awaitable[dict[int, dict[str, Reason]]]]
"""Says which numbers of which rows may not be called: {line of the row: {number: why}}; asks the database, writes nothing."""


async def permitted(uow: UnitOfWork, campaign: Campaign, rows: Sequence[Row]) -> dict[int, dict[str, Reason]]:
    """Refuse whom the rules, the lists and what they said themselves keep from being called: all but the time of day."""
    asked = [(row, number) for row in rows for number in row.numbers]
    verdicts = await permission.check_on_import(uow, campaign, [Asked(number, row.contact_id) for row, number in asked])
    found: dict[int, dict[str, Reason]] = {}
    for (row, number), verdict in zip(asked, verdicts, strict=True):
        if verdict.code:
            found.setdefault(row.line, {})[number] = Reason(verdict.code, verdict.values)
    return found


CHECKS: list[Check] = [permitted]


async def ask(uow: UnitOfWork, campaign: Campaign, rows: Sequence[Row]) -> None:
    """Leave out the numbers that may not be called, and refuse rows without another one."""
    for check in CHECKS:
        good = [row for row in rows if row.refusal is None]
        found = await check(uow, campaign, good)
        for row in good:
            for number, why in found.get(row.line, {}).items():
                row.leave_out(number, why)
