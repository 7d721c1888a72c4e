"""Which file system a folder was on, and a person's word that what is missing from it is gone."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("folder", sa.Column("identity", sa.JSON))
    op.add_column("folder", sa.Column("released", sa.Text))
