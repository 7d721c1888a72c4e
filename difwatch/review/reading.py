"""The groups and pictures that a page names, found again in the store as it is now."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from difwatch.errors import DifwatchError
from difwatch.model.pictures import Group, Image, Member
from difwatch.review import shapes
from difwatch.review.decisions import name_of
from difwatch.review.live import LiveQueue, Shelf
from difwatch.review.views import ChangedError

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
        return [self.group.primary, *(member.image for member in self.group.members)]

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
        refs = {images[place].path: shapes.ref(int(files[place]), images[place]) for place in some}
        key = f"{files[some[0]]}-{name_of(images[place].digest for place in some)}"
        out.append(GroupNow(number, key, group, refs))
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
    if not (file.isdecimal() and len(file) < 19 and name):
        raise UnknownError("no group has this name")
    number = shelf.queue.groups_of("file", [int(file)]).get(int(file))
    found = [] if number is None else groups_now(live, connection, shelf, [number])
    if not found or found[0].key != key:
        raise ChangedError(_CHANGED)
    return found[0]


def picture_now(live: LiveQueue, connection: Connection, shelf: Shelf, ref: str) -> Image:
    """Return the picture that a page named.

    Raises
    ------
    UnknownError
        No picture of a group has this name.
    ChangedError
        It has other bytes by now.
    """
    file, _, _ = ref.partition("-")
    rows = shelf.queue.columns.rows
    places = (rows["file"] == int(file)).nonzero()[0].tolist() if file.isdecimal() and len(file) < 19 else []
    images = live.images(connection, shelf.queue, places)
    if not images:
        raise UnknownError("no picture has this name")
    (image,) = images.values()
    if shapes.ref(int(file), image) != ref:
        raise ChangedError("the picture has changed; look at the group again")
    return image
