"""What was refused is not tried again by its own traces."""

from dataclasses import replace

import pytest

from difwatch.actions.move import Outcome
from difwatch.actions.plan import Act
from difwatch.model.pictures import Image
from difwatch.service.refusals import Refusals

DAY = 86_400.0
ACT = Act("move", Image(b"/p/b", 1, b"B", 1, 1, 1, 1), Image(b"/p/a", 1, b"A", 1, 1, 1, 1), "similar", 1, 5)


def other_bytes(which):
    return replace(ACT, **{which: replace(getattr(ACT, which), digest=b"X")})


@pytest.mark.parametrize("state", ["done", "failed"])
def test_what_was_not_refused_may_be_tried(state):
    refusals = Refusals()
    refusals.note(Outcome(ACT, "refused", "why"), 0.0)
    refusals.note(Outcome(ACT, state, "why"), 1.0)
    assert refusals.may_try(ACT, 1.0)
    assert refusals.note_for_people() is None


def test_a_file_that_is_not_as_indexed_is_tried_again_soon():
    refusals = Refusals()
    refusals.note(Outcome(ACT, "refused", "it has changed", stale=True), 0.0)
    assert (refusals.may_try(ACT, 599.0), refusals.may_try(ACT, 600.0)) == (False, True)


def test_what_is_not_planned_any_more_is_not_told():
    refusals = Refusals()
    refusals.note(Outcome(ACT, "refused", "why"), 0.0)
    assert refusals.next_try() == DAY
    refusals.keep_only([ACT])
    assert refusals.note_for_people() is not None
    refusals.keep_only([])
    assert refusals.note_for_people() is None
    assert refusals.next_try() == float("inf")


def test_what_was_refused_waits_for_other_bytes_or_a_day():
    refusals = Refusals()
    refusals.note(Outcome(ACT, "refused", "a note may belong to two"), 0.0)
    assert refusals.note_for_people() == "/p/b stays: a note may belong to two"
    assert [refusals.may_try(ACT, at) for at in (0.0, 30.0, DAY - 1)] == [False] * 3
    assert refusals.may_try(ACT, DAY)
    for which in ("image", "keeper"):
        refusals.note(Outcome(ACT, "refused", "why"), 0.0)
        assert refusals.may_try(other_bytes(which), 1.0)
