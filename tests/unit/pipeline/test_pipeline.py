"""The flow from changes to rows and log lines, told the time, with real files and a real store."""

import itertools
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from PIL import Image

from difwatch.compare.distance import limit_of
from difwatch.errors import UsageError
from difwatch.model.files import ChangeKind
from difwatch.model.health import Heartbeat
from difwatch.model.settings import Folder, Settings
from difwatch.report.status import read_status
from difwatch.report.text_status import text_status
from difwatch.service.requests import Release
from difwatch.store import files, matches, reading, settings, writing
from tests.support import naive
from tests.support.photos import photo
from tests.support.wiring import Wired
from tests.whole import check_corpus


@pytest.fixture
def pictures(tmp_path):
    (tmp_path / "state").mkdir()
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder


@pytest.fixture
def made(tmp_path, pictures):
    wired = Wired(tmp_path / "state", Folder(os.fsencode(pictures)))
    yield wired
    wired.close()


def failing(*_):
    raise OSError(5, "Input/output error")


def save(path, seed, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    photo(seed, *options.pop("size", (60, 40))).save(path, **options)
    return path


def test_a_scan_finds_what_is_there_and_the_pairs_are_those_of_the_twin(made, pictures):
    for number in range(6):
        save(pictures / f"{number}.png", number)
        save(pictures / "again" / f"{number}.jpg", number, quality=97, subsampling=0)
    photo(1).rotate(90, expand=True).save(pictures / "turned.png")
    shutil.copy(pictures / "2.png", pictures / "copy of 2.png")
    made.scan()
    expected = naive.file_pairs(naive.read_tree(os.fsencode(pictures)), 5, True, True)
    assert made.pairs() == expected
    assert len(expected) >= 9


def test_a_walk_waits_while_there_is_enough_to_do_and_goes_on_then(made, pictures, monkeypatch):
    monkeypatch.setattr("difwatch.pipeline.resting._CROWDED", 5)
    monkeypatch.setattr("difwatch.pipeline.run._INTAKE", 2)
    monkeypatch.setattr("difwatch.pipeline.walks._STEP", 3)
    for number in range(40):
        save(pictures / f"{number:02}.png", number)
    waiting, turn = [], made.turn

    def watched():
        left = turn()
        waiting.append(made.session.pipeline.progress().queue.waiting)
        return left

    monkeypatch.setattr(made, "turn", watched)
    made.scan()
    assert max(waiting) < 5 + 3
    assert len(made.paths()) == 40


def test_a_second_scan_of_the_same_files_reads_none_of_them(made, pictures):
    save(pictures / "a.png", 1)
    made.scan()
    before = len(made.pool.decoded)
    made.scan()
    assert len(made.pool.decoded) == before == 1


def test_a_copy_is_recognised_by_its_bytes_and_not_decoded(made, pictures):
    save(pictures / "a.png", 1)
    made.scan()
    shutil.copy(pictures / "a.png", pictures / "b.png")
    made.tell(pictures / "b.png")
    made.run()
    assert len(made.pool.decoded) == 1
    assert len(made.pairs()) == 1


def test_a_renamed_file_is_not_decoded_again_and_is_said_to_be_the_old_one(made, pictures, caplog):
    save(pictures / "a.png", 1)
    made.scan()
    (pictures / "a.png").rename(pictures / "b.png")
    with caplog.at_level("INFO"):
        made.tell(pictures / "a.png", pictures / "b.png")
        made.run()
    assert made.paths() == [os.fsencode(pictures / "b.png")]
    assert len(made.pool.decoded) == 1
    assert f"{pictures}/b.png: was {pictures}/a.png" in caplog.text
    assert "gone" not in caplog.text


def test_a_renamed_folder_is_followed_without_decoding(made, pictures):
    for number in range(5):
        save(pictures / "old" / f"{number}.png", number)
    made.scan()
    (pictures / "old").rename(pictures / "new")
    made.tell(pictures / "old", pictures / "new", kind=ChangeKind.TREE)
    made.run()
    assert made.paths() == [os.fsencode(pictures / "new" / f"{number}.png") for number in range(5)]
    assert len(made.pool.decoded) == 5


def test_a_folder_moved_in_is_found_and_one_moved_out_is_forgotten(made, pictures, tmp_path):
    for number in range(3):
        save(tmp_path / "outside" / "deep" / f"{number}.png", number)
    made.scan()
    (tmp_path / "outside").rename(pictures / "inside")
    made.tell(pictures / "inside", kind=ChangeKind.TREE)
    made.run()
    assert len(made.paths()) == 3
    (pictures / "inside").rename(tmp_path / "outside")
    made.tell(pictures / "inside", kind=ChangeKind.TREE)
    made.run()
    assert made.paths() == []


def test_a_rewritten_file_has_its_new_matches_and_not_its_old_ones(made, pictures):
    save(pictures / "a.png", 1)
    save(pictures / "b.png", 1, compress_level=1)
    save(pictures / "c.png", 2)
    made.scan()
    a, b, c = (os.fsencode(pictures / name) for name in ("a.png", "b.png", "c.png"))
    assert set(made.pairs()) == {(a, b)}
    save(pictures / "b.png", 2, compress_level=9)
    made.tell(pictures / "b.png")
    made.run()
    assert set(made.pairs()) == {(b, c)}


def test_a_deleted_file_is_forgotten_and_found_again_when_it_comes_back(made, pictures):
    save(pictures / "a.png", 1)
    made.scan()
    shutil.copy(pictures / "a.png", pictures / "b.png")
    made.scan()
    assert len(made.pairs()) == 1
    (pictures / "b.png").unlink()
    made.tell(pictures / "b.png")
    made.run()
    assert made.pairs() == {}
    shutil.copy(pictures / "a.png", pictures / "b.png")
    made.tell(pictures / "b.png")
    made.run()
    assert len(made.pairs()) == 1
    assert len(made.pool.decoded) == 1


def test_nothing_is_forgotten_while_the_folder_is_not_really_there(made, pictures):
    save(pictures / "a.png", 1)
    made.scan()
    pictures.rename(pictures.with_name("elsewhere"))
    pictures.mkdir()
    made.tell(pictures / "a.png")
    made.run()
    made.scan()
    assert made.paths() == [os.fsencode(pictures / "a.png")]


def test_a_file_whose_file_system_is_not_there_is_kept_although_an_event_tells_of_it(made, pictures, monkeypatch):
    save(pictures / "stick/a.png", 1)
    made.scan()
    (pictures / "stick/a.png").unlink()
    monkeypatch.setattr("difwatch.paths.device_of", lambda path: 99)  # as if another one had been mounted there
    made.tell(pictures / "stick/a.png")
    made.run()
    assert made.paths() == [os.fsencode(pictures / "stick/a.png")]
    guard = made.session.guards.of(os.fsencode(pictures))
    guard.armed = replace(guard.armed, is_layered=True)  # on an overlay, devices say nothing
    made.tell(pictures / "stick/a.png")
    made.run()
    assert made.paths() == []


def test_what_a_walk_and_a_person_believe_gone_is_forgotten_on_whatever_file_system_it_was(
    made, pictures, monkeypatch
):
    save(pictures / "a.png", 1)
    save(pictures / "b.png", 2)
    made.scan()
    (pictures / "a.png").unlink()
    monkeypatch.setattr("difwatch.paths.device_of", lambda path: 99)
    made.scan()
    assert len(made.paths()) == 2
    assert "not mounted" in "".join(made.session.troubles())
    with writing(made.engine) as connection:
        Release(os.fsencode(pictures)).carry_out(connection, made.clock.now())
    made.scan()
    assert made.paths() == [os.fsencode(pictures / "b.png")]


def test_a_folder_that_went_elsewhere_and_left_a_link_is_not_followed(made, pictures):
    save(pictures / "album/a.png", 1)
    made.scan()
    elsewhere = pictures.parent / "elsewhere"
    (pictures / "album").rename(elsewhere)
    (pictures / "album").symlink_to(elsewhere)
    save(elsewhere / "private.png", 2)
    made.tell(pictures / "album", kind=ChangeKind.TREE)
    made.run()
    assert made.paths() == []
    made.tell(pictures / "album/private.png")
    made.run()
    assert made.paths() == []


def test_what_could_not_be_read_and_was_renamed_is_no_trouble_any_more(made, pictures, monkeypatch):
    save(pictures / "a.part.png", 1)
    with monkeypatch.context() as patch:
        patch.setattr("difwatch.workers.reading._read", failing)
        made.scan()
    assert len(made.session.pipeline.troubles()) == 1
    (pictures / "a.part.png").rename(pictures / "a.png")
    made.tell(pictures / "a.part.png", pictures / "a.png")
    made.run()
    assert made.session.pipeline.troubles() == []
    assert made.paths() == [os.fsencode(pictures / "a.png")]


def test_a_file_that_is_still_being_written_is_read_when_it_is_left_alone(made, pictures):
    whole = save(pictures.parent / "whole.jpg", 3, size=(400, 300)).read_bytes()
    target = pictures / "slow.jpg"
    for part in range(1, 11):
        target.write_bytes(whole[: len(whole) * part // 10])
        made.tell(target)
        made.turn()
        assert made.paths() == []
        made.clock.move(1)
    made.run()
    assert made.paths() == [os.fsencode(target)]
    with reading(made.engine) as connection:
        assert files.unreadable(connection) == []


def test_a_file_without_rest_is_read_after_the_ceiling(made, pictures):
    target = save(pictures / "busy.png", 1)
    for _ in range(62):
        made.tell(target)
        made.turn()
        made.clock.move(1)
    made.turn()
    assert made.paths() == [os.fsencode(target)]


def test_a_file_that_changed_between_reading_and_keeping_is_read_again(made, pictures):
    target = save(pictures / "a.png", 1)
    collect, changed = made.pool.collect, []

    def and_change(now):
        answers = collect(now)
        if answers and not changed:
            changed.append(save(target, 2))
        return answers

    made.pool.collect = and_change
    made.scan()
    save(pictures / "b.png", 2, compress_level=1)
    made.scan()
    assert len(made.pairs()) == 1, "the row must describe the second picture"


def test_bad_files_are_kept_with_their_reason_and_disturb_nothing(made, pictures, caplog):
    save(pictures / "good.png", 1)
    (pictures / "empty.jpg").write_bytes(b"")
    (pictures / "text.jpg").write_text("no picture")
    os.mkfifo(pictures / "fifo.jpg")
    whole = save(pictures.parent / "w.jpg", 3, size=(400, 300)).read_bytes()
    (pictures / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    odd = os.path.join(os.fsencode(pictures), b"caf\xe9.png")
    shutil.copy(pictures / "good.png", odd)
    (pictures / "loop.jpg").symlink_to(pictures / "loop.jpg")
    made.scan()
    with reading(made.engine) as connection:
        bad = {os.path.basename(path): reason for path, reason in files.unreadable(connection)}
    assert bad.keys() == {b"empty.jpg", b"text.jpg", b"fifo.jpg", b"cut.jpg"}
    assert set(made.pairs()) == {tuple(sorted((odd, os.fsencode(pictures / "good.png"))))}
    assert "fifo.jpg: this is a FIFO, not a file" in caplog.text
    made.scan()
    assert caplog.text.count("this is a FIFO") == 1, "what did not change is not tried again"


def test_each_new_match_is_logged_once(made, pictures, caplog):
    with caplog.at_level("INFO"):
        save(pictures / "a.png", 1)
        made.scan()
        save(pictures / "b.png", 1, compress_level=1)
        shutil.copy(pictures / "a.png", pictures / "c.png")
        made.scan()
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("match")]
    a, b, c = (f"{pictures}/{name}.png" for name in "abc")
    assert sorted(lines) == [
        f"match {b} {a} mse=0 rotation=0 level=duplicate",
        f"match {c} {a} mse=0 rotation=0 level=identical",
        f"match {c} {b} mse=0 rotation=0 level=duplicate",
    ]


def test_folders_apart_are_compared_each_by_itself(tmp_path, pictures):
    for name in ("x/1.png", "x/2.png", "x/deep/3.png", "y/4.png"):
        save(pictures / name, 1, compress_level=int(name[-5]))
    x, y = (os.fsencode(pictures / name) for name in ("x", "y"))
    for number, in_folder in enumerate((False, True, "every")):
        state = tmp_path / f"state{number}"
        state.mkdir()
        made = Wired(state, Folder(x, in_folder=in_folder), Folder(y, in_folder=in_folder))
        made.scan()
        pictures_there = naive.read_tree(x) + naive.read_tree(y)
        assert made.pairs() == naive.file_pairs(pictures_there, 5, True, True, in_folder, [x, y])
        assert len(made.pairs()) == (6, 3, 1)[number]
        made.close()


def test_what_is_remembered_answers_for_a_larger_threshold_and_other_settings(tmp_path, pictures):
    for number in range(4):
        save(pictures / f"{number}.png", number)
        save(pictures / f"{number}.jpg", number, quality=5)
        save(pictures / f"better{number}.jpg", number, quality=20 + 20 * number)
        save(pictures / f"small{number}.png", number, size=(30, 20))
        photo(number).rotate(270, expand=True).save(pictures / f"turned{number}.png")
    made = Wired(tmp_path / "state", Folder(os.fsencode(pictures)), remember_up_to=300.0)
    made.scan()
    decoded = len(made.pool.decoded)
    made.close()
    twin = naive.read_tree(os.fsencode(pictures))
    seen = set()
    for chosen in (Settings(5, True, True), Settings(200, False, False), Settings(0, True, False)):
        made = Wired(tmp_path / "state", Folder(os.fsencode(pictures)), settings=chosen, remember_up_to=300.0)
        for threshold in (None, 0, 5, 77.5, 300):
            mse = chosen.threshold if threshold is None else threshold
            expected = naive.file_pairs(twin, mse, chosen.rotate, chosen.same_dim)
            assert made.pairs(threshold) == expected
            seen.add(len(expected))
        made.scan()
        assert made.pool.decoded == []
        made.close()
    assert decoded == 20
    assert len(seen) >= 4


def test_a_larger_memory_searches_everything_again(tmp_path, pictures):
    for number in range(4):
        save(pictures / f"{number}.png", number)
        save(pictures / f"{number}.jpg", number, quality=5)
    made = Wired(tmp_path / "state", Folder(os.fsencode(pictures)), remember_up_to=5.0)
    made.scan()
    made.close()
    made = Wired(tmp_path / "state", Folder(os.fsencode(pictures)), remember_up_to=9000.0)
    made.run()
    twin = naive.read_tree(os.fsencode(pictures))
    assert made.pairs(9000) == naive.file_pairs(twin, 9000, True, True) != {}
    made.close()


def test_another_tensor_size_makes_all_tensors_anew_and_mixes_none(tmp_path, pictures):
    save(pictures / "a.png", 1)
    save(pictures / "b.png", 1, compress_level=1)
    made = Wired(tmp_path / "state", Folder(os.fsencode(pictures)))
    made.scan()
    made.close()
    made = Wired(tmp_path / "state", Folder(os.fsencode(pictures)), px_size=20)
    assert made.pairs() == {}
    made.scan()
    assert len(made.pool.decoded) == 2
    assert len(made.pairs()) == 1
    assert made.session.keeper.purge() == 1  # the one tensor that both had in the old size
    made.close()


def test_a_lesser_memory_is_remembered_as_such_and_a_larger_one_searches_again(tmp_path, pictures):
    photo(1).save(pictures / "a.png")
    bright = np.asarray(photo(1)).astype(int) + 12  # an MSE of up to 144
    for remembered, number in ((500.0, 0), (50.0, 1), (500.0, 2)):
        Image.fromarray((bright - number).clip(0, 255).astype(np.uint8)).save(pictures / f"{number}.png")
        made = Wired(tmp_path / "state", Folder(os.fsencode(pictures)), remember_up_to=remembered)
        made.scan()
        if remembered < 100:
            with pytest.raises(UsageError, match="remembered up to an MSE of 50"):
                made.collection(100)
        made.close()
    made = Wired(tmp_path / "state", Folder(os.fsencode(pictures)), remember_up_to=500.0)
    assert made.pairs(500) == naive.file_pairs(naive.read_tree(os.fsencode(pictures)), 500, True, True)
    made.close()


@pytest.mark.parametrize("rules", [{"exclude": ("x/",)}, {"recursive": False}])
def test_files_that_the_rules_no_longer_admit_are_forgotten_although_they_are_there(tmp_path, pictures, rules):
    save(pictures / "a.png", 1)
    save(pictures / "x" / "b.png", 1, compress_level=1)
    for options in ({}, rules):
        made = Wired(tmp_path / "state", Folder(os.fsencode(pictures), **options))
        made.scan()
        assert len(made.pairs()) == (0 if options else 1)
        made.close()


def test_a_change_in_a_nested_root_is_not_lost_behind_one_in_the_outer_root(tmp_path, pictures):
    (pictures / "x" / "y").mkdir(parents=True)
    made = Wired(tmp_path / "state", Folder(os.fsencode(pictures)), Folder(os.fsencode(pictures / "x" / "y")))
    made.scan()
    save(pictures / "x" / "a.png", 1)
    save(pictures / "x" / "y" / "z" / "b.png", 1)
    made.tell(pictures / "x", pictures / "x" / "y" / "z", kind=ChangeKind.TREE)
    made.run()
    assert len(set(made.paths())) == 2
    made.close()


def test_what_cannot_be_read_for_now_stays_and_is_told(made, pictures, monkeypatch):
    save(pictures / "a.png", 1)
    save(pictures / "b.png", 1, compress_level=1)
    made.scan()
    save(pictures / "b.png", 1, compress_level=2)

    with monkeypatch.context() as patched:
        patched.setattr("difwatch.workers.reading._read", failing)
        made.scan()
    assert len(made.pairs()) == 1
    assert made.session.pipeline.troubles() == [f"{pictures}/b.png: the file cannot be read: Input/output error"]
    made.scan()
    assert made.session.pipeline.troubles() == []


@pytest.mark.parametrize("mses", [(5,), pytest.param((0, 5, 200), marks=pytest.mark.slow)])
def test_real_pictures_give_the_pairs_and_groups_of_the_twin_under_all_settings(tmp_path, pictures, corpus, mses):
    for part in ("photos/clothing", "drawn/emoji_google", "labelled/exif_orientation"):
        (pictures / part).mkdir(parents=True)
        for source in sorted(path for path in (corpus / part).rglob("*") if path.is_file())[:25]:
            shutil.copy(source, pictures / part)
    maker = [sys.executable, str(corpus / "make_variants.py"), str(pictures / "photos"), str(pictures / "variants")]
    subprocess.run([*maker, "--limit", "2"], check=True, stdout=subprocess.DEVNULL)
    twin = naive.read_tree(os.fsencode(pictures))
    distances = check_corpus.all_distances(twin)
    sizes = set()
    for mse, rotate, same_dim in itertools.product(mses, (True, False), (True, False)):
        settings = Settings(mse, rotate, same_dim)
        made = Wired(tmp_path / "state", Folder(os.fsencode(pictures)), settings=settings, remember_up_to=200.0)
        made.scan()
        expected = check_corpus.expected(twin, distances, mse, rotate, same_dim)
        groups = {one.primary.path: {m.image.path for m in one.members} for one in made.collection().groups()}
        assert made.pairs() == expected
        assert groups == naive.groups(twin, expected)
        sizes.add(len(expected))
        made.close()
    assert len(sizes) >= 2 * len(mses)


class AnyOrder(RuleBasedStateMachine):
    """Files come, change, move and go in any order, with restarts in between: the answer is that of the twin."""

    names = st.sampled_from(["a.png", "b.png", "c.png", "d/a.png", "d/b.png"])
    seeds = st.integers(0, 2)

    def __init__(self):
        super().__init__()
        import tempfile
        from pathlib import Path

        self.place = tempfile.TemporaryDirectory()
        self.top = Path(self.place.name)
        self.folder = self.top / "pictures"
        (self.folder / "d").mkdir(parents=True)
        self.told = True
        self.count = 0
        self.made = Wired(self.top, Folder(os.fsencode(self.folder)), px_size=10)
        self.made.scan()

    def tell(self, *names):
        if self.told:
            self.made.tell(*(self.folder / name for name in names))

    @rule(name=names, seed=seeds, turn=st.integers(0, 3))
    def write(self, name, seed, turn):
        self.count += 1  # so that no two files have the same bytes by chance of the encoder
        picture = photo(seed, 12, 12).rotate(90 * turn, expand=True)
        picture.save(self.folder / name, compress_level=self.count % 10)
        self.tell(name)

    @rule(name=names)
    def delete(self, name):
        (self.folder / name).unlink(missing_ok=True)
        self.tell(name)

    @rule(source=names, to=names)
    def move(self, source, to):
        if (self.folder / source).exists():
            (self.folder / source).replace(self.folder / to)
            self.tell(source, to)

    @rule(source=names, to=names)
    def copy(self, source, to):
        if (self.folder / source).exists() and source != to:
            shutil.copy2(self.folder / source, self.folder / to)
            self.tell(to)

    @rule()
    def look_away(self):
        self.told = False

    @rule(orderly=st.booleans())
    def restart(self, orderly):
        if orderly:
            self.made.session.keeper.purge()
        self.made.close()
        self.made = Wired(self.top, Folder(os.fsencode(self.folder)), px_size=10)
        self.told = True
        self.made.scan()

    @precondition(lambda self: self.told)
    @invariant()
    def the_pairs_are_those_of_the_twin(self):
        self.made.run()
        pictures = naive.read_tree(os.fsencode(self.folder), px=10)
        assert self.made.paths() == [one.path for one in pictures]
        assert self.made.pairs() == naive.file_pairs(pictures, 5, True, True)

    def teardown(self):
        self.made.close()
        self.place.cleanup()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = hypothesis_settings(
    max_examples=hypothesis_settings.default.max_examples // 4, stateful_step_count=20, deadline=None
)


def like(number):
    """One of many pictures that differ a little from each other."""
    return Image.fromarray((np.asarray(photo(1)).astype(int) + number).clip(0, 255).astype(np.uint8))


def test_where_there_are_too_many_pairs_they_are_remembered_less_far_and_it_is_said(tmp_path, pictures, caplog):
    for number in range(0, 24, 3):
        like(number).save(pictures / f"{number:02}.png")
    folder = Folder(os.fsencode(pictures))
    made = Wired(tmp_path / "state", folder, remember_up_to=500.0, max_pairs=20)
    made.scan()
    assert "more than 20 pairs up to an MSE of 500" in caplog.text
    with reading(made.engine) as connection:
        remembered = settings.get_in_force(connection).remembered
        assert 5 <= remembered.error < 500
        assert (remembered.wanted, remembered.most) == (500, 20)
        assert 0 < matches.count(connection, 1, limit_of(remembered.error, 7500)) <= 20
        status = read_status(connection, None, Heartbeat(), 0.0)
    assert "max_pairs" in "".join(text_status(status))
    twin = naive.read_tree(os.fsencode(pictures))
    assert made.pairs(remembered.error) == naive.file_pairs(twin, remembered.error, True, True)
    with pytest.raises(UsageError, match=r"more than 20 up to 500.*larger max_pairs"):
        made.collection(400)
    made.close()
    again = Wired(tmp_path / "state", folder, remember_up_to=500.0, max_pairs=20)
    assert "full search" not in caplog.text, "what gave too many is not tried at each start"
    again.run()
    assert not again.rescan.is_going_on()
    like(1).save(pictures / "new.png")
    again.scan()
    again.close()
    wider = Wired(tmp_path / "state", folder, remember_up_to=500.0, max_pairs=1000)
    wider.run()
    assert wider.pairs(500) == naive.file_pairs(naive.read_tree(os.fsencode(pictures)), 500, True, True)
    wider.close()


def test_a_search_at_start_that_gives_too_many_pairs_is_cut_back_as_well(tmp_path, pictures):
    for number in range(0, 24, 3):
        like(number).save(pictures / f"{number:02}.png")
    folder = Folder(os.fsencode(pictures))
    made = Wired(tmp_path / "state", folder, remember_up_to=5.0)
    made.scan()
    made.close()
    wider = Wired(tmp_path / "state", folder, remember_up_to=500.0, max_pairs=20)
    wider.run()
    with reading(wider.engine) as connection:
        mse = settings.get_in_force(connection).remembered.error
        assert matches.count(connection, 1, limit_of(mse, 7500)) <= 20
    assert 5 <= mse < 500
    assert wider.pairs(mse) == naive.file_pairs(naive.read_tree(os.fsencode(pictures)), mse, True, True)
    wider.close()


def test_the_matches_of_another_recipe_do_not_count_where_there_are_too_many(tmp_path, pictures):
    folder = Folder(os.fsencode(pictures))
    for px in (20, 50):
        for number in range(px // 10 * 3):
            like(number).save(pictures / f"{px}-{number}.png")
        made = Wired(tmp_path / "state", folder, px_size=px, max_pairs=40)
        made.scan()
        with reading(made.engine) as connection:
            reached = settings.get_in_force(connection).remembered.error
        twin = naive.read_tree(os.fsencode(pictures), px)
        assert made.pairs(reached) == naive.file_pairs(twin, reached, True, True) != {}
        made.close()


def test_what_counts_as_a_match_is_kept_however_many_there_are(tmp_path, pictures):
    for number in range(8):
        like(number).save(pictures / f"{number}.png")
    made = Wired(tmp_path / "state", Folder(os.fsencode(pictures)), settings=Settings(threshold=64), max_pairs=10)
    made.scan()
    assert made.pairs() == naive.file_pairs(naive.read_tree(os.fsencode(pictures)), 64, True, True)
    assert len(made.pairs()) == 28
    made.close()


def test_reference_pictures_are_compared_with_each_other_only_if_that_is_wanted(tmp_path, pictures, caplog):
    archive = tmp_path / "archive"
    archive.mkdir()
    for place in (archive / "a.png", archive / "b.png", pictures / "c.png", pictures / "d.png"):
        photo(1).save(place)
    folders = Folder(os.fsencode(archive), role="reference"), Folder(os.fsencode(pictures))
    found = {}
    for wanted in (True, False):
        caplog.clear()
        state = tmp_path / f"state-{wanted}"
        state.mkdir()
        made = Wired(state, *folders, settings=Settings(compare_references=wanted))
        with caplog.at_level("INFO"):
            made.scan()
        found[wanted] = {tuple(os.path.basename(path) for path in pair) for pair in made.pairs()}
        logged = [one for one in caplog.messages if one.startswith("match")]
        assert len(logged) == len(found[wanted])
        made.close()
    every = {(b"a.png", b"b.png"), (b"c.png", b"d.png")} | {
        (a, b) for a in (b"a.png", b"b.png") for b in (b"c.png", b"d.png")
    }
    assert found == {True: every, False: every - {(b"a.png", b"b.png")}}


def test_a_file_of_which_there_are_very_many_is_announced_as_such(tmp_path, pictures, caplog):
    for number in range(130):
        Image.new("L", (40, 40 + number % 2)).save(pictures / f"{number:03}.png")
    made = Wired(tmp_path / "state", Folder(os.fsencode(pictures)))
    with caplog.at_level("INFO"):
        made.scan()
        caplog.clear()
        Image.new("L", (41, 40)).save(pictures / "new.png")
        Image.new("L", (99, 40)).save(pictures / "other.png")
        made.tell(pictures / "new.png", pictures / "other.png")
        made.run()
    lines = [one for one in caplog.messages if one.startswith("match")]
    assert len(lines) == 11
    assert all(str(pictures / "new.png") in one for one in lines)
    assert "many others" in lines[-1]
    made.close()
