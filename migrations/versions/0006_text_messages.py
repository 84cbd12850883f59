"""Text messages: their project, who dealt with one that came, their line on the timeline, and no message sent twice

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLE = "text_messages"
_REFERENCES = {"project_id": "projects", "organisation_id": "organisations", "seen_by": "users"}
_PLAIN = ("key", "match", "entry_id", "answer_id", "seen_at")
_PARTIAL = {
    "ix_text_messages_user_id_key": (["user_id", "key"], "key != ''", True),
    "ix_text_messages_unseen": (["id"], "seen_at IS NULL", False),
    "ix_text_messages_project_id_unseen": (["project_id", "id"], "seen_at IS NULL", False),
    "ix_text_messages_project_id_seen": (["project_id", "id"], "seen_at IS NOT NULL", False),
    "ix_text_messages_queued": (["id"], "state = 'queued'", False),
}
_PROVIDER = {"ix_text_messages_provider_ref": (["trunk_id", "provider_ref"], "provider_ref != ''", True)}
_WHOLE = {
    "ix_text_messages_organisation_id": ["organisation_id"],
    "ix_text_messages_number": ["number"],
}


def _partial(indexes: dict[str, tuple[list[str], str, bool]]) -> None:
    for name, (columns, where, unique) in indexes.items():
        op.create_index(name, _TABLE, columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def upgrade() -> None:
    op.drop_index("ix_text_messages_provider_ref", _TABLE)  # SQLite makes the table anew, and might forget its condition
    with op.batch_alter_table(_TABLE, schema=None) as batch_op:
        for name, table in _REFERENCES.items():
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=True))
            batch_op.create_foreign_key(op.f(f"fk_text_messages_{name}"), table, [name], ["id"], ondelete="SET NULL")
        batch_op.add_column(sa.Column("key", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("match", sa.JSON(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("entry_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("answer_id", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
    for name, columns in _WHOLE.items():
        op.create_index(name, _TABLE, columns)
    _partial(_PROVIDER)
    _partial(_PARTIAL)


def downgrade() -> None:
    for name in (*_WHOLE, *_PROVIDER, *_PARTIAL):
        op.drop_index(name, _TABLE)
    with op.batch_alter_table(_TABLE, schema=None) as batch_op:
        for name in _REFERENCES:
            batch_op.drop_constraint(op.f(f"fk_text_messages_{name}"), type_="foreignkey")
        for name in (*_REFERENCES, *_PLAIN):
            batch_op.drop_column(name)
    _partial(_PROVIDER)
