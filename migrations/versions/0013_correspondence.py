"""Correspondence: e-mails and faxes with their files, templates, drafts, mailboxes; mails with cc, attachments, parents

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mailboxes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uid_validity", sa.Integer(), nullable=False),
        sa.Column("last_uid", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("error_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mailboxes")),
    )
    op.create_table(
        "email_templates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_email_templates_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_templates")),
        sa.UniqueConstraint("folded", name=op.f("uq_email_templates_folded")),
    )
    op.create_table(
        "email_drafts",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_email_drafts_contact_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_email_drafts_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "contact_id", "channel", name=op.f("pk_email_drafts")),
    )
    with op.batch_alter_table("email_drafts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_email_drafts_contact_id"), ["contact_id"], unique=False)

    op.create_table(
        "emails",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("outbound", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cc", sa.JSON(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("parents", sa.JSON(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("cut", sa.Boolean(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=True),
        sa.Column("answers_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["answers_id"], ["emails.id"], name=op.f("fk_emails_answers_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_emails_contact_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["seen_by"], ["users.id"], name=op.f("fk_emails_seen_by"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_emails_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emails")),
    )
    with op.batch_alter_table("emails", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_emails_answers_id"), ["answers_id"], unique=False)
        batch_op.create_index(
            "ix_emails_came", ["id"], unique=False, sqlite_where=sa.text("NOT outbound"), postgresql_where=sa.text("NOT outbound")
        )
        batch_op.create_index("ix_emails_contact_id_created_at", ["contact_id", "created_at"], unique=False)
        batch_op.create_index(
            "ix_emails_digest",
            ["digest"],
            unique=True,
            sqlite_where=sa.text("digest != ''"),
            postgresql_where=sa.text("digest != ''"),
        )
        batch_op.create_index(
            "ix_emails_faxes",
            ["address"],
            unique=False,
            sqlite_where=sa.text("channel = 'fax'"),
            postgresql_where=sa.text("channel = 'fax'"),
        )
        batch_op.create_index(
            "ix_emails_message_id",
            ["message_id"],
            unique=False,
            sqlite_where=sa.text("message_id != ''"),
            postgresql_where=sa.text("message_id != ''"),
        )
        batch_op.create_index(
            "ix_emails_unseen",
            ["id"],
            unique=False,
            sqlite_where=sa.text("seen_at IS NULL"),
            postgresql_where=sa.text("seen_at IS NULL"),
        )
        batch_op.create_index(
            "ix_emails_user_id_key",
            ["user_id", "key"],
            unique=True,
            sqlite_where=sa.text("key != ''"),
            postgresql_where=sa.text("key != ''"),
        )

    op.create_table(
        "email_candidates",
        sa.Column("email_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_email_candidates_contact_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["email_id"], ["emails.id"], name=op.f("fk_email_candidates_email_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("email_id", "contact_id", name=op.f("pk_email_candidates")),
    )
    with op.batch_alter_table("email_candidates", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_email_candidates_contact_id"), ["contact_id"], unique=False)

    op.create_table(
        "email_files",
        sa.Column("email_id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["email_id"], ["emails.id"], name=op.f("fk_email_files_email_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_email_files_file_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("email_id", "file_id", name=op.f("pk_email_files")),
    )
    with op.batch_alter_table("email_files", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_email_files_file_id"), ["file_id"], unique=False)

    with op.batch_alter_table("mails", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cc", sa.JSON(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("from_name", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("reply_to", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("html", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("parents", sa.JSON(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("files", sa.JSON(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("size", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("mails", schema=None) as batch_op:
        batch_op.drop_column("size")
        batch_op.drop_column("files")
        batch_op.drop_column("parents")
        batch_op.drop_column("html")
        batch_op.drop_column("reply_to")
        batch_op.drop_column("from_name")
        batch_op.drop_column("cc")

    with op.batch_alter_table("email_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_email_files_file_id"))

    op.drop_table("email_files")
    with op.batch_alter_table("email_candidates", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_email_candidates_contact_id"))

    op.drop_table("email_candidates")
    with op.batch_alter_table("emails", schema=None) as batch_op:
        batch_op.drop_index("ix_emails_user_id_key")
        batch_op.drop_index("ix_emails_unseen")
        batch_op.drop_index("ix_emails_message_id")
        batch_op.drop_index("ix_emails_faxes")
        batch_op.drop_index("ix_emails_digest")
        batch_op.drop_index("ix_emails_contact_id_created_at")
        batch_op.drop_index("ix_emails_came")
        batch_op.drop_index(batch_op.f("ix_emails_answers_id"))

    op.drop_table("emails")
    with op.batch_alter_table("email_drafts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_email_drafts_contact_id"))

    op.drop_table("email_drafts")
    op.drop_table("email_templates")
    op.drop_table("mailboxes")
