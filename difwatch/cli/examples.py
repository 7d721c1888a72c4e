"""Examples of every command, for its help and its man page; loaded only where one of these is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

EXAMPLES: Mapping[str, Sequence[tuple[str, str]]] = {
    "": [
        ("difwatch watch ~/Pictures", "Watch a folder of pictures."),
        ("difwatch report", "List the duplicates."),
        ("difwatch apply --move-to ~/Duplicates --dry-run", "Show what would be moved."),
    ],
    "init": [
        ("difwatch init", "Ask for folders, and whether to start at each login."),
        ("difwatch init ~/Pictures ~/Phone --no-service", "Only write the configuration."),
    ],
    "config": [("difwatch config show", "Print the values in force, and where each comes from.")],
    "config show": [
        ("difwatch config show", "Print the values in force, and where each comes from."),
        ("difwatch --config other.toml config show", "The same of another file."),
    ],
    "demo": [
        ("difwatch demo try", "Put eight pictures into the new folder 'try'."),
    ],
    "watch": [
        ("difwatch watch ~/Pictures", "Read a folder, then follow its changes until Ctrl-C."),
        ("difwatch watch --once ~/Pictures ~/Phone", "Read what is new in two folders, then exit."),
        ("difwatch watch --reference ~/Originals ~/Inbox", "Always keep the pictures in ~/Originals."),
        ("difwatch watch", "Watch the configured folders, or else those of the last time."),
    ],
    "scan": [
        ("difwatch scan ~/Pictures", "Search a folder, and write the results to this directory."),
        ("difwatch scan --similarity similar --no-same-dim ~/Pictures", "Also find resized and compressed copies."),
        ("difwatch scan --move-to ~/Duplicates ~/Pictures", "Move the duplicates too; 'difwatch undo' reverses it."),
    ],
    "status": [
        ("difwatch status", "Show what the daemon does and what needs attention."),
        ("difwatch status --watch", "Show the same every two seconds, until Ctrl-C."),
        ("sudo difwatch --system status", "Ask the service of this machine."),
    ],
    "review": [
        ("difwatch review", "Open the page in your browser."),
        (
            "difwatch review --no-browser --port 7425",
            "Print the address; from elsewhere: ssh -L 7425:127.0.0.1:7425.",
        ),
    ],
    "report": [
        ("difwatch report", "List the duplicates, below the picture to keep."),
        ("difwatch report --format html -o duplicates.html", "Write a page that shows the pictures."),
        ("difwatch report --histogram", "Count the pairs by their error."),
        ("difwatch report --pairs --format csv -o pairs.csv", "Write every pair of files, for a spreadsheet."),
    ],
    "explain": [
        ("difwatch explain lake.jpg lake-small.jpg", "Show why these two match, or why not."),
    ],
    "apply": [
        ("difwatch apply --move-to ~/Duplicates --dry-run", "Show what would be moved, and do nothing."),
        ("difwatch apply --move-to ~/Duplicates", "Move the duplicates; the best picture of each group stays."),
        (
            "difwatch apply --delete --from ~/Phone --keep-in ~/Pictures",
            "Put duplicates in ~/Phone into the waste basket; ~/Pictures loses none.",
        ),
        ("difwatch apply --move-to ~/Duplicates --act-on identical", "Move only copies with the same bytes."),
    ],
    "moves": [
        ("difwatch moves", "List everything that was moved or deleted."),
        ("difwatch moves --since 2d", "List only what was done in the last two days."),
    ],
    "undo": [
        ("difwatch undo 12 13", "Put back two pictures, by their IDs from 'difwatch moves'."),
        ("difwatch undo --since 2h", "Put back everything of the last two hours."),
        ("difwatch undo --all", "Put back everything."),
    ],
    "ignore": [
        ("difwatch ignore lake.jpg pond.jpg", "Never report these two as duplicates again."),
        ("difwatch ignore --list", "List the recorded pairs."),
        ("difwatch ignore --remove lake.jpg pond.jpg", "Let these two match again."),
    ],
    "forget": [
        ("difwatch forget ~/Pictures", "Forget the pictures that are no longer in this folder."),
    ],
    "rescan": [
        ("difwatch rescan", "Search everything again, or go on where a search was stopped."),
        ("difwatch rescan --algorithm chunked --chunksize 2000", "Search in blocks, with less memory."),
    ],
    "verify": [
        ("difwatch verify --sample 200", "Compare 200 random pictures with all others."),
        ("difwatch verify", "Check all pictures; a large collection takes long."),
    ],
    "reload": [
        ("difwatch reload", "Put the edited configuration in force."),
        ("sudo difwatch --system reload", "Do the same for the service of this machine."),
    ],
    "unreadable": [
        ("difwatch unreadable", "List the files that could not be read, and why."),
        ("difwatch unreadable --print0 | xargs -0 ls -l", "Pass their paths to another program."),
    ],
    "retry": [
        ("difwatch retry --all", "Read all unreadable files again."),
        ("difwatch retry ~/Pictures/large.tif", "Read one of them again."),
    ],
    "db": [
        ("difwatch db check", "Check the store for damage."),
        ("difwatch db backup", "Copy the store now."),
    ],
    "db upgrade": [
        ("difwatch db upgrade", "Upgrade the store after installing a new version."),
    ],
    "db check": [
        ("difwatch db check", "Check the store and the journal of moves."),
    ],
    "db backup": [
        ("difwatch db backup", "Replace today's copy beside the store."),
        ("difwatch db backup /mnt/usb/difwatch.db", "Copy the store to a new file."),
    ],
    "service": [
        ("difwatch service install --user ~/Pictures", "Watch a folder from now on."),
        ("difwatch service status", "Show what systemd knows of the service."),
    ],
    "service install": [
        ("difwatch service install --user ~/Pictures", "Watch a folder while you are logged in."),
        ("difwatch service install --user --linger ~/Pictures", "Watch it even while you are not logged in."),
        ("difwatch service install --system --dry-run /srv/photos", "Show what would be done for the machine."),
        ("sudo difwatch service install --system /srv/photos", "Watch a folder as a service of this machine."),
    ],
    "service uninstall": [
        ("difwatch service uninstall --user --dry-run", "Show what would be stopped and removed."),
        ("difwatch service uninstall --user", "Stop the service, and remove its units."),
    ],
    "service status": [
        ("difwatch service status", "Show the service that is installed."),
        ("difwatch service status --system", "Show the service of the machine."),
    ],
    "completion": [
        ("difwatch completion bash >> ~/.bashrc", "Complete commands and options in every new bash."),
        ("difwatch completion zsh >> ~/.zshrc", "Do the same for zsh, where compinit is used."),
        ("difwatch completion fish > ~/.config/fish/completions/difwatch.fish", "Do the same for fish."),
    ],
}
"""Command lines and what they do, by the name of the command; "" is ``difwatch`` itself."""


def write_examples(context: click.Context, formatter: click.HelpFormatter) -> None:
    """Write the examples of a command, none of whose lines is broken.

    What an example does stands beside it, or below if there is no room beside one of them.
    """
    name = context.command_path.removeprefix(context.find_root().command_path).lstrip()
    examples = EXAMPLES.get(name)
    if not examples:
        return
    widest, longest = (max(map(len, column)) for column in zip(*examples, strict=True))
    with formatter.section("Examples"):
        room = formatter.width - formatter.current_indent - widest - 2
        formatter.write_dl(examples, col_max=widest if longest <= room else 2)
