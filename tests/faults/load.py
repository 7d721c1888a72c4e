"""Changes to a folder of small pictures, from a seed and without end; what must be there is known outside of it."""

from __future__ import annotations

import hashlib
import io
import os
import random
import shutil
import threading
from pathlib import Path

from PIL import Image

from tests.support.photos import photo

KINDS = 60
MOST = 180
ALBUMS = ("", "one", "two", "two/deep")


def pictures() -> list[bytes]:
    """Different pictures, turned, lighter and smaller ones of some, and a few that are cut off."""
    made = []
    for seed in range(KINDS):
        one = photo(seed, 90, 60)
        made.append(_png(one, seed % 10))
        if seed % 3 == 0:
            made.append(_png(one.transpose(Image.Transpose.ROTATE_90)))
            made.append(_png(one.point(lambda value: min(value + 1, 255))))
        if seed % 5 == 0:
            made += [_png(one.resize((60, 40))), _png(one, 1)[:700]]
    return made


def _png(picture: Image.Image, level: int = 6) -> bytes:
    into = io.BytesIO()
    picture.save(into, "PNG", compress_level=level)
    return into.getvalue()


class Load:
    """A thread that makes, copies, renames, overwrites and deletes pictures below a folder.

    Parameters
    ----------
    folder
        An empty folder; nobody else changes it.
    seed
        The changes are the same for the same seed, the pauses nearly so.
    pause
        Seconds at most between two changes.
    """

    def __init__(self, folder: Path, seed: int, pause: float = 0.04) -> None:
        self.folder = folder
        self.manifest: dict[str, str | None] = {}  # each path that ever was: SHA-256 of its bytes, None for gone
        self.changes = 0
        self.trouble: BaseException | None = None
        self._dice = random.Random(seed)
        self._pause = pause
        self._pictures = pictures()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._names = 0
        for album in ALBUMS:
            (folder / album).mkdir(exist_ok=True)
        for _ in range(MOST // 2):
            self._create()

    def start(self) -> None:
        """Go on changing."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="load")
        self._thread.start()

    def stop(self) -> None:
        """Let it come to rest; raises what went wrong in the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self.trouble is not None:
            raise self.trouble

    def unlike(self) -> list[str]:
        """The paths that are not as they were left: nobody but the load may have touched them."""
        there = {
            os.path.join(top, name): hashlib.sha256((Path(top) / name).read_bytes()).hexdigest()
            for top, _, names in os.walk(self.folder)
            for name in names
        }
        wanted = {path: digest for path, digest in self.manifest.items() if digest is not None}
        return [path for path in there.keys() | wanted.keys() if there.get(path) != wanted.get(path)]

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._dice.random() * self._pause):
                self.step()
        except BaseException as error:
            self.trouble = error

    def step(self) -> None:
        """One change."""
        there = [path for path, digest in self.manifest.items() if digest is not None]
        changes = [self._copy, self._rename, self._replace, self._write_over, self._delete]
        weights = [3, 3, 2, 3, 2 if len(there) < MOST else 20]
        if len(there) < MOST:
            changes, weights = [*changes, self._create], [*weights, 3]
        (change,) = self._dice.choices(changes, weights)
        self.changes += 1
        if change == self._create:
            change()
        elif there:
            change(self._dice.choice(there))
        if self._dice.random() < 0.02:
            self._rename_album()

    def _create(self) -> None:
        self._write(self._new_path(), self._dice.choice(self._pictures))

    def _copy(self, path: str) -> None:
        target = self._new_path()
        if target != path:
            shutil.copy2(path, target)
            self._note(target)

    def _rename(self, path: str) -> None:
        there = [other for other, digest in self.manifest.items() if digest is not None]
        target = self._dice.choice(there) if self._dice.random() < 0.2 else self._new_path()
        if target != path:
            os.replace(path, target)
            self.manifest[path] = None
            self._note(target)

    def _replace(self, path: str) -> None:
        part = f"{path}.part"
        Path(part).write_bytes(self._dice.choice(self._pictures))
        os.replace(part, path)
        self._note(path)

    def _write_over(self, path: str) -> None:
        """In place, in two parts, and sometimes with the time stamp that the file had before."""
        before = os.stat(path)
        self._write(path, self._dice.choice(self._pictures))
        if self._dice.random() < 0.3:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def _delete(self, path: str) -> None:
        os.unlink(path)
        self.manifest[path] = None

    def _rename_album(self) -> None:
        """An album gets another name, and its old one again, with a change in between."""
        album = self.folder / self._dice.choice(ALBUMS[1:])
        away = album.with_name(f"{album.name}-away")
        album.rename(away)
        self._stop.wait(self._dice.random() * 0.3)
        away.rename(album)

    def _write(self, path: str, data: bytes) -> None:
        with open(path, "wb", buffering=0) as file:
            file.write(data[: len(data) // 2])
            self._stop.wait(self._dice.random() * self._pause / 4)
            file.write(data[len(data) // 2 :])
        self._note(path)

    def _note(self, path: str) -> None:
        self.manifest[path] = hashlib.sha256(Path(path).read_bytes()).hexdigest()

    def _new_path(self) -> str:
        self._names += 1
        again = self._names % (3 * MOST)  # names come again
        ending = self._dice.choice((".png", ".PNG", ".jpg"))
        return str(self.folder / self._dice.choice(ALBUMS) / f"{again:04}{ending}")
