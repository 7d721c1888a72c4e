"""Groups: every member is directly within the threshold of its primary, and nobody's primary is lower quality."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.matches.groups import group_images, keep_order
from difwatch.matches.rules import MatchRules
from difwatch.model.pictures import Errors, Facts, Image, Neighbours
from difwatch.model.settings import Settings


def image(number: int, tensor: int | None = None, **values) -> Image:
    base = Image(b"/p/%06d" % number, number if tensor is None else tensor, b"%d" % number, 10, 10, 1, 0, limit=5)
    return replace(base, **values)


def both_ways(pairs: dict[tuple[int, int], int]) -> Neighbours:
    near: Neighbours = {}
    for (a, b), sse in pairs.items():
        near.setdefault(a, []).append((b, Errors(sse, -1)))
        near.setdefault(b, []).append((a, Errors(sse, -1)))
    return near


def rules(same_dim: bool) -> MatchRules:
    return MatchRules(Settings(same_dim=same_dim), {}, {}, 1, "exact", 10)


def shape(groups) -> dict[bytes, set[bytes]]:
    return {one.primary.path: {member.image.path for member in one.members} for one in groups}


KEEP = ("pixels", "bytes", "oldest", "path")


def twin(images, pairs, same_dim, keep=KEEP):
    """In keep order, each picture not yet placed takes all unplaced ones within the threshold of it."""
    order = keep_order(images, keep)
    placed, found = set(), {}
    for primary in order:
        if primary.path in placed:
            continue
        placed.add(primary.path)
        members = set()
        for other in order:
            key = tuple(sorted((primary.tensor, other.tensor)))
            sse = 0 if key[0] == key[1] else pairs.get(key)
            near = sse is not None and sse <= min(primary.limit, other.limit)
            fits = not same_dim or primary.dimensions == other.dimensions
            if other.path not in placed and not other.reference and near and fits:
                members.add(other.path)
        placed |= members
        if members:
            found[primary.path] = members
    return found


images_strategy = st.lists(
    st.builds(
        lambda tensor, width, height, size, mtime, reference, limit: (
            tensor, {"width": width, "height": height, "size": size, "mtime_ns": mtime, "reference": reference,
                     "limit": limit}),
        st.integers(0, 7), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(0, 2),
        st.sampled_from([False, False, False, True]), st.sampled_from([0, 5, 5]),
    ),
    max_size=14,
)  # fmt: skip
pairs_strategy = st.dictionaries(
    st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda pair: pair[0] < pair[1]), st.integers(0, 7)
)


@given(drawn=images_strategy, pairs=pairs_strategy, same_dim=st.booleans(), keep=st.permutations(KEEP))
def test_groups_are_those_of_the_obvious_loop(drawn, pairs, same_dim, keep):
    images = [image(number, tensor, **values) for number, (tensor, values) in enumerate(drawn)]
    groups = group_images(images, both_ways(pairs), rules(same_dim), keep)
    assert shape(groups) == twin(images, pairs, same_dim, keep)
    lesser = [member.image.path for one in groups for member in one.members]
    assert len(lesser) == len(set(lesser))
    assert not {one.primary.path for one in groups} & set(lesser)
    assert not any(member.image.reference for one in groups for member in one.members)


@pytest.mark.parametrize("order", [[1, 2, 3], [3, 2, 1]])
def test_a_primary_without_a_time_joins_the_nearest_moment_whatever_the_order(order):
    first, second = (Facts(taken=f"2024-05-01T12:30:0{number}") for number in (1, 2))
    images = [image(0, size=9), image(1, facts=first), image(2, facts=second), image(3, facts=second)]
    near = both_ways({(0, number): number + 1 for number in order})
    (group,) = group_images(images, near, rules(False), KEEP, shots=False)
    assert [member.image.tensor for member in group.members] == [1]
    (group,) = group_images(images, near, rules(False), KEEP)
    assert [(member.image.tensor, member.is_shot) for member in group.members] == [(1, False), (2, True), (3, True)]


def test_files_of_equal_pixels_and_other_bytes_take_one_pass_too():
    images = [image(number, 7, digest=b"%d" % (number // 2)) for number in range(20_000)]
    groups = group_images(images, {}, rules(False), KEEP, up_to="identical")
    assert len(groups) == 10_000 and all(len(group.members) == 1 for group in groups)


def test_a_chain_does_not_collapse_onto_a_picture_that_is_too_far():
    a, b, c = image(1, size=3), image(2, size=2), image(3, size=1)
    near = both_ways({(1, 2): 5, (2, 3): 5})  # 1 and 3 do not match
    assert shape(group_images([c, b, a], near, rules(True), KEEP)) == {a.path: {b.path}}


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"width": 20, "size": 1}, {"size": 9}),
        ({"size": 2, "mtime_ns": 9}, {"size": 1, "mtime_ns": 1}),
        ({"mtime_ns": 1}, {"mtime_ns": 2}),
    ],
)
def test_the_better_one_has_more_pixels_then_more_bytes_then_is_older(better, worse):
    one, other = image(2, 1, **better), image(1, 1, **worse)
    assert keep_order([other, one], KEEP)[0] is one
    assert shape(group_images([other, one], {}, rules(False), KEEP)) == {one.path: {other.path}}


def test_a_gif_never_wins_by_its_bytes():
    jpeg, gif = image(1, 1, facts=Facts(format="JPEG"), size=5), image(2, 1, facts=Facts(format="GIF"), size=9)
    assert keep_order([gif, jpeg], ["pixels", "original", "bytes"]) == [jpeg, gif]


def test_a_reference_picture_is_a_primary_even_when_it_is_the_lesser_one():
    small, large = image(1, 1, reference=True), image(2, 1, width=99)
    assert shape(group_images([small, large], {}, rules(False), KEEP)) == {small.path: {large.path}}


def test_twenty_thousand_copies_are_one_group_in_one_pass():
    copies = [image(number, 1) for number in range(20_000)]
    (group,) = group_images(copies, {}, rules(True), KEEP)
    assert len(group.members) == 19_999


def test_twenty_thousand_plain_pictures_of_all_sizes_take_one_pass_too():
    plain = [image(number, 1, width=1 + number) for number in range(20_000)]
    assert group_images(plain, {}, rules(True), KEEP) == []
    (group,) = group_images(plain, {}, rules(False), KEEP)
    assert len(group.members) == 19_999


@pytest.mark.parametrize(
    ("kept", "goes"),
    [
        (b"/p/IMG.jpg", b"/p/IMG (1).jpg"),
        (b"/p/IMG.jpg", b"/p/Copy of IMG.jpg"),
        (b"/p/IMG.jpg", b"/p/IMG-edited.jpg"),
        (b"/p/IMG.jpg", b"/p/IMG_copy.jpg"),
        (b"/p/z.jpg", b"/p/a/z.jpg"),
        (b"/p/2019 summer holiday/IMG.jpg", b"/p/2020/IMG (1).jpg"),
        (b"../../p/z.jpg", b".thumbs/aa/z.jpg"),
        (b"/p/deep/down/z.jpg", b"/p/.versions/z.jpg"),
        (b"/p/z.jpg", b"/p/.z.jpg"),
    ],
)
def test_of_equal_pictures_the_one_with_the_plainer_path_is_kept(kept, goes):
    images = [Image(path, 1, b"same", 10, 10, 100, 0) for path in (goes, kept)]
    for order in (images, images[::-1]):
        assert keep_order(order, ("pixels", "bytes", "oldest", "path"))[0].path == kept


def test_a_hidden_path_never_wins_even_if_it_is_larger():
    hidden, plain = Image(b"/p/.old/a.jpg", 1, b"x", 99, 99, 999, 0), Image(b"/p/b.jpg", 1, b"y", 10, 10, 100, 5)
    assert keep_order([hidden, plain], ("pixels", "bytes", "oldest", "path"))[0] is plain


def test_a_file_with_a_plain_name_beside_a_hidden_one_is_not_hidden():
    linked = Image(b"/p/.h/a.jpg", 1, b"x", 99, 99, 999, 0, links=(b"/p/a.jpg",))
    other = Image(b"/p/b.jpg", 1, b"y", 10, 10, 100, 5)
    assert keep_order([other, linked], ("pixels", "bytes", "oldest", "path"))[0] is linked


def test_of_relative_folders_above_the_better_picture_is_kept():
    better, lesser = (
        Image(b"../../pics/good.png", 1, b"x", 80, 80, 9, 0),
        Image(b"low/small.png", 1, b"y", 8, 8, 9, 0),
    )
    assert keep_order([lesser, better], ("pixels", "bytes", "oldest", "path"))[0] is better
