"""The tables as the migrations leave them (a test compares both)."""

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from difwatch.compare.hits import ANGLES, COMPARED, ERRORS

metadata = MetaData()


def _errors() -> list[Column[int]]:
    """Return the columns of the errors of a pair (`difwatch.compare.hits.HIT`); null is beyond what is searched."""
    return [
        Column("error", Integer, nullable=False),
        *(Column(f"{kind}_{name}", Integer) for kind in COMPARED for name in ERRORS),
        *(
            Column(f"{kind}_{name}", Integer, nullable=False, server_default="0")
            for kind in COMPARED
            for name in ANGLES
        ),
    ]


folder = Table(
    "folder",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("path", LargeBinary, nullable=False, unique=True),
    Column("options", JSON, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("scanned", Text),  # ISO 8601, when the last complete scan ended
    Column("identity", JSON),  # device, inode and file system of the directory at that time
    Column("released", Text),  # ISO 8601, when a person said that missing files are gone; null after a complete scan
    Column("passed_over", JSON),  # number of pictures and videos with other extensions, by extension
)

recipe = Table(
    "recipe",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("px", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    UniqueConstraint("name", "px", "version", "fingerprint"),
)

tensor = Table(
    "tensor",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recipe_id", Integer, ForeignKey("recipe.id"), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("sketch", LargeBinary, nullable=False),  # 16 float32
    Column("tone", LargeBinary),  # sketch of its tone, 32 float32; null of a flat picture
    Column("alike", LargeBinary, index=True),  # of a flat picture, equal for all its orientations
    UniqueConstraint("recipe_id", "digest"),
    sqlite_autoincrement=True,  # no id is ever reused: the index in memory relies on that
)

# Apart from the tensor, so that reading all sketches at the start does not read all pixels.
tensor_data = Table(
    "tensor_data",
    metadata,
    Column("tensor_id", Integer, ForeignKey("tensor.id", ondelete="CASCADE"), primary_key=True),
    Column("data", LargeBinary, nullable=False),  # px * px * 3 uint8
)

# The tone of what is inside the uniform edges of a picture, where it has such edges.
inside = Table(
    "inside",
    metadata,
    Column("tensor_id", Integer, ForeignKey("tensor.id", ondelete="CASCADE"), primary_key=True),
    Column("sketch", LargeBinary, nullable=False),  # 32 float32
    Column("data", LargeBinary, nullable=False),  # px * px uint8
)

content = Table(
    "content",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),  # BLAKE2b of the bytes
    Column("bytes", Integer, nullable=False, index=True),
    Column("recipe_id", Integer, ForeignKey("recipe.id"), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("tensor_id", Integer, ForeignKey("tensor.id")),
    Column("reason", Text),
    Column("frames", Integer, nullable=False, server_default="1"),  # of which the first is compared
    Column("format", Text, nullable=False, server_default=""),
    Column("bits", Integer, nullable=False, server_default="8"),
    Column("camera", Text),
    Column("lens", Text),
    Column("taken", Text),  # ISO 8601, with the fraction and the offset that EXIF has
    Column("has_place", Boolean, nullable=False, server_default="0"),
    Column("orientation", Integer, nullable=False, server_default="1"),
    Column("quality", Integer),
    Index("ix_content_tensor_id_width_height", "tensor_id", "width", "height"),
    CheckConstraint("(tensor_id IS NULL) <> (reason IS NULL)", name="tensor_or_reason"),
)

file = Table(
    "file",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("path", LargeBinary, nullable=False, unique=True),
    Column("folder_id", Integer, ForeignKey("folder.id"), nullable=False, index=True),
    Column("size", Integer, nullable=False),
    Column("mtime_ns", Integer, nullable=False),
    Column("ctime_ns", Integer, nullable=False),
    Column("dev", Integer, nullable=False),
    Column("inode", Integer, nullable=False, index=True),
    Column("content_id", Integer, ForeignKey("content.id"), index=True),
    Column("reason", Text),  # why not even the bytes could be read
    Column("seen", Text),  # ISO 8601, when the file first had this content, under this name or an earlier one
    CheckConstraint("(content_id IS NULL) <> (reason IS NULL)", name="content_or_reason"),
)

match = Table(
    "match",
    metadata,
    Column("a", Integer, ForeignKey("tensor.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column(
        "b",
        Integer,
        ForeignKey("tensor.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        index=True,
    ),
    *_errors(),
    CheckConstraint("a < b", name="each_pair_once"),
    sqlite_with_rowid=False,
)

# The unfinished or the last full search. Its tasks and the pairs found so far are kept until it is finished.
rescan = Table(
    "rescan",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recipe_id", Integer, ForeignKey("recipe.id"), nullable=False),
    Column("error_limit", Integer, nullable=False),
    Column("chunksize", Integer, nullable=False),
    Column("last_tensor", Integer, nullable=False),  # later tensors were searched on arrival
    Column("cuts", JSON, nullable=False),
    Column("tasks", Integer, nullable=False),
    Column("started", Text, nullable=False),  # ISO 8601
    Column("finished", Text),
    Column("pairs", Integer),
    Column("missing", Integer),
    Column("wrong", Integer),
    Column("asked", Float),  # the mean error asked for; error_limit is lowered where there are too many pairs
)

rescan_task = Table(
    "rescan_task",
    metadata,
    Column("first", Integer, primary_key=True, autoincrement=False),
    Column("second", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

rescan_match = Table(
    "rescan_match",
    metadata,
    Column("a", Integer, primary_key=True, autoincrement=False),
    Column("b", Integer, primary_key=True, autoincrement=False),
    *_errors(),
    sqlite_with_rowid=False,
)

# Pairs of contents that a person said are no duplicates.
ignored = Table(
    "ignored",
    metadata,
    Column("a", LargeBinary, primary_key=True),
    Column("b", LargeBinary, primary_key=True),
    Column("decided", Text, nullable=False),  # ISO 8601
    CheckConstraint("a < b", name="each_decision_once"),
    sqlite_with_rowid=False,
)

setting = Table(
    "setting",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", JSON, nullable=False),
    sqlite_with_rowid=False,
)
