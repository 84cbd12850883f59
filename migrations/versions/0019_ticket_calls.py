"""Tickets name the call they came of

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.add_column(sa.Column("call_id", sa.Text(), nullable=True))
        batch_op.create_index(batch_op.f("ix_tickets_call_id"), ["call_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_tickets_call_id"), "calls", ["call_id"], ["id"], ondelete="SET NULL")


def downgrade() -> None:
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_tickets_call_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_tickets_call_id"))
        batch_op.drop_column("call_id")
