"""Organisations: found by words and parts of numbers, merged and deleted in steps; the timeline of all their contacts

Revision ID: 0011
Revises: 0008
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from callcenter.contacts import search
from callcenter.contacts.text import words

revision = "0011"
down_revision = "0008"
branch_labels = None
depends_on = None

BATCH = 1000  # organisations read by one statement


def upgrade() -> None:
    op.create_table(
        "organisation_terms",
        sa.Column("term", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("organisation_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("term", "organisation_id", name=op.f("pk_organisation_terms")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("searchable", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("leaving_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("successor_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_organisations_successor_id"), "organisations", ["successor_id"], ["id"], ondelete="SET NULL"
        )
        batch_op.drop_index(batch_op.f("ix_organisations_folded"))
        batch_op.create_index("ix_organisations_folded", ["folded", "id"], unique=False)
        batch_op.create_index("ix_organisations_type_folded", ["type", "folded", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_organisations_successor_id"), ["successor_id"], unique=False)
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contacts_organisation_id"))
        batch_op.create_index("ix_contacts_organisation_id_sort", ["organisation_id", "sort_name", "id"], unique=False)
    with op.batch_alter_table("timeline", schema=None) as batch_op:
        batch_op.drop_index("ix_timeline_contact_id_at")
        batch_op.drop_index(batch_op.f("ix_timeline_organisation_id"))
        batch_op.create_index("ix_timeline_contact_id_at", ["contact_id", "at", "id", "kind"], unique=False)
        batch_op.create_index(
            "ix_timeline_organisation_id_at", ["organisation_id", "contact_id", "at", "id", "kind"], unique=False
        )
    _write_terms()


def _write_terms() -> None:
    """Let the organisations that are there be found by their names and numbers."""
    connection = op.get_bind()
    some = sa.text("SELECT id, name FROM organisations WHERE id > :after ORDER BY id LIMIT :batch")
    theirs = sa.text("SELECT organisation_id, digits FROM numbers WHERE organisation_id BETWEEN :first AND :last ORDER BY id")
    after = 0
    while found := connection.execute(some, {"after": after, "batch": BATCH}).all():
        digits: dict[int, list[str]] = {}
        for organisation_id, each in connection.execute(theirs, {"first": found[0].id, "last": found[-1].id}):
            digits.setdefault(organisation_id, []).append(each)
        searchable: list[dict[str, Any]] = []
        terms: list[dict[str, Any]] = []
        for row in found:
            name = " ".join(words(row.name))
            text = search.folded(name, "", "", digits.get(row.id, ()))
            searchable.append({"of": row.id, "text": text})
            terms += [{"term": term, "of": row.id} for term in search.terms(name, text) if term]
        connection.execute(sa.text("UPDATE organisations SET searchable = :text WHERE id = :of"), searchable)
        if terms:
            connection.execute(sa.text("INSERT INTO organisation_terms (term, organisation_id) VALUES (:term, :of)"), terms)
        after = found[-1].id


def downgrade() -> None:
    with op.batch_alter_table("timeline", schema=None) as batch_op:
        batch_op.drop_index("ix_timeline_organisation_id_at")
        batch_op.drop_index("ix_timeline_contact_id_at")
        batch_op.create_index(batch_op.f("ix_timeline_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index("ix_timeline_contact_id_at", ["contact_id", "at"], unique=False)
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.drop_index("ix_contacts_organisation_id_sort")
        batch_op.create_index(batch_op.f("ix_contacts_organisation_id"), ["organisation_id"], unique=False)
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_organisations_successor_id"))
        batch_op.drop_index("ix_organisations_type_folded")
        batch_op.drop_index("ix_organisations_folded")
        batch_op.create_index(batch_op.f("ix_organisations_folded"), ["folded"], unique=False)
        batch_op.drop_constraint(batch_op.f("fk_organisations_successor_id"), type_="foreignkey")
        batch_op.drop_column("successor_id")
        batch_op.drop_column("leaving_at")
        batch_op.drop_column("searchable")
    op.drop_table("organisation_terms")
