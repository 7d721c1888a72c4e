"""What the daemon does when it is asked over its socket."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Engine

from difwatch import acting
from difwatch.control.requests import Handler
from difwatch.errors import UsageError
from difwatch.store import files, folders, ignored, writing

_PATH_MOST = 4095


def _path(named: object) -> bytes:
    path = os.fsencode(named) if isinstance(named, str) else b""
    if not path.startswith(b"/") or len(path) > _PATH_MOST:
        raise UsageError("path: must be absolute, and no longer than a path can be")
    return path


def _paths(named: object) -> list[bytes]:
    if not isinstance(named, list):
        raise UsageError("paths: must be a list")
    return [os.fsencode(path) for path in named]


def handlers(
    engine: Engine,
    clock: Callable[[], str],
    keep_apart: Callable[[bytes], None],
    reload: Callable[[], None],
    start_search: Callable[[Mapping[str, Any]], None],
    search_state: Callable[[], Mapping[str, Any]],
    walk: Callable[[bytes], None],
    look_at: Callable[[Sequence[bytes]], None],
) -> dict[str, Handler]:
    """The answers by the word of the request.

    Parameters
    ----------
    engine
        The writer of the store.
    clock
        Gives the time as ISO 8601.
    keep_apart
        Told a destination that must not be searched from now on.
    reload
        Reads the configuration again; raises what is wrong with it.
    start_search, search_state
        Of the full search in the background.
    walk
        Lets a folder be walked at once.
    look_at
        Lets files be looked at.
    """

    def ignore(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        a, b = bytes.fromhex(asked["a"]), bytes.fromhex(asked["b"])
        with writing(engine) as connection:
            if asked["remove"]:
                return {"changed": ignored.remove(connection, a, b)}
            ignored.put(connection, a, b, clock())
        return {"changed": True}

    def forget(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        with writing(engine) as connection:
            return {"forgotten": files.remove(connection, _paths(asked["paths"]))}

    def destination(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        path = _path(asked["path"])
        with writing(engine) as connection:
            acting.add_destination(connection, path)
        keep_apart(path)
        return {}

    def rescan(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        start_search(asked)
        return {}

    def release(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        path = os.fsencode(asked["path"])
        with writing(engine) as connection:
            found = folders.release(connection, path, clock())
        if found:
            walk(path)
        return {"found": found}

    def retry(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        paths = None if asked["all"] is True else _paths(asked["paths"])
        with writing(engine) as connection:
            found = files.retry(connection, paths)
        look_at(found)
        return {"count": len(found)}

    def read_again(_asked: Mapping[str, Any]) -> Mapping[str, Any]:
        reload()
        return {}

    return {
        "ping": lambda _asked: {"pid": os.getpid()},
        "ignore": ignore,
        "forget": forget,
        "destination": destination,
        "rescan": rescan,
        "rescan progress": lambda _asked: search_state(),
        "release": release,
        "retry": retry,
        "reload": read_again,
    }
