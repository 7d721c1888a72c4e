"""Acting on what the store knows: `apply`, `moves`, `undo`, `ignore`, and the daemon that moves by itself."""

import contextlib
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from difwatch.actions import move
from difwatch.actions.journal import Journal
from difwatch.actions.plan import Policy
from difwatch.control.state_dir import StateDir
from difwatch.errors import JournalError
from difwatch.service.mover import AutomaticMover, MovePolicies
from tests.support.clock import StandingClock
from tests.support.commands import called, index
from tests.support.moving import journal, rules, tree
from tests.support.photos import photo
from tests.support.running import Daemon, difwatch
from tests.support.storing import new_store


@pytest.fixture
def place(tmp_path):
    """Three copies of one picture in two folders, and another picture."""
    for folder in ("pictures/deep", "archive"):
        (tmp_path / folder).mkdir(parents=True)
    photo(1).save(tmp_path / "archive/best.png")
    os.utime(tmp_path / "archive/best.png", (1, 1))
    for name in ("pictures/a.png", "pictures/deep/a.png"):
        shutil.copy(tmp_path / "archive/best.png", tmp_path / name)
    photo(2).save(tmp_path / "pictures/other.png")
    return tmp_path


def known(place):
    index(place / "state", place / "pictures", place / "archive")


def test_apply_moves_what_dry_run_has_shown_and_undo_brings_it_back(place):
    known(place)
    before = tree(place / "pictures", place / "archive")
    shown = difwatch(place / "state", "apply", "--move-to", place / "out", "--dry-run").stdout
    assert tree(place / "pictures", place / "archive") == before
    assert not (place / "out").exists()
    done = difwatch(place / "state", "apply", "--move-to", place / "out").stdout
    assert shown.replace("would be ", "").splitlines()[:-1] == done.splitlines()[:-1]
    assert sorted(os.listdir(place / "out")) == ["a (1).png", "a.png"]
    assert set(tree(place / "pictures", place / "archive")) == {
        str(place / "archive/best.png"),
        str(place / "pictures/other.png"),
    }
    assert "No matches" in called(place / "state", "report").stdout
    difwatch(place / "state", "undo", "--all")
    assert tree(place / "pictures", place / "archive") == before
    listed = json.loads(difwatch(place / "state", "moves", "--json").stdout)["moves"]
    assert [(one["kind"], one["state"]) for one in listed] == [("move", "undone")] * 2 + [("undo", "done")] * 2


def test_undo_works_without_the_store(place):
    known(place)
    before = tree(place / "pictures", place / "archive")
    called(place / "state", "apply", "--delete")
    for path in (place / "state").glob("difwatch.db*"):
        path.unlink()
    called(place / "state", "undo", "--since", "1h")
    assert tree(place / "pictures", place / "archive") == before


def test_a_plan_that_is_stale_is_refused(place):
    known(place)
    shown = called(place / "state", "apply", "--delete", "--dry-run").stdout
    name = shown.split("--plan ")[1].split()[0]
    shutil.copy(place / "pictures/a.png", place / "pictures/b.png")
    known(place)
    done = called(place / "state", "apply", "--delete", "--plan", name, check=False)
    assert done.returncode == 3
    assert "is stale" in done.stderr
    assert (place / "pictures/b.png").exists()
    name = called(place / "state", "apply", "--delete", "--dry-run").stdout.split("--plan ")[1].split()[0]
    (place / "pictures/b.xmp").write_text("notes that came after the plan was shown")
    assert called(place / "state", "apply", "--delete", "--plan", name, check=False).returncode == 3
    (place / "pictures/b.xmp").unlink()
    assert "3 pictures" in called(place / "state", "apply", "--delete", "--plan", name).stdout


