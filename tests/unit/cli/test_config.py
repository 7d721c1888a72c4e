"""The configuration: every mistake at once, each with its place and the nearest known name."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from difwatch import config
from difwatch.errors import UsageError
from difwatch.model.settings import Folder, Settings
from tests.support.paths import ROOT


def load(tmp_path, text, flags=None, folders=()):
    file = tmp_path / "config.toml"
    file.write_text(text)
    return config.load(file, flags or {}, folders)


EXAMPLE = """
similarity = "normal"
nmse = 0.03
edited = true
remember_up_to = 50
rotate = true
mirror = true
same_dim = false
px_size = 50
recipe = "fast"
processes = 0
keep = ["pixels", "original", "bytes", "oldest", "path"]
action = "log"
act_on = "similar"
act_on_shots = false
move_to = "{place}/Duplicates"
quiet_seconds = 2.0
max_wait_seconds = 60.0

[[folder]]
path = "{place}"
recursive = true
in_folder = false
limit_extensions = true
role = "normal"
exclude = ["**/.thumbnails/"]
watch = "auto"
"""


def defaults():
    keep = ("pixels", "original", "bytes", "oldest", "path")
    return Settings(20, same_dim=False, keep=keep, nmse=0.03, edited=True, mirror=True, act_on_shots=False)


def test_every_key_of_the_example_is_known_and_has_the_value_that_is_also_the_default(tmp_path):
    loaded = load(tmp_path, EXAMPLE.format(place=tmp_path))
    assert loaded.settings() == config.Config().settings() == defaults()
    assert loaded.remembered() == config.Config().remembered() == 0.03
    assert loaded.folders() == [Folder(os.fsencode(tmp_path), exclude=("**/.thumbnails/",))]
    assert loaded.destinations() == {os.fsencode(tmp_path / "Duplicates")}


def test_five_mistakes_are_five_lines(tmp_path):
    text = """
