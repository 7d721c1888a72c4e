"""Moving one picture: what is checked before, what is never overwritten, and the way back."""

import errno
import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageOps

from difwatch.actions import check, directory, move, recover, transfer
from difwatch.actions.directory import Place
from difwatch.actions.move import carry_out
from difwatch.actions.undo import undo
from difwatch.compare.distance import limit_of
from difwatch.model.settings import tone_values
from tests.support.clock import NOON
from tests.support.moving import CLOCK, act, image, journal, rules, tree
from tests.support.photos import photo

OTHER_DISK = Path("/dev/shm")


@pytest.fixture
def place(tmp_path):
    """Two equal pictures, and one that differs a little."""
    (tmp_path / "in").mkdir()
    (tmp_path / "home").mkdir()
    photo(1).save(tmp_path / "in" / "a.png")
    shutil.copy(tmp_path / "in" / "a.png", tmp_path / "in" / "b.png")
    photo(1).resize((61, 40)).save(tmp_path / "in" / "near.png")
    photo(2).save(tmp_path / "in" / "other.png")
    return tmp_path


@pytest.fixture(params=["renames without replacing", "cannot"], autouse=True)
def disk(request, monkeypatch):
    """Every test twice: also where neither a rename nor a link keeps from replacing a file, as on exFAT by FUSE."""
    if request.param == "cannot":

        def unknown(*_):
            raise OSError(errno.ENOSYS, "not there")

        def refused(*_, **__):
            raise PermissionError(errno.EPERM, "no links")

        monkeypatch.setattr(directory, "_renameat2", unknown)
        monkeypatch.setattr(directory.os, "link", refused)
    return request.param


@pytest.fixture
def book(place):
    opened = journal(place / "state")
    yield opened
    opened.close()


@pytest.fixture
def far():
    """A folder on another file system."""
    if not OTHER_DISK.is_dir() or os.stat(OTHER_DISK).st_dev == os.stat(tempfile.gettempdir()).st_dev:
        pytest.skip(f"{OTHER_DISK} is not another file system")
    with tempfile.TemporaryDirectory(dir=OTHER_DISK) as name:
        yield Path(name)


def test_a_moved_picture_is_whole_at_its_new_place_and_gone_from_the_old_one(place, book):
    data = (place / "in/b.png").read_bytes()
    os.chmod(place / "in/b.png", 0o640)
    os.utime(place / "in/b.png", ns=(1, 1234567890123456789))
    os.setxattr(place / "in/b.png", "user.tag", b"yes")
    one = carry_out(act(place / "in/b.png", place / "in/a.png", place / "out/b.png"), book, rules(place / "home"))
    assert (one.state, one.reason, one.target) == ("done", None, os.fsencode(place / "out/b.png"))
    assert not (place / "in/b.png").exists()
    found = os.stat(place / "out/b.png")
    assert (place / "out/b.png").read_bytes() == data
    assert (stat.S_IMODE(found.st_mode), found.st_mtime_ns) == (0o640, 1234567890123456789)
    assert os.getxattr(place / "out/b.png", "user.tag") == b"yes"
    (entry,) = book.entries()
    assert (entry.state, entry.source, entry.target) == ("done", os.fsencode(place / "in/b.png"), one.target)
    assert (entry.keeper, entry.begun, entry.ended) == (
        os.fsencode(place / "in/a.png"),
        NOON.isoformat(),
        NOON.isoformat(),
    )


def test_a_picture_moved_to_another_disk_keeps_its_attributes(place, book, far):
    victim = place / "in/b.png"
    data = victim.read_bytes()
    os.chmod(victim, 0o440)  # also a read-only one
    os.utime(victim, ns=(1, 1234567890123456789))
    os.setxattr(victim, "user.tag", b"yes")
    one = carry_out(act(victim, place / "in/a.png", far / "out/b.png"), book, rules(place / "home"))
    assert one.state == "done"
    found = os.stat(far / "out/b.png")
    assert found.st_dev != os.stat(place).st_dev
    assert (far / "out/b.png").read_bytes() == data
    assert (stat.S_IMODE(found.st_mode), found.st_mtime_ns) == (0o440, 1234567890123456789)
    assert os.getxattr(far / "out/b.png", "user.tag") == b"yes"
    assert undo(book.get(one.id), book, CLOCK).state == "done"
    back = os.stat(victim)
    assert (stat.S_IMODE(back.st_mode), back.st_mtime_ns) == (0o440, 1234567890123456789)
    assert tree(far) == {}


