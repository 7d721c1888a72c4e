"""Names that merely answer: simulated for every name, as root mounts no such disk everywhere."""

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.model.settings import Folder
from difwatch.pipeline.look import Look
from difwatch.tree.folding import Listing, spellings
from difwatch.tree.roots import Root


@pytest.fixture
def folding(monkeypatch):
    """Let every directory answer to other spellings, as exFAT, vfat and SMB do, each of them an inode of its own."""
    real = {"lstat": os.lstat, "lexists": os.path.lexists}

    fold = lambda text: unicodedata.normalize("NFC", os.fsdecode(text)).casefold()  # noqa: E731

    def listed(path):
        path = os.fsencode(path)
        above, name = os.path.split(path)
        if above == path:
            return path
        above = listed(above)
        try:
            names = os.listdir(above)
        except OSError:
            return path
        return os.path.join(above, next((one for one in names if fold(one) == fold(name)), name))

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: scandir(listed(path)))
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


def test_a_folder_may_be_named_in_any_spelling(tmp_path, folding):
    (tmp_path / "Photos").mkdir()
    (tmp_path / "Photos" / "a.jpg").write_bytes(b"x")
    root = Root(Folder(os.fsencode(tmp_path / "photos")), lambda _: True)
    assert Look([root])(os.fsencode(tmp_path / "photos" / "a.jpg")) is not None
    assert Look([root])(os.fsencode(tmp_path / "photos" / "A.jpg")) is None


def test_a_folding_directory_is_listed_once(tmp_path, folding, monkeypatch):
    for number in range(50):
        (tmp_path / f"a{number}.jpg").write_bytes(b"x")
    real, listings = os.scandir, []
    monkeypatch.setattr(os, "scandir", lambda path: listings.append(path) or real(path))
    look = Look()
    assert all(look(os.fsencode(tmp_path / f"a{number}.jpg")) for number in range(50))
    assert listings.count(os.fsencode(tmp_path)) == 1


@given(st.text(st.characters(categories=["Ll", "Lu"]), min_size=1, max_size=20).map(str.encode))
def test_every_name_of_letters_with_two_cases_has_another_spelling(name):
    text = name.decode()
    if text.swapcase() != text:
        assert text.swapcase().encode() in spellings(name)
