"""How many frames a file has, of which the first is compared."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    # The recipe has a new version, so every file is decoded again, and then its frames are counted.
    op.add_column("content", sa.Column("frames", sa.Integer, nullable=False, server_default="1"))
