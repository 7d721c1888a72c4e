"""What only the daemon knows, left where `status` finds it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

log = logging.getLogger(__name__)


def write_heartbeat(state_dir: Path, facts: dict[str, object]) -> None:
    """Leave what only the daemon knows where `status` finds it; replaced as a whole."""
    path = state_dir / "daemon.json"
    new = path.with_suffix(".new")
    try:
        new.write_text(json.dumps(facts), encoding="utf-8")
        new.replace(path)
    except OSError as error:
        # `status` will be old; that is no reason to stop watching.
        log.warning("%s: cannot be written (%s)", path, error.strerror)


def read_heartbeat(state_dir: Path) -> dict[str, object]:
    """What the daemon last left; empty if it never ran here."""
    try:
        found = json.loads((state_dir / "daemon.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
