"""From pairs to groups, for millions of pictures: the groups of `difwatch.matches.groups`, made of columns. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from difwatch.matches.columns import Columns
from difwatch.matches.groups import nearness
from difwatch.matches.neighbours import Neighbourhoods
from difwatch.matches.rules import MatchRules
from difwatch.matches.shots import were_two_moments
from difwatch.model.pictures import LEVELS, SAME, Errors, Level

IgnoredContents = frozenset[tuple[int, int]]
"""Pairs of ids of contents, the smaller one first, that a person said are no duplicates."""

_ITSELF = -1  # stands for the tensor of the primary among its neighbours


class Joined(NamedTuple):
    """A picture that joined a group: its place, by which neighbour of the primary, and how alike they are."""

    place: int
    neighbour: int
    level: Level
    is_shot: bool
    errors: Errors


@dataclass(slots=True)
class GroupTable:
    """Groups in columns: places of pictures, and the members of group *i* from ``start[i]`` to ``start[i + 1]``."""

    near: Neighbourhoods
    primary: array[int] = field(default_factory=lambda: array("q"))
    start: array[int] = field(default_factory=lambda: array("q", [0]))
    member: array[int] = field(default_factory=lambda: array("q"))
    _neighbour: array[int] = field(default_factory=lambda: array("q"))
    _level: array[int] = field(default_factory=lambda: array("b"))
    _is_shot: array[int] = field(default_factory=lambda: array("b"))

    def __len__(self) -> int:
        return len(self.primary)

    def add(self, primary: int, members: Sequence[Joined]) -> None:
        """Add a group, its members in order."""
        self.primary.append(primary)
        for one in members:
            self.member.append(one.place)
            self._neighbour.append(one.neighbour)
            self._level.append(LEVELS.index(one.level))
            self._is_shot.append(one.is_shot)
        self.start.append(len(self.member))

    def members(self, group: int) -> Iterator[Joined]:
        """Yield the members of a group."""
        for number in range(self.start[group], self.start[group + 1]):
            neighbour = self._neighbour[number]
            level, is_shot = LEVELS[self._level[number]], bool(self._is_shot[number])
            yield Joined(self.member[number], neighbour, level, is_shot, _errors(self.near, neighbour))

    def levels(self) -> NDArray[np.int8]:
        """Return how alike each member is, by number among `difwatch.model.pictures.LEVELS`."""
        return np.frombuffer(self._level, np.int8)

    def squared_errors(self) -> NDArray[np.int64]:
        """Return how far the tensor of each member is from that of the primary; -1 where that is not known."""
        neighbour = np.frombuffer(self._neighbour, np.int64)
        return (
            np.where(neighbour == _ITSELF, 0, self.near.rows["sse"][neighbour]) if len(self.near) else 0 * neighbour
        )

    def places(self, group: int) -> array[int]:
        """Return the places of the members of a group."""
        return self.member[self.start[group] : self.start[group + 1]]


def group_columns(
    columns: Columns,
    near: Neighbourhoods,
    rules: MatchRules,
    ignored: IgnoredContents,
    order: NDArray[np.intp],
    up_to: Level,
    shots: bool,
) -> GroupTable:
    """Group pictures as `difwatch.matches.groups.group_images` does in each scope.

    Parameters
    ----------
    columns
        Has the pictures.
    near
        Pairs of distinct tensors; those that do not match are ignored.
    rules
        What counts as a match.
    ignored
        Pairs of contents that are not grouped.
    order
        The places of the pictures that count: scope by scope, the best one first.
    up_to
        The least alike that are grouped.
    shots
        Whether pictures that were taken at different moments are grouped.
    """
    return _Grouping(columns, near, rules, ignored, order, up_to, shots).table()


class _Shelves:
    """The pictures that may be in one group: of one tensor, and what else they must share."""

    def __init__(self, rows: NDArray[np.void], order: NDArray[np.intp], same_dim: bool) -> None:
        some = rows[order]
        self._what, what = np.unique(some["tensor"], return_inverse=True)
        sides = np.sort(np.stack([some["width"], some["height"]], axis=1), axis=1)
        kinds, kind = np.unique(sides, axis=0, return_inverse=True) if same_dim else ([()], 0)
        # Scope and sizes before what is shared, so that another tensor beside the same sizes is found by its key.
        self._kind = ((some["scope"].astype(np.int64) * len(kinds) + kind) * len(self._what)).reshape(-1)
        self._keys, shelf, counts = np.unique(self._kind + what, return_inverse=True, return_counts=True)
        self.keys: list[int] = self._keys.tolist()
        self.shelf: list[int] = shelf.tolist()
        self.kind: list[int] = self._kind.tolist()
        self.counts = counts[shelf]
        by_shelf = np.argsort(shelf, kind="stable")
        self._places: list[int] = order[by_shelf].tolist()
        self._bounds: list[int] = [0, *np.cumsum(counts).tolist()]

    def numbers(self, tensors: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the numbers of tensors among those of the pictures, -1 for others."""
        if not len(self._what):
            return np.full(len(tensors), -1)
        places = np.minimum(np.searchsorted(self._what, tensors), len(self._what) - 1)
        return np.where(self._what[places] == tensors, places, -1)

    def beside(self, kind: int, tensor: int) -> int | None:
        """Return the shelf of the same scope and sizes with another tensor."""
        number = bisect_left(self.keys, kind + tensor)
        return number if number < len(self.keys) and self.keys[number] == kind + tensor else None

    def places(self, shelf: int) -> list[int]:
        """Return the places of the pictures on a shelf, the best one first."""
        return self._places[self._bounds[shelf] : self._bounds[shelf + 1]]


