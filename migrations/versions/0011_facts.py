"""What files say about their pictures: format, bits, camera, when they were taken, and the quality of JPEGs."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    # The recipe has a new version since the last release: every file is decoded again, and its facts are read.
    for name, kind, default in (
        ("format", sa.Text, ""),
        ("bits", sa.Integer, "8"),
        ("camera", sa.Text, None),
        ("lens", sa.Text, None),
        ("taken", sa.Text, None),
        ("has_place", sa.Boolean, "0"),
        ("orientation", sa.Integer, "1"),
        ("quality", sa.Integer, None),
    ):
        op.add_column("content", sa.Column(name, kind, nullable=default is None, server_default=default))
