"""Names that merely answer: simulated for every name, as root mounts no such disk everywhere."""

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.pipeline.look import Look
from difwatch.tree.folding import Listing, spellings


@pytest.fixture
def folding(monkeypatch):
    """Let every directory answer to other spellings, as exFAT, vfat and SMB do, each of them an inode of its own."""
    real = {"lstat": os.lstat, "lexists": os.path.lexists}

    def listed(path):
        path = os.fsencode(path)
        above, name = os.path.split(path)
        try:
            names = os.listdir(above)
        except OSError:
            return path
        fold = lambda text: unicodedata.normalize("NFC", os.fsdecode(text)).casefold()  # noqa: E731
        return next((os.path.join(above, one) for one in names if fold(one) == fold(name)), path)

    monkeypatch.setattr(os, "lstat", lambda path, **more: real["lstat"](listed(path), **more))
    monkeypatch.setattr(os.path, "lexists", lambda path: real["lexists"](listed(path)))


NAMES = [("IMG.JPG", "img.jpg"), ("caf\u00e9.jpg", "cafe\u0301.jpg"), ("a.jpg", "A.jpg")]


@pytest.mark.parametrize(("new", "old"), NAMES)
def test_after_a_rename_that_changes_only_the_spelling_nothing_is_at_the_old_name(tmp_path, folding, new, old):
    (tmp_path / new).write_bytes(b"x")
    at = lambda name: os.fsencode(tmp_path / name)  # noqa: E731
    assert os.lstat(at(old)), "it answers"
    assert Look()(at(new)) is not None
    assert Look()(at(old)) is None
    assert Look().is_empty(at(old))


def test_the_same_holds_for_a_directory_on_the_way(tmp_path, folding):
    (tmp_path / "Holiday").mkdir()
    (tmp_path / "Holiday" / "a.jpg").write_bytes(b"x")
    assert Listing().lists(os.fsencode(tmp_path / "Holiday" / "a.jpg"))
    assert not Listing().lists(os.fsencode(tmp_path / "holiday" / "a.jpg"))


def test_two_files_whose_names_differ_in_case_only_are_two(tmp_path):
    for name in ("a.jpg", "A.JPG"):
        (tmp_path / name).write_bytes(b"x")
        assert Look()(os.fsencode(tmp_path / name)) is not None


@given(st.binary(min_size=1, max_size=20))
def test_no_name_is_its_own_other_spelling_and_any_bytes_have_some_or_none(name):
    assert name not in spellings(name)
