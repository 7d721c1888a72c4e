"""The first steps: pictures to try it with, a configuration, and what is in force."""

import json
import os
import pty
import re
import subprocess
import sys
import tomllib

import pytest

from difwatch import config
from difwatch.cli.configuration import new_file, toml
from difwatch.errors import UsageError


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("DIFWATCH_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for folder in ("Pictures", "Phone"):
        (tmp_path / folder).mkdir()
    return tmp_path


def run(*words, code=0):
    done = subprocess.run([sys.executable, "-m", "difwatch", *words], text=True, capture_output=True, check=False)
    assert done.returncode == code, done.stderr
    return done


def answered(words, text):
    """What a command prints on a terminal where somebody types a text."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, "-m", "difwatch", *words], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, text.encode())
    said = b""
    while True:
        try:
            said += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    return process.wait(), said.decode().replace("\r\n", "\n")


def test_the_demo_has_a_copy_a_messenger_copy_and_edited_versions_and_nothing_is_written_over(home):
    assert run("demo", "try").stdout == "8 pictures in try; next: difwatch watch --once try\n"
    run("watch", "--once", "--quiet-seconds", "0", "try")
    report = json.loads(run("report", "--format", "json").stdout)
    alike = {
        member["path"].removeprefix(f"{home}/try/"): member["level"]
        for group in report["groups"] + report["edited"]
        for member in group["members"]
    }
    assert alike == {
        "Backup/dandelions.jpg": "identical",
        "Phone/IMG-20251121-WA0001.jpg": "similar",
        "Phone/IMG-20251121-WA0002.jpg": "similar",
        "Edited/dandelions bright.jpg": "edited",
        "Phone/selfie.jpg": "edited",
    }
    assert "try: is there already; name a new folder" in run("demo", "try", code=2).stderr


def test_init_writes_a_configuration_of_the_folders_with_all_defaults_and_never_over_another(home):
    said = run("init", "~/Pictures", "Phone", "--no-service")
    file = home / ".config/difwatch/config.toml"
    assert said.stdout == f"{file}: written\n" and "next: 'difwatch watch'" in said.stderr
    loaded = config.load(file, {})
    assert [folder.path for folder in loaded.folder] == [f"{home}/Pictures", f"{home}/Phone"]
    assert loaded.model_copy(update={"folder": []}) == config.Config()
    before = file.read_bytes()
    assert "is there already" in run("init", "Phone", code=2).stderr
    assert file.read_bytes() == before


def test_init_writes_the_file_that_the_environment_names_and_no_service_reads_another_one(home, monkeypatch):
    monkeypatch.setenv("DIFWATCH_CONFIG", str(home / "mine.toml"))
    assert "--service: it reads the usual file" in run("init", "Phone", "--service", code=2).stderr
    run("init", "Phone", "--no-service")
    assert str(home / "mine.toml") in run("config", "show").stdout
    assert not (home / ".config").exists()


def test_every_line_behind_a_hash_holds_the_default():
    lines = new_file([b"/p"]).splitlines()
    options = [line.removeprefix("# ") for line in lines if re.match(r"# \w+ = ", line)]
    top, _, table = "\n".join(options).partition("\nrecursive")
    loaded = config.Config.model_validate(tomllib.loads(top))
    assert loaded.model_copy(update={"move_to": None}) == config.Config()
    assert set(tomllib.loads(top)) == set(config.Config.model_fields) - {"folder"}
    named = tomllib.loads(f"recursive{table}")
    assert set(named) == set(config.FolderConfig.model_fields) - {"path"}
    optional = {"similarity", "keep", "action", "move_to"}  # None: as for all folders
    assert all(config.FolderConfig.model_fields[key].default == named[key] for key in named.keys() - optional)


def test_without_folders_the_new_file_shows_how_to_name_them():
    text = new_file([])
    assert text.endswith('# [[folder]]\n# path = "~/Pictures"\n')
    assert tomllib.loads(text) == {}


@pytest.mark.parametrize("words", [["init"], ["init", "nowhere"]])
def test_init_without_a_folder_or_with_a_wrong_one_writes_nothing(home, words):
    run(*words, code=2)
    assert not (home / ".config").exists()


def test_a_folder_that_a_configuration_cannot_name_is_refused():
    with pytest.raises(UsageError, match="UTF-8"):
        new_file([b"/p/\xff"])


def test_on_a_terminal_init_asks_for_folders(home, monkeypatch):
    monkeypatch.setenv("PATH", str(home))  # there is no systemctl
    code, said = answered(["init"], "\nPhone\n\n")
    assert code == 0, said
    assert "Folder with pictures [~/Pictures]:" in said and "Another one" in said
    written = config.load(home / ".config/difwatch/config.toml", {})
    assert [folder.path for folder in written.folder] == [f"{home}/Pictures", f"{home}/Phone"]


def test_config_show_tells_each_value_and_where_it_comes_from(home, monkeypatch):
    file = home / "mine.toml"
    file.write_text('similarity = "loose"\nnmse = false\n[[folder]]\npath = "~/Phone"\nrecursive = false\n')
    monkeypatch.setenv("DIFWATCH_PX_SIZE", "64")
    monkeypatch.setenv("DIFWATCH_ROTATE", "no")
    said = run("--config", str(file), "config", "show").stdout
    values = tomllib.loads(said)
    assert (values["similarity"], values["nmse"], values["px_size"], values["rotate"]) == (50.0, False, 64, False)
    assert values["folder"] == [{"path": "~/Phone", "recursive": False}]
    sources = {line.partition(" = ")[0]: line.rpartition("# ")[2] for line in said.splitlines() if " # " in line}
    assert sources["similarity"] == str(file)
    assert sources["px_size"] == "DIFWATCH_PX_SIZE" and sources["rotate"] == "DIFWATCH_ROTATE"
    assert sources["processes"] == "default"
    shown = json.loads(run("--config", str(file), "config", "show", "--json").stdout)
    assert shown["file"] == str(file)
    assert shown["values"]["nmse"] == {"value": None, "from": str(file)}
    assert shown["values"]["keep"]["from"] == "default"


def test_what_config_show_prints_is_a_configuration_that_says_the_same(home):
    file = home / "again.toml"
    file.write_text(run("config", "show").stdout)
    again = config.load(file, {})
    assert again.model_copy(update={"move_to": None}) == config.Config()


def test_a_wrong_value_of_the_environment_is_named(home, monkeypatch):
    monkeypatch.setenv("DIFWATCH_PX_SIZE", "wide")
    assert "'wide' is not a valid integer" in run("config", "show", code=2).stderr


def test_values_are_written_as_toml():
    for value in (1, 2.5, True, 'a "b" \\ ü', ["x", "y"], "a\x7fb\n"):
        assert tomllib.loads(f"k = {toml(value)}")["k"] == value


def test_a_folder_named_twice_is_written_once_and_a_refused_one_leaves_no_file(home):
    run("init", "Phone", "~/Phone", "--no-service")
    file = home / ".config/difwatch/config.toml"
    assert len(config.load(file, {}).folder) == 1
    file.unlink()
    os.mkdir(os.fsencode(home) + b"/\xff")
    run("init", os.fsdecode(b"\xff"), "--no-service", code=2)
    assert not file.exists()
