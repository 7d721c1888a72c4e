"""Contents are found by their tensor and size at once: of a plain picture there are thousands, in all sizes."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_index("ix_content_tensor_id_width_height", "content", ["tensor_id", "width", "height"])
    op.drop_index("ix_content_tensor_id", "content")
