"""The groups of a store, of which only numbers are held: the pictures themselves are read where they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from difwatch.matches.columns import Columns
from difwatch.matches.grouping import GroupTable, IgnoredContents, group_columns
from difwatch.matches.neighbours import Neighbourhoods
from difwatch.matches.read import read_neighbours, read_rules
from difwatch.matches.rows import columns_of, microseconds
from difwatch.matches.rules import MatchRules
from difwatch.model.pictures import Group, Level, Member
from difwatch.model.settings import AS_CONFIGURED, Asked
from difwatch.store import ignored, pictures

_GROUPS_AT_ONCE = 1000


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
            is_new = self.columns.seen >= microseconds(self.since)
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
    rows = pictures.columns_that_may_match(connection, list(rules.folders), rules.recipe_id)
    columns, below_too = columns_of(rows, rules, below)
    return StoredCollection(
        connection,
        rules,
        pictures.count(connection, rules.folders, rules.recipe_id, below),
        columns.only(below_too),
        read_neighbours(connection, rules),
        ignored.contents(connection),
        since,
    )
