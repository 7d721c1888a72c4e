"""What `apply` reports about acts on files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from difwatch import paths
from difwatch.actions.move import ActRules, Outcome, preview
from difwatch.actions.plan import Act, Keep, Step
from difwatch.cli.output import ActLines
from difwatch.cli.progress import TaskLine
from difwatch.clock import SystemClock
from difwatch.errors import ActionError, IncompleteError
from difwatch.shown import shown, shown_bytes, shown_count, shown_number, shown_path

_IDS_SHOWN = 5
_FOLDERS_SHOWN = 10
_REASONS_SHOWN = 5
_DONE = {"move": "moved", "trash": "put into the waste basket", "delete": "deleted for good"}


def summary(acts: Sequence[Act]) -> Iterator[str]:
    """Yield what acts would do, in short: the total, and how many pictures go from each folder."""
    size = shown_bytes(sum(act.image.size for act in acts))
    yield f"{shown_count(len(acts), 'picture')} ({size}) would be {_DONE[acts[0].kind]}:"
    by_folder: dict[bytes, list[int]] = {}
    for act in acts:
        by_folder.setdefault(paths.parent(act.image.path), []).append(act.image.size)
    most = sorted(by_folder.items(), key=lambda item: (-len(item[1]), item[0]))
    for folder, sizes in most[:_FOLDERS_SHOWN]:
        yield f"  {shown_number(len(sizes))} from {shown_path(folder)} ({shown_bytes(sum(sizes))})"
    if len(most) > _FOLDERS_SHOWN:
        yield f"  and others from {shown_count(len(most) - _FOLDERS_SHOWN, 'more folder')}"


class ActReport:
    """Reports what became of each picture, and the total.

    Parameters
    ----------
    quiet
        Whether only the total is said.
    line
        Where given, it shows how far the acts are, and pictures that stay are counted by reason, not named.
    """

    def __init__(self, quiet: bool, line: TaskLine | None = None) -> None:
        self._quiet = quiet
        self._line = line
        self._reasons: Counter[str] = Counter()
        self._noted = 0
        self._lines = ActLines()
        self._began = SystemClock().now().astimezone().isoformat(timespec="milliseconds")
        self._done: list[Outcome] = []
        self._stale = 0
        self._failed: list[Outcome] = []

    def preview(self, steps: Iterable[Step], rules: ActRules) -> None:
        """Report what would become of each picture."""
        claimed: set[bytes] = set()
        for step in steps:
            self.note(step, None if isinstance(step, Keep) else preview(step, rules, claimed))

    def note(self, step: Step, outcome: Outcome | None) -> None:
        """Report what became of a picture."""
        if outcome is None or outcome.state in ("refused", "failed"):
            reason = step.reason if isinstance(step, Keep) else outcome.reason if outcome else ""
            if outcome is not None and outcome.state == "failed":
                self._failed.append(outcome)
            elif outcome is not None:
                self._stale += outcome.stale
            self._reasons[shown(reason or "")] += 1
            self._say(f"stays: {shown_path(step.image.path)}: {shown(reason or '')}")
            return
        self._done.append(outcome)
        would = "would be " if outcome.state == "planned" else ""
        what = _DONE[outcome.act.kind]
        to = f" to {shown_path(outcome.target)}" if outcome.target is not None and outcome.act.kind == "move" else ""
        along = f" with {outcome.sidecars} more" if outcome.sidecars else ""
        kept = f" (kept: {shown_path(outcome.act.keeper.path)})"
        self._say(f"{would}{what}{to}{along}: {shown_path(outcome.act.image.path)}{kept}")

    def total(self, kind: str, would: str) -> str:
        """Return the total in one line."""
        size = shown_bytes(sum(outcome.act.image.size for outcome in self._done))
        number = len(self._done)
        back = f"; 'difwatch undo {self._ids()}' puts {'it' if number == 1 else 'them'} back"
        if not number or kind == "delete" or would:
            back = ""
        return f"{number} {'picture' if number == 1 else 'pictures'} ({size}) {would}{_DONE[kind]}{back}"

    def advance(self, steps: int) -> None:
        """Show how many of a number of steps are done."""
        self._noted += 1
        if self._line is not None:
            self._line(self._noted, steps, f"{shown_count(len(self._done), 'picture')} gone")

    def say_total(self, kind: str) -> None:
        """Print the total, also for who wanted no lines about each picture."""
        if self._line is not None:
            self._line.end()
            for reason, count in self._reasons.most_common(_REASONS_SHOWN):
                self._lines.say(f"{shown_count(count, 'picture')} {'stays' if count == 1 else 'stay'}: {reason}")
            others = sum(self._reasons.values()) - sum(
                count for _, count in self._reasons.most_common(_REASONS_SHOWN)
            )
            if others:
                self._lines.say(f"and {shown_count(others, 'more picture')}; 'difwatch -v apply' names each")
        self._lines.say(self.total(kind, ""))

    def _ids(self) -> str:
        ids = [outcome.id for outcome in self._done]
        return " ".join(map(str, ids)) if len(ids) <= _IDS_SHOWN else f"--since {self._began}"

    def stopped(self, kind: str, count: int) -> str:
        """Return what was done of a number of acts until somebody stopped them."""
        if self._line is not None:
            self._line.end()
        _, _, back = self.total(kind, "").partition("; ")
        return f"stopped: {len(self._done)} of {count} {_DONE[kind]}" + (f"; {back}" if back else "")

    def raise_for_trouble(self) -> None:
        """Raise an error if a picture stayed.

        Raises
        ------
        ActionError
            A file operation failed.
        IncompleteError
            A picture was not what was indexed.
        """
        self._lines.end()
        if self._failed:
            first = self._failed[0]
            raise ActionError(f"{shown_path(first.act.image.path)}: {first.reason}; it is where it was")
        if self._stale:
            stay = "1 picture stays" if self._stale == 1 else f"{self._stale} pictures stay"
            raise IncompleteError(
                f"{stay}, because something is not as it was indexed; run 'difwatch watch --once' and try again"
            )

    def _say(self, text: str) -> None:
        if not self._quiet and self._line is None:
            self._lines.say(text)
