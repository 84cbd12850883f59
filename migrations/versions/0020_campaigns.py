"""Campaigns, their leads, attempts and decisions, files of leads

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("rule_pack", sa.Text(), nullable=False),
        sa.Column("hours", sa.JSON(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("trunk_id", sa.Integer(), nullable=True),
        sa.Column("caller_id", sa.Text(), nullable=False),
        sa.Column("ring_seconds", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("delays", sa.JSON(), nullable=False),
        sa.Column("lines_per_agent", sa.Double(), nullable=False),
        sa.Column("most_lines", sa.Integer(), nullable=False),
        sa.Column("abandon_cap", sa.Double(), nullable=True),
        sa.Column("detection", sa.Text(), nullable=False),
        sa.Column("detection_settings", sa.JSON(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("abandoned_message", sa.Text(), nullable=False),
        sa.Column("keys", sa.JSON(), nullable=False),
        sa.Column("preview_seconds", sa.Integer(), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("script", sa.Text(), nullable=False),
        sa.Column("script_problem", sa.Text(), nullable=False),
        sa.Column("script_problem_values", sa.JSON(), nullable=False),
        sa.Column("script_problem_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asks_consent", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wake_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dialer", sa.Text(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_campaigns_created_by"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_campaigns_project_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunks.id"], name=op.f("fk_campaigns_trunk_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        sa.UniqueConstraint("name", name=op.f("uq_campaigns_name")),
    )
    op.create_index(op.f("ix_campaigns_project_id"), "campaigns", ["project_id"], unique=False)
    op.create_index("ix_campaigns_state", "campaigns", ["state"], unique=False)
    op.create_table(
        "campaign_dispositions",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("disposition_id", sa.Integer(), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_dispositions_campaign_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["disposition_id"], ["dispositions.id"], name=op.f("fk_campaign_dispositions_disposition_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "disposition_id", name=op.f("pk_campaign_dispositions")),
    )
    op.create_index(op.f("ix_campaign_dispositions_disposition_id"), "campaign_dispositions", ["disposition_id"], unique=False)
    op.create_table(
        "campaign_members",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_members_campaign_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_campaign_members_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("campaign_id", "user_id", name=op.f("pk_campaign_members")),
    )
    op.create_index(op.f("ix_campaign_members_user_id"), "campaign_members", ["user_id"], unique=False)
    op.create_table(
        "campaign_pacing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_pacing_campaign_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_pacing")),
    )
    op.create_index("ix_campaign_pacing_campaign_id_id", "campaign_pacing", ["campaign_id", "id"], unique=False)
    op.create_table(
        "campaign_periods",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("dialled", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("connected", sa.Integer(), nullable=False),
        sa.Column("abandoned", sa.Integer(), nullable=False),
        sa.Column("machines", sa.Integer(), nullable=False),
        sa.Column("no_answers", sa.Integer(), nullable=False),
        sa.Column("busies", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_periods_campaign_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "period", name=op.f("pk_campaign_periods")),
    )
    op.create_table(
        "lead_imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=True),
        sa.Column("filter", sa.JSON(), nullable=True),
        sa.Column("header", sa.JSON(), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("error_values", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_lead_imports_campaign_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_lead_imports_file_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_lead_imports_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_imports")),
    )
    op.create_index(op.f("ix_lead_imports_campaign_id"), "lead_imports", ["campaign_id"], unique=False)
    op.create_table(
        "lead_import_rows",
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.Column("digits", sa.Text(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["lead_imports.id"], name=op.f("fk_lead_import_rows_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "line", name=op.f("pk_lead_import_rows")),
    )
    op.create_table(
        "leads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("import_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("needs_agent", sa.Boolean(), nullable=False),
        sa.Column("attempt_id", sa.Text(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.Column("refusal_values", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_leads_campaign_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_leads_contact_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["import_id"], ["lead_imports.id"], name=op.f("fk_leads_import_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_leads_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads")),
    )
    op.create_index("ix_leads_campaign_id_id", "leads", ["campaign_id", "id"], unique=False)
    op.create_index("ix_leads_campaign_id_state_id", "leads", ["campaign_id", "state", "id"], unique=False)
    op.create_index("ix_leads_contact_id", "leads", ["contact_id"], unique=False)
    op.create_index(op.f("ix_leads_import_id"), "leads", ["import_id"], unique=False)
    op.create_index(
        "ix_leads_needs_agent",
        "leads",
        ["campaign_id", "priority", "next_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting' AND needs_agent"),
        postgresql_where=sa.text("state = 'waiting' AND needs_agent"),
    )
    op.create_index(
        "ix_leads_next",
        "leads",
        ["campaign_id", "priority", "next_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "lead_attempts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bridged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bridged_ms", sa.Double(), nullable=True),
        sa.Column("end_code", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_lead_attempts_campaign_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_lead_attempts_lead_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_lead_attempts_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_attempts")),
    )
    op.create_index("ix_lead_attempts_campaign_id_started_at", "lead_attempts", ["campaign_id", "started_at"], unique=False)
    op.create_index("ix_lead_attempts_campaign_id_state", "lead_attempts", ["campaign_id", "state"], unique=False)
    op.create_index(
        "ix_lead_attempts_going",
        "lead_attempts",
        ["number"],
        unique=True,
        sqlite_where=sa.text("state <> 'over'"),
        postgresql_where=sa.text("state <> 'over'"),
    )
    op.create_index(op.f("ix_lead_attempts_lead_id"), "lead_attempts", ["lead_id"], unique=False)
    op.create_table(
        "lead_decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_lead_decisions_lead_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_lead_decisions_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_decisions")),
    )
    op.create_index("ix_lead_decisions_lead_id_id", "lead_decisions", ["lead_id", "id"], unique=False)
    op.create_table(
        "lead_numbers",
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("zones", sa.JSON(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_lead_numbers_campaign_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_lead_numbers_lead_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("lead_id", "position", name=op.f("pk_lead_numbers")),
    )
    op.create_index("ix_lead_numbers_campaign_id_number", "lead_numbers", ["campaign_id", "number"], unique=True)
    op.create_index("ix_lead_numbers_number", "lead_numbers", ["number"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_lead_numbers_number", table_name="lead_numbers")
    op.drop_index("ix_lead_numbers_campaign_id_number", table_name="lead_numbers")
    op.drop_table("lead_numbers")
    op.drop_index("ix_lead_decisions_lead_id_id", table_name="lead_decisions")
    op.drop_table("lead_decisions")
    op.drop_index(op.f("ix_lead_attempts_lead_id"), table_name="lead_attempts")
    op.drop_index(
        "ix_lead_attempts_going",
        table_name="lead_attempts",
        sqlite_where=sa.text("state <> 'over'"),
        postgresql_where=sa.text("state <> 'over'"),
    )
    op.drop_index("ix_lead_attempts_campaign_id_state", table_name="lead_attempts")
    op.drop_index("ix_lead_attempts_campaign_id_started_at", table_name="lead_attempts")
    op.drop_table("lead_attempts")
    op.drop_index(
        "ix_leads_next",
        table_name="leads",
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.drop_index(
        "ix_leads_needs_agent",
        table_name="leads",
        sqlite_where=sa.text("state = 'waiting' AND needs_agent"),
        postgresql_where=sa.text("state = 'waiting' AND needs_agent"),
    )
    op.drop_index(op.f("ix_leads_import_id"), table_name="leads")
    op.drop_index("ix_leads_contact_id", table_name="leads")
    op.drop_index("ix_leads_campaign_id_state_id", table_name="leads")
    op.drop_index("ix_leads_campaign_id_id", table_name="leads")
    op.drop_table("leads")
    op.drop_table("lead_import_rows")
    op.drop_index(op.f("ix_lead_imports_campaign_id"), table_name="lead_imports")
    op.drop_table("lead_imports")
    op.drop_table("campaign_periods")
    op.drop_index("ix_campaign_pacing_campaign_id_id", table_name="campaign_pacing")
    op.drop_table("campaign_pacing")
    op.drop_index(op.f("ix_campaign_members_user_id"), table_name="campaign_members")
    op.drop_table("campaign_members")
    op.drop_index(op.f("ix_campaign_dispositions_disposition_id"), table_name="campaign_dispositions")
    op.drop_table("campaign_dispositions")
    op.drop_index("ix_campaigns_state", table_name="campaigns")
    op.drop_index(op.f("ix_campaigns_project_id"), table_name="campaigns")
    op.drop_table("campaigns")
