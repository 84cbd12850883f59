"""Of an import of meetings: rows that were planned before, and what an undo took back and what it left

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_COUNTS = ("already", "undone", "kept")


def upgrade() -> None:
    with op.batch_alter_table("phone_meeting_imports", schema=None) as batch_op:
        for name in _COUNTS:
            batch_op.add_column(sa.Column(name, sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("phone_meeting_imports", schema=None) as batch_op:
        for name in reversed(_COUNTS):
            batch_op.drop_column(name)
