"""When a file was first seen, and what came of the last full search."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("file", sa.Column("seen", sa.Text))
    for name in ("pairs", "missing", "wrong"):
        op.add_column("rescan", sa.Column(name, sa.Integer))
