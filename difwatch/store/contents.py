"""Contents (bytes, by digest) and the tensors they became."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, Table, bindparam, delete, exists, func, or_, select
from sqlalchemy.dialects.sqlite import insert

from difwatch.compare.by_tone import entries_of
from difwatch.compare.sketch import Block, SketchKind
from difwatch.compare.tensor_sketch import TENSOR_SKETCH
from difwatch.compare.tone_sketch import TONE_SKETCH
from difwatch.model.jobs import Tensorized, Unreadable
from difwatch.model.pictures import UNKNOWN, Appearance, Facts
from difwatch.model.settings import Recipe
from difwatch.store.engine import driver_cursor, driver_text
from difwatch.store.tables import content, file, inside, recipe, tensor, tensor_data

_PAGE = 10_000  # SQLite accepts about 32 000 values in a statement


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


def put_appearances(
    connection: Connection, recipe_id: int, results: Sequence[Tensorized]
) -> tuple[dict[bytes, int], dict[int, Appearance]]:
    """Keep what pictures look like.

    Returns
    -------
    ids, new
        Digest of each appearance to its tensor id, and the appearances that are new to the store by that id.
    """
    by_digest = {result.appearance.digest: result.appearance for result in results if result.appearance is not None}
    cursor = driver_cursor(connection)
    ids: dict[bytes, int] = {}
    new: dict[int, Appearance] = {}
    for digest, one in by_digest.items():
        known = cursor.execute(_TENSOR_ID, (recipe_id, digest)).fetchone()
        if known is None:
            row = (recipe_id, digest, one.sketch, one.tone_sketch or None, one.alike or None)
            new_id = cursor.execute(_PUT_TENSOR, row).lastrowid
            assert new_id is not None
            ids[digest], new[new_id] = new_id, one
        else:
            ids[digest] = known[0]
    cursor.executemany(_PUT_TENSOR_DATA, [(id_, one.tensor) for id_, one in new.items()])
    cursor.executemany(_PUT_INSIDE, [(id_, one.inside_sketch, one.inside) for id_, one in new.items() if one.inside])
    return ids, new


_TENSOR_ID = "SELECT id FROM tensor WHERE recipe_id = ? AND digest = ?"
_PUT_TENSOR = "INSERT INTO tensor (recipe_id, digest, sketch, tone, alike) VALUES (?, ?, ?, ?, ?)"
_PUT_TENSOR_DATA = "INSERT INTO tensor_data (tensor_id, data) VALUES (?, ?)"
_PUT_INSIDE = "INSERT INTO inside (tensor_id, sketch, data) VALUES (?, ?, ?)"


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
            assert result.appearance is not None
            tensor_id = tensor_ids[result.appearance.digest]
            row |= {"width": result.width, "height": result.height, "tensor_id": tensor_id, "reason": None}
            row |= {"frames": result.frames, **_row(result.facts)}
        else:
            row |= {"width": 0, "height": 0, "tensor_id": None, "reason": result.reason, "frames": 1}
            row |= _row(UNKNOWN)
        rows[result.digest] = row
    cursor = driver_cursor(connection)
    if rows:
        cursor.executemany(_put_content(), rows.values())
    found = ((result.digest, cursor.execute(_CONTENT_ID, (result.digest,)).fetchone()) for result in results)
    return {digest: row[0] for digest, row in found if digest is not None and row is not None}


_CONTENT_ID = "SELECT id FROM content WHERE digest = ?"


@functools.cache
def _put_content() -> str:
    kept = ("recipe_id", "width", "height", "tensor_id", "reason", "frames", *Facts.__slots__)
    statement = insert(content).values({name: bindparam(name) for name in ("digest", "bytes", *kept)})
    new = statement.excluded
    # A content decoded once stays when a copy of it fails: a worker may die for reasons other than its bytes.
    other = or_(content.c.tensor_id.is_(None), new.tensor_id.is_not(None), content.c.recipe_id != new.recipe_id)
    update = statement.on_conflict_do_update(
        index_elements=["digest"], set_={name: new[name] for name in kept}, where=other
    )
    return driver_text(update)


def _row(facts: Facts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in Facts.__slots__}


def id_of(connection: Connection, digest: bytes) -> int | None:
    """Return the id of a content that has a tensor, by its digest."""
    wanted = select(content.c.id).where(content.c.digest == digest, content.c.tensor_id.is_not(None))
    found: int | None = connection.execute(wanted).scalar_one_or_none()
    return found


def sketches(connection: Connection, recipe_id: int, last: int | None = None) -> Block:
    """Return the sketches of all tensors of a recipe, by id, up to and including ``last``."""
    return _block(connection, _ours(select(tensor.c.id, tensor.c.sketch), recipe_id, last), TENSOR_SKETCH)


def tone_sketches(connection: Connection, recipe_id: int, last: int | None = None) -> Block:
    """Return the sketches of all tones of a recipe, by entry (`difwatch.compare.by_tone`)."""
    whole = _ours(select(tensor.c.id, tensor.c.tone).where(tensor.c.tone.is_not(None)), recipe_id, last)
    second = _ours(select(tensor.c.id, inside.c.sketch).join_from(inside, tensor), recipe_id, last)
    blocks = [_block(connection, statement, TONE_SKETCH) for statement in (whole, second)]
    entries = [entries_of(block.ids, bool(number)) for number, block in enumerate(blocks)]
    return Block(np.concatenate(entries), np.concatenate([block.rows for block in blocks]))


def _ours(statement: Select[Any], recipe_id: int, last: int | None) -> Select[Any]:
    ours = statement.where(tensor.c.recipe_id == recipe_id).order_by(tensor.c.id)
    return ours if last is None else ours.where(tensor.c.id <= last)


def _block(connection: Connection, statement: Select[Any], kind: SketchKind) -> Block:
    ids, rows = [np.zeros(0, np.int64)], [np.zeros((0, kind.size), np.float32)]
    # Page by page: a million rows of Python objects would take more memory than what they hold.
    for page in connection.execute(statement).partitions(_PAGE):
        ids.append(np.array([id_ for id_, _ in page], np.int64))
        rows.append(np.frombuffer(b"".join([sketch for _, sketch in page]), np.float32).reshape(-1, kind.size))
    return Block(np.concatenate(ids), np.concatenate(rows))


def alike(connection: Connection, recipe_id: int, ids: Sequence[int] | None = None) -> NDArray[np.int64]:
    """Return the pairs of flat pictures that look the same in some orientation, (n, 2); of some ids, or all."""
    other = tensor.alias()
    same = select(tensor.c.id, other.c.id).join(other, tensor.c.alike == other.c.alike)
    same = same.where(tensor.c.recipe_id == recipe_id, other.c.recipe_id == recipe_id, tensor.c.id != other.c.id)
    pages = [same] if ids is None else [
        same.where(tensor.c.id.in_(ids[start : start + _PAGE])) for start in range(0, len(ids), _PAGE)
    ]  # fmt: skip
    pairs = [sorted(pair) for page in pages for pair in connection.execute(page)]
    return np.unique(np.array(pairs, np.int64).reshape(len(pairs), 2), axis=0)


class StorePixels:
    """The tensors and second tones in a store: `difwatch.compare.by_tone.Pixels`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def tensors(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the tensors of at least one id as rows (n, d), in the order of the ids.

        Raises
        ------
        KeyError
            An id has no tensor.
        """
        data = self._data(ids, tensor_data)
        return np.frombuffer(b"".join([data[id_] for id_ in ids.tolist()]), np.uint8).reshape(len(ids), -1)

    def insides(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return which of some pictures have a second tone, in their order, and these tones as rows (m, px * px)."""
        data = self._data(ids, inside)
        which = [id_ for id_ in ids.tolist() if id_ in data]
        rows = np.frombuffer(b"".join([data[id_] for id_ in which]), np.uint8)
        return np.array(which, np.int64), rows.reshape(len(which), -1 if which else 0)

    def _data(self, ids: NDArray[np.int64], table: Table) -> dict[int, bytes]:
        data: dict[int, bytes] = {}
        for start in range(0, len(ids), _PAGE):
            page = table.c.tensor_id.in_(ids[start : start + _PAGE].tolist())
            data.update(self._connection.execute(select(table.c.tensor_id, table.c.data).where(page)).all())
        return data


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
