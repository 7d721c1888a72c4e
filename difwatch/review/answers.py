"""What a page is told about groups, pictures and the daemon: from plain values to what JSON can hold."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, get_args

from sqlalchemy import Connection

from difwatch import paths
from difwatch.actions.belonging import belonging
from difwatch.actions.check import RefusedError
from difwatch.actions.directory import place
from difwatch.clock import Clock
from difwatch.config import MOVE_TO, Config
from difwatch.control.heartbeat import read_heartbeat
from difwatch.control.lock import holder
from difwatch.control.state_dir import StateDir
from difwatch.errors import UsageError
from difwatch.extensions import is_watched_name
from difwatch.matches.errors import mean_errors
from difwatch.matches.groups import nearness
from difwatch.matches.read import read_rules
from difwatch.model.jobs import View
from difwatch.model.pictures import LEVELS, SAME, Image, Level
from difwatch.model.settings import tone_values
from difwatch.report.status import read_status
from difwatch.review import shapes, tensors
from difwatch.review.given import is_text
from difwatch.review.live import LiveQueue, Shelf
from difwatch.review.queue import Filters, Order
from difwatch.review.reading import GroupNow, UnknownError, group_now, groups_now, newest_groups, picture_now
from difwatch.review.views import Views
from difwatch.store import files, pictures
from difwatch.version import __version__

_ROWS_MOST = 200
_FIRST_ROWS = 50
_PICTURES_MOST = 1000
_ALONG_MOST = 50  # pictures of a group whose folders are looked into
_UNREADABLE_MOST = 1000
_SIDES = {"320": 320, "1600": 1600, "full": 6400}


class Answers:
    """Answers what changes nothing.

    Parameters
    ----------
    live, views
        The groups, and what shows their pictures.
    state_dir
        Says what the daemon does.
    config
        Says what goes along with a picture, and where pictures are moved to.
    clock
        Tells the time.
    """

    def __init__(self, live: LiveQueue, views: Views, state_dir: StateDir, config: Config, clock: Clock) -> None:
        self._live, self._views, self._state_dir = live, views, state_dir
        self._config, self._clock = config, clock

    def start(self, token: str, language: str, is_read_only: bool) -> dict[str, Any]:
        """Answer with what a page needs to begin."""
        with self._live.reading() as connection:
            rules = read_rules(connection)
        limit = rules.tone_limit
        return {
            "token": token,
            "version": __version__,
            "language": language,
            "readOnly": is_read_only,
            "home": os.path.expanduser("~"),  # noqa: PTH111
            "settings": {
                "mse": rules.settings.threshold,
                "nmse": None if limit is None else limit / tone_values(rules.px),
                "px": rules.px,
                "rotate": rules.settings.rotate,
                "mirror": rules.settings.mirror,
                "sameDim": rules.settings.same_dim,
                "keep": list(rules.settings.keep),
            },
            "status": self.status(),
            "destination": paths.expanded(self._config.move_to or MOVE_TO),
        }

    def status(self) -> dict[str, Any]:
        """Answer with what the daemon does."""
        heartbeat, since_boot = read_heartbeat(self._state_dir), self._clock.since_boot()
        with self._live.reading() as connection:
            return shapes.status(read_status(connection, holder(self._state_dir), heartbeat, since_boot))

    def rows(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Answer with some rows of the queue."""
        first, count = _number(query, "from", 0), min(_number(query, "n", 50), _ROWS_MOST)
        order = query.get("order", "newest")
        if order not in get_args(Order):
            raise UsageError(f"order: must be one of {', '.join(get_args(Order))}")
        if not self._live.is_ready:
            return self._first_rows(min(count, _FIRST_ROWS))
        shelf = self._live.shelf()
        with self._live.reading() as connection:
            shown = shelf.queue.ordered(order, self.filters(connection, query), shelf.states)  # type: ignore[arg-type]
            groups = groups_now(self._live, connection, shelf, shown[first : first + count].tolist())
        states = shelf.states
        return {
            "generation": shelf.generation,
            "ready": True,
            "total": len(shown),
            "totals": totals(shelf),
            "rows": [_row(group, states.get(group.number), shelf.queue.rules.px) for group in groups],
        }

    def _first_rows(self, count: int) -> dict[str, Any]:
        """Answer with the newest groups while all of them are still being counted."""
        with self._live.reading() as connection:
            groups, px = newest_groups(connection, count), read_rules(connection).px
        rows = [_row(group, None, px) for group in groups]
        return {"generation": 0, "ready": False, "total": len(rows), "totals": None, "rows": rows}

    def filters(self, connection: Connection, query: Mapping[str, str]) -> Filters:
        """Return the filters that a page asks for."""
        text, levels = query.get("text", "").strip(), query.get("levels", "")
        if not is_text(text):
            raise UsageError("text: no name has this in it")
        wanted: list[Level] = [level for level in LEVELS if level in levels.split(",")] if levels else list(LEVELS)
        return Filters(
            files=frozenset(pictures.files_named(connection, text)) if text else None,
            levels=frozenset(wanted),
            across=query.get("across") == "1",
            undecided=query.get("undecided") == "1",
        )

    def group(self, key: str) -> dict[str, Any]:
        """Answer with one group and its pictures."""
        shelf = self._live.shelf()
        with self._live.reading() as connection:
            now = group_now(self._live, connection, shelf, key)
        rules, (state, decision) = shelf.queue.rules, shelf.decided.get(now.number, (None, None))
        best, members = now.group.primary, [None, *now.group.members]
        going = default_going(now) if decision is None or state != "keep" else decided_going(now, decision)
        shown = []
        for number, (image, member) in enumerate(zip(now.images, members, strict=True)):
            if number == _PICTURES_MOST:
                break
            along, reason = self._along(image) if number < _ALONG_MOST else ((), None)
            shape = shapes.picture(now.refs[image.path], image, member, along, rules.px)
            shown.append(shape | {"stays": shapes.stays(image, best) or reason})
        return {
            "key": now.key,
            "decision": state,
            "going": [now.refs[image.path] for image in going],
            "why": shapes.why(best, now.images[1], rules.keep_in(best.scope)),
            "pictures": shown,
        }

    def picture(self, ref: str, size: str, query: Mapping[str, str]) -> tuple[bytes, str]:
        """Answer with a picture, and its media type."""
        turn, is_mirrored = _number(query, "turn", 0), query.get("mirror") == "1"
        if turn not in (0, 90, 180, 270) or size not in ("tensor", *_SIDES):
            raise UnknownError("no picture is made like that")
        orientation = shapes.orientation(turn, is_mirrored)
        with self._live.reading() as connection:
            image = picture_now(connection, ref)
            if size == "tensor":
                tensor = tensors.tensor_of(connection, image.tensor, read_rules(connection).px)
                return tensors.png(tensor, orientation), "image/png"
        return self._views.make(image, View(_SIDES[size], orientation)), "image/jpeg"

    def pair(self, first: str, second: str) -> dict[str, Any]:
        """Answer with how far two pictures are from each other, as far as is known."""
        shelf = self._live.shelf()
        rules = shelf.queue.rules
        with self._live.reading() as connection:
            a, b = (picture_now(connection, ref) for ref in (first, second))
        known = [errors for tensor, errors in shelf.queue.near.get(a.tensor) if tensor == b.tensor]
        errors = SAME if a.tensor == b.tensor else min(known, key=nearness, default=None)
        limit = rules.tone_limit
        limits = {
            "mseLimit": min(a.limit, b.limit) / rules.values,
            "nmseLimit": None if limit is None else limit / tone_values(rules.px),
        }
        if errors is None:
            return {"mse": None, "nmse": None, "turn": 0, "isMirrored": False, "level": None, **limits}
        return {
            **mean_errors(errors, rules.px),
            "turn": errors.rotation,
            "isMirrored": errors.mirrored,
            "level": rules.level(a, b, errors),
            **limits,
        }

    def unreadable(self) -> dict[str, Any]:
        """Answer with the files without a tensor."""
        with self._live.reading() as connection:
            found = files.unreadable(connection)
        shown = [{"path": shapes.text(path), "reason": reason} for path, reason in found[:_UNREADABLE_MOST]]
        return {"files": shown, "total": len(found)}

    def _along(self, image: Image) -> tuple[list[bytes], str | None]:
        """Return the names of the files that go along with a picture, or why it must stay because of them."""
        try:
            with place(image.path) as there:
                return belonging(there, self._config.sidecars, is_watched_name), None
        except RefusedError as error:
            return [], str(error)
        except OSError as error:
            return [], f"it cannot be reached: {error.strerror}"


