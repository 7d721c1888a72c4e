"""Man pages and shell completion are what the commands say."""

import importlib.util
import re
import subprocess
import sys

import pytest

from difwatch import config
from difwatch.cli.app import _COMMANDS
from difwatch.cli.examples import EXAMPLES
from difwatch.control.state_dir import OF_MACHINE, default_state_dir
from difwatch.errors import DifwatchError
from tests.support.paths import ROOT

SHARE = ROOT / "difwatch/share"
PAGES = sorted((SHARE / "man").iterdir())


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


def sections(page):
    """The text of each section of a page, by its heading, without the escapes."""
    text = page.read_text()
    for escaped, character in ((r"\-", "-"), (r"\(aq", "'"), (r"\(ti", "~"), (r"\%", ""), (r"\fB", ""), (r"\fP", "")):
        text = text.replace(escaped, character)
    return {
        part.partition("\n")[0]: part.partition("\n")[2] for part in re.split(r"^\.SH ", text, flags=re.MULTILINE)
    }


def terms(page, heading):
    """What a section defines, such as paths or exit statuses."""
    return re.findall(r"^\.TP\n(.+)\n", sections(page)[heading], re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_man_page_has_examples_exit_statuses_files_and_other_pages(page):
    found = sections(page)
    name = page.stem.replace("-", " ").removeprefix("difwatch").lstrip()
    assert terms(page, "EXAMPLES") == [line for line, _ in EXAMPLES[name]]
    assert {"0", "2"} <= set(terms(page, "EXIT STATUS"))
    assert terms(page, "FILES")
    assert name == "" or found["SEE ALSO"].startswith("difwatch(1),\n")
    other = re.findall(r"(difwatch[\w-]*)\(1\)", found["SEE ALSO"])
    assert other and {f"{one}.1" for one in other} <= {one.name for one in PAGES} - {page.name}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_line_of_a_man_page_is_taken_for_a_request(page):
    """As one was that began with a quote; groff leaves such lines out."""
    asked = [line for line in page.read_text().splitlines() if line.startswith((".", "'"))]
    assert {line.split()[0] for line in asked} <= {".TH", ".SH", ".PP", ".TP", ".B"}


def test_the_first_page_has_every_exit_status():
    def kinds(kind):
        return {kind, *(below for one in kind.__subclasses__() for below in kinds(one))}

    known = {"0", "1", *(str(kind.exit_code) for kind in kinds(DifwatchError))}
    assert set(terms(SHARE / "man/difwatch.1", "EXIT STATUS")) == known


def test_the_paths_of_the_first_page_are_the_defaults(monkeypatch):
    monkeypatch.setenv("HOME", "/home/you")
    own = default_state_dir({})
    paths = [config.of_user(), config.OF_MACHINE, own.path, OF_MACHINE.path, own.store, own.journal]
    named = set(terms(SHARE / "man/difwatch.1", "FILES"))
    assert {str(path).replace("/home/you", "~") for path in paths} <= named


def test_the_variables_of_the_first_page_are_those_that_the_code_reads():
    sources = "".join(path.read_text() for path in (ROOT / "difwatch").rglob("*.py"))
    named = set(re.findall(r"DIFWATCH_[A-Z_]+", " ".join(terms(SHARE / "man/difwatch.1", "ENVIRONMENT"))))
    assert named == set(re.findall(r'"(DIFWATCH_[A-Z_]+)"', sources))


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
