"""A file is looked at when it is left alone, or at the latest after the ceiling; no clock is needed to say so."""

from hypothesis import given
from hypothesis import strategies as st

from difwatch.model.files import FileKey, FileState
from difwatch.watch.settle import Settler


def key(number: int) -> FileKey:
    return FileKey(number, 0, 0, 1, 1)


def state(path: bytes, number: int | None = None) -> FileState:
    return FileState(path, None if number is None else key(number))


def test_a_touched_file_is_due_after_the_quiet_period_and_not_before():
    settler = Settler(2, 60)
    settler.note(state(b"a"), 10)
    assert settler.due(11.9) == []
    assert settler.next_deadline() == 12
    assert [one.path for one in settler.due(12)] == [b"a"]
    assert len(settler) == 0
    assert settler.next_deadline() is None


def test_every_touch_starts_the_quiet_period_anew_up_to_the_ceiling():
    settler = Settler(2, 60)
    for second in range(60):
        settler.note(state(b"a"), second)
        assert settler.due(second) == []
    assert [one.path for one in settler.due(60)] == [b"a"]


def test_a_file_that_a_walk_finds_long_unchanged_is_due_at_once():
    settler = Settler(2, 60)
    settler.note(state(b"a", 1), 100, age=3600)
    settler.note(state(b"b", 1), 100, age=0.5)
    assert [one.path for one in settler.due(100)] == [b"a"]
    assert [one.path for one in settler.due(101.5)] == [b"b"]


def test_a_walk_does_not_shorten_the_wait_of_a_file_that_was_just_touched():
    settler = Settler(2, 60)
    settler.note(state(b"a"), 100)
    settler.note(state(b"a", 1), 101, age=3600)
    assert settler.due(101.9) == []
    assert len(settler.due(102)) == 1


events = st.lists(
    st.tuples(
        st.sampled_from([b"a", b"b", b"c"]),
        st.integers(0, 3),  # seconds since the last one
        st.one_of(st.none(), st.integers(0, 5)),  # age
        st.integers(1, 2),  # state
    ),
    max_size=40,
)


@given(events=events)
def test_it_agrees_with_a_twin_that_looks_at_every_path_every_time(events):
    settler = Settler(2, 7)
    twin: dict[bytes, list] = {}  # path -> [key, noted, touched]
    now = 0
    for path, pause, age, number in events:
        now += pause
        due = {path for path, (_, noted, touched) in twin.items() if min(touched + 2, noted + 7) <= now}
        deadline = settler.next_deadline()
        assert (deadline is None) == (not twin)
        assert deadline is None or deadline <= min(min(t + 2, n + 7) for _, n, t in twin.values())
        assert {one.path for one in settler.due(now)} == due
        for one in due:
            del twin[one]
        if path not in twin:
            twin[path] = [number, now, now - (age or 0)]
        elif age is None or twin[path][0] != number:
            twin[path] = [number, twin[path][1], max(twin[path][2], now - (age or 0))]
        settler.note(state(path, number), now, age)
        assert len(settler) == len(twin)
