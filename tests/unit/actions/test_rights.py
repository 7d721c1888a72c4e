"""What an act must never do: give rights to files that they had not, or take from those of others."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from difwatch.actions import trash
from difwatch.actions.attributes import copy_attributes
from difwatch.actions.directory import directory
from difwatch.actions.move import carry_out
from tests.support.moving import act, journal, rules
from tests.support.photos import photo

OTHER_DISK = Path("/dev/shm")
ANNA, BERT = 4001, 4002

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of several users")


@pytest.fixture
def place(tmp_path):
    (tmp_path / "in").mkdir()
    photo(1).save(tmp_path / "in" / "a.png")
    shutil.copy(tmp_path / "in" / "a.png", tmp_path / "in" / "b.png")
    return tmp_path


@pytest.fixture
def book(place):
    opened = journal(place / "state")
    yield opened
    opened.close()


def copied(before, owner_kept, tmp_path):
    """The mode that a copy gets, made by a user who may give files away, or may not."""
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(b"x")
    os.chmod(source, before)
    user = "" if owner_kept else f"os.setgid({ANNA}); os.setuid({ANNA})"
    os.chmod(tmp_path, 0o777)
    os.chown(source, BERT, BERT)
    code = (
        f"import os, sys; sys.path[:] = {sys.path!r}\n"
        "from difwatch.actions.attributes import copy_attributes\n"
        f"source = os.open({str(source)!r}, os.O_RDONLY)\n{user}\n"
        f"copy = os.open({str(copy)!r}, os.O_WRONLY | os.O_CREAT, 0o600)\n"
        "copy_attributes(source, os.fstat(source), copy)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd="/")
    found = copy.stat()
    return stat.S_IMODE(found.st_mode), found.st_uid


@as_root
@pytest.mark.parametrize(
    ("before", "owner_kept", "after"),
    [
        (0o4755, True, 0o755),
        (0o2755, True, 0o755),
        (0o640, True, 0o640),
        (0o4755, False, 0o644),
        (0o6777, False, 0o644),
        (0o640, False, 0o600),
        (0o660, False, 0o600),
    ],
)
def test_a_copy_has_no_more_rights_than_its_file(before, owner_kept, after):
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        (Path(name) / "in").mkdir()
        mode, owner = copied(before, owner_kept, Path(name) / "in")
    assert (oct(mode), owner) == (oct(after), BERT if owner_kept else ANNA)


def test_attributes_of_the_system_are_not_copied(tmp_path):
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(b"x")
    os.setxattr(source, "user.tag", b"yes")
    if os.geteuid() == 0:
        os.setxattr(source, "trusted.secret", b"yes")
    with source.open("rb") as from_, copy.open("wb") as to:
        copy_attributes(from_.fileno(), os.fstat(from_.fileno()), to.fileno())
    assert [name for name in os.listxattr(copy) if not name.startswith("security.")] == ["user.tag"]


@pytest.mark.parametrize("mode", [0o4755, 0o2755])
def test_a_note_that_runs_as_its_owner_makes_both_stay(place, book, mode):
    (place / "in/b.xmp").write_bytes(b"#!/bin/sh")
    os.chmod(place / "in/b.xmp", mode)
    done = carry_out(act(place / "in/b.png", place / "in/a.png", place / "out/b.png"), book, rules(place))
    assert done.state == "refused" and "runs as its owner" in done.reason
    assert (place / "in/b.png").exists() and (place / "in/b.xmp").exists()


@as_root
def test_a_picture_of_one_user_does_not_go_for_that_of_another_unless_said(place, book):
    os.chown(place / "in/a.png", BERT, BERT)
    os.chown(place / "in/b.png", ANNA, ANNA)
    wanted = act(place / "in/b.png", place / "in/a.png", place / "out/b.png")
    done = carry_out(wanted, book, rules(place))
    assert done.state == "refused" and "another user" in done.reason
    assert carry_out(wanted, book, rules(place, across_owners=True)).state == "done"


@as_root
@pytest.mark.parametrize(("mode", "given"), [(0o700, True), (0o750, True), (0o777, False), (0o1777, False)])
def test_a_new_directory_belongs_to_the_owner_of_the_one_above_unless_anybody_may_write_there(tmp_path, mode, given):
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, ANNA, ANNA)
    os.chmod(home, mode)
    with directory(os.fsencode(home / "lesser" / "2024"), make=True, give=True):
        pass
    for made in (home / "lesser", home / "lesser" / "2024"):
        found = made.stat()
        assert (found.st_uid, oct(stat.S_IMODE(found.st_mode))) == (
            ANNA if given else 0,
            oct(mode if given else 0o700),
        )


def basket(place, user=None):
    found = trash.basket_for(
        os.fsencode(place / "a.png"), {"HOME": "/nowhere"}, os.getuid() if user is None else user
    )
    return Path(os.fsdecode(found.path))


@pytest.fixture
def stick(monkeypatch):
    """The top of a disk."""
    with tempfile.TemporaryDirectory(dir=OTHER_DISK) as name:
        monkeypatch.setattr(trash, "_top", lambda *_: os.fsencode(name))
        yield Path(name)


HOME = Path("/nowhere/.local/share/Trash")


def test_a_waste_basket_that_others_may_take_from_is_not_used(stick):
    own = stick / f".Trash-{os.getuid()}"
    assert basket(stick) == own, "it is made"
    own.mkdir()
    os.chmod(own, 0o777)
    assert basket(stick) == HOME
    os.chmod(own, 0o700)
    assert basket(stick) == own
    os.chmod(own, 0o777)
    os.chmod(stick, 0o777)
    assert basket(stick) == own, "as open as the whole disk: one that keeps no rights"


@as_root
def test_a_waste_basket_that_another_user_prepared_is_not_used(stick):
    own = stick / f".Trash-{ANNA}"
    own.mkdir()
    os.chown(own, BERT, BERT)
    assert basket(stick, ANNA) == HOME
    shared = stick / ".Trash"
    shared.mkdir()
    os.chmod(shared, 0o1777)
    assert basket(stick, ANNA) == shared / str(ANNA)
    (shared / str(ANNA)).mkdir()
    os.chown(shared / str(ANNA), BERT, BERT)
    assert basket(stick, ANNA) == HOME
