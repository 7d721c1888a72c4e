"""What was found, in short: groups, duplicates and their size."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from difwatch.matches.read import read_collection, read_rules
from difwatch.shown import shown_bytes, shown_count
from difwatch.store import contents, matches


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
    copies, edited = read_collection(connection).copies_and_edited()
    return Found(
        groups=len(copies),
        duplicates=sum(len(group.members) for group in copies),
        bytes=sum(member.image.size for group in copies for member in group.members),
        edited=sum(len(group.members) for group in edited),
    )
