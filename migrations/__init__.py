"""The history of the database schema (Alembic), up and down on SQLite and PostgreSQL."""
