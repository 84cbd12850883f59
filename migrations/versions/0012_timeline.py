"""The timeline: corrected and struck lines with their earlier texts, and indexes for its filter by kind

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_BY = ("corrected_by", "struck_by")


def upgrade() -> None:
    with op.batch_alter_table("timeline", schema=None) as batch_op:
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))
        for name in ("corrected", "struck"):
            batch_op.add_column(sa.Column(f"{name}_at", sa.DateTime(timezone=True), nullable=True))
            batch_op.add_column(sa.Column(f"{name}_by", sa.Integer(), nullable=True))
        for name in _BY:
            batch_op.create_foreign_key(op.f(f"fk_timeline_{name}"), "users", [name], ["id"], ondelete="SET NULL")
        batch_op.create_index("ix_timeline_contact_id_kind_at", ["contact_id", "kind", "at"], unique=False)
    op.create_table(
        "timeline_versions",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["timeline.id"], name=op.f("fk_timeline_versions_entry_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_timeline_versions_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("entry_id", "version", name=op.f("pk_timeline_versions")),
    )


def downgrade() -> None:
    op.drop_table("timeline_versions")
    with op.batch_alter_table("timeline", schema=None) as batch_op:
        batch_op.drop_index("ix_timeline_contact_id_kind_at")
        for name in reversed(_BY):
            batch_op.drop_constraint(op.f(f"fk_timeline_{name}"), type_="foreignkey")
        for name in ("struck_by", "struck_at", "corrected_by", "corrected_at", "version"):
            batch_op.drop_column(name)
