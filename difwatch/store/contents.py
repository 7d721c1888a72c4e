"""Contents (bytes, by digest) and the tensors they became."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, exists, func, or_, select
from sqlalchemy.dialects.sqlite import insert

from difwatch.model.jobs import Tensorized, Unreadable
from difwatch.model.settings import Recipe
from difwatch.store.engine import driver_cursor
from difwatch.store.tables import content, file, recipe, tensor, tensor_data

_SKETCH_BYTES = 64
_PAGE = 10_000  # SQLite accepts about 32 000 values in a statement


class NewTensors(NamedTuple):
    """Tensors that are new to the store: ids, pixels (n, px, px, 3) and sketches (n, 16)."""

    ids: list[int]
    pixels: NDArray[np.uint8]
    sketches: NDArray[np.float32]


def recipe_id(connection: Connection, wanted: Recipe) -> int:
    """Return the id of a recipe, adding the recipe if it is new."""
    values: dict[str, Any] = {
        "name": wanted.name,
        "px": wanted.px,
        "version": wanted.version,
        "fingerprint": wanted.fingerprint,
    }
    connection.execute(insert(recipe).values(values).on_conflict_do_nothing())
    statement = select(recipe.c.id).where(*(recipe.c[name] == value for name, value in values.items()))
    id_: int = connection.execute(statement).scalar_one()
    return id_


def digests_of_sizes(
    connection: Connection, sizes: Sequence[int], recipe_id: int, at_most: int
) -> dict[int, frozenset[bytes]]:
    """Return the digests of a recipe for each size in bytes, leaving out sizes with more than ``at_most``."""
    digests = {}
    cursor = driver_cursor(connection)
    for size in sizes:  # one at a time, so that no more digests are read than needed
        rows = cursor.execute(_DIGESTS, (size, recipe_id, at_most + 1)).fetchall()
        if 0 < len(rows) <= at_most:
            digests[size] = frozenset(digest for (digest,) in rows)
    return digests


_DIGESTS = "SELECT digest FROM content WHERE bytes = ? AND recipe_id = ? LIMIT ?"


def put_tensors(
    connection: Connection, recipe_id: int, px: int, results: Sequence[Tensorized]
) -> tuple[dict[bytes, int], NewTensors]:
    """Keep the tensors of results that carry one.

    Returns
    -------
    ids, new
        Tensor digest to id for all of them, and the tensors that are new to the store.
    """
    by_digest = {result.tensor_digest: result for result in results}
    wanted = select(tensor.c.digest, tensor.c.id).where(
        tensor.c.recipe_id == recipe_id, tensor.c.digest.in_(list(by_digest))
    )
    ids: dict[bytes, int] = dict(connection.execute(wanted).all())
    fresh = [result for digest, result in by_digest.items() if digest not in ids]
    if fresh:
        rows = [{"recipe_id": recipe_id, "digest": r.tensor_digest, "sketch": r.sketch} for r in fresh]
        connection.execute(insert(tensor), rows)
        ids = dict(connection.execute(wanted).all())
        data = [{"tensor_id": ids[r.tensor_digest], "data": r.tensor} for r in fresh]
        connection.execute(insert(tensor_data), data)
    new_ids = [ids[r.tensor_digest] for r in fresh]
    return ids, NewTensors(new_ids, _pixels([r.tensor for r in fresh], px), _sketches([r.sketch for r in fresh]))


def put_contents(
    connection: Connection,
    recipe_id: int,
    results: Sequence[Tensorized | Unreadable],
    tensor_ids: dict[bytes, int],
) -> dict[bytes, int]:
    """Keep the contents of results; return the ids of all of them, new and known, by digest."""
    rows = {}
    for result in results:
        if isinstance(result, Tensorized) and result.known:
            continue
        size = result.state.key.size if result.state.key else 0
        row: dict[str, Any] = {"digest": result.digest, "bytes": size, "recipe_id": recipe_id}
        if isinstance(result, Tensorized):
            tensor_id = tensor_ids[result.tensor_digest]
            row |= {"width": result.width, "height": result.height, "tensor_id": tensor_id, "reason": None}
            row["frames"] = result.frames
        else:
            row |= {"width": 0, "height": 0, "tensor_id": None, "reason": result.reason, "frames": 1}
        rows[result.digest] = row
    if rows:
        statement = insert(content)
        names = ("recipe_id", "width", "height", "tensor_id", "reason", "frames")
        new = statement.excluded
        # A content decoded once stays when a copy of it fails: a worker may die for reasons other than its bytes.
        other = or_(content.c.tensor_id.is_(None), new.tensor_id.is_not(None), content.c.recipe_id != new.recipe_id)
        update = statement.on_conflict_do_update(
            index_elements=["digest"], set_={name: new[name] for name in names}, where=other
        )
        connection.execute(update, list(rows.values()))
    digests = [result.digest for result in results]
    wanted = select(content.c.digest, content.c.id).where(content.c.digest.in_(digests))
    return dict(connection.execute(wanted).all())


def all_sketches(
    connection: Connection, recipe_id: int, last: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return ids (n,) and sketches (n, 16) of all tensors of a recipe, by id, up to and including ``last``."""
    statement = select(tensor.c.id, tensor.c.sketch).where(tensor.c.recipe_id == recipe_id).order_by(tensor.c.id)
    if last is not None:
        statement = statement.where(tensor.c.id <= last)
    ids, rows = [np.zeros(0, np.int64)], [_sketches([])]
    # Page by page: a million rows of Python objects would take more memory than what they hold.
    for page in connection.execute(statement).partitions(_PAGE):
        ids.append(np.array([row.id for row in page], np.int64))
        rows.append(_sketches([row.sketch for row in page]))
    return np.concatenate(ids), np.concatenate(rows)


def tensors(connection: Connection, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the tensors of at least one id as rows (n, d), in the order of the ids.

    Raises
    ------
    KeyError
        An id has no tensor.
    """
    data: dict[int, bytes] = {}
    for start in range(0, len(ids), _PAGE):
        page = tensor_data.c.tensor_id.in_(ids[start : start + _PAGE].tolist())
        data.update(connection.execute(select(tensor_data.c.tensor_id, tensor_data.c.data).where(page)).all())
    return np.frombuffer(b"".join([data[id_] for id_ in ids.tolist()]), np.uint8).reshape(len(ids), -1)


def _pixels(data: Sequence[bytes], px: int) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(data), np.uint8).reshape(len(data), px, px, 3)


def _sketches(data: Sequence[bytes]) -> NDArray[np.float32]:
    return np.frombuffer(b"".join(data), np.float32).reshape(len(data), _SKETCH_BYTES // 4)


def purge(connection: Connection) -> list[int]:
    """Forget contents without files and tensors without contents; return the ids of those tensors."""
    connection.execute(delete(content).where(~exists().where(file.c.content_id == content.c.id)))
    orphans = select(tensor.c.id).where(~exists().where(content.c.tensor_id == tensor.c.id))
    ids = list(connection.execute(orphans).scalars())
    connection.execute(delete(tensor).where(tensor.c.id.in_(orphans.scalar_subquery())))
    return ids


def count(connection: Connection, recipe_id: int) -> int:
    """Return the number of distinct tensors of a recipe."""
    statement = select(func.count()).select_from(tensor).where(tensor.c.recipe_id == recipe_id)
    return connection.execute(statement).scalar_one()


def last_id(connection: Connection, recipe_id: int) -> int:
    """Return the largest tensor id of a recipe, 0 for none."""
    statement = select(func.max(tensor.c.id)).where(tensor.c.recipe_id == recipe_id)
    return connection.execute(statement).scalar() or 0
