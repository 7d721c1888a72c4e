"""``difwatch db upgrade`` of released stores, killed at every system call, and with every call that changes failing.

    python -m tests.faults.migration_kills [--quick] [--jobs N]

Each time: upgrade a copy of a released store under strace, kill it right before the call (which is right after the
one before), or let the call fail with EIO, then with ENOSPC. Then the store must be whole, with all its rows, at the
old or at the newest schema; the command, given again, must bring it to the newest one; and a whole copy of the old
one must be beside it. Prints for each store how many interruptions there were, where it was then, and each violation.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from difwatch.store import schema
from tests.faults import interrupting
from tests.faults.interrupting import MISSED as MISSED
from tests.faults.interrupting import Interruptions, run_module
from tests.support.paths import STORES

OLD = ("0001", "0003")
TABLES = ("file", "content", "tensor", "tensor_data", "match", "setting")


def unpack(version: str, state: Path) -> Path:
    """A copy of a released store in a state directory."""
    state.mkdir(exist_ok=True)
    store = state / "difwatch.db"
    store.write_bytes(gzip.decompress((STORES / f"{version}.db.gz").read_bytes()))
    return store


def _renamed(table: str, row: dict[str, object]) -> dict[str, object]:
    """A row of an older store as it is called since schema 0010."""
    if table == "match" and "sse" in row:
        columns = {"rotation": "sse_rotation", "rotation_back": "sse_rotation_back", "sse": "sse_turned"}
        return {"error": row["sse"]} | {columns.get(name, name): value for name, value in row.items()}
    if table == "setting" and str(row["key"]).startswith("remembered "):
        text = row["value"]
        value = json.loads(text) if isinstance(text, str) else text
        if not isinstance(value, dict):
            value = {"wanted": value, "most": None, "error": value}
        elif "mse" in value:
            value["error"] = value.pop("mse")
        return {"key": row["key"], "value": json.dumps(value)}
    return row


class Content(NamedTuple):
    """What SQLite says of a store, the schema it is at, and its rows by table."""

    sound: str
    version: str
    rows: dict[str, list[dict[str, object]]]

    def has(self, before: Content) -> bool:
        """Whether the rows of an older store are all there, and no others; there may be more columns."""
        return all(
            len(rows) == len(self.rows[name])
            and all(
                _renamed(name, old).items() <= _renamed(name, new).items()
                for old, new in zip(rows, self.rows[name], strict=True)
            )
            for name, rows in before.rows.items()
        )


def content(store: Path) -> Content:
    """What is in a store; only a copy of it is opened, which may change it."""
    with tempfile.TemporaryDirectory(prefix="difwatch-look-") as name:
        copy = Path(name) / store.name
        for end in ("", "-wal", "-journal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{store}{end}", f"{copy}{end}")
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            connection.row_factory = sqlite3.Row
            sound = connection.execute("PRAGMA quick_check").fetchone()[0]
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
            rows = {name: list(map(dict, connection.execute(f'SELECT * FROM "{name}"'))) for name in TABLES}
    return Content(sound, version, rows)


class Stage:
    """A copy of a released store, to be upgraded."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.state = Path(tempfile.mkdtemp(prefix="difwatch-upgrade-"))
        self.store = unpack(version, self.state)
        self.before = content(self.store)

    def run(self, strace: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run the upgrade."""
        return run_module(strace, "tests.faults.one_upgrade", self.state)

    def violations(self, done: subprocess.CompletedProcess[str]) -> tuple[str, list[str]]:
        """Return the schema that the store is at, and what is not as it must be, then and after another try."""
        then = content(self.store)
        found = [] if then.sound == "ok" else [f"damaged: {then.sound}"]
        found += [] if then.version in (self.version, schema.HEAD) else [f"the schema is {then.version}"]
        found += [] if then.has(self.before) else ["rows are missing or changed"]
        again = self.run()
        found += [] if again.returncode == 0 else [f"the next try ended with {again.returncode}: {again.stderr}"]
        after = content(self.store)
        if (after.sound, after.version) != ("ok", schema.HEAD) or not after.has(self.before):
            found.append(f"after the next try: {after.sound}, schema {after.version}, or rows are missing or changed")
        copy = self.store.with_name(f"{self.store.name}.before-{schema.HEAD}")
        if not copy.exists():
            found.append("there is no copy")
        elif (kept := content(copy)) != self.before:
            found.append(f"the copy is not the old store: {kept.sound}, schema {kept.version}")
        if "Traceback" in done.stderr:
            found.append(f"it ended with a traceback: {done.stderr.splitlines()[-1]}")
        return then.version, found

    def clear(self) -> None:
        """Remove the copy."""
        shutil.rmtree(self.state)


@dataclass(frozen=True)
class Upgrade:
    """The upgrade of one released store; implements `tests.faults.interrupting.Scenario`."""

    name: str
    end: str = "exit_group("

    def stage(self) -> Stage:
        """Make a copy of the store for one run."""
        return Stage(self.name)


def interruptions(version: str, quick: bool, jobs: int, most: int | None = None) -> Interruptions:
    """Interrupt the upgrade of a released store everywhere, or at so many places."""
    return interrupting.interruptions(Upgrade(version), quick, jobs, most)


if __name__ == "__main__":
    interrupting.main(__doc__, map(Upgrade, OLD))
