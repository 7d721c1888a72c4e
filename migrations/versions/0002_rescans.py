"""Full searches: where one is, and what it has found so far."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "rescan",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("recipe_id", sa.Integer, sa.ForeignKey("recipe.id"), nullable=False),
        sa.Column("sse_limit", sa.Integer, nullable=False),
        sa.Column("chunksize", sa.Integer, nullable=False),
        sa.Column("last_tensor", sa.Integer, nullable=False),
        sa.Column("cuts", sa.JSON, nullable=False),
        sa.Column("tasks", sa.Integer, nullable=False),
        sa.Column("started", sa.Text, nullable=False),
        sa.Column("finished", sa.Text),
    )
    op.create_table(
        "rescan_task",
        sa.Column("first", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("second", sa.Integer, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rescan_match",
        sa.Column("a", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("b", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sse", sa.Integer, nullable=False),
        sa.Column("rotation", sa.Integer, nullable=False),
        sa.Column("rotation_back", sa.Integer, nullable=False),
        sa.Column("sse_upright", sa.Integer),
        sqlite_with_rowid=False,
    )
