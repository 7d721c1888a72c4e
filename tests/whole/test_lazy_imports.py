"""What an import, and what each command, may load: nothing that it does not need."""

import ast
import subprocess
import sys

import pytest

from tests.support.paths import ROOT
from tests.support.photos import photo
from tests.support.running import difwatch

HEAVY = (
    "platformdirs",
    "scipy",
    "PIL",
    "watchdog",
    "sqlalchemy",
    "numpy",
    "alembic",
    "pydantic",
    "difwatch.service",
    "difwatch.cli",
)
COMMAND = "import sys; sys.argv[1:] = {words!r}; from difwatch.cli.app import main; main()"


def loaded(code, state=None):
    """Which of the heavy packages are loaded after some code, in a process of its own."""
    listed = f"[name for name in {HEAVY!r} if name in sys.modules]"
    report = f"import atexit, sys; atexit.register(lambda: print({listed}, file=sys.stderr))"
    environment = {} if state is None else {"DIFWATCH_STATE_DIR": str(state)}
    done = subprocess.run(
        [sys.executable, "-c", f"{report}\n{code}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"HOME": "/nowhere", "PATH": "/usr/bin:/bin", **environment},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return set(ast.literal_eval(done.stderr.splitlines()[-1]))


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """A store with two pictures, of which one was moved and one cannot be read."""
    place = tmp_path_factory.mktemp("lazy")
    folder = place / "pictures"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        photo(1).save(folder / name)
    (folder / "bad.png").write_bytes(b"bad")
    difwatch(place / "state", "watch", "--once", "--quiet-seconds", "0", folder)
    difwatch(place / "state", "apply", "--move-to", place / "moved")
    return place / "state"


def test_importing_difwatch_loads_nothing_heavy():
    assert loaded("import difwatch") == set()


def test_help_and_version_load_no_command():
    for words in (["--help"], ["--version"]):
        assert loaded(COMMAND.format(words=words)) <= {"difwatch.cli"}


def test_the_library_loads_neither_database_nor_watcher():
    assert loaded("import difwatch; difwatch.build; difwatch.search").isdisjoint(
        {"sqlalchemy", "alembic", "watchdog", "pydantic", "difwatch.service"}
    )


@pytest.mark.parametrize(
    "words",
    [
        ["moves"],
        ["status"],
        ["unreadable"],
        ["undo", "--since", "1s"],
        ["ignore", "--list"],
        ["forget", "/"],
        ["retry", "--all"],
    ],
    ids=lambda words: words[0],
)
def test_commands_about_the_store_and_the_journal_load_no_search_no_decoder_and_no_watcher(state, words):
    assert loaded(COMMAND.format(words=words), state).isdisjoint({"scipy", "PIL", "watchdog"})


def test_commands_about_the_journal_alone_load_no_database(state):
    assert "sqlalchemy" not in loaded(COMMAND.format(words=["moves"]), state)


def test_search_is_an_ordinary_attribute_with_parameters():
    code = "import difwatch, pydoc; print(pydoc.plain(pydoc.render_doc(difwatch.search)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    for parameter in ("similarity", "rotate", "same_dim", "processes", "chunksize", "in_folder"):
        assert parameter in said
