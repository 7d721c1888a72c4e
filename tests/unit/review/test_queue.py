"""The queue of the page has the groups that all pictures give, in every order and under every filter."""

import contextlib
from datetime import UTC, datetime
from pathlib import PurePosixPath

from hypothesis import given, settings
from hypothesis import strategies as st

from difwatch.clock import SystemClock
from difwatch.matches.read import read_collection
from difwatch.matches.stored import read_stored
from difwatch.model.pictures import LEVELS, Group
from difwatch.review.decisions import Decisions
from difwatch.review.live import LiveQueue, Shelf
from difwatch.review.queue import Filters, Queue
from difwatch.review.reading import groups_now, newest_groups
from difwatch.store import reading
from difwatch.store.pictures import files_named
from tests.support.drawn_stores import made, stores

ORDERS = ["newest", "space", "alike", "path", "taken", "size"]
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def pictures_of(group):
    return [group.primary, *(member.image for member in group.members)]


def figure(order, group):
    """What a person would sort a group by."""
    members = group.members
    return {
        "newest": lambda: -max(image.seen or LONG_AGO for image in pictures_of(group)).timestamp(),
        "space": lambda: -sum(member.image.size for member in members),
        "alike": lambda: (
            max(LEVELS.index(member.level) for member in members),
            max(member.errors.sse for member in members),
        ),
        "path": lambda: 0,
        "taken": lambda: group.primary.facts.taken or "",
        "size": lambda: -len(members),
    }[order]()


def in_order(order, groups):
    by_path = sorted(groups, key=lambda group: group.primary.path)
    return sorted(by_path, key=lambda group: figure(order, group), reverse=order == "taken")


@contextlib.contextmanager
def queue_of(place, drawn):
    """The queue of a drawn store, what reads its groups again, and the groups of all its pictures."""
    engine = made(place / "difwatch.db", **drawn)
    decisions = Decisions(place / "review.db")
    with reading(engine) as connection:
        queue = Queue(read_stored(connection))
        copies, edited = read_collection(connection).copies_and_edited()
    yield queue, LiveQueue(place / "difwatch.db", decisions, SystemClock(), lambda *_: None), [*copies, *edited]
    engine.dispose()
    decisions.close()


@settings(max_examples=100)
@given(drawn=stores, order=st.sampled_from(ORDERS), data=st.data())
def test_its_groups_are_those_of_all_pictures_in_order_and_filtered(tmp_path_factory, drawn, order, data):
    with queue_of(tmp_path_factory.mktemp("store"), drawn) as (queue, live, groups):
        check(queue, live, groups, order, data)


def check(queue, live, groups, order, data):
    levels = data.draw(st.sets(st.sampled_from(LEVELS), min_size=1))
    across, undecided = data.draw(st.booleans()), data.draw(st.booleans())
    text = data.draw(st.sampled_from([None, "x.jpg", "DEEP", "camera", "%", "_"]))
    states = data.draw(
        st.dictionaries(st.integers(0, max(0, len(queue) - 1)), st.sampled_from(["keep", "later", "again"]))
    )
    states = {group: state for group, state in states.items() if group < len(queue)}
    with live.reading() as connection:
        named = None if text is None else frozenset(files_named(connection, text))
        every = [one.group for one in groups_now(live, connection, Shelf(1, queue, {}), list(range(len(queue))))]
        assert every == [Group(group.primary, group.members) for group in groups]
        shown = queue.ordered(order, Filters(named, frozenset(levels), across, undecided), states).tolist()

    def is_shown(number):
        group = groups[number]
        names = [image.path.decode() for image in pictures_of(group)]
        texts = [*names, *(image.facts.camera or "" for image in pictures_of(group))]
        return (
            max((member.level for member in group.members), key=LEVELS.index) in levels
            and (not across or len({PurePosixPath(name).parent for name in names}) > 1)
            and (not undecided or states.get(number, "again") == "again")
            and (text is None or any(text.lower() in one.lower() for one in texts))
        )

    wanted = [number for number in range(len(groups)) if is_shown(number)]
    ranked = in_order(order, [groups[number] for number in wanted])
    assert [groups[number].primary.path for number in shown] == [group.primary.path for group in ranked]
    members = [member for group in groups for member in group.members]
    assert queue.totals() == (len(groups), len(members), sum(member.image.size for member in members))


@settings(max_examples=50)
@given(drawn=stores)
def test_the_newest_groups_are_known_before_all_are_counted(tmp_path_factory, drawn):
    with queue_of(tmp_path_factory.mktemp("store"), drawn) as (queue, live, groups), live.reading() as connection:
        every = groups_now(live, connection, Shelf(1, queue, {}), list(range(len(queue))))
        first = newest_groups(connection, 50)
        assert {one.key: one.group for one in first} == {one.key: one.group for one in every}, "under the same names"
        assert [figure("newest", one.group) for one in first] == sorted(figure("newest", group) for group in groups)
        assert [one.key for one in newest_groups(connection, 2)] == [one.key for one in first[:2]]


@settings(max_examples=30)
@given(drawn=stores, data=st.data())
def test_a_queue_is_like_another_where_both_have_the_same_groups(tmp_path_factory, drawn, data):
    other = data.draw(st.one_of(st.just(drawn), stores))
    with (
        queue_of(tmp_path_factory.mktemp("store"), drawn) as (queue, _, groups),
        queue_of(tmp_path_factory.mktemp("store"), other) as (second, _, others),
    ):
        assert queue.is_like(queue)
        assert not groups or groups == others or not queue.is_like(second)
        assert other is not drawn or queue.is_like(second)
