"""One batch of leads to be: compared with what is there, then written with what was left out and why."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import distinct, func, select, text

from callcenter.campaigns import hours, lead_checks
from callcenter.campaigns.lead_columns import LeadMapping
from callcenter.campaigns.lead_models import Lead, LeadImport, LeadNumber, LeadState
from callcenter.campaigns.lead_rows import Reason, Row
from callcenter.campaigns.lead_states import OPEN
from callcenter.campaigns.models import Campaign, CampaignState
from callcenter.contacts import inserting
from callcenter.contacts.models import Number
from callcenter.contacts.text import fold
from callcenter.db import UnitOfWork

_LOCK = 7203  # with the campaign's id: two files that bring the same number at once
UNSTORED = {"erased"}  # codes of rows whose cells are not kept
_LEAD = (
    *("id", "campaign_id", "contact_id", "import_id", "name", "folded", "fields", "priority", "state", "next_at"),
    *("attempts", "position", "needs_agent", "outcome", "refusal", "refusal_values", "created_at", "changed_at"),
)
_NUMBER = ("lead_id", "position", "campaign_id", "number", "zones", "refusal")
MANY = 10_000  # leads that make a table another one
_LAST = text("SELECT coalesce(max(id), 0) FROM leads")
_TAKEN = text("SELECT nextval(pg_get_serial_sequence('leads', 'id')) FROM generate_series(1, :count)")


async def compare(uow: UnitOfWork, campaign: Campaign, rows: Sequence[Row], mapping: LeadMapping) -> None:
    """Look up whose numbers these are, which other campaigns call them, and whether they may be called; in a reading."""
    good = [row for row in rows if row.refusal is None]
    await _contacts(uow, good)
    await _others(uow, campaign, good, mapping.others)
    await lead_checks.ask(uow, campaign, [row for row in good if row.refusal is None])


async def _contacts(uow: UnitOfWork, rows: Sequence[Row]) -> None:
    """Let a lead of a file be the contact who alone has one of its numbers."""
    wanted = {number for row in rows if row.contact_id is None for number in row.numbers}
    if not wanted:
        return
    query = select(Number.e164, func.min(Number.contact_id)).where(Number.e164.in_(wanted), Number.contact_id.is_not(None))
    alone = query.group_by(Number.e164).having(func.count(distinct(Number.contact_id)) == 1)
    found = {row[0]: row[1] for row in await uow.session.execute(alone)}
    for row in rows:
        if row.contact_id is None:
            row.contact_id = next((found[each] for each in row.numbers if each in found), None)


async def _others(uow: UnitOfWork, campaign: Campaign, rows: Sequence[Row], choice: str) -> None:
    """Note numbers another running campaign of the project calls; with the choice "skip" such rows are not added."""
    wanted = {number for row in rows for number in row.numbers}
    if not wanted:
        return
    query = select(LeadNumber.number, Campaign.name).join(Campaign, Campaign.id == LeadNumber.campaign_id)
    query = query.join(Lead, Lead.id == LeadNumber.lead_id).where(LeadNumber.number.in_(wanted), LeadNumber.refusal == "")
    query = query.where(Campaign.project_id == campaign.project_id, Campaign.id != campaign.id)
    query = query.where(Campaign.state == CampaignState.RUNNING.value, Lead.state.in_([each.value for each in OPEN]))
    found = {row[0]: row[1] for row in await uow.session.execute(query)}
    for row in rows:
        number = next((each for each in row.numbers if each in found), None)
        if number is None:
            continue
        why = Reason("other_campaign", {"number": number, "campaign": found[number]})
        if choice == "skip":
            row.refusal = why
        else:
            row.left.append(why)


async def store(uow: UnitOfWork, campaign: Campaign, into: LeadImport, rows: Sequence[Row]) -> None:
    """Write the good rows as leads, and what was left out; counts it in the import's report. Whoever calls holds the import."""
    await _without_duplicates(uow, campaign.id, into.id, rows)
    good = [row for row in rows if row.refusal is None]
    ids = await _ids(uow, len(good))
    at, zones = inserting.when(uow, uow.now), {number: list(hours.zones_of(number)) for row in good for number in row.numbers}
    waiting, false = LeadState.WAITING.value, 0 if uow.database.sqlite else False
    await inserting.insert(
        uow,
        "leads",
        _LEAD,
        [
            (
                *(lead_id, campaign.id, row.contact_id, into.id, row.name, fold(row.name), json.dumps(row.fields)),
                *(row.priority, waiting, at, 0, 0, false, "", "", "{}", at, at),
            )
            for lead_id, row in zip(ids, good, strict=True)
        ],
    )
    numbers = [
        (lead_id, position, campaign.id, number, json.dumps(zones[number]), "")
        for lead_id, row in zip(ids, good, strict=True)
        for position, number in enumerate(row.numbers)
    ]
    await inserting.insert(uow, "lead_numbers", _NUMBER, numbers)
    columns = ("lead_id", "at", "code", "values", "user_id")
    said = [(lead_id, why) for lead_id, row in zip(ids, good, strict=True) for why in row.left]
    decided = [(lead_id, at, why.code, json.dumps(why.values), into.user_id) for lead_id, why in said]
    await inserting.insert(uow, "lead_decisions", [_quoted(each) for each in columns], decided)
    await _report(uow, into, rows)


