"""The contact module: words to choose from, fields of one's own, addresses, types, managers, tags, files, account roles

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from callcenter.contacts.text import clean, fold

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


_OLD_POSITIONS = (
    "UPDATE contacts SET position = (SELECT name FROM dictionary_entries WHERE dictionary_entries.id = contacts.position_id)"
    " WHERE position_id IS NOT NULL"
)


def _words_of_positions() -> None:
    """Make words of the dictionary of what people had typed as positions; those that fold alike become one."""
    connection = op.get_bind()
    entries = sa.table("dictionary_entries", *(sa.column(name) for name in ("id", "kind", "name", "folded", "place")))
    words = sa.table("position_words", sa.column("typed", sa.Text()), sa.column("entry_id", sa.Integer()))
    ids: dict[str, int] = {}
    typed = connection.execute(sa.text("SELECT DISTINCT position FROM contacts WHERE position <> '' ORDER BY 1")).scalars().all()
    op.create_table("position_words", sa.Column("typed", sa.Text(), primary_key=True), sa.Column("entry_id", sa.Integer()))
    for each in typed:
        folded = fold(each)
        if folded and folded not in ids:
            row = {"kind": "position", "name": " ".join(clean(each).split()), "folded": folded, "place": len(ids) + 1}
            ids[folded] = connection.execute(sa.insert(entries).values(**row).returning(entries.c.id)).scalar_one()
        if folded:
            connection.execute(sa.insert(words).values(typed=each, entry_id=ids[folded]))
    op.execute(
        "UPDATE contacts SET position_id = (SELECT entry_id FROM position_words WHERE position_words.typed = contacts.position)"
        " WHERE position <> ''"
    )
    op.drop_table("position_words")


def upgrade() -> None:
    op.create_table(
        "custom_fields",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_fields")),
        sa.UniqueConstraint("key", name=op.f("uq_custom_fields_key")),
    )
    op.create_table(
        "dictionary_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dictionary_entries")),
        sa.UniqueConstraint("kind", "folded", name=op.f("uq_dictionary_entries_kind_folded")),
    )
    op.create_table(
        "custom_options",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("field_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["field_id"], ["custom_fields.id"], name=op.f("fk_custom_options_field_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_options")),
        sa.UniqueConstraint("field_id", "folded", name=op.f("uq_custom_options_field_id_folded")),
    )
    op.create_table(
        "files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("complete_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attached", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_files_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
    )
    with op.batch_alter_table("files", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_files_created_at"), ["created_at"], unique=False)

    op.create_table(
        "file_parts",
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_file_parts_file_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("file_id", "n", name=op.f("pk_file_parts")),
    )
    op.create_table(
        "organisation_managers",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_organisation_managers_organisation_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_organisation_managers_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "organisation_id", name=op.f("pk_organisation_managers")),
    )
    with op.batch_alter_table("organisation_managers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_organisation_managers_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "contact_managers",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_contact_managers_contact_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_contact_managers_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "contact_id", name=op.f("pk_contact_managers")),
    )
    with op.batch_alter_table("contact_managers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_managers_contact_id"), ["contact_id"], unique=False)

    op.create_table(
        "contact_tags",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_contact_tags_contact_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["dictionary_entries.id"], name=op.f("fk_contact_tags_entry_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("entry_id", "contact_id", name=op.f("pk_contact_tags")),
    )
    with op.batch_alter_table("contact_tags", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_tags_contact_id"), ["contact_id"], unique=False)

    op.create_table(
        "custom_values",
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("field_id", sa.Integer(), nullable=False),
        sa.Column("option_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_custom_values_contact_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["field_id"], ["custom_fields.id"], name=op.f("fk_custom_values_field_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("contact_id", "field_id", "option_id", name=op.f("pk_custom_values")),
    )
    with op.batch_alter_table("custom_values", schema=None) as batch_op:
        batch_op.create_index("ix_custom_values_field_id_day", ["field_id", "day"], unique=False)
        batch_op.create_index("ix_custom_values_field_id_folded", ["field_id", "folded"], unique=False)
        batch_op.create_index("ix_custom_values_field_id_number", ["field_id", "number"], unique=False)
        batch_op.create_index("ix_custom_values_field_id_option_id", ["field_id", "option_id", "contact_id"], unique=False)

    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("type", sa.Text(), server_default="customer", nullable=False))
        batch_op.add_column(sa.Column("position_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("stage_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("source_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("segment_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("address1", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("address2", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("postcode", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("city", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("province", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("country", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("avatar_id", sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f("ix_contacts_position_id"), ["position_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_contacts_segment_id"), ["segment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_contacts_source_id"), ["source_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_contacts_stage_id"), ["stage_id"], unique=False)
        batch_op.create_index("ix_contacts_type_sort", ["type", "sort_name", "id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_contacts_stage_id"), "dictionary_entries", ["stage_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.create_foreign_key(batch_op.f("fk_contacts_avatar_id"), "files", ["avatar_id"], ["id"], ondelete="SET NULL")
        batch_op.create_foreign_key(
            batch_op.f("fk_contacts_position_id"), "dictionary_entries", ["position_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_contacts_segment_id"), "dictionary_entries", ["segment_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_contacts_source_id"), "dictionary_entries", ["source_id"], ["id"], ondelete="SET NULL"
        )
    _words_of_positions()
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.drop_column("position")

    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("type", sa.Text(), server_default="customer", nullable=False))
        batch_op.add_column(sa.Column("email", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("website", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("address1", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("address2", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("postcode", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("city", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("province", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("country", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("note", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("accounts", sa.JSON(), server_default='["partner_admin", "customer_admin"]', nullable=False)
        )


def downgrade() -> None:
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_column("accounts")

    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.drop_column("updated_at")
        batch_op.drop_column("version")
        batch_op.drop_column("note")
        batch_op.drop_column("country")
        batch_op.drop_column("province")
        batch_op.drop_column("city")
        batch_op.drop_column("postcode")
        batch_op.drop_column("address2")
        batch_op.drop_column("address1")
        batch_op.drop_column("website")
        batch_op.drop_column("email")
        batch_op.drop_column("type")

    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("position", sa.Text(), server_default="", nullable=False))
    op.execute(_OLD_POSITIONS)
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_contacts_source_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_contacts_segment_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_contacts_position_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_contacts_avatar_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_contacts_stage_id"), type_="foreignkey")
        batch_op.drop_index("ix_contacts_type_sort")
        batch_op.drop_index(batch_op.f("ix_contacts_stage_id"))
        batch_op.drop_index(batch_op.f("ix_contacts_source_id"))
        batch_op.drop_index(batch_op.f("ix_contacts_segment_id"))
        batch_op.drop_index(batch_op.f("ix_contacts_position_id"))
        batch_op.drop_column("avatar_id")
        batch_op.drop_column("country")
        batch_op.drop_column("province")
        batch_op.drop_column("city")
        batch_op.drop_column("postcode")
        batch_op.drop_column("address2")
        batch_op.drop_column("address1")
        batch_op.drop_column("segment_id")
        batch_op.drop_column("source_id")
        batch_op.drop_column("stage_id")
        batch_op.drop_column("position_id")
        batch_op.drop_column("type")

    with op.batch_alter_table("custom_values", schema=None) as batch_op:
        batch_op.drop_index("ix_custom_values_field_id_option_id")
        batch_op.drop_index("ix_custom_values_field_id_number")
        batch_op.drop_index("ix_custom_values_field_id_folded")
        batch_op.drop_index("ix_custom_values_field_id_day")

    op.drop_table("custom_values")
    with op.batch_alter_table("contact_tags", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_tags_contact_id"))

    op.drop_table("contact_tags")
    with op.batch_alter_table("contact_managers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_managers_contact_id"))

    op.drop_table("contact_managers")
    with op.batch_alter_table("organisation_managers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_organisation_managers_organisation_id"))

    op.drop_table("organisation_managers")
    op.drop_table("file_parts")
    with op.batch_alter_table("files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_files_created_at"))

    op.drop_table("files")
    op.drop_table("custom_options")
    op.drop_table("dictionary_entries")
    op.drop_table("custom_fields")
