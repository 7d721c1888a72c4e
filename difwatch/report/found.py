"""What was found, in short: groups, duplicates and their size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from difwatch.matches.groups import Groups
from difwatch.matches.read import read_rules
from difwatch.matches.rules import MatchRules
from difwatch.matches.stored import read_stored
from difwatch.shown import shown_bytes, shown_count
from difwatch.store import contents, matches


class Grouped(Protocol):
    """What counts, in groups: `difwatch.matches.stored.StoredCollection`.

    Attributes
    ----------
    rules
        What counts as a match.
    pictures
        The number of pictures.
    px
        Side of the tensors.
    threshold
        The mean squared error up to which pictures are similar, where a folder sets none of its own.
    """

    @property
    def rules(self) -> MatchRules: ...

    @property
    def pictures(self) -> int: ...

    @property
    def px(self) -> int: ...

    @property
    def threshold(self) -> float: ...

    def copies_and_edited(self) -> tuple[Groups, Groups]:
        """Return the groups of copies, and among the other pictures those of edited versions and other shots."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """Groups of copies, the duplicates in them and their size in bytes, and edited versions."""

    groups: int
    duplicates: int
    bytes: int
    edited: int

    def text(self) -> str:
        """Return all of it in words."""
        if not self.groups and not self.edited:
            return "no copies"
        copies = f"{shown_count(self.groups, 'group')}: {shown_count(self.duplicates, 'duplicate')}"
        copies += f", {shown_bytes(self.bytes)}"
        return f"{copies}, and {shown_count(self.edited, 'edited version')}" if self.edited else copies


def read_found(connection: Connection, most: int) -> Found | None:
    """Return what was found; None where more than ``most`` pictures or pairs would have to be looked at."""
    rules = read_rules(connection)
    pictures = contents.count(connection, rules.recipe_id)
    if pictures > most or matches.counted(connection, rules.recipe_id, rules.criteria) > most:
        return None
    copies, edited = read_stored(connection).copies_and_edited()
    return Found(groups=len(copies), duplicates=copies.members, bytes=copies.bytes, edited=edited.members)
