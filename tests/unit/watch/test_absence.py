"""When a missing file is believed to be gone, and when a folder is walked: against slow twins."""

from hypothesis import given
from hypothesis import strategies as st

from difwatch.pipeline.postponed import PostponedFiles
from difwatch.watch.absence import Absence, Belief
from difwatch.watch.schedule import DAY_SECONDS, WalkSchedule

paths = st.frozensets(st.sampled_from([b"/p/%d" % number for number in range(6)]))


@given(walks=st.lists(paths, max_size=8))
def test_a_file_is_gone_when_two_walks_in_a_row_did_not_find_it(walks):
    absence, rows = Absence(), {b"/p/%d" % number for number in range(6)}
    before: frozenset[bytes] = frozenset()
    for seen in walks:
        missing = rows - seen
        belief = absence.judge(missing, len(rows))
        assert set(belief.gone) == missing & before
        assert belief.again == bool(missing - before)
        assert belief.held == 0
        before = frozenset(missing) - set(belief.gone)
        rows -= set(belief.gone)


@given(known=st.integers(0, 2000), share=st.floats(0, 1))
def test_more_than_a_hundred_and_a_fifth_at_once_are_kept_until_a_person_says_so(known, share):
    missing = [b"/p/%d" % number for number in range(int(known * share))]
    absence = Absence()
    too_many = len(missing) > 100 and len(missing) > known // 5
    for number in range(3):
        belief = absence.judge(missing, known)
        if too_many:
            assert belief.again == (number == 0), "looked at once more, before a person is asked"
        assert (belief.held, bool(belief.gone)) == ((len(missing), False) if too_many else (0, bool(belief.gone)))
    if too_many:
        assert absence.judge(missing, known, released=True) == Belief(tuple(missing))


def test_many_that_become_fewer_are_being_found_under_other_names_and_nobody_is_asked():
    absence, missing = Absence(), [b"/p/%d" % number for number in range(400)]
    for left in (400, 300, 150, 0):
        belief = absence.judge(missing[:left], 400)
        assert (belief.again, belief.gone) == (left > 0, ())
    assert absence.judge(missing, 400).again
    assert not absence.judge(missing, 400).again


def test_on_another_file_system_nothing_is_believed_without_a_person():
    absence = Absence()
    assert absence.judge([], 500, doubted=True) == Belief()
    assert absence.judge([b"/p/a"], 500, doubted=True) == Belief(held=1)
    assert absence.judge([b"/p/a"], 500, doubted=True) == Belief(held=1)
    assert absence.judge([b"/p/a"], 500) == Belief(again=True), "what was seen in doubt does not count"
    assert absence.judge([b"/p/a"], 500, doubted=True, released=True) == Belief((b"/p/a",))


def test_what_was_seen_before_the_folder_was_armed_anew_does_not_count():
    absence = Absence()
    absence.judge([b"/p/a"], 9)
    absence.forget()
    assert absence.judge([b"/p/a"], 9) == Belief(again=True)


def walk(schedule, begin, end, **how):
    schedule.begin()
    assert schedule.is_walking
    assert not schedule.is_due(begin + 1e9)
    schedule.end(end - begin)
    schedule.plan(end, **({"again": False, "polled": False, "uncertain": False} | how))


def next_walk(schedule, after):
    """How long after a moment it is due, found second by second."""
    return next(seconds for seconds in range(100_000) if schedule.is_due(after + seconds))


def test_a_folder_is_walked_daily_each_minute_or_soon_and_never_more_than_a_tenth_of_the_time():
    schedule = WalkSchedule(confirm_seconds=5)
    walk(schedule, 0, 1)
    assert next_walk(schedule, 1) == DAY_SECONDS
    walk(schedule, 10, 11, polled=True)
    assert next_walk(schedule, 11) == 60
    walk(schedule, 100, 130, polled=True)
    assert next_walk(schedule, 130) == 300
    walk(schedule, 1000, 1030, again=True)
    assert (next_walk(schedule, 1030), schedule.confirms) == (5, True)
    walk(schedule, 2000, 2001)
    assert not schedule.confirms
    schedule.ask(2001)
    assert next_walk(schedule, 2001) == 0


def test_what_is_uncertain_is_walked_after_longer_and_longer_pauses():
    schedule = WalkSchedule(confirm_seconds=5)
    pauses = []
    for number in range(9):
        walk(schedule, number * 1e5, number * 1e5 + 1, uncertain=True)
        pauses.append(next_walk(schedule, number * 1e5 + 1))
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    walk(schedule, 1e6, 1e6 + 1)
    walk(schedule, 2e6, 2e6 + 1, uncertain=True)
    assert next_walk(schedule, 2e6 + 1) == 60


def test_files_are_tried_again_after_longer_and_longer_pauses_until_they_are_read():
    retries = PostponedFiles()
    assert retries.next_deadline() is None
    assert retries.put(b"/a", "EIO", 0)
    assert not retries.put(b"/a", "EIO", 1)
    assert retries.put(b"/b", "EIO", 2)
    assert (retries.due(59), retries.due(60)) == ([], [b"/a", b"/b"])
    assert retries.next_deadline() is None, "until their answers are there"
    retries.put(b"/a", "EIO", 61)
    retries.drop(b"/b")
    assert retries.next_deadline() == 61 + 120
    assert retries.reasons() == [(b"/a", "EIO")]
    retries.drop(b"/a")
    assert retries.next_deadline() is None
    retries.put(b"/c", "EIO", 1000)
    assert retries.next_deadline() == 1060
