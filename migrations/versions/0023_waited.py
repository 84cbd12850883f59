"""How long the agent of an attempt waited for it

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("lead_attempts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("waited_seconds", sa.Double(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("lead_attempts", schema=None) as batch_op:
        batch_op.drop_column("waited_seconds")
