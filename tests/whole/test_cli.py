"""The commands: what they print, what they refuse, and with which exit code."""

import csv
import importlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys

import pytest
from click.testing import CliRunner

from difwatch.cli import app
from difwatch.cli.progress import described
from difwatch.model.health import Progress, Queue
from difwatch.store import open_writer
from tests.support import naive
from tests.support.collection import make_collection
from tests.support.commands import called, index, reported_pairs
from tests.support.photos import photo
from tests.support.running import difwatch, path_of


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A store over a few pictures, one with an odd name, one of them turned, one broken, one a hard link."""
    top = tmp_path_factory.mktemp("cli")
    pictures = make_collection(top / "pictures", b"caf\xe9\n.png")
    photo(1, 120, 80).save(pictures / "b.png", compress_level=1)
    photo(1, 60, 40).save(pictures / "small.png")
    os.link(pictures / "other.png", pictures / "linked.png")
    (pictures / "broken.jpg").write_text("no")
    difwatch(top / "state", "watch", "--once", "--quiet-seconds", "0", pictures)
    return top


def test_the_json_report_has_the_shape_that_scripts_rely_on(place):
    found = json.loads(called(place / "state", "report", "--format", "json").stdout)
    assert found["schema"] == 1
    assert found["settings"] == {
        "threshold": 20.0, "nmse": 0.03, "edited": True, "rotate": True, "mirror": True, "same_dim": False,
        "in_folder": False, "px_size": 50, "recipe": "fast",
    }  # fmt: skip
    first = next(group for group in found["groups"] if group["primary"]["path"].endswith(("a.png", "b.png")))
    assert first["primary"].keys() == {"path", "width", "height", "bytes", "mtime", "digest", "facts"}
    turned = next(member for member in first["members"] if member["path"].endswith("turned.png"))
    assert turned.keys() == first["primary"].keys() | {
        "mse", "sse", "nmse", "rotation", "tone_rotation", "mirrored", "level", "shots",
    }  # fmt: skip
    assert (turned["mse"], turned["rotation"], turned["level"]) == (0.0, 270, "duplicate")
    assert sorted(found["lower_quality"]) == sorted(
        member["path"] for group in found["groups"] for member in group["members"]
    )


def test_groups_and_pairs_are_those_of_the_twin(place):
    pictures = naive.read_tree(os.fsencode(place / "pictures"), recipe="fast")
    pairs = naive.file_matches(pictures, 20)
    assert reported_matches(place / "state") == pairs
    found = json.loads(called(place / "state", "report", "--format", "json").stdout)["groups"]
    groups = {path_of(g["primary"], "path"): {path_of(m, "path") for m in g["members"]} for g in found}
    copies = {pair: match for pair, match in pairs.items() if match.level != "edited"}
    assert groups == naive.groups(pictures, copies)


def test_hard_links_are_named_and_are_no_pair(place):
    found = json.loads(called(place / "state", "report", "--format", "json").stdout)
    links = [image["links"] for group in found["groups"] for image in (group["primary"], *group["members"])
             if "links" in image]  # fmt: skip
    assert links == [[str(place / "pictures" / "other.png")]]


def test_a_name_that_is_not_utf_8_comes_back_exactly_from_json_and_escaped_as_text(place):
    odd = os.path.join(os.fsencode(place / "pictures"), b"caf\xe9\n.png")
    assert any(odd in pair for pair in reported_pairs(place / "state"))
    text = called(place / "state", "report").stdout
    assert "caf\\xe9\\x0a.png" in text


def test_the_text_report_says_how_much_could_go(place):
    text = called(place / "state", "report").stdout
    assert text.startswith("2 groups: 5 duplicates among 7 pictures, ")
    assert "turned.png  80x120" in text
    assert "duplicate, turned by 270°" in text


def test_csv_says_the_same_as_json(place):
    rows = list(csv.DictReader(io.StringIO(called(place / "state", "report", "--format", "csv").stdout)))
    found = json.loads(called(place / "state", "report", "--format", "json").stdout)["groups"]
    primaries = [path_of(one["primary"], "path") for one in found]
    assert [os.fsencode(row["path"]) for row in rows if row["role"] == "primary"] == primaries
    members = [(path_of(m, "path"), str(m["sse"]), m["level"]) for one in found for m in one["members"]]
    listed = [(os.fsencode(row["path"]), row["sse"], row["level"]) for row in rows if row["role"] == "member"]
    assert listed == members
    pairs = list(csv.DictReader(io.StringIO(called(place / "state", "report", "--pairs", "--format", "csv").stdout)))
    assert len(pairs) == len(reported_pairs(place / "state"))


@pytest.mark.parametrize("words", [("report", "--format", "json"), ("report", "--pairs", "--format", "json")])
def test_json_is_unicode_for_any_name_and_its_bytes_are_there(place, words):
    text = called(place / "state", *words).stdout
    json.dumps(json.loads(text), ensure_ascii=False).encode()  # a lone surrogate would be none
    assert b"caf\xe9\n.png".hex() in text, "the bytes of a name that is not UTF-8"


def test_any_similarity_needs_no_new_search(place):
    pictures = naive.read_tree(os.fsencode(place / "pictures"), recipe="fast")
    for mse in (0, 3.5, 50, 65025):
        assert reported_matches(place / "state", "--similarity", str(mse)) == naive.file_matches(pictures, mse)
    assert called(place / "state", "report", "--threshold", "-1", check=False).returncode == 2


def test_without_tones_a_similarity_beyond_memory_is_refused(tmp_path, place):
    (tmp_path / "config.toml").write_text("nmse = false\n")
    call = ("--config", tmp_path / "config.toml")
    called(tmp_path / "state", *call, "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    pictures = naive.read_tree(os.fsencode(place / "pictures"), recipe="fast")
    for mse in (0, 3.5, 50):
        said = called(
            tmp_path / "state", "report", "--pairs", "--format", "json", "--threshold", str(mse), "--no-mirror"
        ).stdout
        assert len(json.loads(said)["pairs"]) == len(naive.file_pairs(pictures, mse, True, False))
    done = called(tmp_path / "state", "report", "--threshold", "51", check=False)
    assert (done.returncode, "remembered up to an MSE of 50" in done.stderr) == (2, True)
    (tmp_path / "config.toml").write_text("similarity = 100\nnmse = false\n")
    done = called(tmp_path / "state", *call, "report", check=False)
    assert (done.returncode, "remembered up to an MSE of 50" in done.stderr) == (2, True)
    (tmp_path / "config.toml").write_text("nmse = 0.03\n")
    done = called(tmp_path / "state", *call, "report", check=False)
    assert (done.returncode, "start 'difwatch watch' again" in done.stderr) == (2, True)


@pytest.mark.parametrize("name", ["duplicates", "similar", "normal", "loose"])
@pytest.mark.parametrize("rotate", [True, False])
@pytest.mark.parametrize("mirror", [True, False])
@pytest.mark.parametrize("same_dim", [True, False])
def test_what_counts_as_a_match_can_be_said_when_reading(place, name, rotate, mirror, same_dim):
    mse = {"duplicates": 0, "similar": 5, "normal": 20, "loose": 50}[name]
    flags = ["--rotate" if rotate else "--no-rotate", "--same-dim" if same_dim else "--any-size"]
    flags += ["--mirror" if mirror else "--no-mirror"]
    pictures = naive.read_tree(os.fsencode(place / "pictures"), recipe="fast")
    wanted = naive.file_matches(pictures, mse, rotate=rotate, mirror=mirror, same_dim=same_dim)
    assert reported_matches(place / "state", "--similarity", name, *flags) == wanted


def reported_matches(state, *flags):
    """The pairs of the report, as the twin gives them."""
    said = called(state, "report", "--pairs", "--format", "json", *flags).stdout
    found = {}
    for pair in json.loads(said)["pairs"]:
        # Pictures of one and the same tensor are not compared; none here is flat.
        tone = (0 if pair["sse"] == 0 else None) if pair["nmse"] is None else round(pair["nmse"] * 256 * 2500)
        match = naive.Match(
            pair["level"], pair["sse"], tone, pair["rotation"], pair["tone_rotation"], pair["mirrored"]
        )
        found[path_of(pair, "a"), path_of(pair, "b")] = match
    return found


def test_a_configuration_that_says_something_else_by_now_is_used_and_that_is_said(place, tmp_path, monkeypatch):
    config = tmp_path / "config.toml"
    config.write_text('similarity = "loose"\nsame_dim = true\n')
    done = called(place / "state", "--config", config, "report", "--format", "json")
    assert done.stderr == (
        "difwatch: similarity, same_dim as configured now; the last 'difwatch watch' had something else\n"
    )
    settings = json.loads(done.stdout)["settings"]
    assert (settings["threshold"], settings["same_dim"]) == (50, True)
    config.write_text('similarity = "normal"\n')
    assert called(place / "state", "--config", config, "report").stderr == ""
    config.write_text('similarity = "loose"\n')
    with monkeypatch.context() as patch:
        patch.setenv("DIFWATCH_SIMILARITY", "normal")
        patch.setenv("DIFWATCH_ROTATE", "true")
        assert called(place / "state", "--config", config, "report").stderr == "", (
            "the environment goes before the file"
        )
    config.write_text("nmse = 0.1\n")
    done = called(place / "state", "--config", config, "report", check=False)
    assert (done.returncode, "remembered up to an NMSE of 0.03" in done.stderr) == (2, True)
    config.write_text('similarity = "similar"\n')
    asked = called(place / "state", "--config", config, "report", "--format", "json", "--same-dim").stdout
    assert json.loads(asked)["settings"]["same_dim"] is True


def test_a_report_can_be_written_to_a_file_and_kept_to_one_folder(place, tmp_path):
    out = tmp_path / "out.json"
    assert called(place / "state", "report", "--format", "json", "-o", out).stdout == ""
    assert json.loads(out.read_text())["schema"] == 1
    done = called(place / "state", "report", "-o", tmp_path / "no" / "x", check=False)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "No matches" in called(place / "state", "report", "--folder", place / "pictures/none").stdout


@pytest.mark.parametrize("command", [("report",), ("apply", "--delete", "--dry-run")])
@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--folder", ""), "name a folder"),
        (("--folder", "/nowhere"), "is no watched folder, nor in one"),
        (("--threshold", "nan"), "or a mean squared error"),
        (("--threshold", "-1"), "or a mean squared error"),
    ],
)
def test_a_wrong_value_is_refused_and_not_taken_for_everything(place, command, flags, words):
    done = called(place / "state", *command, *flags, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_a_folder_may_be_named_from_home(place, monkeypatch):
    monkeypatch.setenv("HOME", str(place))
    whole = called(place / "state", "report").stdout
    assert called(place / "state", "report", "--folder=~/pictures").stdout == whole


@pytest.mark.parametrize(
    "command",
    [
        ("report", "--threshold", "abc"), ("report", "--treshold", "1"), ("undo", "9" * 30), ("undo", "-1"),
        ("verify", "--seed", "-1"), ("moves", "--since", "9" * 11 + "d"), ("report", "--since", "9" * 11 + "d"),
        ("moves", "--seen", "3"), ("apply", "--move-to", ""), ("watch", ""), ("db", "backup", "/proc/x"),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line_and_code_2(place, command):
    done = called(place / "state", *command, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith("difwatch: ")


def test_a_command_that_is_nearly_right_is_suggested(tmp_path):
    assert "did you mean 'watch'?" in called(tmp_path, "wathc", check=False).stderr


def test_a_place_that_cannot_be_looked_at_is_said_in_words(tmp_path):
    (tmp_path / "file").touch()
    for command in (("status",), ("report",), ("retry", "--all"), ("db", "check"), ("db", "backup")):
        done = called(tmp_path / "file" / "state", *command, check=False)
        assert done.returncode in (1, 2, 5)
        assert len(done.stderr.splitlines()) <= 1


def test_explain_says_what_the_report_says(place, tmp_path):
    pictures = tmp_path / "pictures"
    (pictures / "own").mkdir(parents=True)
    for name in ("a.png", "own/b.png", "own/c.png"):
        shutil.copy(place / "pictures/a.png", pictures / name)
    photo(1, 60, 40).save(pictures / "small.png")
    config = tmp_path / "config.toml"
    config.write_text(
        f'same_dim = false\n[[folder]]\npath = "{pictures}"\n'
        f'[[folder]]\npath = "{pictures}/own"\nin_folder = true\nrole = "reference"\n'
    )
    called(tmp_path / "state", "--config", config, "watch", "--once", "--quiet-seconds", "0")

    def explained(a, b):
        return called(tmp_path / "state", "explain", pictures / a, pictures / b).stdout.splitlines()[-1]

    assert "in_folder" in explained("a.png", "own/b.png")
    assert "better by pixels" in explained("a.png", "small.png")
    assert "kept: " in explained("own/b.png", "own/c.png")
    called(tmp_path / "state", "ignore", pictures / "a.png", pictures / "small.png")
    assert "difwatch ignore --remove" in explained("a.png", "small.png")


def test_status_of_a_stopped_daemon(place, tmp_path):
    done = called(place / "state", "status", "--json", check=False)
    found = json.loads(done.stdout)
    assert (done.returncode, found["state"], found["pid"]) == (1, "stopped", None)
    (folder,) = found["folders"]
    assert (folder["files"], folder["images"], folder["unreadable"]) == (9, 8, 1)
    assert found["index_size"] == 5
    assert found["last_scan"] is not None
    text = called(place / "state", "status", check=False).stdout
    assert text.startswith("difwatch is not running.\n")
    assert "  5 distinct pictures in 8 files; 6 matches between distinct pictures\n" in text
    assert called(tmp_path / "nothing here", "status", check=False).returncode == 1


def test_unreadable_files_are_listed(place):
    assert difwatch(place / "state", "unreadable").stdout == (
        f"{place}/pictures/broken.jpg: the contents are not those of any image format that difwatch reads\n"
    )
    assert called(place / "state", "unreadable", "--print0").stdout == f"{place}/pictures/broken.jpg\0"


def test_explain_says_why_and_why_not(place):
    pictures = place / "pictures"

    def explain(a, b):
        return called(place / "state", "explain", pictures / a, pictures / b).stdout

    assert "match: duplicate" in explain("a.png", "turned.png")
    assert "\nMSE 0, the second turned by 270°; NMSE 0, by 270°\n" in explain("a.png", "turned.png")
    assert "kept: " in explain("a.png", "b.png") and "(better by bytes)" in explain("a.png", "b.png")
    assert "no match: the smallest NMSE" in explain("a.png", "other.png")
    assert "match: similar 1.683" in explain("a.png", "small.png")
    assert "(better by pixels)" in explain("a.png", "small.png")
    assert "hard links" in explain("other.png", "linked.png")
    done = called(place / "state", "explain", pictures / "a.png", pictures / "broken.jpg", check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "broken.jpg: the contents" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("watch",), 2, "no folder to watch"),
        (("watch", "/no/such/folder"), 2, "there is no such folder"),
        (("watch", "--once", "--similarity", "alike", "."), 2, "similarity"),
        (("report",), 5, "there is no store yet"),
        (("report", "--format", "xml"), 2, "Invalid value"),
        (("nonsense",), 2, "No such command"),
        (("--config", "/no/such.toml", "watch", "."), 2, "cannot be read"),
    ],
)
def test_wrong_use_is_one_clear_message_and_an_exit_code(tmp_path, arguments, code, words):
    done = called(tmp_path / "state", *arguments, check=False)
    assert done.returncode == code
    assert words in done.stderr


def test_five_mistakes_in_the_configuration_are_five_lines(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text('a = 1\nb = 2\npx_size = 1\nrotate = 3\n[[folder]]\npath = "/etc/hostname"\n')
    done = called(tmp_path / "state", "--config", file, "watch", check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 5
    assert not (tmp_path / "state").exists(), "nothing starts"


@pytest.mark.parametrize(
    "command", [("watch", "--once"), ("report",), ("status",), ("db", "upgrade"), ("unreadable",)]
)
def test_a_corrupt_or_foreign_or_newer_store_is_said_in_one_line_and_left_alone(tmp_path, command):
    folder = tmp_path / "pictures"
    folder.mkdir()
    arguments = (*command, folder) if command[0] == "watch" else command
    # The daemon puts what is no store aside (see test_recovery), but never one of a newer difwatch.
    made = (newer_store,) if command[0] == "watch" else (text_store, foreign_store, newer_store)
    for number, make in enumerate(made):
        state = tmp_path / str(number)
        state.mkdir()
        make(state / "difwatch.db", folder)
        before = (state / "difwatch.db").read_bytes()
        done = called(state, *arguments, check=False)
        assert done.returncode == 5, done.stdout + done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert f"{state}/difwatch.db: " in done.stderr
        assert (state / "difwatch.db").read_bytes() == before


def text_store(path, folder):
    path.write_text("a letter\n" * 2000)


def foreign_store(path, folder):
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE places (url TEXT)")
    other.commit()
    other.close()


def newer_store(path, folder):
    index(path.parent, folder)
    store = sqlite3.connect(path)
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.execute("UPDATE alembic_version SET version_num = '9999'")
    store.commit()
    store.close()


def test_db_upgrade_makes_and_finds_the_schema(tmp_path):
    assert "(made)" in difwatch(tmp_path, "db", "upgrade").stdout
    assert "(is up to date)" in called(tmp_path, "db", "upgrade").stdout


def test_the_summaries_of_help_are_those_of_the_commands():
    for name, summary in app._COMMANDS.items():
        command = importlib.import_module(f"difwatch.cli.commands.{name}").command
        assert (command.name, command.get_short_help_str(100)) == (name, summary)


def test_help_names_every_command_and_loads_none_of_the_heavy_libraries():
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; from difwatch.cli import app\n"
        "try: app.cli(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'sqlalchemy', 'numpy', 'scipy', 'PIL', 'pydantic', 'watchdog'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"
    assert all(f"  {name}" in out for name in app._COMMANDS)
    assert CliRunner().invoke(app.cli, ["--version"]).output.startswith("difwatch, version ")


def test_progress_says_the_rate_and_the_time_left():
    halfway = Progress(Queue(waiting=80, working=20), done=100, scanning=False)
    assert described(halfway, rate=10) == "100 of 200 files read, 10 a second, 10 s left"
    long = Progress(Queue(waiting=1300), done=100, scanning=False)
    assert described(long, rate=10) == "100 of 1400 files read, 10 a second, 2 min 10 s left"
    assert described(Progress(Queue(waiting=5), done=0, scanning=True), rate=0) == "0 of 5 files read"


def test_a_reader_that_goes_away_is_no_failure(place):
    command = f"set -o pipefail; {sys.executable} -m difwatch --state-dir {place}/state report --pairs | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_store_that_is_only_being_made_is_none_yet(tmp_path):
    open_writer(tmp_path / "difwatch.db").dispose()
    assert called(tmp_path, "status", check=False).returncode == 1
    done = called(tmp_path, "report", check=False)
    assert (done.returncode, "there is no store yet" in done.stderr) == (5, True)


@pytest.mark.root
def test_a_folder_without_permission_makes_once_incomplete_and_nothing_is_forgotten(tmp_path):
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs the rights of root and setpriv, to give up the right to read everything")
    photo(1).save(tmp_path / "a.png")
    (tmp_path / "closed").mkdir()
    photo(1).save(tmp_path / "closed" / "b.png", compress_level=1)
    state = tmp_path / "state"
    called(state, "watch", "--once", "--quiet-seconds", "0", tmp_path)
    before = reported_pairs(state)
    (tmp_path / "closed").chmod(0)
    bare = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all", sys.executable]
    command = [*bare, "-m", "difwatch", "--state-dir", str(state), "watch", "--once", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (tmp_path / "closed").chmod(0o700)
    assert done.returncode == 3, done.stderr
    assert f"difwatch: {tmp_path}/closed/: cannot be read" in done.stderr
    assert reported_pairs(state) == before != {}


@pytest.mark.parametrize("command", [("status",), ("report",), ("report", "--format", "json"), ("--help",)])
def test_an_output_that_is_full_is_said_in_one_line(place, tmp_path, command):
    with open("/dev/full", "w") as full:
        arguments = [sys.executable, "-m", "difwatch", "--state-dir", place / "state", *command]
        done = subprocess.run(arguments, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "difwatch: the output cannot be written: No space left on device\n")


def test_without_a_folder_those_of_the_last_time_are_watched_and_one_that_is_left_out_is_told(tmp_path):
    for number, name in enumerate(("a", "b")):
        (tmp_path / name).mkdir()
        photo(number).save(tmp_path / name / "1.png")
    watch = ("watch", "--once", "--quiet-seconds", "0")
    difwatch(tmp_path / "state", *watch, tmp_path / "a")
    done = difwatch(tmp_path / "state", *watch, tmp_path / "b")
    assert done.stderr.count(f"{tmp_path}/a is no longer watched; name it too to watch both") == 1
    assert "no longer" not in difwatch(tmp_path / "state", *watch).stderr
    folders = json.loads(difwatch(tmp_path / "state", "status", "--json", check=False).stdout)["folders"]
    assert [folder["path"] for folder in folders] == [f"{tmp_path}/b"]


def test_explain_needs_no_folder_of_the_configuration(place, tmp_path):
    file = tmp_path / "c.toml"
    file.write_text('[[folder]]\npath = "/no/such"\n')
    pictures = place / "pictures"
    assert difwatch(tmp_path, "--config", file, "explain", pictures / "a.png", pictures / "b.png").stdout


def test_in_the_journal_of_systemd_a_line_begins_with_its_priority_and_has_no_time(tmp_path, monkeypatch):
    (tmp_path / "pictures").mkdir()
    watch = ("watch", "--once", tmp_path / "pictures")
    command = [sys.executable, "-m", "difwatch", "--state-dir", tmp_path / "state", *watch]
    with (tmp_path / "journal").open("w+") as journal:
        found = os.fstat(journal.fileno())
        stream = f"{found.st_dev}:{found.st_ino}"
        subprocess.run(command, stderr=journal, env={**os.environ, "JOURNAL_STREAM": stream}, check=True)
        journal.seek(0)
        assert journal.read().startswith("<6>up to date")
    monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:0")
    assert called(tmp_path / "state", *watch).stderr.startswith("20")
