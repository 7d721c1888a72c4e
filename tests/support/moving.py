"""Folders with pictures that may be moved, and what must be true of them whatever happens."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from difwatch.actions.journal import Journal
from difwatch.actions.move import ActRules
from difwatch.actions.plan import Act
from difwatch.model.files import FileKey
from difwatch.model.jobs import Limits, Tensorized, TensorJob
from difwatch.model.pictures import Image
from difwatch.workers.reading import read
from tests.support.clock import StandingClock

CLOCK = StandingClock()


class InlineDecoder:
    """Decodes in this process, so that tests need not wait."""

    def __init__(self, px):
        self._px = px

    def decode(self, path, descriptor):
        key = FileKey.of(os.fstat(descriptor))
        return read(TensorJob(path, key, self._px, Limits()), descriptor)

    def expect(self, paths):
        pass

    def appearance(self, path, descriptor, digest):
        answer = self.decode(path, descriptor)
        return answer.appearance if isinstance(answer, Tensorized) and answer.digest == digest else answer

    def close(self):
        pass


def image(path: Path, **values) -> Image:
    """What the index would say about a file."""
    data = path.read_bytes()
    found = os.lstat(path)
    digest = hashlib.blake2b(data, digest_size=32).digest()
    given = {"width": 10, "height": 10, "size": len(data), "mtime_ns": found.st_mtime_ns, "limit": 37500}
    return Image(os.fsencode(path), 1, digest, **(given | values), key=FileKey.of(found))


def act(victim: Path, keeper: Path, target: Path | None, kind: str = "move", sse: int = 0) -> Act:
    wanted = None if target is None else os.fsencode(target)
    return Act(kind, image(victim), image(keeper), "similar", sse, 37500, target=wanted)


def rules(home: Path, **values) -> ActRules:
    given = {
        "decoder": InlineDecoder(values.pop("px", 50)),
        "is_image_name": lambda name: name.lower().endswith((b".jpg", b".png")),
        "clock": CLOCK,
        "environment": {"HOME": str(home)},
        "user": os.getuid(),
    }
    return ActRules(**(given | values))


def tree(*folders: Path) -> dict[str, bytes]:
    """Every file below some folders, with its bytes."""
    return {
        str(path): path.read_bytes() for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()
    }


def journal(state: Path) -> Journal:
    state.mkdir(exist_ok=True)
    return Journal(state / "moves.db")
