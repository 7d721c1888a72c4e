"""The groups of a store, of which only numbers are held: the pictures themselves are read where they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from difwatch import paths
from difwatch.matches.columns import PICTURE, Columns
from difwatch.matches.grouping import GroupTable, IgnoredContents, group_columns
from difwatch.matches.neighbours import Neighbourhoods
from difwatch.matches.read import read_neighbours, read_rules
from difwatch.matches.rules import MatchRules
from difwatch.model.pictures import RAW, Group, Level, Member
from difwatch.model.settings import AS_CONFIGURED, Asked
from difwatch.store import ignored, pictures
from difwatch.store.pictures import PictureRow

_GROUPS_AT_ONCE = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = np.dtype([("dev", np.int64), ("inode", np.int64), ("seen", np.int64), ("below", np.bool_)])


@dataclass(frozen=True, slots=True)
class StoredGroups:
    """Groups of a store: `difwatch.matches.groups.Groups`.

    Attributes
    ----------
    connection
        The view of the store that the groups were made from.
    rules
        What counts as a match.
    columns, table
        The pictures and the groups.
    shown
        The numbers of the groups that count.
    """

    connection: Connection
    rules: MatchRules
    columns: Columns
    table: GroupTable
    shown: Sequence[int]

    @property
    def members(self) -> int:
        """The number of pictures that are not the best of their group."""
        return sum(self.table.start[group + 1] - self.table.start[group] for group in self.shown)

    @property
    def bytes(self) -> int:
        """The bytes of their files."""
        return int(self.columns.rows["bytes"][self._member_places()].sum())

    @property
    def shots(self) -> int:
        """The number of those that are other shots."""
        return sum(member.is_shot for group in self.shown for member in self.table.members(group))

    def __len__(self) -> int:
        return len(self.shown)

    def __iter__(self) -> Iterator[Group]:
        """Yield the groups, and read their pictures a page at a time."""
        for first in range(0, len(self.shown), _GROUPS_AT_ONCE):
            yield from self._page(self.shown[first : first + _GROUPS_AT_ONCE])

    def _page(self, groups: Sequence[int]) -> Iterator[Group]:
        table, rules = self.table, self.rules
        places = [place for group in groups for place in (table.primary[group], *table.places(group))]
        of_place = dict(zip(places, self.columns.rows["file"][places].tolist(), strict=True))
        links = [link for place in places for link in self.columns.links.get(place, ())]
        wanted = [*of_place.values(), *links]
        images = pictures.images_by_id(self.connection, rules.folders, rules.limits, rules.recipe_id, wanted)
        for group in groups:
            members = [
                Member(images[of_place[one.place]], one.errors, one.level, one.is_shot)
                for one in table.members(group)
            ]
            yield Group(images[of_place[table.primary[group]]], tuple(members))

    def _member_places(self) -> list[int]:
        return [place for group in self.shown for place in self.table.places(group)]


@dataclass(frozen=True, slots=True)
class StoredCollection:
    """What counts in a store, for reports: `difwatch.report.found.Grouped`.

    Attributes
    ----------
    connection
        One view of the store.
    rules
        What counts as a match.
    pictures
        The number of pictures, those without a match included.
    columns
        The pictures of tensors with a match, or with several files.
    near
        The neighbours of each tensor, as far as matches reach.
    ignored
        Pairs of contents that a person said are no duplicates.
    since
        Only groups with a picture first seen at this moment or later count; None for all.
    """

    connection: Connection
    rules: MatchRules
    pictures: int
    columns: Columns
    near: Neighbourhoods
    ignored: IgnoredContents
    since: datetime | None = None

    @property
    def px(self) -> int:
        """Side of the tensors."""
        return self.rules.px

    @property
    def threshold(self) -> float:
        """The mean squared error up to which pictures are similar, where a folder sets none of its own."""
        return self.rules.settings.threshold

    def copies_and_edited(self) -> tuple[StoredGroups, StoredGroups]:
        """Return the groups of copies, and among the other pictures those of edited versions and other shots."""
        settings = self.rules.settings
        order = self.columns.in_order(self.rules.keep_in)
        copies = self._grouped(order, "similar", settings.act_on_shots)
        if settings.act_on_shots and not (settings.edited or settings.mirror):
            return self._shown(copies), self._shown(GroupTable(self.near))
        left = np.ones(len(self.columns), bool)
        left[np.frombuffer(copies.member, np.int64)] = False
        edited = self._grouped(order[left[order]], "edited", shots=True)
        return self._shown(copies), self._shown(edited)

    def _grouped(self, order: NDArray[np.intp], up_to: Level, shots: bool) -> GroupTable:
        return group_columns(self.columns, self.near, self.rules, self.ignored, order, up_to, shots)

    def _shown(self, table: GroupTable) -> StoredGroups:
        shown: Sequence[int] = range(len(table))
        if self.since is not None:
            is_new = self.columns.seen >= _microseconds(self.since)
            shown = [group for group in shown if is_new[[table.primary[group], *table.places(group)]].any()]
        return StoredGroups(self.connection, self.rules, self.columns, table, shown)


def read_stored(
    connection: Connection,
    asked: Asked = AS_CONFIGURED,
    below: bytes | None = None,
    since: datetime | None = None,
) -> StoredCollection:
    """Return what groups are made from; the parameters are those of `difwatch.matches.read.read_collection`.

    Parameters
    ----------
    connection
        One view of the store; it must stay open as long as groups are read.
    since
        Only groups with a picture first seen at this moment or later count; None for all.
    """
    rules = read_rules(connection, asked)
    rows = pictures.rows_that_may_match(connection, list(rules.folders), rules.recipe_id)
    columns, below_too = _columns(rows, rules, below)
    return StoredCollection(
        connection,
        rules,
        pictures.count(connection, rules.folders, rules.recipe_id, below),
        _only(columns, below_too),
        read_neighbours(connection, rules),
        ignored.contents(connection),
        since,
    )


def _microseconds(moment: datetime) -> int:
    """Return the microseconds since 1970 of a moment with an offset from UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _columns(rows: Iterable[PictureRow], rules: MatchRules, below: bytes | None) -> tuple[Columns, NDArray[np.bool_]]:
    """Return pictures in columns, their hard links joined, and which of them have a name below a directory."""
    scopes: dict[bytes | None, int] = {}
    directories: dict[bytes, int] = {}
    taken: list[str | None] = []
    seen: dict[str | None, int] = {None: np.iinfo(np.int64).min}
    inside = b"" if below is None else paths.inside(below)

    def values(row: PictureRow) -> tuple[object, ...]:
        folder, path = rules.folders[row.folder_id], row.path
        taken.append(row.taken)
        if row.seen not in seen:
            seen[row.seen] = _microseconds(datetime.fromisoformat(str(row.seen)))
        scope = scopes.setdefault(pictures.scope_of(folder, path), len(scopes))
        directory = directories.setdefault(paths.parent(path), len(directories))
        original = (row.format == "GIF") - bool(row.camera) - bool(row.taken)
        return (
            row.id, row.tensor_id, row.content_id, row.width, row.height, row.content_bytes, row.mtime_ns,
            rules.limits[row.folder_id], scope, directory, folder.position,
            path.count(b"/"), len(path) - path.rfind(b"/") - 1, original, folder.role == "reference",
            b"/." in path and paths.is_hidden(path), row.format == RAW,
            row.dev, row.inode, seen[row.seen], path.startswith(inside),
        )  # fmt: skip

    every = np.fromiter(map(values, rows), np.dtype([*PICTURE.descr, *_NAME.descr]))
    table = np.empty(len(every), PICTURE)
    for name in PICTURE.names or ():
        table[name] = every[name]
    columns = Columns(table, taken, every["seen"].copy(), list(scopes))
    return _joined(columns, every["dev"], every["inode"], every["below"])


