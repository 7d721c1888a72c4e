"""The groups that a person goes through: counted, ordered and filtered as columns of numbers.

Groups have numbers from 0 on: first those of copies, then those of edited versions and other shots.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from difwatch.matches.grouping import Joined
from difwatch.matches.stored import StoredCollection, StoredGroups
from difwatch.model.pictures import LEVELS, Level

Order = Literal["newest", "space", "alike", "path", "taken", "size"]
State = Literal["keep", "later", "again"]
"""What became of a group: decided, put off, or to be looked at again because its pictures have changed."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which groups are shown.

    Attributes
    ----------
    files
        Only those with one of these files; None for all.
    levels
        Only those whose least alike member is at one of these levels.
    across
        Only those whose pictures are in several directories.
    undecided
        Only those that nothing was decided about.
    """

    files: frozenset[int] | None = None
    levels: frozenset[Level] = frozenset(LEVELS)
    across: bool = False
    undecided: bool = False


class Totals(NamedTuple):
    """How much there is: groups, pictures that have a better one, and their bytes."""

    groups: int
    pictures: int
    bytes: int


_ORDERS: Mapping[Order, Sequence[tuple[str, int]]] = {
    "newest": [("seen", -1)],
    "space": [("bytes", -1)],
    "alike": [("level", 1), ("error", 1)],
    "path": [("path", 1)],
    "taken": [("taken", -1)],
    "size": [("size", -1)],
}
"""By which figures of a group, and in which direction; the better picture's path decides where these do not."""


class _Part:
    """Groups of one kind in columns, and figures of each group that orders and filters go by."""

    def __init__(self, groups: StoredGroups) -> None:
        self.table, self.columns = groups.table, groups.columns
        self.primary, self.member, self.start = (
            np.frombuffer(column, np.int64) for column in (self.table.primary, self.table.member, self.table.start)
        )
        self._known: dict[str, NDArray[np.int64]] = {}

    def __len__(self) -> int:
        return len(self.primary)

    def figure(self, name: str) -> NDArray[np.int64]:
        """Return a figure of each group."""
        if name not in self._known:
            self._known[name] = _FIGURES[name](self)
        return self._known[name]

    def over(self, of: np.ufunc, values: NDArray[np.generic]) -> NDArray[np.int64]:
        """Return one figure for the members of each group."""
        return of.reduceat(values, self.start[:-1]).astype(np.int64) if len(self) else np.zeros(0, np.int64)


def _seen(part: _Part) -> NDArray[np.int64]:
    seen = np.maximum(part.columns.seen, 0)  # of which the least number, for what is not known, has no negative
    return np.maximum(seen[part.primary], part.over(np.maximum, seen[part.member]))


def _taken(part: _Part) -> NDArray[np.int64]:
    taken = [part.columns.taken[place] or "" for place in part.primary.tolist()]
    ranks = {moment: rank for rank, moment in enumerate(sorted(set(taken)))}
    return np.array([ranks[moment] for moment in taken], np.int64)


def _across(part: _Part) -> NDArray[np.int64]:
    directory = part.columns.rows["directory"]
    of_best = np.repeat(directory[part.primary], np.diff(part.start))
    return part.over(np.logical_or, directory[part.member] != of_best)


_FIGURES: Mapping[str, Callable[[_Part], NDArray[np.int64]]] = {
    "seen": _seen,
    "bytes": lambda part: part.over(np.add, part.columns.rows["bytes"][part.member]),
    "level": lambda part: part.over(np.maximum, part.table.levels()),
    "error": lambda part: part.over(np.maximum, part.table.squared_errors()),
    "path": lambda part: part.primary,
    "taken": _taken,
    "size": lambda part: np.diff(part.start),
    "across": _across,
}