def test_a_picture_that_changed_since_stays_and_the_exit_code_says_so(place):
    known(place)
    photo(3).save(place / "pictures/a.png")
    done = called(place / "state", "apply", "--move-to", place / "out", check=False)
    assert done.returncode == 3
    assert f"stays: {place}/pictures/a.png: it has changed since it was indexed" in done.stdout
    assert os.listdir(place / "out") == ["a.png"]
    shutil.copy(place / "archive/best.png", place / "pictures/a.png")
    known(place)
    photo(3).save(place / "archive/best.png")
    done = called(place / "state", "apply", "--move-to", place / "out", check=False)
    assert done.returncode == 3
    assert "the picture to keep has changed" in done.stdout


def test_keep_tree_keeps_the_folders(place):
    known(place)
    called(place / "state", "apply", "--move-to", place / "out", "--keep-tree")
    assert set(tree(place / "out")) == {str(place / "out/pictures/a.png"), str(place / "out/pictures/deep/a.png")}


def test_deleting_for_good_asks_first(place):
    known(place)
    done = called(place / "state", "apply", "--permanent", check=False)
    assert done.returncode != 0
    assert len(tree(place / "pictures", place / "archive")) == 4
    called(place / "state", "apply", "--permanent", "--yes")
    assert len(tree(place / "pictures", place / "archive")) == 2
    done = called(place / "state", "undo", "1", check=False)
    assert done.returncode == 6
    assert "deleted for good" in done.stdout


def test_the_destination_is_never_searched_wherever_it_lies(place):
    known(place)
    called(place / "state", "apply", "--move-to", place / "pictures/lesser")
    known(place)
    assert "No matches" in called(place / "state", "report").stdout
    assert len(tree(place / "pictures/lesser")) == 2


def test_nothing_is_moved_before_a_folder_was_scanned_to_its_end(place):
    known(place)
    (place / "more").mkdir()
    os.chmod(place / "pictures/deep", 0)
    config = place / "config.toml"
    folders = "\n".join(f'[[folder]]\npath = "{place / name}"' for name in ("pictures", "archive", "more"))
    config.write_text(folders)
    (place / "more").rename(place / "away")
    done = called(place / "state", "--config", config, "watch", "--once", check=False)
    os.chmod(place / "pictures/deep", 0o755)
    assert done.returncode == 3
    assert "more: what is known of it is kept: this folder is not there" in done.stderr
    (place / "away").rename(place / "more")
    called(place / "state", "--config", config, "watch", "--once", "--quiet-seconds", "0")
    assert "2 pictures" in called(place / "state", "apply", "--delete").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["apply"], "say what to do"),
        (["apply", "--delete", "--permanent"], "say what to do"),
        (["undo"], "say what to put back"),
        (["undo", "7"], "no such act"),
        (["undo", "--since", "soon"], "must be a moment"),
        (["ignore", "x"], "name two pictures"),
        (["moves", "--seen", "1"], "nothing is missing there"),
    ],
)
def test_wrong_use_is_told_in_one_line(place, arguments, words):
    known(place)
    called(place / "state", "apply", "--delete")
    done = called(place / "state", *arguments, check=False)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_was_said_to_be_no_duplicate_survives_renames_and_rescans(place):
    known(place)
    photo(1).resize((61, 41)).resize((60, 40)).save(place / "pictures/near.png")
    known(place)
    assert "near.png" in called(place / "state", "report", "--threshold", "50").stdout
    called(place / "state", "ignore", place / "pictures/near.png", place / "archive/best.png")
    (place / "pictures/near.png").rename(place / "pictures/renamed.png")
    known(place)
    called(place / "state", "rescan")
    for threshold in ("5", "50"):
        assert "renamed.png" not in called(place / "state", "report", "--threshold", threshold).stdout
        assert "renamed.png" not in called(place / "state", "report", "--pairs", "--threshold", threshold).stdout
    called(place / "state", "apply", "--delete")
    assert (place / "pictures/renamed.png").exists()
    listed = called(place / "state", "ignore", "--list").stdout.splitlines()
    assert {line.split("  ")[1] for line in listed if line} == {
        f"{place}/pictures/renamed.png",
        f"{place}/archive/best.png",
    }
    digests = [line.split()[0] for line in listed if line]
    called(place / "state", "ignore", "--remove", *digests)
    assert "renamed.png" in called(place / "state", "report", "--threshold", "50").stdout
    done = called(place / "state", "ignore", place / "archive/best.png", place / "archive/best.png", check=False)
    assert done.returncode == 2


