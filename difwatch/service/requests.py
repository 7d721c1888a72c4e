"""Requests to the writer of a store, one class each.

If no daemon holds the store, a command carries out its request itself. Otherwise the daemon does, with the effects of
the request (`difwatch.service.answers`). A new request is a class here and an entry in ``REQUESTS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

from sqlalchemy import Connection

from difwatch import paths
from difwatch.compare.budget import MOST_PAIRS
from difwatch.errors import UsageError
from difwatch.model.settings import MSE_MOST, Algorithm, Measure
from difwatch.service import fields
from difwatch.store import destinations, files, folders, ignored


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a request, and its effects in a daemon.

    Attributes
    ----------
    answer
        The answer to the sender, as JSON can hold it.
    look_at
        Files to look at.
    walk
        Watched folders to walk.
    exclude
        Directories to exclude from now on.
    """

    answer: dict[str, Any] = field(default_factory=dict)
    look_at: tuple[bytes, ...] = ()
    walk: tuple[bytes, ...] = ()
    exclude: tuple[bytes, ...] = ()


class Request(Protocol):
    """A request, as it travels over the socket."""

    name: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON can hold them."""

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """Check the fields, and return the request.

        Raises
        ------
        UsageError
            Names the field that is wrong.
        """


@runtime_checkable
class StoreRequest(Request, Protocol):
    """A request that changes the store, and nothing else."""

    def carry_out(self, connection: Connection, now: datetime) -> Done:
        """Carry out the request in a transaction of the writer."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """Record that two contents, by digest, are no duplicates; or remove the record."""

    name: ClassVar[str] = "ignore"

    a: bytes
    b: bytes
    remove: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"a": self.a.hex(), "b": self.b.hex(), "remove": self.remove}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        return cls(fields.digest(given, "a"), fields.digest(given, "b"), fields.flag(given, "remove"))

    def carry_out(self, connection: Connection, now: datetime) -> Done:
        if self.remove:
            return Done({"changed": ignored.remove(connection, self.a, self.b)})
        ignored.put(connection, self.a, self.b, now)
        return Done({"changed": True})


@dataclass(frozen=True, slots=True)
class Forget:
    """Forget files that were moved or deleted."""

    name: ClassVar[str] = "forget"

    paths: tuple[bytes, ...]

    def to_json(self) -> dict[str, Any]:
        return {"paths": [paths.as_text(path) for path in self.paths]}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        return cls(fields.paths(given, "paths"))

    def carry_out(self, connection: Connection, now: datetime) -> Done:
        return Done({"forgotten": files.remove(connection, self.paths)})


@dataclass(frozen=True, slots=True)
class Release:
    """Confirm that what is missing from a watched folder is gone."""

    name: ClassVar[str] = "release"

    path: bytes

    def to_json(self) -> dict[str, Any]:
        return {"path": paths.as_text(self.path)}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        return cls(fields.path(given, "path"))

    def carry_out(self, connection: Connection, now: datetime) -> Done:
        is_watched = folders.release(connection, self.path, now)
        return Done({"found": is_watched}, walk=(self.path,) if is_watched else ())


@dataclass(frozen=True, slots=True)
class Retry:
    """Read again files that have no tensor; None for all of them."""

    name: ClassVar[str] = "retry"

    paths: tuple[bytes, ...] | None

    def to_json(self) -> dict[str, Any]:
        return {"paths": None if self.paths is None else [paths.as_text(path) for path in self.paths]}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        return cls(None if fields.field(given, "paths") is None else fields.paths(given, "paths"))

    def carry_out(self, connection: Connection, now: datetime) -> Done:
        again = files.retry(connection, self.paths)
        return Done({"count": len(again)}, look_at=tuple(again))


@dataclass(frozen=True, slots=True)
class AddDestination:
    """Remember a directory that pictures are moved to: it is never searched."""

    name: ClassVar[str] = "destination"

    path: bytes

    def to_json(self) -> dict[str, Any]:
        return {"path": paths.as_text(self.path)}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        return cls(fields.path(given, "path"))

    def carry_out(self, connection: Connection, now: datetime) -> Done:
        destinations.add(connection, self.path)
        return Done(exclude=(self.path,))


@dataclass(frozen=True, slots=True)
class StartRescan:
    """Begin a full search in the background, unless one is running; the fields are those of `RescanPlan`."""

    name: ClassVar[str] = "rescan"

    algorithm: Algorithm = "auto"
    most_pairs: int = MOST_PAIRS
    chunksize: int | None = None
    error: float | None = None
    measure: Measure | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "algorithm": self.algorithm,
            "max_pairs": self.most_pairs,
            "chunksize": self.chunksize,
            "error": self.error,
            "measure": self.measure,
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        algorithm, error, measure = (fields.field(given, name) for name in ("algorithm", "error", "measure"))
        if algorithm not in ("auto", "classic", "chunked"):
            raise UsageError(f"algorithm = {algorithm!r}: must be auto, classic or chunked")
        if measure not in (None, "mse", "nmse"):
            raise UsageError(f"measure = {measure!r}: must be mse or nmse")
        if error is not None and not (type(error) in (int, float) and 0 <= error <= MSE_MOST):
            raise UsageError(f"error = {error!r}: must be a mean squared error from 0 to {MSE_MOST}")
        chunksize = None if fields.field(given, "chunksize") is None else fields.whole(given, "chunksize")
        most_pairs = fields.whole(given, "max_pairs")
        return cls(algorithm, most_pairs, chunksize, None if error is None else float(error), measure)


class _Bare:
    """A request without fields."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        return cls()


@dataclass(frozen=True, slots=True)
class FollowRescan(_Bare):
    """Ask for the progress of the full search and the result of the last one."""

    name: ClassVar[str] = "rescan progress"


@dataclass(frozen=True, slots=True)
class Reload(_Bare):
    """Read the configuration again."""

    name: ClassVar[str] = "reload"


@dataclass(frozen=True, slots=True)
class Ping(_Bare):
    """Ask for a sign of life."""

    name: ClassVar[str] = "ping"


REQUESTS: dict[str, type[Request]] = {
    request.name: request
    for request in (Ignore, Forget, Release, Retry, AddDestination, StartRescan, FollowRescan, Reload, Ping)
}


def message(request: Request) -> dict[str, Any]:
    """Return a request as it is sent over the socket."""
    return {"do": request.name, **request.to_json()}


def parsed(given: Mapping[str, Any]) -> Request:
    """Return the request that came over the socket.

    Raises
    ------
    UsageError
        The message is no request, or a field of it is wrong.
    """
    kind = given.get("do")
    if not isinstance(kind, str) or kind not in REQUESTS:
        raise UsageError(f"do = {kind!r}: this is not a request of this version of difwatch")
    return REQUESTS[kind].from_json(given)
