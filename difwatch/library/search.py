"""The matches among pictures: exact, in all orientations that are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from difwatch.actions.plan import Policy
from difwatch.clock import SystemClock
from difwatch.compare.distance import limit_of
from difwatch.errors import ParameterError
from difwatch.library import parameters
from difwatch.library.acting import act, complain
from difwatch.library.build import Build, duration
from difwatch.library.pairing import all_near
from difwatch.matches.collection import Collection
from difwatch.matches.rules import MatchRules
from difwatch.model.pictures import Group, Image, Neighbours
from difwatch.model.settings import Settings, tone_values

_MEMORY = 2 << 30


class Search:
    """The matches among the pictures of a `Build`.

    Parameters
    ----------
    difwatch_obj
        What `build` returned; it can be searched any number of times.
    similarity
        ``"duplicates"`` (0), ``"similar"`` (5) or a mean squared error from 0 to 65025.
    rotate
        Compare all four quarter turns.
    same_dim
        Only pictures of the same width and height, in either order; ``lazy`` is accepted as its old name.
    show_progress
        Show a progress bar on stderr.
    processes
        Blocks to search in parallel; None is one per core.
    chunksize
        Pictures per block, for more than 5000 pictures; None leaves it to the search.
    in_folder
        Replaces the value that `build` was given; None keeps that.
    nmse
        Largest error of the tones of a match, 0 to 4 (0.03 tells copies from other pages); None: tones do not count.
    edited
        Find edited versions too, which are within ``nmse`` only: brighter, grey, framed, of other contrast.
    mirror
        Find mirrored pictures too, as edited versions.

    Attributes
    ----------
    result : dict
        Maps the best picture of each group to its duplicates, each with its mean squared error:
        ``{path: [[path, mse], ...]}``; with ``in_folder`` one more level, by folder.
    lower_quality : list of str
        All duplicates: the pictures that have a better one. Edited versions are none.
    edited : dict
        Edited versions, in the form of ``result``, each with its mean squared error.
    stats : dict
        Statistics in the form of difPy.

    Raises
    ------
    ParameterError
        Names the parameter, and what is allowed.
    """

    def __init__(
        self,
        difwatch_obj: Build,
        similarity: str | float = "duplicates",
        rotate: bool = True,
        same_dim: bool = True,
        show_progress: bool = True,
        processes: int | None = None,
        chunksize: int | None = None,
        in_folder: bool | str | None = None,
        nmse: float | None = None,
        edited: bool = False,
        mirror: bool = False,
        **old_names: bool,
    ) -> None:
        if not isinstance(difwatch_obj, Build):
            raise ParameterError(f"difwatch_obj = {difwatch_obj!r}: must be what difwatch.build() gave")
        self._build = difwatch_obj
        self._settings = Settings(
            threshold=parameters.similarity(similarity),
            rotate=parameters.flag("rotate", rotate),
            same_dim=parameters.same_dim(same_dim, old_names),
            nmse=parameters.nmse(nmse),
            edited=parameters.edited(edited, nmse),
            mirror=parameters.flag("mirror", mirror),
        )
        self._processes = parameters.processes(processes)
        self._chunksize = parameters.chunksize(chunksize)
        self._in_folder = difwatch_obj.in_folder if in_folder is None else parameters.in_folder(in_folder)
        clock = SystemClock()
        started = clock.now()
        rules = self._rules()
        show = parameters.flag("show_progress", show_progress)
        near = all_near(difwatch_obj.looks, len(difwatch_obj.images), rules, self._processes, self._chunksize, show)
        self._collection = self._collected(rules, near)
        self._groups, edited_groups = self._collection.copies_and_edited()
        self.result = self._result(self._groups)
        self.edited = self._result(edited_groups)
        self.lower_quality = [os.fsdecode(member.image.path) for group in self._groups for member in group.members]
        self.stats = self._statistics(started, clock.now())

    def _rules(self) -> MatchRules:
        px, nmse = self._build.px_size, self._settings.nmse
        tone_limit = None if nmse is None else limit_of(nmse, tone_values(px))
        return MatchRules(self._settings, {}, {}, 0, "exact", px, tone_limit)

    def _collected(self, rules: MatchRules, near: Neighbours) -> Collection:
        build = self._build
        limit = limit_of(self._settings.threshold, rules.values)
        names: dict[tuple[bytes | None, int, int, bytes], list[Image]] = {}
        for image, folder in zip(build.images, build.folders, strict=True):
            inside = str(Path(os.fsdecode(image.path)).parent) if self._in_folder == "every" else folder
            scope = os.fsencode(inside) if self._in_folder else None
            assert image.key is not None
            scoped = replace(image, limit=limit, scope=scope)
            names.setdefault((scope, image.key.dev, image.key.inode, image.digest), []).append(scoped)
        # Hard links to one file are one picture, under the first of its names.
        images = tuple(replace(first, links=tuple(link.path for link in links)) for first, *links in names.values())
        return Collection(rules, images, near)

    def pairs(self) -> Iterator[tuple[str, str, float]]:
        """Yield every pair of pictures that match, with its mean squared error, ordered by both paths."""
        values = self._collection.rules.values
        for pair in self._collection.pairs():
            yield os.fsdecode(pair.a.path), os.fsdecode(pair.b.path), pair.errors.sse / values

    def _result(self, groups: Sequence[Group]) -> dict[str, Any]:
        values = self._collection.rules.values
        flat: dict[str, Any] = {}
        for group in groups:
            inside = flat
            if group.primary.scope is not None:
                inside = flat.setdefault(os.fsdecode(group.primary.scope), {})
            matches = [[os.fsdecode(member.image.path), member.errors.sse / values] for member in group.members]
            inside[os.fsdecode(group.primary.path)] = matches
        return flat

    def _statistics(self, started: datetime, ended: datetime) -> dict[str, Any]:
        members = [member for group in self._groups for member in group.members]
        duplicates = sum(member.errors.sse == 0 for member in members)
        stats = deepcopy(self._build.stats)
        stats["process"]["search"] = {
            "duration": duration(started, ended),
            "parameters": {
                "similarity_mse": self._settings.threshold,
                "rotate": self._settings.rotate,
                "same_dim": self._settings.same_dim,
                "lazy": self._settings.same_dim,
                "nmse": self._settings.nmse,
                "edited": self._settings.edited,
                "mirror": self._settings.mirror,
                "processes": self._processes,
                "chunksize": self._chunksize,
                "in_folder": self._in_folder,
            },
            "files_searched": len(self._build.images),
            "matches_found": {"duplicates": duplicates, "similar": len(members) - duplicates},
        }
        return stats

    def move_to(self, destination_path: str, state_dir: Path | None = None) -> int:
        """Move the pictures in ``lower_quality``; return how many were moved.

        `difwatch undo` puts them back. Nothing is overwritten: a taken name gets a number. A picture stays if it lies
        in the destination already. A picture also stays if it or the picture to keep is not what was read; a line on
        stderr says so. The journal of moves is in ``state_dir``, or else in the usual place.

        Raises
        ------
        ParameterError
            The destination is a file, or not a path.
        ActionError
            A file operation failed; all others were done.
        """
        if not isinstance(destination_path, str | os.PathLike):
            raise ParameterError(f"destination_path = {destination_path!r}: must be a path")
        shown = os.fspath(destination_path)
        if Path(shown).exists() and not Path(shown).is_dir():
            raise ParameterError(f"destination_path = {shown!r}: this is not a folder")
        moved = self._act(Policy("move", os.fsencode(os.path.realpath(shown))), state_dir)
        click.echo(f'Moved {moved} file(s) to "{shown}"')
        return moved

    def delete(self, silent_del: bool = False, permanent: bool = False, state_dir: Path | None = None) -> int:
        """Put the pictures in ``lower_quality`` into the waste basket, after asking; return how many.

        Parameters
        ----------
        silent_del
            Do not ask.
        permanent
            Delete them for good instead; nothing brings them back.
        state_dir
            Where the journal of moves is, if not in the usual place.

        Raises
        ------
        ActionError
            A file operation failed; all others were done.
        """
        parameters.flag("silent_del", silent_del)
        parameters.flag("permanent", permanent)
        what = "delete {} duplicates for good" if permanent else "put {} duplicates into the waste basket"
        asked = what.format(len(self.lower_quality))
        if self.lower_quality and not silent_del and not click.confirm(f"{asked.capitalize()}?", err=True):
            click.echo("Deletion canceled.")
            return 0
        deleted = self._act(Policy("delete" if permanent else "trash"), state_dir)
        click.echo(f"Deleted {deleted} file(s)")
        return deleted

    def _act(self, policy: Policy, state_dir: Path | None) -> int:
        wanted = {os.fsencode(path) for path in self.lower_quality}
        outcomes = act(self._collection, wanted, policy, state_dir)
        gone = {outcome.act.image.path for outcome in outcomes if outcome.state == "done"}
        self.lower_quality = [path for path in self.lower_quality if os.fsencode(os.path.realpath(path)) not in gone]
        complain(outcomes)
        return len(gone)