def automatic(place, more=""):
    config = place / "config.toml"
    folders = "\n".join(f'[[folder]]\npath = "{place / name}"' for name in ("pictures", "archive"))
    config.write_text(f'action = "move"\nmove_to = "{place}/out"\nquiet_seconds = 0\n{more}\n{folders}\n')
    return config


def test_a_daemon_that_may_move_moves_the_lesser_ones_once_all_is_known(place):
    done = called(place / "state", "--config", automatic(place), "watch", "--once")
    assert sorted(os.listdir(place / "out")) == ["a (1).png", "a.png"]
    assert (place / "archive/best.png").exists()
    assert "undo 1" in done.stderr
    called(place / "state", "undo", "1")
    called(place / "state", "--config", automatic(place), "watch", "--once")
    assert len(os.listdir(place / "out")) == 1, "what was put back by hand stays"


def test_a_reference_folder_and_one_that_only_logs_keep_their_pictures(place):
    config = automatic(place)
    config.write_text(config.read_text() + 'role = "reference"\n')
    shutil.copy(place / "archive/best.png", place / "archive/second.png")
    called(place / "state", "--config", config, "watch", "--once")
    assert sorted(os.listdir(place / "archive")) == ["best.png", "second.png"]
    shutil.copy(place / "archive/best.png", place / "pictures/new.png")
    path = f'path = "{place}/pictures"'
    config.write_text(config.read_text().replace(path, f'action = "log"\n{path}'))
    called(place / "state", "--config", config, "watch", "--once")
    assert (place / "pictures/new.png").exists()


def test_the_brake_pauses_and_says_so_and_goes_on_when_it_may(place):
    done = called(
        place / "state", "--config", automatic(place, "max_moves_per_hour = 1"), "watch", "--once", check=False
    )
    assert done.returncode == 3
    assert ": there were 1 moves within an hour" in done.stderr
    assert len(os.listdir(place / "out")) == 1
    called(place / "state", "--config", automatic(place), "watch", "--once")
    assert len(os.listdir(place / "out")) == 2


def test_a_running_daemon_moves_a_new_copy_and_does_not_take_its_own_move_for_news(place):
    config = automatic(place)
    called(place / "state", "--config", config, "watch", "--once")
    daemon = Daemon(place / "state", config=config)
    daemon.wait_until_up_to_date()
    shutil.copy(place / "archive/best.png", place / "pictures/new.png")
    line = daemon.wait_for(lambda line: line["event"] == "act")
    assert (line["path"], line["keeper"]) == (str(place / "pictures/new.png"), str(place / "archive/best.png"))
    photo(7).save(place / "pictures/later.png")
    shutil.copy(place / "pictures/later.png", place / "pictures/later2.png")
    daemon.wait_for(lambda line: line["event"] == "act")
    assert daemon.end() == 0
    assert not [one for one in daemon.lines if one["event"] == "gone"]
    assert len(os.listdir(place / "out")) == 4


def test_a_raw_file_is_never_deleted_for_good_with_its_picture(place):
    (place / "pictures/deep/a.CR2").write_text("the only raw")
    known(place)
    done = called(place / "state", "apply", "--permanent", "--yes")
    assert "a.CR2 belongs to it, and is not deleted for good with it" in done.stdout
    assert (place / "pictures/deep/a.CR2").exists()
    assert (place / "pictures/deep/a.png").exists()
    assert not (place / "pictures/a.png").exists()
    (place / "pictures/deep/a.heic").write_text("another picture")
    done = called(place / "state", "apply", "--delete", check=False)
    assert "may belong to it or to a.heic" in done.stdout


