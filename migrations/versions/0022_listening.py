"""Supervisors who listen to calls, whisper and barge in; whether consultants are told of it

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.add_column(sa.Column("joined", sa.Text(), server_default="", nullable=False))
    with op.batch_alter_table("projects", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tell_listening", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.create_table(
        "listenings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("consultant_id", sa.Integer(), nullable=True),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_listenings_call_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_listenings_user_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["consultant_id"], ["users.id"], name=op.f("fk_listenings_consultant_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listenings")),
    )
    with op.batch_alter_table("listenings", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_listenings_call_id"), ["call_id"], unique=False)
        batch_op.create_index(
            "uq_listenings_user_id",
            ["user_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )


def downgrade() -> None:
    op.drop_table("listenings")
    with op.batch_alter_table("projects", schema=None) as batch_op:
        batch_op.drop_column("tell_listening")
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.drop_column("joined")
