"""The groups and pictures that a page names, found again in the store as it is now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from difwatch.errors import DifwatchError
from difwatch.matches.read import read_collection, read_rules
from difwatch.model.pictures import Group, Image, Member
from difwatch.review import shapes
from difwatch.review.decisions import name_of
from difwatch.review.live import LiveQueue, Shelf
from difwatch.review.views import ChangedError
from difwatch.store import pictures

_FILES_FOR_A_GROUP = 8
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
_DIGITS = 19  # of an id at most
_CHANGED = "this group has changed; look at it again"


class UnknownError(DifwatchError):
    """Nothing has this name."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupNow:
    """A group as it is now.

    Attributes
    ----------
    number
        In the queue.
    key
        How a page names it: by the id of the best picture and the contents of all.
    group
        The pictures themselves.
    refs
        How a page names these, by path.
    """

    number: int
    key: str
    group: Group
    refs: dict[bytes, str]

    @property
    def images(self) -> list[Image]:
        """The pictures, the best one first."""
        return _images(self.group)

    def named(self, refs: list[str]) -> list[Image]:
        """Return the pictures with some names.

        Raises
        ------
        ChangedError
            One of them is not in the group.
        """
        by_ref = {self.refs[image.path]: image for image in self.images}
        if not by_ref.keys() >= set(refs):
            raise ChangedError(_CHANGED)
        return [by_ref[ref] for ref in refs]


def groups_now(live: LiveQueue, connection: Connection, shelf: Shelf, numbers: list[int]) -> list[GroupNow]:
    """Return groups of a queue; one of which a picture is gone is left out."""
    queue = shelf.queue
    places = {number: queue.places(number) for number in numbers}
    images = live.images(connection, queue, [place for some in places.values() for place in some])
    files = queue.columns.rows["file"]
    out = []
    for number, some in places.items():
        if not images.keys() >= set(some):
            continue
        best, members = images[some[0]], queue.members(number)
        group = Group(best, tuple(Member(images[one.place], one.errors, one.level, one.is_shot) for one in members))
        out.append(_named(number, group, {images[place].path: int(files[place]) for place in some}))
    return out


def group_now(live: LiveQueue, connection: Connection, shelf: Shelf, key: str) -> GroupNow:
    """Return the group that a page named.

    Raises
    ------
    UnknownError
        No group ever had this name.
    ChangedError
        Its pictures are others by now.
    """
    file, _, name = key.partition("-")
    if not (file.isdecimal() and len(file) < _DIGITS and name):
        raise UnknownError("no group has this name")
    numbers = sorted(shelf.queue.groups_of("file", [int(file)]).get(int(file), ()))
    for now in groups_now(live, connection, shelf, numbers):
        if now.key == key:
            return now
    raise ChangedError(_CHANGED)


def newest_groups(connection: Connection, count: int) -> list[GroupNow]:
    """Return groups of the files that were found last, the newest first, without counting all groups."""
    collection = read_collection(connection, around=pictures.newest_files(connection, _FILES_FOR_A_GROUP * count))
    copies, edited = collection.copies_and_edited()
    groups = sorted([*copies, *edited], key=lambda group: _last_seen(group) or _LONG_AGO, reverse=True)[:count]
    paths = [image.path for group in groups for image in _images(group)]
    ids = pictures.file_ids(connection, paths)
    return [_named(-1, group, {image.path: ids[image.path] for image in _images(group)}) for group in groups]


def _images(group: Group) -> list[Image]:
    return [group.primary, *(member.image for member in group.members)]


def _last_seen(group: Group) -> datetime | None:
    return max((image.seen for image in _images(group) if image.seen is not None), default=None)


def _named(number: int, group: Group, files: Mapping[bytes, int]) -> GroupNow:
    """Return a group with the names that a page has for it and its pictures, by the ids of their files."""
    images = _images(group)
    refs = {image.path: shapes.ref(files[image.path], image) for image in images}
    return GroupNow(number, f"{files[images[0].path]}-{name_of(image.digest for image in images)}", group, refs)


def picture_now(connection: Connection, ref: str) -> Image:
    """Return the picture that a page named.

    Raises
    ------
    UnknownError
        No picture has this name.
    ChangedError
        It has other bytes by now.
    """
    file, _, _ = ref.partition("-")
    rules, wanted = read_rules(connection), [int(file)] if file.isdecimal() and len(file) < _DIGITS else []
    images = pictures.images_by_id(connection, rules.folders, rules.limits, rules.recipe_id, wanted)
    if not images:
        raise UnknownError("no picture has this name")
    (image,) = images.values()
    if shapes.ref(int(file), image) != ref:
        raise ChangedError("the picture has changed; look at the group again")
    return image
