"""The log lines about what was just kept."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence

from difwatch import paths
from difwatch.matches.errors import as_fields, as_text
from difwatch.matches.news import News
from difwatch.model.jobs import Unreadable

log = logging.getLogger(__name__)

_GONE_LINES = 20


def announce_matches(news: Mapping[bytes, News], px: int) -> None:
    """Log the nearest matches of each new file, and whether there are more; ``px`` is the side of the tensors."""
    for path, matches in news.items():
        for pair in matches.pairs:
            files = {"new": os.fsdecode(pair.a.path), "old": os.fsdecode(pair.b.path)}
            fields = as_fields(pair.errors, pair.level, px, pair.are_shots)
            extra = {"event": "match", "fields": files | fields}
            log.info("match %s %s %s", files["new"], files["old"], as_text(fields), extra=extra)
        if matches.more:
            text = "match %s is like many others: see 'difwatch report'"
            log.info(text, os.fsdecode(path), extra={"event": "many matches", "fields": {"new": os.fsdecode(path)}})


def announce_unreadable(answers: Sequence[Unreadable]) -> None:
    """Log files without a tensor, and why."""
    for answer in answers:
        fields = {"path": os.fsdecode(answer.path), "reason": answer.reason}
        log.warning("%(path)s: %(reason)s", fields, extra={"event": "unreadable", "fields": fields})


def announce_moved(moved: Sequence[tuple[bytes, bytes]]) -> None:
    """Log known files that have new paths, from (path, old path); one line for a folder that was renamed."""
    by_folder: dict[tuple[bytes, bytes], list[tuple[bytes, bytes]]] = {}
    for path, source in moved:
        by_folder.setdefault(_renamed(path, source), []).append((path, source))
    for (path, source), files in by_folder.items():
        if len(files) == 1:
            path, source = files[0]
        fields = {"path": os.fsdecode(path), "was": os.fsdecode(source), "files": len(files)}
        text = "%(path)s: was %(was)s" if len(files) == 1 else "%(path)s: was %(was)s, with %(files)d files"
        log.info(text, fields, extra={"event": "moved", "fields": fields})


def announce_gone(gone: Sequence[bytes]) -> None:
    """Log files that are gone; one line for a folder that is gone, or that many files are gone from."""
    by_folder: dict[bytes, list[bytes]] = {}
    for path in gone:
        by_folder.setdefault(_topmost_gone(paths.parent(path)), []).append(path)
    for folder, files in by_folder.items():
        is_gone = not os.path.lexists(folder)
        if len(files) > (1 if is_gone else _GONE_LINES):
            fields = {"path": os.fsdecode(folder), "files": len(files)}
            text = "%(path)s: gone, with %(files)d files" if is_gone else "%(path)s: %(files)d files gone from it"
            log.info(text, fields, extra={"event": "gone", "fields": fields})
            continue
        for path in files:
            one = {"path": os.fsdecode(path), "files": 1}
            log.info("%(path)s: gone", one, extra={"event": "gone", "fields": one})


def _renamed(path: bytes, source: bytes) -> tuple[bytes, bytes]:
    """Return the folder that was renamed and its old path: without the last parts that both paths share."""
    new, old = path.split(b"/"), source.split(b"/")
    while len(new) > 1 and len(old) > 1 and new[-1] == old[-1]:
        new.pop()
        old.pop()
    return b"/".join(new), b"/".join(old)


def _topmost_gone(folder: bytes) -> bytes:
    """Return the highest folder on the way that is gone; the folder itself if it is there."""
    while (above := paths.parent(folder)) != folder and not os.path.lexists(above):
        folder = above
    return folder
