"""Write the man pages and the shell completion from the commands themselves, into ``difwatch/share``.

    .venv/bin/python .ci/make_manual.py [DIRECTORY]

Options, examples, exit statuses and paths are those of the code. What a status means for one command, which files it
has besides, and which pages to read next stand below. A test compares what is committed with what this writes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from inspect import cleandoc
from pathlib import Path

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete
from click_man.man import ManPage

from difwatch import config, errors
from difwatch.cli.app import cli
from difwatch.cli.context import ENVIRONMENT
from difwatch.cli.examples import EXAMPLES
from difwatch.control import state_dir
from difwatch.store import backups

COMPLETIONS: dict[str, type[ShellComplete]] = {
    "bash/difwatch": BashComplete,
    "zsh/_difwatch": ZshComplete,
    "fish/difwatch.fish": FishComplete,
}

ESCAPES = str.maketrans({"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "~": r"\(ti", "^": r"\(ha"})

MATCHING = {ENVIRONMENT[key] for key in ("similarity", "rotate", "same_dim")}

ALL_CODES = {0: "done", 1: "the daemon is not running ('difwatch status' only)"} | {
    int(code): meaning for code, meaning in re.findall(r"Error +(\d+) +(\S.*)", errors.__doc__ or "")
}
STORE, JOURNAL = {5: ALL_CODES[5]}, {5: "the journal of moves cannot be used"}
EXIT_STATUS: dict[str, dict[int, str]] = {
    "watch": {
        0: "done; without --once: stopped by Ctrl-C or SIGTERM",
        3: "with --once: a folder could not be read, or the work was stopped before its end",
        **STORE,
    },
    "scan": {**JOURNAL, 6: ALL_CODES[6]},
    "status": {0: "all is well", 1: "the daemon is not running", 3: "something needs attention", **STORE},
    "report": STORE,
    "review": {0: "done: by Ctrl-C or SIGTERM, or because no page was open for half an hour", **STORE},
    "explain": STORE,
    "apply": {
        2: "wrong use, or the question was not answered with yes",
        3: "a picture stayed, because it is not as it was indexed; the plan of --plan is stale; or a folder was "
        "never scanned to its end",
        **STORE,
        6: "a file operation failed; the file is where it was",
        130: "Ctrl-C or SIGTERM; the file in hand was finished",
    },
    "moves": JOURNAL,
    "undo": {
        **JOURNAL,
        6: "a picture could not be put back; it is where it was",
        130: "Ctrl-C or SIGTERM; the file in hand was finished",
    },
    "ignore": STORE,
    "forget": STORE,
    "rescan": {
        3: "there are more pairs than --max-pairs; the matches are as they were",
        **STORE,
        130: "Ctrl-C; the same command goes on from there",
    },
    "verify": {4: "a pair is missing or wrong", **STORE},
    "reload": {
        2: "wrong use, or the configuration is wrong; the one in force stays",
        3: "the configuration is right, but was not in force within a minute",
        5: "no daemon works with this state directory, or it does not answer",
    },
    "unreadable": STORE,
    "retry": STORE,
    "db upgrade": STORE,
    "db check": {5: "the store or the journal is damaged, or there is no store"},
    "db backup": STORE,
    "service status": {0: "the service is active", 3: "it is not active; systemctl(1) has the other statuses"},
}
"""What the statuses of a command mean, where it has others than 0 and 2, or means something else by them."""

OWN_DIR, MACHINE_DIR = state_dir.StateDir(Path("~/.local/state/difwatch")), state_dir.OF_MACHINE
FILES = [
    ("~/.config/difwatch/config.toml", "The configuration, unless --config names another one."),
    (f"{config.OF_MACHINE}", "The configuration of the machine's service, and of users who have none."),
    (f"{OWN_DIR.path}", "The state directory, unless --state-dir names another one."),
    (f"{MACHINE_DIR.path}", "The state directory of the machine's service."),
]
"""On the page of every command that works with a store."""

MORE_FILES = {
    "": [
        (f"{OWN_DIR.store}", "The store: files, pictures and matches."),
        (f"{OWN_DIR.store.with_name('backups')}", f"The last {backups.KEPT} daily copies of the store."),
        (f"{OWN_DIR.journal}", "The journal of moves, which 'difwatch undo' needs."),
    ],
    "scan": [
        ("difwatch_TIME_results.json, difwatch_TIME_stats.json", "Results and statistics, in the output directory."),
        ("difwatch_TIME_lower_quality.txt", "The list of the duplicates, beside them."),
        (f"{OWN_DIR.journal}", "The journal of moves, for --move_to and --delete."),
    ],
    "apply": [
        (f"{OWN_DIR.journal}", "The journal of moves."),
        ("~/.local/share/Trash", "The waste basket; on another disk, .Trash/UID or .Trash-UID at its top."),
    ],
    "review": [
        (f"{OWN_DIR.decisions}", "What was decided and is not done yet."),
        (f"{OWN_DIR.journal}", "The journal of moves."),
    ],
    "moves": [(f"{OWN_DIR.journal}", "The journal of moves.")],
    "undo": [(f"{OWN_DIR.journal}", "The journal of moves.")],
    "db upgrade": [(f"{OWN_DIR.store}", "The store.")],
    "db check": [(f"{OWN_DIR.store}", "The store."), (f"{OWN_DIR.journal}", "The journal of moves.")],
    "db backup": [(f"{OWN_DIR.store.with_name('backups')}", f"The last {backups.KEPT} daily copies of the store.")],
    "service": [
        ("~/.config/difwatch/config.toml", "The configuration of a user's service."),
        (f"{config.OF_MACHINE}", "The configuration of the machine's service."),
        ("~/.config/systemd/user", "The units of a user's service."),
        ("/etc/systemd/system", "The units of the machine's service."),
        ("/etc/sysctl.d/60-difwatch.conf", "The limits of the kernel, for --sysctl."),
    ],
    "completion": [
        ("share/bash-completion/completions/difwatch", "The same for bash, as installed with difwatch."),
        ("share/zsh/site-functions/_difwatch", "The same for zsh."),
        ("share/fish/vendor_completions.d/difwatch.fish", "The same for fish."),
    ],
}

STANDS_ALONE = ("scan", "service", "completion")
"""Commands that have no use for --config, nor for a store."""

ENVIRONMENT = [
    ("DIFWATCH_CONFIG", "The configuration file, as --config."),
    ("DIFWATCH_STATE_DIR", "The state directory, as --state-dir."),
    ("STATE_DIRECTORY", "The same, as systemd sets it."),
    ("NOTIFY_SOCKET, JOURNAL_STREAM", "Where systemd wants signs of life, and what it reads log lines from."),
    ("XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_DATA_HOME", "Where ~/.config, ~/.local/state and ~/.local/share are."),
]

SEE_ALSO = {
    "": ("watch", "report", "apply"),
    "init": ("watch", "config", "service"),
    "config": ("init", "reload"),
    "demo": ("watch", "report"),
    "watch": ("status", "report", "service"),
    "scan": ("watch", "undo"),
    "status": ("watch", "unreadable", "service"),
    "report": ("review", "explain", "apply"),
    "review": ("report", "apply", "undo"),
    "explain": ("report", "ignore"),
    "apply": ("report", "moves", "undo"),
    "moves": ("undo", "apply"),
    "undo": ("moves", "apply"),
    "ignore": ("report", "explain"),
    "forget": ("status", "watch"),
    "rescan": ("verify", "report"),
    "verify": ("rescan", "db check"),
    "reload": ("watch", "status", "service"),
    "unreadable": ("retry", "status"),
    "retry": ("unreadable", "status"),
    "service": ("watch", "status", "reload"),
    "service status": ("status", "systemctl(1)"),
    "completion": ("bash(1)", "zsh(1)", "fish(1)"),
}
"""The commands to read about next, by command, besides the commands above and below it."""


def below(context: click.Context) -> list[click.Context]:
    """The contexts of the commands of a group."""
    group = context.command
    if not isinstance(group, click.Group):
        return []
    commands = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return [click.Context(one, info_name=name, parent=context) for name, one in commands.items() if one is not None]


def roff(text: str) -> str:
    """The source of a text, which is shown as it is, and can be copied into a shell."""
    return re.sub(r"^\.", r"\\&.", text.translate(ESCAPES), flags=re.MULTILINE)


def name_of(context: click.Context) -> str:
    """The name of a command, without that of the program."""
    return context.command_path.removeprefix("difwatch").lstrip()


def definitions(heading: str, rows: Iterable[tuple[object, str]]) -> str:
    """A section of terms and what they mean; nothing if there are none."""
    items = [f".TP\n\\fB{roff(str(term))}\\fP\n{roff(text)}\n" for term, text in rows]
    return "".join([f".SH {heading}\n", *items]) if items else ""


def sentence(meaning: str) -> str:
    """What a status means, as a sentence."""
    return f"{meaning[0].upper()}{meaning[1:]}."


def exit_status(name: str) -> str:
    """The section about exit statuses; the first page has all of them."""
    own = ALL_CODES if not name else {0: ALL_CODES[0], 2: ALL_CODES[2]} | EXIT_STATUS.get(name, {})
    section = definitions("EXIT STATUS", [(code, sentence(own[code])) for code in sorted(own)])
    return section + (".PP\nAll exit statuses are in \\fBdifwatch\\fP(1).\n" if name else "")


def files_section(name: str) -> str:
    """The section about files."""
    first = name.partition(" ")[0]
    more = MORE_FILES.get(name, MORE_FILES.get(first, []))
    return definitions("FILES", [*([] if first in STANDS_ALONE else FILES), *more])


def environment(context: click.Context) -> str:
    """The section about variables: those of the options, and on the first page all others."""
    if context.parent is None:
        return definitions("ENVIRONMENT", [*ENVIRONMENT, *variables(below(context), " of 'difwatch watch'")])
    return definitions("ENVIRONMENT", variables([context], ""))


def variables(contexts: Iterable[click.Context], whose: str) -> Iterator[tuple[str, str]]:
    """The variables that stand for options, and for which."""
    for option in (one for context in contexts for one in context.command.params):
        if option.envvar:
            also = ", and for report, explain and apply" if option.envvar in MATCHING else ""
            yield str(option.envvar), f"As {option.opts[0]}{whose}{also}."


def see_also(context: click.Context) -> str:
    """The section about other pages."""
    name, parent = name_of(context), context.parent
    around = [one.command_path for one in (below(parent) if parent and parent.parent else below(context)) if name]
    related = [one if "(" in one else f"difwatch {one}" for one in SEE_ALSO.get(name, ())]
    above = ["difwatch"] if parent else []
    above += [parent.command_path] if parent and parent.parent else []
    pages = dict.fromkeys([*above, *around, *related])
    pages.pop(context.command_path, None)
    shown = [re.sub(r"(.*?)(\(1\))?$", r"\\%\\fB\1\\fP(1)", roff(page.replace(" ", "-")), count=1) for page in pages]
    return ".SH SEE ALSO\n" + ",\n".join(shown) + "\n"


def man_page(context: click.Context) -> str:
    """The man page of a command."""
    command, name = context.command, name_of(context)
    page = ManPage(context.command_path)
    page.version = page.date = "difwatch"  # a real date would make another page each day
    page.short_help = roff(command.get_short_help_str(200))
    page.description = roff(cleandoc(command.help or ""))
    page.synopsis = " ".join(command.collect_usage_pieces(context))
    records = [one.get_help_record(context) for one in command.params if isinstance(one, click.Option)]
    page.options = [(option, roff(text)) for option, text in filter(None, records)]
    page.commands = [(one.info_name, roff(one.command.get_short_help_str(200))) for one in below(context)]
    examples = definitions("EXAMPLES", EXAMPLES.get(name, ()))
    text = str(page).replace(f"\\fB{context.command_path}-", f"\\fB{roff(context.command_path.replace(' ', '-'))}\\-")
    return f"{text}{examples}{exit_status(name)}{files_section(name)}{environment(context)}{see_also(context)}"


def man_pages(context: click.Context) -> Iterator[tuple[str, str]]:
    """The name and the text of the page of a command, and of all below it."""
    yield f"man/{context.command_path.replace(' ', '-')}.1", man_page(context)
    for one in below(context):
        yield from man_pages(one)


def files() -> Iterator[tuple[str, str]]:
    """Each file below the share directory, and its text."""
    yield from man_pages(click.Context(cli, info_name="difwatch"))
    for name, kind in COMPLETIONS.items():
        yield f"completion/{name}", kind(cli, {}, "difwatch", "_DIFWATCH_COMPLETE").source()


def write(directory: Path) -> None:
    """Write all of them."""
    for name, text in files():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent.parent / "difwatch/share")