similiarity = "similar"
px_size = 5
rotate = "yes"
keep = ["pixels", "beauty"]
[[folder]]
path = "/etc/hostname"
recursiv = true
"""
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{tmp_path}/config.toml: ") for line in lines)
    told = "\n".join(line.removeprefix(f"{tmp_path}/config.toml: ") for line in lines)
    assert sorted(told.splitlines()) == sorted(
        [
            "similiarity: unknown key; did you mean 'similarity'?",
            "px_size = 5: input should be greater than or equal to 10",
            "rotate = 'yes': input should be a valid boolean",
            "keep[2] = 'beauty': input should be 'pixels', 'original', 'bytes', 'oldest', 'newest', 'folder' or "
            "'path'",
            "folder[1].recursiv: unknown key; did you mean 'recursive'?",
            "folder[1].path = '/etc/hostname': this is not a folder",
        ]
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            'similarity = "alike"',
            'similarity = \'alike\': must be "duplicates", "similar", "normal", "loose" or a mean squared error',
        ),
        ("similarity = -1", "must be"),
        ("similarity = true", "must be"),
        ("similarity = nan", "must be"),
        ("remember_up_to = 70000", "less than or equal to 65025"),
        ("processes = 1.5", "processes"),
        ('action = "delete"', "should be 'log' or 'move'"),
        ('[[folder]]\npath = ""', "name a folder"),
        ('action = "move"\nmove_to = "/tmp"\n[[folder]]\npath = "/tmp/x"', "holds the watched folder"),
        ('recipe = "quick"', "should be 'exact' or 'fast'"),
        ("quiet_seconds = -1", "greater than or equal to 0"),
        ("folder = 3", "folder"),
        ("[[folder]]\nrecursive = true", "path"),
        ('[[folder]]\npath = "."\nin_folder = "each"', "in_folder"),
        ('[[folder]]\npath = "."\nkeep = ["path"]', "needs in_folder"),
        ('[[folder]]\npath = "."\n[[folder]]\npath = "./."', "listed twice"),
        ('[[folder]]\npath = "pyproject.toml"', "not a folder"),
        ('[[folder]]\npath = "a\\u0000b"', "null byte"),
        ('[[folder]]\npath = "."\nexclude = ["!"]', "exclude"),
    ],
)
def test_each_kind_of_mistake_is_said_in_words(tmp_path, monkeypatch, line, words):
    monkeypatch.chdir(ROOT)
    with pytest.raises(UsageError) as caught:
        load(tmp_path, line)
    assert words in str(caught.value)


def test_a_file_that_is_no_toml_or_not_there_is_said(tmp_path):
    with pytest.raises(UsageError, match="not valid TOML"):
        load(tmp_path, "similarity = ")
    with pytest.raises(UsageError, match="cannot be read"):
        config.load(tmp_path / "nowhere.toml", {})


@pytest.mark.parametrize(("value", "mse"), [("duplicates", 0), ("similar", 5), (7.5, 7.5), ("200", 200), (0, 0)])
def test_a_similarity_is_a_name_or_a_number(value, mse):
    assert config.similarity_mse(value) == mse


def test_a_flag_goes_before_the_file_and_folders_take_the_place_of_its_folders(tmp_path):
    loaded = load(
        tmp_path,
        'similarity = 9\nrotate = false\n[[folder]]\npath = "/"\n',
        {"similarity": "3", "px_size": None},
        (str(tmp_path),),
    )
    assert loaded.settings() == replace(defaults(), threshold=3, rotate=False)
    assert [one.path for one in loaded.folders()] == [os.fsencode(tmp_path)]


def test_pairs_are_remembered_at_least_as_far_as_they_count(tmp_path):
    assert load(tmp_path, "nmse = 0.05").remembered() == 0.05
    assert load(tmp_path, "nmse = false\nsimilarity = 80").remembered() == 80
    text = f'nmse = false\n[[folder]]\npath = "{tmp_path}"\nsimilarity = 300'
    assert load(tmp_path, text).remembered() == 300


@pytest.mark.parametrize(
    ("line", "expected"), [("0", 0.0), ("0.0", 0.0), ("1", 1.0), ("0.05", 0.05), ("false", None)]
)
def test_the_nmse_is_a_number_or_false_and_zero_is_a_number(tmp_path, line, expected):
    found = load(tmp_path, f"nmse = {line}").settings()
    assert found.nmse == expected
    assert found.edited is (expected is not None)


@pytest.mark.parametrize("line", ["5.0", "-1", "true", '"0.03"'])
def test_another_nmse_is_one_mistake(tmp_path, line):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, f"nmse = {line}")
    (text,) = str(caught.value).splitlines()
    assert "nmse = " in text and "a number from 0 to 4, or false" in text


def test_edited_versions_without_the_nmse_are_a_mistake(tmp_path):
    with pytest.raises(UsageError, match="edited = true: needs nmse"):
        load(tmp_path, "nmse = false\nedited = true")


def test_a_folder_is_known_by_its_real_path(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    loaded = config.load(None, {}, (str(tmp_path / "link"),))
    assert [one.path for one in loaded.folders()] == [os.fsencode(tmp_path / "real")]


def test_the_file_in_force_is_the_given_one_then_that_of_the_environment_then_the_users(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config.find(None, {}) is None
    (tmp_path / "difwatch").mkdir()
    (tmp_path / "difwatch" / "config.toml").write_text("")
    assert config.find(None, {}) == tmp_path / "difwatch" / "config.toml"
    assert config.find(None, {"DIFWATCH_CONFIG": "/e.toml"}) == Path("/e.toml")
    assert config.find("/f.toml", {"DIFWATCH_CONFIG": "/e.toml"}) == Path("/f.toml")


def test_a_wrong_flag_is_not_blamed_on_the_file(tmp_path):
    with pytest.raises(UsageError, match="command line or environment: px_size = 5"):
        load(tmp_path, "rotate = true", {"px_size": 5})


def test_one_mistake_is_told_once(tmp_path):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, f'[[folder]]\npath = "{tmp_path}"\nin_folder = "evry"')
    (line,) = str(caught.value).splitlines()
    assert line.endswith("in_folder = 'evry': input should be a valid boolean, or input should be 'every'")


def test_a_home_of_nobody_is_taken_as_it_is(tmp_path):
    assert config.find("~nobody-of-that-name/c.toml", {}) == Path("~nobody-of-that-name/c.toml")


def test_without_a_word_duplicates_are_moved_to_duplicates_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "Pictures").mkdir()
    file = tmp_path / "config.toml"
    file.write_text('action = "move"\n[[folder]]\npath = "~/Pictures"\n')
    loaded = config.load(file, {})
    assert loaded.destinations() == {os.fsencode(tmp_path / "Duplicates")}
    (policy,) = loaded.policies().values()
    assert policy.destination == os.fsencode(tmp_path / "Duplicates")
    file.write_text('[[folder]]\npath = "~"\n')
    assert config.load(file, {}).destinations() == set(), "nothing is moved, so nothing is left out"
