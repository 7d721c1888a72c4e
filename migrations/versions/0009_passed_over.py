"""Which files of a folder look like pictures or videos, and are not read because of their extension."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("folder", sa.Column("passed_over", sa.JSON))
