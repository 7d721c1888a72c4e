"""The groups of a store in columns are those that all of its pictures give."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from difwatch.matches.read import read_collection
from difwatch.matches.stored import read_stored
from difwatch.model.settings import Asked
from difwatch.store import reading
from difwatch.store.pictures import images
from tests.support.drawn_stores import made, stores


def listed(groups):
    return [(group.primary, group.members) for group in groups]


@settings(max_examples=150)
@given(drawn=stores, data=st.data())
def test_they_are_those_of_all_pictures_in_memory(tmp_path_factory, drawn, data):
    engine = made(tmp_path_factory.mktemp("store") / "difwatch.db", **drawn)
    below = data.draw(st.sampled_from([None, b"/p/a", b"/p"]))
    with reading(engine) as connection:
        stored = read_stored(connection, Asked(), below)
        whole = read_collection(connection, Asked(), below)
        for ours, theirs in zip(stored.copies_and_edited(), whole.copies_and_edited(), strict=True):
            assert listed(ours) == listed(theirs)
            assert (len(ours), ours.members) == (len(theirs), sum(len(group.members) for group in theirs))
            assert ours.bytes == sum(member.image.size for group in theirs for member in group.members)
            assert ours.shots == sum(member.is_shot for group in theirs for member in group.members)
        april = datetime(2026, 4, 1, 10, 0, 0, data.draw(st.sampled_from([250_000, 250_001, 250_002])), tzinfo=UTC)
        (ours, _), (theirs, _) = (
            read_stored(connection, Asked(), below, april).copies_and_edited(),
            replace(whole, since=april).copies_and_edited(),
        )
        assert listed(ours) == listed(theirs)
        if below is None:
            rules = whole.rules
            every = list(images(connection, rules.folders, rules.limits, rules.recipe_id))
            assert stored.pictures == len(every)
            everything = replace(whole, images=tuple(every))
            assert everything.copies_and_edited() == whole.copies_and_edited()
            assert list(everything.pairs()) == list(whole.pairs())
    engine.dispose()
