"""Everything that may land in a folder: good, broken, hostile and odd files; each gets a verdict.

    python -m tests.faults.decoding [--cuts N] [--flips N] [--corpus DIR]

Makes good files of some thirty kinds, cuts each off at 20 places, fills each with zeros from 20 places on, flips
single bits at 200, adds bombs and things that are no files, and all of ``corpus/bad`` and what its ``make_bad.py``
makes, if there is one. Runs ``watch --once`` over them, and compares: every file has a verdict, and every good one
the tensor that it has by itself. Prints the counts, the exit code, and the peak of resident memory of any worker.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

from difwatch.extensions import is_image_name
from difwatch.imaging.recipe import make
from difwatch.workers.appearance import appearance
from tests.faults import broken
from tests.support.paths import CORPUS

MEMORY_MB = 1500


def _digest(data: bytes) -> bytes:
    made = make(data, 50, "fast")
    return appearance(made.tensor, made.inside).digest


def fill(folder: Path, cuts: int, flips: int) -> tuple[dict[str, bytes], int]:
    """Make the files; gives the tensor digests of the good ones by name, and how many things have a verdict."""
    good = {}
    for number, (name, data) in enumerate(broken.good_files().items()):
        (folder / name).write_bytes(data)
        good[name] = _digest(data)
        stem, _, end = name.partition(".")
        for kind, bad in broken.damaged(data, cuts, flips, number):
            (folder / f"{stem}-{end}-{kind}.{end}").write_bytes(bad)
    for name, data in broken.bombs().items():
        (folder / f"bomb-{name}").write_bytes(data)
    return good, broken.make_odd_places(folder)


def add_corpus(folder: Path, corpus: Path) -> None:
    """Add the bad files of a corpus, and what its program makes, if there are any."""
    if (corpus / "bad").is_dir():
        shutil.copytree(corpus / "bad", folder / "corpus", ignore=shutil.ignore_patterns("*.md", "*.txt"))
    if (corpus / "make_bad.py").is_file():
        command = [sys.executable, corpus / "make_bad.py", folder / "made"]
        subprocess.run(command, env={**os.environ, "DIFWATCH_SPECIAL": "1"}, check=True, stdout=subprocess.DEVNULL)


class PeakMemory:
    """The largest resident memory of a worker of a process, in MB, asked for again and again."""

    def __init__(self, pid: int) -> None:
        self.peak = 0.0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(0.05):
            for task in Path(f"/proc/{self._pid}/task").glob("*/children"):
                for child in _text(task).split():
                    for line in _text(Path(f"/proc/{child}/status")).splitlines():
                        if line.startswith("VmHWM"):
                            self.peak = max(self.peak, int(line.split()[1]) / 1024)

    def end(self) -> float:
        self._ended.set()
        self._thread.join()
        return self.peak


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def watch(folder: Path, state: Path) -> tuple[int, str, float]:
    """``watch --once``: its exit code, what it said, and the peak memory of its workers."""
    config = state / "config.toml"
    config.write_text(
        f"quiet_seconds = 0.0\ndecode_memory_mb = {MEMORY_MB}\ndecode_seconds = 60.0\n[[folder]]\npath = '{folder}'\n"
    )
    command = [sys.executable, "-m", "difwatch", "--state-dir", state, "--config", config, "-q", "watch", "--once"]
    with (state / "log").open("w+") as log:
        running = subprocess.Popen(command, stderr=log)
        memory = PeakMemory(running.pid)
        code = running.wait()
        log.seek(0)
        return code, log.read(), memory.end()


def verdicts(state: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """The digest of the tensor of each file that has one, and the reason of each other one, by name."""
    query = (
        "SELECT file.path, tensor.digest, coalesce(file.reason, content.reason) FROM file "
        "LEFT JOIN content ON content.id = content_id LEFT JOIN tensor ON tensor.id = tensor_id"
    )
    with closing(sqlite3.connect(state / "difwatch.db")) as store:
        rows = [
            (os.fsdecode(path).rpartition("/")[2], digest, reason) for path, digest, reason in store.execute(query)
        ]
    return {path: digest for path, digest, _ in rows if digest}, {path: reason for path, _, reason in rows if reason}


def run(cuts: int, flips: int, corpus: Path) -> tuple[str, list[str]]:
    """Run it; gives what came of it in words, and what is wrong."""
    place = Path(tempfile.mkdtemp(prefix="difwatch-decoding-"))
    folder, state = place / "pictures", place / "state"
    for one in (folder, state):
        one.mkdir()
    try:
        good, odd = fill(folder, cuts, flips)
        add_corpus(folder, corpus)
        code, said, peak = watch(folder, state)
        tensors, reasons = verdicts(state)
        wanted = {path.name for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}
        wanted = {name for name in wanted if is_image_name(os.fsencode(name))}
        wrong = [f"{name}: another tensor than by itself" for name in good if tensors.get(name) != good[name]]
        wrong += [f"{name}: no verdict" for name in sorted(wanted - tensors.keys() - reasons.keys())]
        wrong += [f"{name}: {reasons.get(name)}" for name in ("fifo.jpg", "socket.jpg") if name not in reasons]
        wrong += [f"{name}: followed" for name in ("link.jpg", "loop.jpg") if name in tensors]
        wrong += [said] if code not in (0, 3) or "Traceback" in said else []
        wrong += [f"a worker had {peak:.0f} MB"] if peak > MEMORY_MB else []
        text = (
            f"{len(wanted) + odd} files: {len(tensors)} pictures, {len(reasons)} unreadable, without a verdict "
            f"{len(wanted - tensors.keys() - reasons.keys())}; good ones {len(good)}, wrong {len(wrong)}; exit code "
            f"{code}; peak of a worker {peak:.0f} MB (limit {MEMORY_MB})"
        )
        return text, wrong
    finally:
        shutil.rmtree(place)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--flips", type=int, default=200)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    arguments = parser.parse_args()
    text, wrong = run(arguments.cuts, arguments.flips, arguments.corpus)
    print(text, *wrong, sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
