"""The log lines about what was just kept."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence

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


def announce_moved(path: bytes, source: bytes) -> None:
    """Log that a known file has a new path."""
    fields = {"path": os.fsdecode(path), "was": os.fsdecode(source)}
    log.info("%(path)s: was %(was)s", fields, extra={"event": "moved", "fields": fields})


def announce_gone(gone: Sequence[bytes]) -> None:
    """Log files that are gone: some by name, and the number of the others."""
    for path in gone[:_GONE_LINES]:
        fields = {"path": os.fsdecode(path)}
        log.info("%(path)s: gone", fields, extra={"event": "gone", "fields": fields})
    if len(gone) > _GONE_LINES:
        log.info("and %d more files gone", len(gone) - _GONE_LINES)
