"""Man pages and shell completion are what the commands say."""

import importlib.util
import subprocess
import sys

from difwatch.cli.app import _COMMANDS
from tests.support.paths import ROOT

SHARE = ROOT / "difwatch/share"


def maker():
    spec = importlib.util.spec_from_file_location("make_manual", ROOT / ".ci/make_manual.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_shipped_is_what_the_commands_say(tmp_path):
    maker().write(tmp_path)
    made = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    shipped = {path.relative_to(SHARE): path.read_text() for path in SHARE.rglob("*") if path.is_file()}
    assert made == shipped, "run .ci/make_manual.py"
    assert {f"man/difwatch-{name}.1" for name in _COMMANDS} <= {str(path) for path in shipped}


def test_the_man_pages_are_well_formed():
    for page in sorted((SHARE / "man").iterdir()):
        text = page.read_text()
        assert text.startswith(".TH ")
        assert all(section in text for section in (".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"))
        assert "Path(" not in text


def test_the_shell_completes_commands_and_options():
    code = "from difwatch.cli.app import cli; cli(prog_name='difwatch')"
    for words, expected in (("difwatch sta", "status"), ("difwatch rescan --algo", "--algorithm")):
        typed = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"_DIFWATCH_COMPLETE": "bash_complete", **typed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert f"plain,{expected}" in done.stdout.split()