def test_the_waste_basket_is_not_searched(place):
    home = place / "pictures/home"
    basket = home / ".local/share/Trash/files"
    basket.mkdir(parents=True)
    shutil.copy(place / "archive/best.png", basket / "best.png")
    os.utime(basket / "best.png", (0, 0))
    known(place)
    assert "Trash" not in called(place / "state", "report").stdout


def test_a_picture_in_the_destination_keeps_no_other_one_from_staying(place):
    (place / "pictures/old").mkdir()
    shutil.copy(place / "archive/best.png", place / "pictures/old/first.png")
    os.utime(place / "pictures/old/first.png", (0, 0))
    known(place)
    called(place / "state", "apply", "--move-to", place / "pictures/old")
    assert (place / "archive/best.png").exists(), "the best of those outside stays"
    assert sorted(os.listdir(place / "pictures/old")) == ["a (1).png", "a.png", "first.png"]


def test_a_destination_that_holds_a_watched_folder_is_refused_and_nothing_is_forgotten(place):
    known(place)
    for destination in (place / "pictures", place):
        done = called(place / "state", "apply", "--move-to", destination, check=False)
        assert done.returncode == 2
        assert "holds the watched folder" in done.stderr
    known(place)
    assert "2 duplicates among 4 pictures" in called(place / "state", "report").stdout


def test_a_configured_folder_keeps_its_role_when_it_is_named_on_the_command_line(place):
    config = automatic(place)
    config.write_text(config.read_text() + 'role = "reference"\naction = "log"\n')
    shutil.copy(place / "archive/best.png", place / "archive/second.png")
    (place / "archive/deep").mkdir()
    shutil.copy(place / "archive/best.png", place / "archive/deep/third.png")
    for folder in ("archive", "archive/deep"):
        called(place / "state", "--config", config, "watch", "--once", place / folder)
    (place / "elsewhere").mkdir()
    for name in ("x.png", "y.png"):
        shutil.copy(place / "archive/best.png", place / "elsewhere" / name)
    called(place / "state", "--config", config, "watch", "--once", place / "elsewhere")
    assert not (place / "out").exists()


