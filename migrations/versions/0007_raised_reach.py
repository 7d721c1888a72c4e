"""How far a full search was asked to go, where it goes less far because of too many pairs.

Unfinished full searches are given up: what was new while they went on was not always searched as far as they search.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("DELETE FROM rescan WHERE finished IS NULL")
    op.execute("DELETE FROM rescan_task")
    op.execute("DELETE FROM rescan_match")
    op.add_column("rescan", sa.Column("asked", sa.Float))
