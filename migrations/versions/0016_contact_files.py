"""Contacts in and out: what columns meant, duplicates, merges, exports; ids of contacts are never used again

Revision ID: 0016
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _refers(table: str, column: str, to: str, on_delete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=on_delete)


def upgrade() -> None:
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.add_column(sa.Column("skipped", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("updated", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("mapping", sa.JSON(), server_default="{}", nullable=False))
    with op.batch_alter_table("import_rows", schema=None) as batch_op:
        batch_op.add_column(sa.Column("notice_values", sa.JSON(), server_default="{}", nullable=False))
    on_sqlite = {"recreate": "always", "table_kwargs": {"sqlite_autoincrement": True}}
    with op.batch_alter_table(
        "contacts", schema=None, **(on_sqlite if op.get_bind().dialect.name == "sqlite" else {})
    ) as batch_op:
        batch_op.create_index(batch_op.f("ix_contacts_email"), ["email"], unique=False)
    op.create_table(
        "import_mappings",
        sa.Column("headings", sa.Text(), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        _key("import_mappings", "headings"),
    )
    op.create_table(
        "contact_merges",
        sa.Column("loser_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("survivor_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("merged_at", _TIME, nullable=False),
        _refers("contact_merges", "survivor_id", "contacts", "CASCADE"),
        _refers("contact_merges", "user_id", "users", "SET NULL"),
        _key("contact_merges", "loser_id"),
    )
    op.create_index("ix_contact_merges_survivor_id", "contact_merges", ["survivor_id"])
    op.create_table(
        "duplicate_pairs",
        sa.Column("first_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("second_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("scan", sa.Integer(), nullable=False),
        sa.Column("dismissed_at", _TIME, nullable=True),
        sa.Column("dismissed_by", sa.Integer(), nullable=True),
        _refers("duplicate_pairs", "first_id", "contacts", "CASCADE"),
        _refers("duplicate_pairs", "second_id", "contacts", "CASCADE"),
        _refers("duplicate_pairs", "dismissed_by", "users", "SET NULL"),
        _key("duplicate_pairs", "first_id", "second_id"),
    )
    op.create_index("ix_duplicate_pairs_scan", "duplicate_pairs", ["scan"])
    op.create_index("ix_duplicate_pairs_second_id", "duplicate_pairs", ["second_id"])
    op.create_table(
        "duplicate_scans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("touched_at", _TIME, nullable=False),
        sa.Column("finished_at", _TIME, nullable=True),
        sa.Column("looked_at", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        _key("duplicate_scans", "id"),
    )
    op.create_table(
        "exports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("touched_at", _TIME, nullable=False),
        sa.Column("finished_at", _TIME, nullable=True),
        sa.Column("expires_at", _TIME, nullable=False),
        _refers("exports", "user_id", "users", "SET NULL"),
        _refers("exports", "file_id", "files", "SET NULL"),
        _key("exports", "id"),
    )
    op.create_index("ix_exports_user_id", "exports", ["user_id"])
    op.create_index("ix_exports_expires_at", "exports", ["expires_at"])


def downgrade() -> None:
    for table in ("exports", "duplicate_scans", "duplicate_pairs", "contact_merges", "import_mappings"):
        op.drop_table(table)
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contacts_email"))
    with op.batch_alter_table("import_rows", schema=None) as batch_op:
        batch_op.drop_column("notice_values")
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.drop_column("mapping")
        batch_op.drop_column("updated")
        batch_op.drop_column("skipped")
