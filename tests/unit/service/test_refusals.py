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


def test_what_was_refused_waits_for_other_bytes_or_a_day():
    refusals = Refusals()
    refusals.note(Outcome(ACT, "refused", "a note may belong to two"), 0.0)
    assert refusals.note_for_people() == "/p/b stays: a note may belong to two"
    assert [refusals.may_try(ACT, at) for at in (0.0, 30.0, DAY - 1)] == [False] * 3
    assert refusals.may_try(ACT, DAY)
    for which in ("image", "keeper"):
        refusals.note(Outcome(ACT, "refused", "why"), 0.0)
        assert refusals.may_try(other_bytes(which), 1.0)
