"""Twilio accounts as trunks, what a trunk may cost, answering machines, and text messages

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TEXTS = ("account_sid", "api_key", "api_secret_sealed", "public_url", "stream_url", "api_url", "spend_told_on")
_NUMBERS = ("longest_call_seconds", "minute_price", "daily_spend", "spend_told")


def upgrade() -> None:
    with op.batch_alter_table("trunks", schema=None) as batch_op:
        for name in _TEXTS:
            batch_op.add_column(sa.Column(name, sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("calls_per_second", sa.Double(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("machine_detection", sa.Boolean(), server_default=sa.false(), nullable=False))
        for name in _NUMBERS:
            batch_op.add_column(sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.add_column(sa.Column("machine", sa.Text(), server_default="", nullable=False))
    with op.batch_alter_table("legs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("minutes", sa.Integer(), nullable=True))
        batch_op.create_index(
            "ix_legs_trunk_id_answered_at",
            ["trunk_id", "direction", "answered_at", "minutes"],
            unique=False,
            sqlite_where=sa.text("answered_at IS NOT NULL"),
            postgresql_where=sa.text("answered_at IS NOT NULL"),
        )
    op.create_table(
        "text_messages",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("trunk_id", sa.Integer(), nullable=True),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("outbound", sa.Boolean(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("own_number", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("provider_ref", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_text_messages_contact_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunks.id"], name=op.f("fk_text_messages_trunk_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_text_messages_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_messages")),
    )
    with op.batch_alter_table("text_messages", schema=None) as batch_op:
        batch_op.create_index("ix_text_messages_contact_id_created_at", ["contact_id", "created_at"], unique=False)
        batch_op.create_index("ix_text_messages_created_at", ["created_at"], unique=False)
        batch_op.create_index(
            "ix_text_messages_provider_ref",
            ["trunk_id", "provider_ref"],
            unique=True,
            sqlite_where=sa.text("provider_ref != ''"),
            postgresql_where=sa.text("provider_ref != ''"),
        )


def downgrade() -> None:
    op.drop_table("text_messages")
    with op.batch_alter_table("legs", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_legs_trunk_id_answered_at",
            sqlite_where=sa.text("answered_at IS NOT NULL"),
            postgresql_where=sa.text("answered_at IS NOT NULL"),
        )
        batch_op.drop_column("minutes")
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.drop_column("machine")
    with op.batch_alter_table("trunks", schema=None) as batch_op:
        for name in (*reversed(_NUMBERS), "machine_detection", "calls_per_second", *reversed(_TEXTS)):
            batch_op.drop_column(name)