class _Grouping:
    """One pass: who is placed already, who waits on which shelf, and the groups so far."""

    def __init__(
        self,
        columns: Columns,
        near: Neighbourhoods,
        rules: MatchRules,
        ignored: IgnoredContents,
        order: NDArray[np.intp],
        up_to: Level,
        shots: bool,
    ) -> None:
        rows = columns.rows
        self._near, self._rules, self._ignored, self._shots = near, rules, ignored, shots
        self._levels = LEVELS[: LEVELS.index(up_to) + 1]
        self._shelves = _Shelves(rows, order, rules.settings.same_dim)
        self._others: list[int] = self._shelves.numbers(near.rows["other"]).tolist()
        self._order = order
        self._bounds = near.bounds(rows["tensor"][order])
        self._taken = columns.taken
        self._content: list[int] = rows["content"].tolist()
        self._limit: list[int] = rows["limit"].tolist()
        self._raw, self._reference = rows["raw"].tobytes(), rows["reference"].tobytes()
        rank = np.empty(len(rows), np.int64)
        rank[order] = np.arange(len(order))
        self._rank: list[int] = rank.tolist()
        self._placed = bytearray(len(rows))
        self._waiting: dict[int, dict[int, list[int]]] = {}
        self._dated: int | None = None

    def table(self) -> GroupTable:
        """Return all groups."""
        table = GroupTable(self._near)
        starts, stops = self._bounds
        before = np.zeros(len(self._near) + 1, np.int64)  # neighbours that count, before each
        before[1:] = np.cumsum(np.array(self._others, np.int64) >= 0)
        may_match = (self._shelves.counts > 1) | (before[stops] > before[starts])
        for number in np.flatnonzero(may_match).tolist():
            primary = int(self._order[number])
            if self._placed[primary]:
                continue
            self._placed[primary] = True
            self._dated = primary if self._taken[primary] else None
            members = list(self._members(primary, number, int(starts[number]), int(stops[number])))
            if len(members) > 1:
                members.sort(key=self._distance)
            if members:
                table.add(primary, members)
        return table

    def _members(self, primary: int, number: int, start: int, stop: int) -> Iterator[Joined]:
        """Yield the members of a group, those nearest to the primary first."""
        shelves = self._shelves
        yield from self._join(primary, shelves.shelf[number], SAME, _ITSELF)
        near = self._near.some(start, stop)
        nearest_first = sorted((nearness(errors), tensor, neighbour, errors) for neighbour, tensor, errors in near)
        for _, _, neighbour, errors in nearest_first:
            other = self._others[neighbour]
            shelf = None if other < 0 else shelves.beside(shelves.kind[number], other)
            if shelf is not None:
                yield from self._join(primary, shelf, errors, neighbour)

    def _join(self, primary: int, shelf: int, errors: Errors, neighbour: int) -> Iterator[Joined]:
        """Yield those of a shelf that join a primary, and leave the others waiting."""
        by_limit = self._waiting_on(shelf)
        for limit in list(by_limit):
            alike = self._rules.alike(errors, min(limit, self._limit[primary]))
            if errors.sse != 0 and alike not in self._levels:
                continue
            apart = []
            for place in by_limit.pop(limit):
                if self._placed[place]:
                    continue
                level = self._level(primary, place, alike)
                is_shot = level in ("similar", "edited") and self._is_shot(place)
                if level is None or (is_shot and not self._shots):
                    apart.append(place)
                    continue
                if self._dated is None and self._taken[place]:
                    self._dated = place
                self._placed[place] = True
                yield Joined(place, neighbour, level, is_shot, errors)
            if apart:
                by_limit[limit] = apart

    def _waiting_on(self, shelf: int) -> dict[int, list[int]]:
        """Return the pictures of a shelf that are in no group yet, by their limit."""
        if shelf not in self._waiting:
            by_limit = self._waiting[shelf] = {}
            for place in self._shelves.places(shelf):
                if not self._reference[place]:
                    by_limit.setdefault(self._limit[place], []).append(place)
        return self._waiting[shelf]

    def _level(self, primary: int, place: int, alike: Level | None) -> Level | None:
        """Return how alike two pictures are whose tensors are so alike; None if they are not grouped."""
        ours, theirs = self._content[primary], self._content[place]
        if ours == theirs:
            return "identical"
        if self._raw[primary] != self._raw[place] or alike not in self._levels:
            return None
        return None if self._ignored and (min(ours, theirs), max(ours, theirs)) in self._ignored else alike

    def _distance(self, member: Joined) -> tuple[bool, bool, int, int]:
        """Return what orders the members of a group."""
        errors, is_edited = member.errors, member.level == "edited"
        by_tone = is_edited and errors.tone >= 0
        return (is_edited, errors.mirrored, errors.tone if by_tone else errors.sse, self._rank[member.place])

    def _is_shot(self, place: int) -> bool:
        return self._dated is not None and were_two_moments(self._taken[self._dated], self._taken[place])


def _errors(near: Neighbourhoods, neighbour: int) -> Errors:
    return SAME if neighbour == _ITSELF else near.errors(neighbour)
