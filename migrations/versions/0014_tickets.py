"""Tickets with their kinds, states, comments, files and history; the ticket of a phone meeting

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ticket_states",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("colour", sa.Text(), nullable=False),
        sa.Column("ends", sa.Boolean(), nullable=False),
        sa.Column("starts", sa.Boolean(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_states")),
        sa.UniqueConstraint("folded", name=op.f("uq_ticket_states_folded")),
    )
    op.create_table(
        "ticket_terms",
        sa.Column("term", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("ticket_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("term", "ticket_id", name=op.f("pk_ticket_terms")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ticket_kinds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("start_id", sa.Integer(), nullable=True),
        sa.Column("own_steps", sa.Boolean(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["start_id"], ["ticket_states.id"], name=op.f("fk_ticket_kinds_start_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_kinds")),
        sa.UniqueConstraint("folded", name=op.f("uq_ticket_kinds_folded")),
    )
    op.create_table(
        "ticket_steps",
        sa.Column("kind_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("from_id", sa.Integer(), nullable=False),
        sa.Column("to_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["from_id"], ["ticket_states.id"], name=op.f("fk_ticket_steps_from_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["to_id"], ["ticket_states.id"], name=op.f("fk_ticket_steps_to_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("kind_id", "from_id", "to_id", name=op.f("pk_ticket_steps")),
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kind_id", sa.Integer(), nullable=False),
        sa.Column("state_id", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("assignee_id", sa.Integer(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sort_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("of_account", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["assignee_id"], ["users.id"], name=op.f("fk_tickets_assignee_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_tickets_contact_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_tickets_created_by"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["kind_id"], ["ticket_kinds.id"], name=op.f("fk_tickets_kind_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_tickets_organisation_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["state_id"], ["ticket_states.id"], name=op.f("fk_tickets_state_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
    )
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.create_index("ix_tickets_assignee_id_sort_at", ["assignee_id", "sort_at", "id"], unique=False)
        batch_op.create_index("ix_tickets_contact_id_id", ["contact_id", "id"], unique=False)
        batch_op.create_index("ix_tickets_created_at_id", ["created_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_tickets_kind_id"), ["kind_id"], unique=False)
        batch_op.create_index(
            "ix_tickets_open",
            ["sort_at", "id"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index("ix_tickets_organisation_id_id", ["organisation_id", "id"], unique=False)
        batch_op.create_index("ix_tickets_sort_at_id", ["sort_at", "id"], unique=False)
        batch_op.create_index("ix_tickets_state_id_created_at", ["state_id", "created_at"], unique=False)
        batch_op.create_index("ix_tickets_updated_at_id", ["updated_at", "id"], unique=False)

    op.create_table(
        "ticket_comments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_comments_ticket_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_ticket_comments_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_comments")),
    )
    with op.batch_alter_table("ticket_comments", schema=None) as batch_op:
        batch_op.create_index("ix_ticket_comments_ticket_id_id", ["ticket_id", "id"], unique=False)

    op.create_table(
        "ticket_files",
        sa.Column("file_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_ticket_files_file_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_files_ticket_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_ticket_files_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_ticket_files")),
    )
    with op.batch_alter_table("ticket_files", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_files_ticket_id"), ["ticket_id"], unique=False)

    op.create_table(
        "ticket_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_log_ticket_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_ticket_log_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_log")),
    )
    with op.batch_alter_table("ticket_log", schema=None) as batch_op:
        batch_op.create_index("ix_ticket_log_ticket_id_id", ["ticket_id", "id"], unique=False)

    with op.batch_alter_table("phone_meetings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ticket_id", sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f("ix_phone_meetings_ticket_id"), ["ticket_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_phone_meetings_ticket_id"), "tickets", ["ticket_id"], ["id"], ondelete="SET NULL"
        )


def downgrade() -> None:
    with op.batch_alter_table("phone_meetings", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_phone_meetings_ticket_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_phone_meetings_ticket_id"))
        batch_op.drop_column("ticket_id")

    with op.batch_alter_table("ticket_log", schema=None) as batch_op:
        batch_op.drop_index("ix_ticket_log_ticket_id_id")

    op.drop_table("ticket_log")
    with op.batch_alter_table("ticket_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_files_ticket_id"))

    op.drop_table("ticket_files")
    with op.batch_alter_table("ticket_comments", schema=None) as batch_op:
        batch_op.drop_index("ix_ticket_comments_ticket_id_id")

    op.drop_table("ticket_comments")
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.drop_index("ix_tickets_updated_at_id")
        batch_op.drop_index("ix_tickets_state_id_created_at")
        batch_op.drop_index("ix_tickets_sort_at_id")
        batch_op.drop_index("ix_tickets_organisation_id_id")
        batch_op.drop_index(
            "ix_tickets_open", sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL")
        )
        batch_op.drop_index(batch_op.f("ix_tickets_kind_id"))
        batch_op.drop_index("ix_tickets_created_at_id")
        batch_op.drop_index("ix_tickets_contact_id_id")
        batch_op.drop_index("ix_tickets_assignee_id_sort_at")

    op.drop_table("tickets")
    op.drop_table("ticket_steps")
    op.drop_table("ticket_kinds")
    op.drop_table("ticket_terms")
    op.drop_table("ticket_states")