def test_a_picture_that_others_were_moved_for_stays(place):
    """Three in a row, each near the next; the ends are too far apart."""
    shutil.rmtree(place / "archive")
    shutil.rmtree(place / "pictures")
    for folder in ("archive", "pictures"):
        (place / folder).mkdir()
    dark = photo(1, 60, 40).point([level // 2 for level in range(256)] * 3)
    row = [dark.point([level + 2 * number for level in range(256)] * 3) for number in range(3)]
    row = [one.resize((60, 40 - number), Image.Resampling.BICUBIC) for number, one in enumerate(row)]
    row[2].save(place / "pictures/first.png")
    row[1].save(place / "pictures/second.png")
    config = automatic(place, 'similarity = "similar"\nedited = false\nrecipe = "exact"')
    called(place / "state", "--config", config, "watch", "--once")
    assert os.listdir(place / "out") == ["first.png"]
    row[0].save(place / "pictures/third.png")
    called(place / "state", "--config", config, "watch", "--once")
    assert os.listdir(place / "out") == ["first.png"]
    shown = called(place / "state", "--config", config, "apply", "--delete").stdout
    assert f"stays: {place}/pictures/second.png: it was kept for 1 other one" in shown


def test_once_moves_everything_that_may_go_however_much_that_is(place):
    for number in range(50):
        shutil.copy(place / "archive/best.png", place / f"pictures/{number}.png")
    called(place / "state", "--config", automatic(place), "watch", "--once")
    assert sorted(os.listdir(place / "pictures")) == ["deep", "other.png"]
    assert len(os.listdir(place / "out")) == 52


class Always:
    """Allows to move at any time; implements `difwatch.service.mover.Permission`."""

    def is_ready(self, path):
        return True

    def is_stopping(self):
        return False


class Away(Always):
    def __init__(self, folder):
        self._folder = os.fsencode(folder)

    def is_ready(self, path):
        return path != self._folder


@pytest.fixture
def mover(place):
    """The part of a daemon that moves, over both folders; the store is filled by `known`."""
    engine, _ = new_store(place / "state", 50, 5)
    folders = [os.fsencode(place / name) for name in ("archive", "pictures")]
    policies = dict.fromkeys(folders, Policy("move", os.fsencode(place / "out")))
    clocked = rules(place, clock=StandingClock())
    yield AutomaticMover(engine, StateDir(place / "state"), clocked, MovePolicies(policies, folders, 500), Always())
    engine.dispose()


def test_what_could_not_be_moved_is_told_until_it_is_moved(place, mover, monkeypatch):
    known(place)
    real, is_broken = move.transfer_together, True

    def failing(files, *rest):
        if files[0].source.name == b"a.png" and is_broken:
            raise OSError(5, "Input/output error")
        real(files, *rest)

    monkeypatch.setattr(move, "transfer_together", failing)
    shutil.copy(place / "archive/best.png", place / "pictures/c.png")
    known(place)
    assert not mover.act()
    assert sorted(os.listdir(place / "out")) == ["c.png"]
    told = [f"{place}/pictures/a.png: cannot be moved: Input/output error (and 1 more)"]
    assert mover.troubles() == told
    mover._rules.clock.move(9 * 60)
    assert not mover.act()
    assert mover.troubles() == told
    is_broken = False
    mover._rules.clock.move(60)
    assert not mover.act()
    assert mover.troubles() == []
    assert len(os.listdir(place / "out")) == 3


def test_what_moving_waits_for_is_told(place, mover):
    known(place)
    mover._permission = Away(place / "pictures")
    assert not mover.act()
    assert mover.notes() == [f"moving waits for {place}/pictures"]
    mover._permission = Always()
    assert not mover.act()
    assert mover.notes() == []


def test_a_full_disk_of_the_journal_pauses_the_mover(place, mover, monkeypatch):
    known(place)

    def begin(self, entries, now):
        raise JournalError("moves.db: the journal of moves cannot be used (disk full)")

    monkeypatch.setattr(Journal, "begin", begin)
    assert not mover.act()
    assert mover.troubles() == ["moves.db: the journal of moves cannot be used (disk full)"]
    assert not (place / "out").exists() or os.listdir(place / "out") == []


def test_where_pictures_were_moved_is_not_searched_even_if_the_store_was_lost(place):
    known(place)
    called(place / "state", "apply", "--move-to", place / "pictures/lesser")
    for path in (place / "state").glob("difwatch.db*"):
        path.unlink()
    known(place)
    assert "No matches" in called(place / "state", "report").stdout


def test_a_picture_stays_while_it_is_the_last_match_of_one_that_went_also_after_a_change_of_hands(tmp_path):
    """A goes for B that is near it, B for one of the same pixels; then that one is all that A has."""
    rows, columns = np.mgrid[0:100, 0:160]
    base = np.stack([columns, rows, (columns + rows) // 2], -1).astype(np.uint8)

    def step(name, plus, more, turn=0):
        note = PngInfo()
        note.add_text("more", "x" * more)
        path = tmp_path / "pictures" / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.rot90(base + np.uint8(plus), turn).copy()).save(path, pnginfo=note)
        called(tmp_path / "state", "watch", "--once", "--quiet-seconds", "0", path.parent)
        return called(tmp_path / "state", "apply", "--move-to", tmp_path / "out", check=False).stdout

    step("a.png", 0, 0)
    step("b.png", 2, 1000)
    step("b2.png", 2, 5000, turn=1)
    assert sorted(os.listdir(tmp_path / "pictures")) == ["b2.png"]
    assert "it was kept for 1 other one" in step("c.png", 4, 9000)
    assert sorted(os.listdir(tmp_path / "pictures")) == ["b2.png", "c.png"]


def test_apply_heeds_the_configuration_where_nothing_else_is_said(place):
    known(place)
    (place / "pictures/a.xmp").write_text("notes")
    config = place / "config.toml"
    config.write_text('sidecars = "refuse"\nkeep_tree = true\n')
    done = called(place / "state", "--config", config, "apply", "--move-to", place / "out", check=False)
    assert (place / "pictures/a.png").exists()
    assert "stays: " in done.stdout
    assert (place / "out/pictures/deep/a.png").exists()
    config.write_text("no TOML")
    assert called(place / "state", "--config", config, "apply", "--delete", check=False).returncode == 2


def test_a_reader_that_goes_away_does_not_stop_what_was_asked_for(place):
    known(place)
    state = f"{sys.executable} -m difwatch --state-dir {place}/state"
    for command, left in ((f"apply --move-to {place}/out", 2), ("undo --all", 4)):
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {state} {command} | true"], capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert len([path for folder in ("pictures", "archive") for path in (place / folder).rglob("*.png")]) == left


def test_the_way_back_that_is_told_undoes_this_run_and_no_other(place, monkeypatch):
    known(place)
    first = called(place / "state", "apply", "--move-to", place / "one", "--folder", place / "pictures").stdout
    assert "1 picture" in first
    second = called(place / "state", "apply", "--move-to", place / "two").stdout
    assert "'difwatch undo 2' puts it back" in second
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    listed = difwatch(place / "state", "moves").stdout.splitlines()[1]
    moment = listed.split()[1]
    assert difwatch(place / "state", "undo", "--since", moment).stdout.startswith("2  ")
    assert len(os.listdir(place / "one")) == 1
    assert "nothing to put back" in called(place / "state", "undo", "--since", "2036-01-01").stdout
    assert json.loads(called(place / "other", "moves", "--json").stdout) == {"moves": []}


def test_a_destination_that_is_in_trouble_pauses_the_mover_and_five_failures_end_a_round(place, mover, monkeypatch):
    for number in range(8):
        shutil.copy(place / "archive/best.png", place / f"pictures/{number}.png")
    known(place)
    with monkeypatch.context() as patch:
        patch.setattr(os, "statvfs", lambda path: (_ for _ in ()).throw(OSError(107, "not connected", path)))
        assert not mover.act()
        assert mover.troubles() == [f"{place}: not connected"]
    with monkeypatch.context() as patch:
        patch.setattr(move, "transfer_together", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        assert not mover.act()
    with contextlib.closing(journal(place / "state")) as book:
        assert len(book.entries()) == 5
    assert "and 4 more" in mover.troubles()[0]
    mover._rules.clock.move(600)
    assert not mover.act()
    assert (mover.troubles(), len(os.listdir(place / "out"))) == ([], 10)


def test_a_watched_folder_is_no_destination_that_is_left_out_however_files_came_there(place):
    known(place)
    (place / "inbox").mkdir()
    for name in ("x.png", "y.png"):
        photo(8).save(place / "inbox" / name)
    difwatch(place / "state", "scan", "-D", place / "inbox", "-mv", place / "pictures", "-Z", place / "files")
    known(place)
    listed = json.loads(called(place / "state", "status", "--json", check=False).stdout)["folders"]
    assert {os.path.basename(one["path"]): one["files"] for one in listed} == {"pictures": 4, "archive": 1}


def test_force_never_lets_a_destination_hide_what_is_watched(place):
    called(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    done = called(place / "state", "apply", "--move-to", place, "--force", "--yes", check=False)
    assert done.returncode == 2
    assert "holds the watched folder" in done.stderr
