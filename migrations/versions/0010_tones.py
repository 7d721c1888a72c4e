"""Tones: what is left of a picture without brightness, contrast and colour, and how far pictures are apart by it.

Matches know both errors, in every orientation. The recipe has a new version, so every file is read once more; until
then the matches by the tensors alone stay as they are.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_ERRORS = ("upright", "turned", "mirrored", "mirrored_upright")
_ANGLES = ("rotation", "rotation_back", "rotation_mirrored")


def upgrade() -> None:
    op.add_column("tensor", sa.Column("tone", sa.LargeBinary))
    op.add_column("tensor", sa.Column("alike", sa.LargeBinary))
    op.create_index("ix_tensor_alike", "tensor", ["alike"])
    op.create_table(
        "inside",
        sa.Column("tensor_id", sa.Integer, sa.ForeignKey("tensor.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("sketch", sa.LargeBinary, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.drop_index("ix_match_b", "match")
    op.rename_table("match", "match_before")
    _create_pairs("match", "tensor.id")
    op.create_index("ix_match_b", "match", ["b"])
    op.execute(
        "INSERT INTO match (a, b, error, sse_turned, sse_upright, sse_rotation, sse_rotation_back) "
        "SELECT a, b, sse, sse, sse_upright, rotation, rotation_back FROM match_before"
    )
    op.drop_table("match_before")
    op.execute("DELETE FROM rescan WHERE finished IS NULL")
    op.execute("DELETE FROM rescan_task")
    op.drop_table("rescan_match")
    _create_pairs("rescan_match", None)
    op.execute("ALTER TABLE rescan RENAME COLUMN sse_limit TO error_limit")
    _rename_remembered()


def _create_pairs(name: str, references: str | None) -> None:
    keys = [sa.ForeignKey(references, ondelete="CASCADE") for _ in "ab"] if references else []
    columns = [
        sa.Column(column, sa.Integer, *keys[number : number + 1], primary_key=True, autoincrement=False)
        for number, column in enumerate("ab")
    ]
    columns.append(sa.Column("error", sa.Integer, nullable=False))
    for kind in ("sse", "tone"):
        columns += [sa.Column(f"{kind}_{error}", sa.Integer) for error in _ERRORS]
    for kind in ("sse", "tone"):
        columns += [sa.Column(f"{kind}_{angle}", sa.Integer, nullable=False, server_default="0") for angle in _ANGLES]
    checks = [sa.CheckConstraint("a < b", name="each_pair_once")] if references else []
    op.create_table(name, *columns, *checks, sqlite_with_rowid=False)


def _rename_remembered() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT key, value FROM setting WHERE key LIKE 'remembered %'")).all()
    for key, text in rows:
        value = json.loads(text) if isinstance(text, str) else text
        if not isinstance(value, dict):
            value = {"mse": value, "wanted": value, "most": None}
        value["error"] = value.pop("mse")
        connection.execute(
            sa.text("UPDATE setting SET value = :value WHERE key = :key"), {"key": key, "value": json.dumps(value)}
        )
