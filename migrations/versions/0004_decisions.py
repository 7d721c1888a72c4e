"""What a person decided: pairs of contents that are no duplicates."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "ignored",
        sa.Column("a", sa.LargeBinary, primary_key=True),
        sa.Column("b", sa.LargeBinary, primary_key=True),
        sa.Column("decided", sa.Text, nullable=False),
        sa.CheckConstraint("a < b", name="each_decision_once"),
        sqlite_with_rowid=False,
    )
