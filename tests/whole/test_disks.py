"""Moving onto disks that are full, read-only or not ours, and through power cuts."""

import contextlib
import os
import shutil
import sqlite3

import pytest

from difwatch.actions.move import carry_out
from difwatch.actions.recover import recover
from difwatch.actions.undo import undo
from tests.faults import disks
from tests.support.commands import called, index
from tests.support.moving import CLOCK, act, journal, rules
from tests.support.photos import photo

pytestmark = [pytest.mark.root, pytest.mark.skipif(bool(why := disks.is_possible()), reason=str(why))]


@pytest.mark.parametrize("across", [False, True])
def test_an_acknowledged_move_survives_a_power_cut(across):
    found = [disks.cut(seed, across) for seed in range(4)]
    assert [wrong for _, some in found for wrong in some] == []


def test_a_full_destination_leaves_the_picture_where_it_was():
    with disks.mounted("-t", "tmpfs", "-o", "size=64k", "tmpfs") as place:
        outcome, wrong = disks.move_onto(place)
    assert (outcome.reason, wrong) == ("No space left on device", [])


def test_a_destination_without_inodes_leaves_the_picture_where_it_was():
    with disks.mounted("-t", "tmpfs", "-o", "nr_inodes=2", "tmpfs") as place:
        (place / "last").touch()
        outcome, wrong = disks.move_onto(place)
    assert (outcome.reason, wrong) == ("No space left on device", [])


def test_a_read_only_destination_leaves_the_picture_where_it_was():
    with disks.mounted("-t", "tmpfs", "-o", "ro", "tmpfs") as place:
        outcome, wrong = disks.move_onto(place)
    assert outcome.reason.startswith("Read-only file system (")
    assert wrong == []


def test_a_destination_of_somebody_else_leaves_the_picture_where_it_was():
    with disks.mounted("-t", "tmpfs", "-o", "mode=755", "tmpfs") as place:
        os.chmod(place.parent, 0o755)
        outcome, wrong = disks.move_onto(place, user=65534)
    assert outcome.reason.startswith("Permission denied (")
    assert wrong == []


def test_undo_does_not_put_a_picture_under_the_place_where_its_disk_should_be(tmp_path):
    (tmp_path / "out").mkdir()
    book, found = journal(tmp_path / "state"), rules(tmp_path)
    with disks.mounted("-t", "tmpfs", "tmpfs") as place:
        (place / "deep").mkdir()
        for name in ("a.jpg", "deep/b.jpg"):
            (place / name).write_bytes(b"same picture")
        planned = act(place / "deep/b.jpg", place / "a.jpg", tmp_path / "out/b.jpg")
        assert carry_out(planned, book, found).state == "done"
    place.mkdir(parents=True)
    (entry,) = book.entries()
    back = undo(entry, book, CLOCK)
    assert back.state == "refused"
    assert "is its disk mounted" in back.reason
    assert list(place.iterdir()) == []
    assert undo(entry, book, CLOCK, force=True).state == "done"
    assert (place / "deep/b.jpg").exists()
    book.close()
    shutil.rmtree(place.parent)


def test_a_picture_is_not_moved_away_through_a_second_door_to_the_same_folder(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.jpg").write_bytes(b"picture")
    book = journal(tmp_path / "state")
    with disks.mounted("--bind", str(tmp_path / "in")) as door:
        planned = act(door / "a.jpg", tmp_path / "in/a.jpg", tmp_path / "out/a.jpg")
        outcome = carry_out(planned, book, rules(tmp_path))
    assert (outcome.state, outcome.reason) == ("refused", "it is the same file as the one to keep")
    assert (tmp_path / "in/a.jpg").exists()
    book.close()


def test_two_doors_to_one_folder_are_no_duplicates(tmp_path):
    (tmp_path / "in").mkdir()
    photo(1).save(tmp_path / "in/a.png")
    with disks.mounted("--bind", str(tmp_path / "in")) as door:
        index(tmp_path / "state", tmp_path / "in", door)
        assert "No matches" in called(tmp_path / "state", "report").stdout
        called(tmp_path / "state", "apply", "--permanent", "--yes")
    assert (tmp_path / "in/a.png").exists()


def test_nothing_is_decided_while_the_disk_of_the_destination_is_away(tmp_path):
    image, far = tmp_path / "image", tmp_path / "far"
    disks.image(image)
    (tmp_path / "in").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "in" / name).write_bytes(b"same picture")
    book, found = journal(tmp_path / "state"), rules(tmp_path)
    with disks.mounted("-o", "loop", str(image), at=far):
        planned = act(tmp_path / "in/b.jpg", tmp_path / "in/a.jpg", far / "b.jpg")
        assert carry_out(planned, book, found).state == "done"
    # As if it had been killed right before the outcome was written down.
    with contextlib.closing(sqlite3.connect(tmp_path / "state/moves.db")) as connection, connection:
        connection.execute("UPDATE act SET state = 'open'")
    (one,) = recover(book, CLOCK)
    assert one.state == "open"
    with disks.mounted("-o", "loop", str(image), at=far):
        (one,) = recover(book, CLOCK)
        assert one.state == "done"
    book.close()


def test_nothing_is_moved_below_the_place_where_the_disk_of_the_destination_should_be(tmp_path):
    image, far = tmp_path / "image", tmp_path / "far"
    disks.image(image)
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        photo(1).save(tmp_path / "in" / name)
    index(tmp_path / "state", tmp_path / "in")
    with disks.mounted("-o", "loop", str(image), at=far):
        called(tmp_path / "state", "apply", "--move-to", far / "lesser")
    photo(1).save(tmp_path / "in/c.png")
    index(tmp_path / "state", tmp_path / "in")
    done = called(tmp_path / "state", "apply", "--move-to", far / "lesser", check=False)
    assert done.returncode == 2
    assert "is its disk mounted" in done.stderr
    assert list(far.iterdir()) == []
    called(tmp_path / "state", "apply", "--move-to", far / "lesser", "--force")
    assert [path.name for path in (far / "lesser").iterdir()] == ["c.png"]
