"""Log lines: what is repeated is said once."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.cli.logs import MatchCount, Repetition


class Clocked:
    """A filter, and the moment at which it is asked."""

    def __init__(self):
        self.now = 0.0
        self.filter = Repetition(lambda: self.now).filter


def said(one, text, level=logging.WARNING, at=0.0):
    line, one.now = logging.LogRecord("difwatch", level, "x.py", 1, "%s", (text,), None), at
    line.created = -1e9 * at  # whatever somebody sets the clock to
    return line.getMessage() if one.filter(line) else None


def test_a_warning_that_is_repeated_is_said_once_and_then_how_often():
    one = Clocked()
    assert said(one, "disk") == "disk"
    assert [said(one, "disk", at=at) for at in range(1, 600, 100)] == [None] * 6
    assert said(one, "other", at=1) == "other"
    assert said(one, "disk", at=601) == "disk (and 6 more times since it was said last)"
    assert said(one, "disk", at=1300) == "disk"


def test_what_is_no_warning_is_always_said():
    one = Clocked()
    assert [said(one, "match", logging.INFO) for _ in range(3)] == ["match"] * 3


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 300)), max_size=60))
def test_nothing_is_unsaid_for_more_than_ten_minutes_and_the_counts_add_up(events):
    one, now, meant, heard = Clocked(), 0.0, {}, {}
    for text, pause in events:
        now += pause
        meant[text] = meant.get(text, 0) + 1
        line = said(one, str(text), at=now)
        if line is not None:
            times = int(line.split()[2]) if "more times" in line else 0
            heard[text] = heard.get(text, 0) + 1 + times
    for text in range(4):
        last = said(one, str(text), at=now + 1e6)
        times = int(last.split()[2]) if "more times" in last else 0
        assert heard.get(text, 0) + times == meant.get(text, 0)


@pytest.mark.parametrize("found", ["1 group: 2 duplicates, 5 MB", None])
def test_matches_of_the_first_walk_are_summed_up_and_later_ones_told(found):
    count = MatchCount(lambda: found)

    def told(text, event):
        line = logging.LogRecord("difwatch", logging.INFO, "x.py", 1, text, (), None)
        line.event = event
        return line.getMessage() if count.filter(line) else None

    assert [told("match a b", "match"), told("match c d", "match"), told("c is like many", "many matches")] == [
        None
    ] * 3
    assert told("b: gone", "gone") == "b: gone"
    assert (
        told("up to date", "up to date") == f"up to date; {found or '2 matches found'}; 'difwatch review' shows them"
    )
    assert told("match e f", "match") == "match e f"
    assert told("up to date", "up to date") == "up to date"
