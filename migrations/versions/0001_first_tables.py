"""First tables: folder, file, content, tensor, match, setting."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "folder",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("path", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("scanned", sa.Text),
    )
    op.create_table(
        "recipe",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("px", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("name", "px", "version", "fingerprint"),
    )
    op.create_table(
        "tensor",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("recipe_id", sa.Integer, sa.ForeignKey("recipe.id"), nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("sketch", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("recipe_id", "digest"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "tensor_data",
        sa.Column("tensor_id", sa.Integer, sa.ForeignKey("tensor.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "content",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("bytes", sa.Integer, nullable=False, index=True),
        sa.Column("recipe_id", sa.Integer, sa.ForeignKey("recipe.id"), nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("tensor_id", sa.Integer, sa.ForeignKey("tensor.id"), index=True),
        sa.Column("reason", sa.Text),
        sa.CheckConstraint("(tensor_id IS NULL) <> (reason IS NULL)", name="tensor_or_reason"),
    )
    op.create_table(
        "file",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("path", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("folder_id", sa.Integer, sa.ForeignKey("folder.id"), nullable=False, index=True),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("mtime_ns", sa.Integer, nullable=False),
        sa.Column("ctime_ns", sa.Integer, nullable=False),
        sa.Column("dev", sa.Integer, nullable=False),
        sa.Column("inode", sa.Integer, nullable=False, index=True),
        sa.Column("content_id", sa.Integer, sa.ForeignKey("content.id"), index=True),
        sa.Column("reason", sa.Text),
        sa.CheckConstraint("(content_id IS NULL) <> (reason IS NULL)", name="content_or_reason"),
    )
    op.create_table(
        "match",
        sa.Column(
            "a",
            sa.Integer,
            sa.ForeignKey("tensor.id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column(
            "b",
            sa.Integer,
            sa.ForeignKey("tensor.id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
            index=True,
        ),
        sa.Column("sse", sa.Integer, nullable=False),
        sa.Column("rotation", sa.Integer, nullable=False),
        sa.Column("rotation_back", sa.Integer, nullable=False),
        sa.Column("sse_upright", sa.Integer),
        sa.CheckConstraint("a < b", name="each_pair_once"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "setting",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
        sqlite_with_rowid=False,
    )
