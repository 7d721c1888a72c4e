"""Moving pictures while somebody swaps, links and replaces whatever takes part.

    python -m tests.faults.attack [--moves N] [--seed N]

Two processes with the rights of the owner keep exchanging the victims, the pictures to keep, their folders and the
destination for other files, for links to a folder outside and for hard links, and put files under the names that are
moved to. They delete nothing themselves. In the end every content that ever was must still be somewhere, the folder
outside must be as it was, and each move that was said to be done must have moved just the file that was asked for.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import hashlib
import io
import itertools
import os
import random
import shutil
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

from PIL import Image

from difwatch.actions.directory import place
from difwatch.actions.move import carry_out
from difwatch.actions.recover import recover
from tests.support.moving import CLOCK, act, journal, rules

FOLDERS = 4
OUTSIDE = {"secret.png": b"secret", "victim1.png": b"another secret"}
PAUSE = 0.004  # seconds at most between two mischiefs, so that some moves succeed


def picture(number: int) -> bytes:
    """Equal pixels, and bytes of their own."""
    file = io.BytesIO()
    Image.new("RGB", (12, 12), (90, 120, 30)).save(file, "PNG")
    return file.getvalue() + b"number %d" % number


class Attacker:
    """One mischief after the other, each of which leaves every content somewhere, and none outside.

    It holds the folders that it works in, or it would itself follow the links that another attacker puts.
    """

    def __init__(self, base: Path, seed: int) -> None:
        self.base, self.rng, self.seed, self.made = base, random.Random(seed), seed, 0
        self.first = 0 if seed % 2 else 2  # two that exchange the same folder would leave a link there for good
        self.attic = base / f"attic{seed}"
        self.attic.mkdir()

    def fresh(self) -> Path:
        self.made += 1
        return self.attic / f"{self.seed}-{self.made}"

    def mischief(self) -> None:
        folder = self.base / f"in{self.rng.randrange(FOLDERS)}"
        kind = self.rng.randrange(self.first, 6)
        if kind == 0:
            self.swap_folder(folder)
        elif kind == 1:
            self.swap_folder(self.base / "out")
        else:
            inside = os.open(self.base / "out" if kind == 2 else folder, os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                names = os.listdir(inside)
                if kind == 2:
                    self.collide(inside)
                elif kind == 3 and names:
                    os.link(self.rng.choice(names), self.fresh(), src_dir_fd=inside)
                elif names:
                    self.swap_file(inside, self.rng.choice(names))
            finally:
                os.close(inside)

    def swap_folder(self, path: Path) -> None:
        kept, link = self.fresh(), self.fresh()
        path.rename(kept)
        path.symlink_to(self.base / "outside")
        path.rename(link)
        kept.rename(path)

    def swap_file(self, inside: int, name: str) -> None:
        kept, decoy = self.fresh(), self.fresh()
        if self.rng.random() < 0.5:
            decoy.symlink_to(self.base / "outside/secret.png")
        else:
            decoy.write_bytes(b"decoy %d %d" % (self.seed, self.made))
        os.rename(name, kept, src_dir_fd=inside)
        with contextlib.suppress(OSError):
            os.link(decoy, name, dst_dir_fd=inside, follow_symlinks=False)
            os.rename(name, self.fresh(), src_dir_fd=inside)
        os.link(kept, name, dst_dir_fd=inside)
        kept.unlink()

    def collide(self, inside: int) -> None:
        mine = self.fresh()
        mine.write_bytes(b"mine %d %d" % (self.seed, self.made))
        os.link(mine, f"victim{self.rng.randrange(self.made)}.png", dst_dir_fd=inside)


def attack(base: str, seed: int) -> None:
    """Until killed."""
    attacker = Attacker(Path(base), seed)
    while True:
        with contextlib.suppress(OSError):
            attacker.mischief()
        time.sleep(attacker.rng.random() * PAUSE)


def run(moves: int, seed: int) -> tuple[collections.Counter[str], list[str]]:
    """Make moves under attack; gives the outcomes and what was not as it must be."""
    base = Path(tempfile.mkdtemp(prefix="difwatch-attack-"))
    (base / "outside").mkdir()
    for name, data in OUTSIDE.items():
        (base / "outside" / name).write_bytes(data)
    for number in range(FOLDERS):
        (base / f"in{number}").mkdir()
        (base / f"in{number}/keep.png").write_bytes(picture(-number - 1))
    (base / "out").mkdir()
    context = get_context("spawn")
    attackers = [context.Process(target=attack, args=(str(base), 2 * seed + one), daemon=True) for one in range(2)]
    for one in attackers:
        one.start()
    try:
        outcomes, written = move_all(base, moves, random.Random(seed))
    finally:
        for one in attackers:
            one.kill()
            one.join()
    wrong = violations(base, written)
    shutil.rmtree(base)
    return outcomes, wrong


def move_all(base: Path, moves: int, rng: random.Random) -> tuple[collections.Counter[str], set[bytes]]:
    """The outcomes of so many moves, and the contents that were written for them."""
    book, found = journal(base / "state"), rules(base)
    outcomes: collections.Counter[str] = collections.Counter()
    written = {picture(-number - 1) for number in range(FOLDERS)}
    for number in itertools.count():
        if outcomes.total() - outcomes["not begun"] == moves:
            break
        folder = base / f"in{rng.randrange(FOLDERS)}"
        victim = folder / f"victim{number}.png"
        data = picture(number)
        try:
            with place(os.fsencode(victim)) as real:
                descriptor = real.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL)
                os.write(descriptor, data)
                os.close(descriptor)
            written.add(data)
            planned = act(victim, folder / "keep.png", base / "out" / victim.name)
        except OSError:
            outcomes["not begun"] += 1
            continue
        outcome = carry_out(planned, book, found)
        outcomes[f"{outcome.state}: {outcome.reason}" if outcome.reason else outcome.state] += 1
    book.close()
    return outcomes, written


def violations(base: Path, written: set[bytes]) -> list[str]:
    """What is not as it must be."""
    book = journal(base / "state")
    recover(book, CLOCK)
    contents = {path: path.read_bytes() for path in base.rglob("*") if path.is_file() and not path.is_symlink()}
    everywhere = set(contents.values())
    wrong = [f"lost: {data[-12:]!r}" for data in written if data not in everywhere]
    if {path.name: data for path, data in contents.items() if path.parent == base / "outside"} != OUTSIDE:
        wrong.append("the folder outside was touched")
    moved = {digest(data) for path, data in contents.items() if not path.parent.name.startswith("in")}
    wrong += [
        f"another file was moved for {os.fsdecode(entry.source)}"
        for entry in book.entries(states=["done"])
        if entry.digest not in moved
    ]
    if book.entries(states=["open"]):
        wrong.append("acts are open")
    book.close()
    return wrong


def digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=32).digest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    outcomes, wrong = run(arguments.moves, arguments.seed)
    print(f"{arguments.moves} moves under attack: {dict(outcomes)}, violations {len(wrong)}", *wrong, sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