async def learn(uow: UnitOfWork, added: int) -> None:
    """Let PostgreSQL count the tables anew after many rows, so that plans made for a small table are not used on a large one.

    It does so by itself, up to a minute later.
    """
    if added >= MANY and not uow.database.sqlite:
        await uow.session.execute(text("ANALYZE leads, lead_numbers"))


def _quoted(column: str) -> str:
    return f'"{column}"' if column == "values" else column


async def _without_duplicates(uow: UnitOfWork, campaign_id: int, import_id: int, rows: Sequence[Row]) -> None:
    """Leave out numbers the campaign has, or an earlier row; nobody else adds any to the campaign meanwhile."""
    if not uow.database.sqlite:
        await uow.session.execute(
            text("SELECT pg_advisory_xact_lock(:lock, :campaign)"), {"lock": _LOCK, "campaign": campaign_id}
        )
    await repeated(uow, campaign_id, import_id, rows)


async def repeated(uow: UnitOfWork, campaign_id: int, import_id: int, rows: Sequence[Row]) -> None:
    """Leave out numbers the campaign has now, or an earlier row of these or of the import; writes nothing."""
    good = [row for row in rows if row.refusal is None]
    wanted = {number for row in good for number in row.numbers}
    query = select(LeadNumber.number, Lead.import_id).join(Lead, Lead.id == LeadNumber.lead_id)
    query = query.where(LeadNumber.campaign_id == campaign_id, LeadNumber.number.in_(wanted))
    there = {row[0]: row[1] for row in await uow.session.execute(query)} if wanted else {}
    for row in good:
        for number in list(row.numbers):
            if number in there:
                where = "file" if there[number] == import_id else "campaign"
                row.leave_out(number, Reason("duplicate", {"where": where}))
        there |= dict.fromkeys(row.numbers, import_id)


async def _ids(uow: UnitOfWork, count: int) -> list[int]:
    connection = await uow.session.connection()
    if uow.database.sqlite:  # the one writer: nobody comes between this and the insert
        last = int(await connection.scalar(_LAST) or 0)
        return list(range(last + 1, last + 1 + count))
    return list((await connection.execute(_TAKEN, {"count": count})).scalars()) if count else []


async def _report(uow: UnitOfWork, into: LeadImport, rows: Sequence[Row]) -> None:
    """Count what became of the rows, and keep those that were not added as they were."""
    told = [(row, row.refusal or row.left[0]) for row in rows if row.refusal or row.left]
    kept = [_kept(into.id, row, why) for row, why in told]
    await inserting.insert(uow, "lead_import_rows", ("import_id", "line", "code", "cells", "digits", _quoted("values")), kept)
    report = dict(into.report)
    refused = Counter(row.refusal.code for row in rows if row.refusal)
    noted = Counter(why.code for row in rows if row.refusal is None for why in row.left)
    report["rows"] = report.get("rows", 0) + len(rows)
    report["added"] = report.get("added", 0) + sum(row.refusal is None for row in rows)
    report["refused"] = dict(Counter(report.get("refused", {})) + refused)
    report["noted"] = dict(Counter(report.get("noted", {})) + noted)
    into.report = report
    into.cursor = rows[-1].line


def _kept(import_id: int, row: Row, why: Reason) -> tuple[Any, ...]:
    cells = [] if why.code in UNSTORED else row.cells
    values = {} if why.code in UNSTORED else why.values
    said = [*cells, str(values.get("number", ""))]
    digits = ("".join(each for each in cell if each.isdigit() and each.isascii()) for cell in said)
    return (import_id, row.line, why.code, json.dumps(cells), " ".join(filter(None, digits)), json.dumps(values))
