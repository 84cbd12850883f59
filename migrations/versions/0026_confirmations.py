"""What follows a spoken yes: terms sent, the customer's statement; those that are awaiting get their record

Revision ID: 0026
Revises: 0025
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_AT_ONCE = 500


def upgrade() -> None:
    made = op.create_table(
        "lead_confirmations",
        sa.Column("attempt_id", sa.Text(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by", sa.Integer(), nullable=True),
        sa.Column("terms_on", sa.Date(), nullable=True),
        sa.Column("terms_how", sa.Text(), nullable=False),
        sa.Column("terms_note", sa.Text(), nullable=False),
        sa.Column("terms_by", sa.Integer(), nullable=True),
        sa.Column("terms_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("end_how", sa.Text(), nullable=False),
        sa.Column("end_note", sa.Text(), nullable=False),
        sa.Column("end_by", sa.Integer(), nullable=True),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=True),
        *(_reference(name, to, gone) for name, to, gone in _REFERENCES),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_lead_confirmations")),
    )
    op.create_index("ix_lead_confirmations_campaign_id_state_said_at", "lead_confirmations", ["campaign_id", "state", "said_at"])
    op.create_index(op.f("ix_lead_confirmations_lead_id"), "lead_confirmations", ["lead_id"])
    _fill(made)


_REFERENCES = (
    ("attempt_id", "lead_attempts", "CASCADE"),
    ("lead_id", "leads", "CASCADE"),
    ("campaign_id", "campaigns", "CASCADE"),
    *((name, "users", "SET NULL") for name in ("taken_by", "terms_by", "end_by")),
)


def _reference(name: str, to: str, gone: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{to}.id"], name=op.f(f"fk_lead_confirmations_{name}"), ondelete=gone)


def _fill(made: sa.Table) -> None:
    """Give each lead that stands with a spoken yes its record, by the attempt its reason names, else its last one."""
    connection = op.get_bind()
    time = sa.DateTime(timezone=True)
    leads = sa.table("leads", *(sa.column(each) for each in ("id", "campaign_id", "state", "refusal")), _json("refusal_values"))
    attempts = sa.table(
        "lead_attempts",
        *(sa.column(each) for each in ("id", "lead_id", "user_id")),
        *(sa.column(each, time) for each in ("started_at", "answered_at", "bridged_at")),
    )
    query = sa.select(leads).where(leads.c.state == "done", leads.c.refusal == "agreed").order_by(leads.c.id)
    last = 0
    while found := connection.execute(query.where(leads.c.id > last).limit(_AT_ONCE)).all():
        last = found[-1].id
        tries = sa.select(attempts).where(attempts.c.lead_id.in_([each.id for each in found]))
        by_lead: dict[int, dict[str, Any]] = {}
        for each in connection.execute(tries.order_by(attempts.c.started_at)):
            by_lead.setdefault(each.lead_id, {})[each.id] = each
        rows = [_row(each, by_lead[each.id]) for each in found if each.id in by_lead]
        if rows:
            connection.execute(made.insert(), rows)


def _row(lead: Any, tries: dict[str, Any]) -> dict[str, Any]:
    talk = tries.get((lead.refusal_values or {}).get("attempt_id", "")) or list(tries.values())[-1]
    return {
        "attempt_id": talk.id,
        "lead_id": lead.id,
        "campaign_id": lead.campaign_id,
        "state": "awaiting",
        "said_at": talk.bridged_at or talk.answered_at or talk.started_at,
        "taken_by": talk.user_id,
        **dict.fromkeys(("terms_how", "terms_note", "end_how", "end_note"), ""),
    }


def _json(name: str) -> Any:
    return sa.column(name, sa.JSON())


def downgrade() -> None:
    op.drop_table("lead_confirmations")