def _joined(
    columns: Columns, dev: NDArray[np.int64], inode: NDArray[np.int64], below: NDArray[np.bool_]
) -> tuple[Columns, NDArray[np.bool_]]:
    """Join the names of one file in one scope; the picture goes by the first of them."""
    rows = columns.rows
    order = np.lexsort((np.arange(len(rows)), rows["content"], inode, dev, rows["scope"]))
    same = np.ones(max(0, len(rows) - 1), bool)
    for column in (rows["scope"], dev, inode, rows["content"]):
        same &= column[order][1:] == column[order][:-1]
    links: dict[int, list[int]] = {}
    first = -1
    kept = np.ones(len(rows), bool)
    below = below.copy()
    for number in np.flatnonzero(same).tolist():
        link = int(order[number + 1])
        if number == 0 or not same[number - 1]:
            first = int(order[number])
        links.setdefault(first, []).append(int(rows["file"][link]))
        rows["reference"][first] |= rows["reference"][link]
        rows["hidden"][first] &= rows["hidden"][link]
        below[first] |= below[link]
        kept[link] = False
    joined = Columns(rows, columns.taken, columns.seen, columns.scopes, links)
    return (_only(joined, kept), below[kept]) if links else (joined, below)


def _only(columns: Columns, kept: NDArray[np.bool_]) -> Columns:
    """Return some of the pictures."""
    if kept.all():
        return columns
    places = np.flatnonzero(kept).tolist()
    links: Mapping[int, Sequence[int]] = {
        place: columns.links[old] for place, old in enumerate(places) if old in columns.links
    }
    taken = [columns.taken[place] for place in places]
    return Columns(columns.rows[kept], taken, columns.seen[kept], columns.scopes, links)
