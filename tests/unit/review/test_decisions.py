"""Decisions are kept by contents, in a file for this user alone."""

import sqlite3
import stat
from dataclasses import replace

import pytest

from difwatch.errors import StoreError
from difwatch.model.pictures import Image
from difwatch.review.decisions import Decision, Decisions, name_of
from tests.support.clock import NOON

IMAGES = [Image(b"/p/\xff%d.jpg" % number, number, b"%032d" % (number // 2), 4, 3, 10, 0) for number in range(4)]
KEPT = Decision(
    "keep",
    frozenset(image.digest for image in IMAGES),
    frozenset((image.digest, image.path) for image in IMAGES[1:3]),
    20,
)


@pytest.fixture
def decisions(tmp_path):
    opened = Decisions(tmp_path / "review.db")
    yield opened
    opened.close()


def test_a_decision_is_there_after_a_restart_under_the_name_of_its_contents(decisions, tmp_path):
    decisions.put(KEPT, IMAGES, NOON)
    again = Decisions(tmp_path / "review.db")
    assert again.all() == {name_of(image.digest for image in reversed(IMAGES)): KEPT}
    again.close()


def test_a_later_decision_replaces_the_one_before_and_can_be_taken_back(decisions):
    decisions.put(KEPT, IMAGES, NOON)
    later = Decision("later", KEPT.contents)
    decisions.put(later, IMAGES, NOON)
    assert list(decisions.all().values()) == [later]
    decisions.remove([name_of(image.digest for image in IMAGES)])
    assert decisions.all() == {}


def test_of_equal_files_the_one_that_was_named_goes_and_a_lone_one_goes_under_any_name():
    assert [KEPT.sends_away(image, 2) for image in IMAGES] == [False, True, True, False]
    renamed = replace(IMAGES[1], path=b"/p/new.jpg")
    assert not KEPT.sends_away(renamed, 2)
    assert KEPT.sends_away(renamed, 1)


def test_groups_of_other_contents_or_of_one_more_copy_have_other_names():
    digests = [image.digest for image in IMAGES]
    assert len({name_of(digests), name_of(digests[1:]), name_of(digests[:2]), name_of([*digests, digests[0]])}) == 4


def test_the_file_is_for_this_user_alone(decisions, tmp_path):
    assert stat.S_IMODE((tmp_path / "review.db").stat().st_mode) == 0o600


def test_what_a_newer_difwatch_wrote_and_what_is_no_database_is_refused(tmp_path):
    newer = tmp_path / "newer.db"
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="newer difwatch"):
        Decisions(newer)
    other = tmp_path / "other.db"
    other.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match=r"other\.db"):
        Decisions(other)