class Queue:
    """The groups of a store at one moment.

    Parameters
    ----------
    collection
        What the groups are made from; its view of the store is used no more afterwards.

    Attributes
    ----------
    rules, columns
        What counts as a match, and the pictures.
    """

    def __init__(self, collection: StoredCollection) -> None:
        self.rules, self.columns, self.near = collection.rules, collection.columns, collection.near
        self._parts = [_Part(groups) for groups in collection.copies_and_edited()]
        self._orders: dict[Order, NDArray[np.intp]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def totals(self) -> Totals:
        """Return how much there is in all."""
        members = sum(len(part.member) for part in self._parts)
        return Totals(len(self), members, int(self._figure("bytes").sum()))

    def is_like(self, other: Queue) -> bool:
        """Tell whether another queue has the same groups of the same pictures."""
        return self.rules == other.rules and all(
            np.array_equal(ours, theirs) for ours, theirs in zip(self._names(), other._names(), strict=True)
        )

    def best(self) -> frozenset[int]:
        """Return the files of the best pictures."""
        return frozenset(file for part in self._parts for file in self.columns.rows["file"][part.primary].tolist())

    def members(self, group: int) -> Iterator[Joined]:
        """Yield the other pictures of a group, the most alike first."""
        part, number = self._at(group)
        return part.table.members(number)

    def places(self, group: int) -> list[int]:
        """Return the places of all pictures of a group, the best first."""
        part, number = self._at(group)
        return [int(part.primary[number]), *part.member[part.start[number] : part.start[number + 1]].tolist()]

    def groups_of(self, column: Literal["file", "content"], values: Collection[int]) -> dict[int, set[int]]:
        """Return the groups of each file or content: the best of copies may be an edited version as well."""
        wanted = np.isin(self.columns.rows[column], list(values))
        out: dict[int, set[int]] = {}
        for groups in self._group_of():
            there = np.flatnonzero(wanted & (groups >= 0))
            for value, group in zip(self.columns.rows[column][there].tolist(), groups[there].tolist(), strict=True):
                out.setdefault(value, set()).add(group)
        return out

    def ordered(self, order: Order, filters: Filters, states: Mapping[int, State]) -> NDArray[np.intp]:
        """Return the numbers of the groups that are shown, in order."""
        shown = np.isin(self._figure("level"), [LEVELS.index(level) for level in filters.levels])
        if filters.across:
            shown &= self._figure("across").astype(bool)
        if filters.undecided:
            shown[[group for group, state in states.items() if state != "again"]] = False
        if filters.files is not None:
            named = np.zeros(len(self), bool)
            for groups in self.groups_of("file", filters.files).values():
                named[list(groups)] = True
            shown &= named
        every = self._in_order(order)
        return every[shown[every]]

    def _names(self) -> Iterator[NDArray[np.generic]]:
        """Yield what tells the groups of one queue from those of another."""
        for part in self._parts:
            yield part.start
            yield part.table.levels()
            for places in (part.primary, part.member):
                yield from (self.columns.rows[name][places] for name in ("file", "content"))

    def _in_order(self, order: Order) -> NDArray[np.intp]:
        if order not in self._orders:
            keys = [self._figure(name) * sign for name, sign in _ORDERS[order]]
            self._orders[order] = np.lexsort([self._figure("path"), *keys[::-1]])
        return self._orders[order]

    def _figure(self, name: str) -> NDArray[np.int64]:
        return np.concatenate([part.figure(name) for part in self._parts])

    def _at(self, group: int) -> tuple[_Part, int]:
        copies, edited = self._parts
        return (copies, group) if group < len(copies) else (edited, group - len(copies))

    def _group_of(self) -> Iterator[NDArray[np.int64]]:
        """Yield for each kind of groups the group of each picture; -1 where it is in none."""
        first = 0
        for part in self._parts:
            out, numbers = np.full(len(self.columns), -1, np.int64), np.arange(first, first + len(part))
            out[part.primary] = numbers
            out[part.member] = np.repeat(numbers, np.diff(part.start))
            first += len(part)
            yield out
