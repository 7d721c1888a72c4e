"""The queue of the store as it is now: made anew when the store has changed, in a thread of its own."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection

from difwatch.clock import Clock
from difwatch.errors import DifwatchError
from difwatch.matches.stored import read_stored
from difwatch.model.pictures import Image
from difwatch.review.decisions import Decision, Decisions, name_of
from difwatch.review.queue import Queue, State
from difwatch.store import contents, open_reader, pictures, reading, schema

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.1  # between two looks at whether the store has changed
_PAUSE = 10  # times as long as making a queue takes goes by before the next one is made


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """A queue with its number, and what was decided about its groups.

    Attributes
    ----------
    generation
        Counts queues from 1 on.
    decided
        By group: what became of it, and the decision.
    """

    generation: int
    queue: Queue
    decided: Mapping[int, tuple[State, Decision]]

    @property
    def states(self) -> dict[int, State]:
        """What became of each group that was decided."""
        return {group: state for group, (state, _) in self.decided.items()}


class LiveQueue:
    """The newest queue, and the pictures of its groups.

    Parameters
    ----------
    store
        The file of the store.
    decisions
        What was decided.
    clock
        Tells how long a queue takes.
    tell
        Is told of each new queue, in a thread of its own, with the one before it.
    """

    def __init__(
        self, store: Path, decisions: Decisions, clock: Clock, tell: Callable[[Shelf, Shelf | None], None]
    ) -> None:
        self._engine = open_reader(store)
        schema.check(self._engine, store)
        self._store, self._decisions, self._clock, self._tell = store, decisions, clock, tell
        self._shelf: Shelf | None = None
        self._changed = threading.Condition()
        self._refreshing = threading.Lock()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="queue", daemon=True)

    def start(self) -> None:
        """Begin to follow the store."""
        self._thread.start()

    def close(self) -> None:
        """Stop following the store."""
        self._ends.set()
        self._thread.join()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield one view of the store."""
        with reading(self._engine) as connection:
            yield connection

    def shelf(self, seconds: float = 60.0) -> Shelf:
        """Return the newest queue, once there is one.

        Raises
        ------
        DifwatchError
            There is none after so many seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._shelf is not None, seconds):
                raise DifwatchError("the groups are not counted yet; try again in a moment")
            assert self._shelf is not None
            return self._shelf

    @property
    def is_ready(self) -> bool:
        """Whether there is a queue."""
        return self._shelf is not None

    def refresh(self) -> bool:
        """Make the queue of the store as it is now; tell whether that was possible."""
        with self._refreshing:  # or an older queue might replace a newer one
            try:
                with self.reading() as connection:
                    queue = Queue(read_stored(connection))
                    decided = self._decided(connection, queue)
            except DifwatchError as error:
                log.warning("the groups cannot be read now: %s", error)
                return False
            before = self._shelf
            is_like = before is not None and queue.is_like(before.queue)
            generation = 0 if before is None else before.generation
            with self._changed:
                self._shelf = now = Shelf(generation + (not is_like), queue, decided)
                self._changed.notify_all()
            if not is_like:
                self._tell(now, before)
            return True

    def decide_again(self) -> None:
        """Read the decisions anew for the queue that is there."""
        with self.reading() as connection, self._changed:
            if self._shelf is not None:
                decided = self._decided(connection, self._shelf.queue)
                self._shelf = Shelf(self._shelf.generation, self._shelf.queue, decided)

    def images(self, connection: Connection, queue: Queue, places: list[int]) -> dict[int, Image]:
        """Return the pictures at some places of a queue; one whose file is gone is missing."""
        rules, columns = queue.rules, queue.columns
        files = columns.rows["file"][places].tolist()
        wanted = [*files, *(link for place in places for link in columns.links.get(place, ()))]
        images = pictures.images_by_id(connection, rules.folders, rules.limits, rules.recipe_id, wanted)
        return {place: images[file] for place, file in zip(places, files, strict=True) if file in images}

    def _follow(self) -> None:
        with contextlib.closing(self._watching()) as watching:
            known, pause = -1, 0.0
            while not self._ends.wait(max(_LOOK_SECONDS, pause)):
                pause = 0.0
                with contextlib.suppress(sqlite3.Error):
                    (version,) = watching.execute("PRAGMA data_version").fetchone()
                    if version != known:
                        begun = self._clock.monotonic()
                        known = version if self.refresh() else known
                        pause = _PAUSE * (self._clock.monotonic() - begun)

    def _watching(self) -> sqlite3.Connection:
        uri = f"file:{quote(str(self._store))}?mode=ro"
        return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)

    def _decided(self, connection: Connection, queue: Queue) -> dict[int, tuple[State, Decision]]:
        """Return what was decided about which groups."""
        decisions = self._decisions.all()
        known = {digest for decision in decisions.values() for digest in decision.contents}
        ids = {digest: id_ for digest in known if (id_ := contents.id_of(connection, digest)) is not None}
        groups = queue.groups_of("content", ids.values())
        out: dict[int, tuple[State, Decision]] = {}
        for name, decision in decisions.items():
            of_it = {group for digest in decision.contents for group in groups.get(ids.get(digest, 0), ())}
            names = {group: self._name(connection, queue, group) for group in sorted(of_it)}
            for group, its_name in names.items():
                is_same = its_name == name
                if is_same or (name not in names.values() and group not in out):
                    out[group] = (decision.kind if is_same else "again", decision)
        return out

    def _name(self, connection: Connection, queue: Queue, group: int) -> str:
        images = self.images(connection, queue, queue.places(group))
        return name_of(image.digest for image in images.values())
