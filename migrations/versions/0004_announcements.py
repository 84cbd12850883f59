"""What a customer whose agent dropped is told, and how much of it was heard

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.add_column(sa.Column("announcement", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("announcement_ms", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("heard_ms", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.drop_column("heard_ms")
        batch_op.drop_column("announcement_ms")
        batch_op.drop_column("dropped_at")
        batch_op.drop_column("announcement")