def test_a_near_picture_is_compared_again_before_it_goes(place, book):
    done = carry_out(act(place / "in/near.png", place / "in/a.png", place / "out/n.png"), book, rules(place / "home"))
    assert done.state == "done"
    done = carry_out(
        act(place / "in/other.png", place / "in/a.png", place / "out/o.png"), book, rules(place / "home")
    )
    assert done.state == "refused"
    assert "no longer matches the picture to keep" in done.reason
    assert (place / "in/other.png").exists()


def versions():
    """Pictures by what was done to the first one of each pair."""
    picture, page = photo(1), Image.new("RGB", (200, 200), "white")
    pages = [page.copy(), page.copy()]
    for number, one in enumerate(pages):
        ImageDraw.Draw(one).text((20, 20 + 90 * number), "other words", fill=0)
    return {
        "noisy": (picture, picture.resize((31, 23)).resize(picture.size)),
        "brighter": (picture, picture.point(lambda value: 100 + value * 3 // 5)),
        "mirrored": (picture, ImageOps.mirror(picture)),
        "other words": tuple(pages),
        "grey": (picture, picture.convert("L")),
        "of grey": (picture.convert("L"), picture),
        "framed": (picture, ImageOps.expand(picture, 20, "black")),
        "of framed": (ImageOps.expand(picture, 20, "black"), picture),
        "flat": (Image.new("RGB", (20, 20), (200, 200, 200)), Image.new("RGB", (20, 20), (201, 200, 200))),
    }


TONES = limit_of(0.03, tone_values(50))


@pytest.mark.parametrize(
    ("version", "level", "tone_limit", "goes"),
    [
        ("noisy", "similar", None, True),
        ("noisy", "similar", TONES, True),
        ("noisy", "duplicate", TONES, False),
        ("brighter", "similar", TONES, False),
        ("brighter", "edited", TONES, True),
        ("brighter", "edited", None, False),
        ("mirrored", "similar", TONES, False),
        ("mirrored", "edited", TONES, True),
        ("mirrored", "edited", None, True),
        ("grey", "edited", TONES, True),
        ("of grey", "edited", TONES, False),
        ("framed", "edited", TONES, True),
        ("of framed", "edited", TONES, False),
        ("other words", "similar", None, True),
        ("other words", "similar", TONES, False),
        ("other words", "edited", TONES, False),
        ("flat", "similar", None, True),
        ("flat", "similar", TONES, False),
        ("flat", "edited", TONES, False),
    ],
)
def test_what_made_the_match_is_looked_at_once_more(place, book, version, level, tone_limit, goes):
    for name, picture in zip(("keeper.png", "victim.png"), versions()[version], strict=True):
        picture.save(place / "in" / name)
    one = act(place / "in/victim.png", place / "in/keeper.png", place / "out/victim.png")
    one = replace(one, level=level, tone_limit=tone_limit, limit=limit_of(300, 7500))
    done = carry_out(one, book, rules(place / "home"))
    assert (done.state == "done", (place / "out/victim.png").exists()) == (goes, goes), done.reason


def changed(path):
    with path.open("ab") as file:
        file.write(b"!")


def removed(path):
    path.unlink()


def replaced_by_a_link(path):
    path.unlink()
    path.symlink_to(path.parent / "other.png")


def replaced_by_a_fifo(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("which", ["b.png", "a.png"])
@pytest.mark.parametrize("happens", [changed, removed, replaced_by_a_link, replaced_by_a_fifo])
def test_nothing_is_done_when_one_of_the_two_is_not_what_was_indexed(place, book, which, happens):
    planned = act(place / "in/b.png", place / "in/a.png", place / "out/b.png")
    happens(place / "in" / which)
    before = {path: os.lstat(path).st_ino for path in (place / "in").iterdir()}
    one = carry_out(planned, book, rules(place / "home"))
    assert one.state == "refused"
    assert {path: os.lstat(path).st_ino for path in (place / "in").iterdir()} == before
    assert book.entries() == []


@pytest.mark.parametrize(
    ("kind", "which"),
    [(kind, which) for kind in ("move", "across", "trash", "delete") for which in ("a.png", "b.png", "b.xmp")][:-1],
)
def test_what_is_written_into_a_file_that_was_just_looked_at_is_not_lost(place, book, far, monkeypatch, kind, which):
    if kind != "delete":  # a picture with such a file is not deleted for good at all
        (place / "in/b.xmp").write_text("notes")
    written = place / "in" / which
    for path in (place / "in").iterdir():
        os.utime(path, ns=(10**18, 10**18))
    target = {"move": place / "out/b.png", "across": far / "out/b.png"}.get(kind)
    planned = act(place / "in/b.png", place / "in/a.png", target, "move" if target else kind)
    real = check.digest_of_file

    def digest_of_file(descriptor):
        digest = real(descriptor)
        if os.fstat(descriptor).st_ino == written.stat().st_ino:
            written.write_bytes(b"precious".ljust(written.stat().st_size, b"!"))
        return digest

    for module in (check, move):
        monkeypatch.setattr(module, "digest_of_file", digest_of_file)
    one = carry_out(planned, book, rules(place / "home"))
    assert one.state == "refused"
    assert "changed" in one.reason
    assert written.read_bytes().startswith(b"precious")
    assert (place / "in/b.png").exists()


def test_a_folder_that_became_a_link_is_not_followed(place, book):
    planned = act(place / "in/b.png", place / "in/a.png", place / "out/b.png")
    (place / "in").rename(place / "elsewhere")
    (place / "in").symlink_to(place / "elsewhere")
    assert carry_out(planned, book, rules(place / "home")).state == "refused"
    (place / "in").unlink()
    (place / "elsewhere").rename(place / "in")
    (place / "out").symlink_to(place / "home")
    one = carry_out(planned, book, rules(place / "home"))
    assert one.state == "failed"
    assert list((place / "home").iterdir()) == []
    assert (place / "in/b.png").exists()


def test_a_picture_whose_file_has_no_name_any_more_is_never_the_one_to_keep(place, book):
    keeper, victim = (os.open(place / "in" / name, os.O_RDONLY) for name in ("a.png", "b.png"))
    wanted = act(place / "in/b.png", place / "in/a.png", place / "out/b.png")
    (place / "in/a.png").unlink()
    try:
        with pytest.raises(check.RefusedError, match="has no name on its disk"):
            check.check(wanted, victim, keeper, rules(place / "home").decoder)
    finally:
        os.close(keeper)
        os.close(victim)


def test_a_file_with_another_name_stays(place, book, disk):
    if disk == "cannot":
        pytest.skip("such a disk has no second names")
    os.link(place / "in/b.png", place / "in/same.png")
    one = carry_out(act(place / "in/b.png", place / "in/a.png", place / "out/b.png"), book, rules(place / "home"))
    assert one.state == "refused"
    assert "another name" in one.reason
    one = carry_out(act(place / "in/b.png", place / "in/b.png", place / "out/b.png"), book, rules(place / "home"))
    assert one.state == "refused"


def test_a_thousand_files_of_one_name_all_arrive(place, book):
    (place / "out").mkdir()
    (place / "out/b.png").write_bytes(b"taken")
    seen = set()
    for number in range(30):
        folder = place / "in" / str(number)
        folder.mkdir()
        shutil.copy(place / "in/a.png", folder / "b.png")
        one = carry_out(act(folder / "b.png", place / "in/a.png", place / "out/b.png"), book, rules(place / "home"))
        seen.add(os.path.basename(one.target))
    assert seen == {b"b (%d).png" % number for number in range(1, 31)}
    assert (place / "out/b.png").read_bytes() == b"taken"


@pytest.mark.parametrize(
    "name", [b"\xff\xfe.png", b"new\nline.png", b"x" * 251 + b".png", "Zürich \N{COMBINING DIAERESIS}.png".encode()]
)
def test_odd_names_keep_their_bytes_and_long_ones_make_room_for_the_number(place, book, name):
    (place / "out").mkdir()
    with open(os.path.join(os.fsencode(place / "out"), name), "wb") as file:
        file.write(b"taken")
    victim = place / "in" / os.fsdecode(name)
    (place / "in/b.png").rename(victim)
    planned = act(victim, place / "in/a.png", place / "out" / os.fsdecode(name))
    one = carry_out(planned, book, rules(place / "home"))
    moved = os.path.basename(one.target)
    assert one.state == "done"
    assert moved.endswith(b" (1).png")
    assert len(moved) <= 255
    assert undo(book.entries()[0], book, CLOCK).state == "done"
    assert victim.exists()


@pytest.mark.parametrize("kind", ["move", "trash"])
def test_sidecars_go_along_under_the_same_number_and_come_back(place, book, kind):
    for name in ("b.xmp", "b.png.xmp", "b.CR2", "b.txt"):
        (place / "in" / name).write_text(name)
    (place / "out").mkdir()
    (place / "out/b.xmp").write_text("taken")
    before = tree(place / "in")
    target = place / "out/b.png" if kind == "move" else None
    one = carry_out(act(place / "in/b.png", place / "in/a.png", target, kind), book, rules(place / "home"))
    assert (one.state, one.sidecars) == ("done", 3)
    assert set(os.listdir(place / "in")) == {"a.png", "near.png", "other.png", "b.txt"}
    if kind == "move":
        assert set(os.listdir(place / "out")) == {
            "b.xmp", "b (1).png", "b (1).xmp", "b (1).png.xmp", "b (1).CR2"
        }  # fmt: skip
    assert undo(book.get(one.id), book, CLOCK).state == "done"
    assert tree(place / "in") == before
    assert {entry.state for entry in book.entries() if entry.kind == kind} == {"undone"}


def test_sidecars_can_make_a_picture_stay_or_be_left(place, book):
    (place / "in/b.xmp").write_text("notes")
    planned = act(place / "in/b.png", place / "in/a.png", place / "out/b.png")
    one = carry_out(planned, book, rules(place / "home", sidecars="refuse"))
    assert (one.state, one.reason) == (
        "refused",
        "b.xmp belongs to it (--sidecars move takes it along, --sidecars leave leaves it)",
    )
    shutil.copy(place / "in/other.png", place / "in/b.jpg")
    one = carry_out(planned, book, rules(place / "home"))
    assert (one.state, one.reason) == ("refused", "b.xmp may belong to it or to b.jpg (--sidecars leave leaves it)")
    assert carry_out(planned, book, rules(place / "home", sidecars="leave")).state == "done"
    assert (place / "in/b.xmp").exists()


@pytest.fixture
def in_tokyo(monkeypatch):
    """Local time is nine hours ahead of UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_tokyo")
def test_a_deleted_picture_lies_in_the_waste_basket_with_a_note_in_local_time_and_comes_back(place, book):
    one = carry_out(act(place / "in/b.png", place / "in/a.png", None, "trash"), book, rules(place / "home"))
    basket = place / "home/.local/share/Trash"
    assert one.state == "done"
    assert (basket / "files/b.png").exists()
    note = (basket / "info/b.png.trashinfo").read_text()
    assert note == f"[Trash Info]\nPath={place}/in/b.png\nDeletionDate=2026-11-21T21:00:00\n"
    assert undo(book.get(one.id), book, CLOCK).state == "done"
    assert list(basket.rglob("*.*")) == []
    assert (place / "in/b.png").exists()


def test_a_picture_that_is_deleted_for_good_is_gone_and_undo_says_so(place, book):
    one = carry_out(act(place / "in/b.png", place / "in/a.png", None, "delete"), book, rules(place / "home"))
    assert one.state == "done"
    assert not (place / "in/b.png").exists()
    back = undo(book.get(one.id), book, CLOCK)
    assert (back.state, back.reason) == ("refused", "it was deleted for good")


def test_undo_finds_the_picture_by_its_bytes_and_never_overwrites(place, book):
    one = carry_out(act(place / "in/b.png", place / "in/a.png", place / "out/b.png"), book, rules(place / "home"))
    (place / "out/b.png").rename(place / "out/renamed.png")
    (place / "out/b.png").write_bytes(b"another")
    (place / "in/b.png").write_bytes(b"taken")
    back = undo(book.get(one.id), book, CLOCK)
    assert (back.state, back.reason) == ("refused", f"another file is at {place}/in/b.png")
    (place / "in/b.png").unlink()
    assert undo(book.get(one.id), book, CLOCK).state == "done"
    assert (place / "in/b.png").read_bytes() == (place / "in/a.png").read_bytes()
    assert (place / "out/b.png").read_bytes() == b"another"
    again = undo(book.get(one.id), book, CLOCK)
    assert (again.state, again.reason) == ("refused", "it was put back already")


def test_undo_refuses_what_is_another_picture_now(place, book):
    one = carry_out(act(place / "in/b.png", place / "in/a.png", place / "out/b.png"), book, rules(place / "home"))
    changed(place / "out/b.png")
    back = undo(book.get(one.id), book, CLOCK)
    assert back.state == "refused"
    assert "another file now" in back.reason


def test_the_journal_says_what_a_person_put_back(place, book):
    planned = act(place / "in/b.png", place / "in/a.png", place / "out/b.png")
    one = carry_out(planned, book, rules(place / "home"))
    assert not book.put_back(planned.image.digest, planned.image.path)
    undo(book.get(one.id), book, CLOCK)
    assert book.put_back(planned.image.digest, planned.image.path)
    assert len(book.begun_between(NOON - timedelta(days=1), NOON)) == 1, "the brake counts it all the same"
    assert book.begun_between(NOON - timedelta(days=2), NOON - timedelta(days=1)) == [], "and no later one"
    assert recover.recover(book, CLOCK) == []
    assert image(place / "in/b.png").digest == planned.image.digest


def test_an_unlink_that_was_done_though_it_failed_does_not_take_the_copy_as_well(place, book, far, monkeypatch):
    real = Place.remove

    def remove(self):
        real(self)
        if self.name.endswith(b".gone"):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(Place, "remove", remove)
    one = carry_out(act(place / "in/b.png", place / "in/a.png", far / "out/b.png"), book, rules(place / "home"))
    assert one.state == "done"
    assert (far / "out/b.png").exists()
    assert not (place / "in/b.png").exists()


@pytest.mark.parametrize("across", [False, True])
def test_a_person_who_interrupts_leaves_the_picture_once_and_whole(place, book, far, monkeypatch, across):
    target = far / "out/b.png" if across else place / "out/b.png"
    planned = act(place / "in/b.png", place / "in/a.png", target)
    calls = []
    for stop in range(8):
        calls.clear()
        with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
            for name in ("rename_new", "sync", "unlink"):
                patch.setattr(transfer, name, interrupting(getattr(transfer, name), calls, stop))
            carry_out(planned, book, rules(place / "home"))
        recover.recover(book, CLOCK)
        there = [path for path in (place / "in/b.png", target) if path.exists()]
        assert len(there) == 1
        assert not [path for folder in (place, far) for path in folder.rglob(".difwatch*")]
        state = [one.state for one in book.entries() if one.kind == "move"][-1]
        assert state == ("done" if there == [target] else "rolled back")
        if there == [target]:
            assert undo(book.entries()[-1], book, CLOCK).state == "done"
            planned = act(place / "in/b.png", place / "in/a.png", target)
    assert len(calls) <= 8


def interrupting(function, calls, stop):
    def step(*given):
        result = function(*given)
        calls.append(function)
        if len(calls) == stop + 1:
            raise KeyboardInterrupt
        return result

    return step


def test_a_file_from_the_far_future_can_be_moved(place, book):
    os.utime(place / "in/b.png", ns=(0, 9_300_000_000 * 10**9))
    one = carry_out(act(place / "in/b.png", place / "in/a.png", place / "out/b.png"), book, rules(place / "home"))
    assert one.state == "done"


def test_undo_leaves_the_note_of_a_file_of_somebody_else(place, book):
    one = carry_out(act(place / "in/b.png", place / "in/a.png", None, "trash"), book, rules(place / "home"))
    basket = place / "home/.local/share/Trash"
    (basket / "files/b.png").rename(basket / "files/b.2.png")
    (basket / "info/b.png.trashinfo").rename(basket / "info/b.2.png.trashinfo")
    (basket / "files/b.png").write_text("of somebody else")
    (basket / "info/b.png.trashinfo").write_text("[Trash Info]\nPath=/elsewhere/b.png\nDeletionDate=2026\n")
    assert undo(book.get(one.id), book, CLOCK).state == "done"
    assert sorted(os.listdir(basket / "info")) == ["b.png.trashinfo"]


def test_a_file_that_takes_the_old_name_meanwhile_is_not_moved_for_it(place, book, monkeypatch):
    (place / "in/b.xmp").write_text("notes")
    real = transfer.rename_new

    def rename(source, target):
        if source.name == b"b.xmp":
            (place / "in/b.png").write_text("of somebody else")
            raise OSError(5, "Input/output error")
        real(source, target)

    monkeypatch.setattr(transfer, "rename_new", rename)
    one = carry_out(act(place / "in/b.png", place / "in/a.png", place / "out/b.png"), book, rules(place / "home"))
    assert (place / "in/b.png").read_text() == "of somebody else"
    assert (one.state, one.target) == ("done", os.fsencode(place / "out/b.png"))
    assert [entry.state for entry in book.entries()] == ["done", "rolled back"]


def test_a_name_that_is_taken_at_the_second_file_only_makes_both_try_the_next_number(place, book):
    (place / "in/b.xmp").write_text("notes")
    basket = place / "home/.local/share/Trash"
    (basket / "info").mkdir(parents=True)
    (basket / "info/b.xmp.trashinfo").write_text("of another program")
    one = carry_out(act(place / "in/b.png", place / "in/a.png", None, "trash"), book, rules(place / "home"))
    assert (one.state, one.reason) == ("done", None)
    assert sorted(os.listdir(basket / "files")) == ["b (1).png", "b (1).xmp"]


def test_a_copy_that_a_kill_left_begun_at_its_own_name_is_removed_and_no_other_file(place, book, disk, monkeypatch):
    if disk != "cannot":
        pytest.skip("only there copies are written at their own names")
    (place / "out").mkdir()
    (place / "out" / "x.png").write_bytes(b"of somebody else")

    def cut(descriptor, data):
        os.pwrite(descriptor, bytes(data[:100]), 0)
        raise Killed

    monkeypatch.setattr(transfer.os, "write", cut)
    monkeypatch.setattr(Place, "remove", lambda self: (_ for _ in ()).throw(Killed))
    before = (place / "in/b.png").read_bytes()
    with pytest.raises(Killed):
        carry_out(act(place / "in/b.png", place / "in/a.png", place / "out/b.png"), book, rules(place / "home"))
    monkeypatch.undo()
    assert any((place / "out").glob("*b.png")) or any((place / "out").glob(".difwatch*"))
    recover.recover(book, CLOCK)
    assert sorted(path.name for path in (place / "out").iterdir()) == ["x.png"]
    assert (place / "in/b.png").read_bytes() == before


class Killed(BaseException):
    """Stands for a kill."""
