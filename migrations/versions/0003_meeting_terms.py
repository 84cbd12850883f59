"""Search terms of phone meetings, written for those there are; what one planned by state

Revision ID: 0003
Revises: 0002
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BATCH = 10_000  # ids looked at by one statement


def upgrade() -> None:
    op.create_table(
        "phone_meeting_terms",
        sa.Column("term", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("meeting_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("term", "meeting_id", name=op.f("pk_phone_meeting_terms")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("phone_meetings", schema=None) as batch_op:
        batch_op.create_index(
            "ix_phone_meetings_created_by_state_from_at_id",
            ["created_by", "state", "from_at", "id", "mode", "project_id", "user_id"],
            unique=False,
        )
    connection = op.get_bind()
    first, last = connection.execute(sa.text("SELECT min(id), max(id) FROM phone_meetings")).one()
    if first is None:
        return
    for begin in range(first, last + 1, BATCH):
        span = {"begin": begin, "end": begin + BATCH}
        add_new_names(connection, span)
        connection.execute(sa.text(TERMS[connection.dialect.name]), span)


def add_new_names(connection: sa.Connection, span: dict[str, int]) -> None:
    """Let meetings be found by what their contact is called now, too; its sort_name holds those words, folded."""
    query = "SELECT m.id, m.folded, c.sort_name FROM phone_meetings m JOIN contacts c ON c.id = m.contact_id"
    changed: list[dict[str, Any]] = []
    for meeting_id, folded, name in connection.execute(sa.text(f"{query} WHERE m.id >= :begin AND m.id < :end"), span):
        there = set(folded.split())
        more = [word for word in dict.fromkeys(name.split()) if word not in there]
        if more:
            changed.append({"meeting": meeting_id, "all": folded + "".join(f" {word}" for word in more)})
    if changed:
        connection.execute(sa.text("UPDATE phone_meetings SET folded = :all WHERE id = :meeting"), changed)


# Terms have at most 80 characters. The words of `folded` hold letters, digits and ~ only, so they need no escaping.
TERMS = {
    "sqlite": """
        INSERT INTO phone_meeting_terms (term, meeting_id)
        SELECT DISTINCT substr(word.value, 1, 80), m.id
        FROM phone_meetings m, json_each('["' || replace(trim(m.folded), ' ', '","') || '"]') word
        WHERE m.id >= :begin AND m.id < :end AND trim(m.folded) <> '' ORDER BY 1, 2
    """,
    "postgresql": """
        INSERT INTO phone_meeting_terms (term, meeting_id)
        SELECT DISTINCT left(word, 80) COLLATE "C", m.id
        FROM phone_meetings m, unnest(string_to_array(trim(m.folded), ' ')) word
        WHERE m.id >= :begin AND m.id < :end AND trim(m.folded) <> '' ORDER BY 1, 2
    """,
}


def downgrade() -> None:
    with op.batch_alter_table("phone_meetings", schema=None) as batch_op:
        batch_op.drop_index("ix_phone_meetings_created_by_state_from_at_id")
    op.drop_table("phone_meeting_terms")
