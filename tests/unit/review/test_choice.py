"""Whatever a person chooses, each picture that goes leaves one that stays and that it matches."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from difwatch.actions.plan import Act, Keep, Policy
from difwatch.clock import SystemClock
from difwatch.matches.stored import read_stored
from difwatch.model.pictures import Image
from difwatch.review.choice import Choice, without_keepers
from difwatch.review.decisions import Decision, Decisions
from difwatch.review.live import LiveQueue, Shelf
from difwatch.review.queue import Queue
from difwatch.review.reading import groups_now
from difwatch.store import ignored, reading
from tests.support.drawn_stores import made, stores


@contextlib.contextmanager
def groups_of(place, drawn):
    """The pictures of each group of a drawn store, and what choices of them go by."""
    engine = made(place / "difwatch.db", **drawn)
    decisions = Decisions(place / "review.db")
    live = LiveQueue(place / "difwatch.db", decisions, SystemClock(), lambda *_: None)
    with reading(engine) as connection:
        queue = Queue(read_stored(connection))
        groups = groups_now(live, connection, Shelf(1, queue, {}), list(range(len(queue))))
        choice = Choice(Policy("trash"), queue.rules, queue.near, ignored.pairs(connection), [])
        yield [now.images for now in groups], choice
    engine.dispose()
    decisions.close()


def chosen(images, going):
    return Decision(
        "keep", frozenset(image.digest for image in images), frozenset((image.digest, image.path) for image in going)
    )


@settings(max_examples=100)
@given(drawn=stores, data=st.data())
def test_each_that_goes_has_one_that_stays_and_the_others_are_told_why(tmp_path_factory, drawn, data):
    with groups_of(tmp_path_factory.mktemp("store"), drawn) as (groups, choice):
        for images in groups:
            going = [image for image in images if data.draw(st.booleans())]
            steps = choice.steps(images, chosen(images, going))
            assert sorted(step.image.path for step in steps) == sorted(image.path for image in going)
            gone = {step.image.path for step in steps if isinstance(step, Act)}
            for step in steps:
                if isinstance(step, Keep):
                    assert step.reason
                    continue
                assert step.keeper.path not in gone
                assert step.keeper in images
                near = [
                    errors for tensor, errors in choice.near.get(step.keeper.tensor) if tensor == step.image.tensor
                ]
                same = step.keeper.tensor == step.image.tensor
                assert same or any(
                    choice.rules.mismatch(step.keeper, step.image, errors, choice.ignored) is None for errors in near
                )
                assert not step.image.reference
                assert not step.image.links


@settings(max_examples=50)
@given(drawn=stores)
def test_what_was_decided_about_other_pictures_is_not_applied(tmp_path_factory, drawn):
    with groups_of(tmp_path_factory.mktemp("store"), drawn) as (groups, choice):
        for images in groups:
            decision = chosen(images, images[1:])
            changed = Decision("keep", decision.contents | {b"a picture that is gone"}, decision.going)
            steps = choice.steps(images, changed)
            assert steps
            assert all(isinstance(step, Keep) for step in steps)
            assert {step.reason for step in steps} == {"its group has changed since it was decided"}


@settings(max_examples=50)
@given(drawn=stores)
def test_what_lies_where_pictures_were_moved_stays(tmp_path_factory, drawn):
    with groups_of(tmp_path_factory.mktemp("store"), drawn) as (groups, choice):
        there = Choice(choice.policy, choice.rules, choice.near, choice.ignored, [b"/p", b"/r"])
        for images in groups:
            assert not any(isinstance(step, Act) for step in there.steps(images, chosen(images, images[1:])))


@settings(max_examples=100)
@given(drawn=stores, data=st.data())
def test_no_picture_goes_that_another_one_of_any_group_goes_for(tmp_path_factory, drawn, data):
    with groups_of(tmp_path_factory.mktemp("store"), drawn) as (groups, choice):
        planned = []
        for images in groups:
            going = [image for image in images if data.draw(st.booleans())]
            planned += choice.steps(images, chosen(images, going))
        steps = without_keepers(planned)
        acts = [step for step in steps if isinstance(step, Act)]
        gone = [act.image.path for act in acts]
        assert not {act.keeper.path for act in acts} & set(gone)
        assert len(gone) == len(set(gone))
        assert {step.image.path for step in steps} == {step.image.path for step in planned}


def test_a_best_copy_that_is_edited_elsewhere_stays_for_its_copies():
    best, copy, other = (Image(b"/p/%d.jpg" % number, number, b"%d" % number, 4, 3, 10, 0) for number in range(3))
    steps = [Act("trash", copy, best, "similar", 5, 10), Act("trash", best, other, "edited", 50, 10)]
    assert without_keepers(steps) == [steps[0], Keep(best, "it is the one to keep of another group")]