def default_going(now: GroupNow) -> list[Image]:
    """Return the pictures that go unless a person says something else: all copies that may."""
    best = now.group.primary
    return [
        member.image
        for member in now.group.members
        if not member.is_shot and shapes.stays(member.image, best) is None
    ]


def decided_going(now: GroupNow, decision: Any) -> list[Image]:
    """Return the pictures that go by a decision."""
    digests = [image.digest for image in now.images]
    return [image for image in now.images if decision.sends_away(image, digests.count(image.digest))]


def totals(shelf: Shelf) -> dict[str, int]:
    """Return how much there is, and how much of it was decided."""
    groups, members, size = shelf.queue.totals()
    kept = [decision for state, decision in shelf.decided.values() if state == "keep"]
    return {
        "groups": groups,
        "pictures": members,
        "bytes": size,
        "decided": len(kept),
        "going": sum(len(decision.going) for decision in kept),
        "goingBytes": sum(decision.bytes for decision in kept),
    }


def _row(now: GroupNow, state: str | None, px: int) -> dict[str, Any]:
    refs = [now.refs[image.path] for image in now.images[:2]]
    return shapes.row(now.key, now.group, refs, state, px)


def _number(query: Mapping[str, str], name: str, otherwise: int) -> int:
    given = query.get(name, str(otherwise))
    if not given.isdecimal() or len(given) > 9:
        raise UsageError(f"{name}: must be a number")
    return int(given)
