"""The index contacts are filtered by, and the log of those that changed since; indexes it makes superfluous go

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

from callcenter.contacts.index_log import no_triggers, triggers

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_CHOSEN = ("position_id", "segment_id", "source_id", "stage_id")


def _bulks() -> None:
    op.create_table(
        "contact_bulks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("filter", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("error_values", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_contact_bulks_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_bulks")),
    )
    op.create_index(op.f("ix_contact_bulks_user_id"), "contact_bulks", ["user_id"])
    op.create_table(
        "contact_bulk_rows",
        sa.Column("bulk_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["bulk_id"], ["contact_bulks.id"], name=op.f("fk_contact_bulk_rows_bulk_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("bulk_id", "contact_id", name=op.f("pk_contact_bulk_rows")),
    )
    op.create_index("ix_contact_bulk_rows_bulk_id_sentence", "contact_bulk_rows", ["bulk_id", "sentence", "contact_id"])


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    op.create_table(
        "contact_postings",
        sa.Column("key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("block", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bits", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", name=op.f("pk_contact_postings")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "contact_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("was", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_changes")),
    )
    _bulks()
    with op.batch_alter_table("custom_values", schema=None) as batch_op:
        for name in ("day", "folded", "number", "option_id"):
            batch_op.drop_index(f"ix_custom_values_field_id_{name}")
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.drop_index("ix_contacts_type_sort")
        for name in _CHOSEN:
            batch_op.drop_index(batch_op.f(f"ix_contacts_{name}"))
    if dialect == "postgresql":
        op.execute('ALTER TABLE contacts ALTER COLUMN sort_name TYPE text COLLATE "C"')
    for statement in triggers(dialect):
        op.get_bind().exec_driver_sql(statement)
    op.execute("INSERT INTO contact_changes (contact_id) SELECT id FROM contacts ORDER BY id")


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    for statement in no_triggers(dialect):
        op.get_bind().exec_driver_sql(statement)
    if dialect == "postgresql":
        op.execute('ALTER TABLE contacts ALTER COLUMN sort_name TYPE text COLLATE "default"')
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.create_index("ix_contacts_type_sort", ["type", "sort_name", "id"], unique=False)
        for name in _CHOSEN:
            batch_op.create_index(batch_op.f(f"ix_contacts_{name}"), [name], unique=False)
    with op.batch_alter_table("custom_values", schema=None) as batch_op:
        batch_op.create_index("ix_custom_values_field_id_day", ["field_id", "day"], unique=False)
        batch_op.create_index("ix_custom_values_field_id_folded", ["field_id", "folded"], unique=False)
        batch_op.create_index("ix_custom_values_field_id_number", ["field_id", "number"], unique=False)
        batch_op.create_index("ix_custom_values_field_id_option_id", ["field_id", "option_id", "contact_id"], unique=False)
    op.drop_table("contact_bulk_rows")
    op.drop_table("contact_bulks")
    op.drop_table("contact_changes")
    op.drop_table("contact_postings")
