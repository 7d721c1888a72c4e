"""From what a person chose in a group to steps of a plan. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from difwatch import paths
from difwatch.actions.plan import Act, Keep, Policy, Step, plan
from difwatch.matches.groups import nearness
from difwatch.matches.neighbours import Neighbourhoods
from difwatch.matches.rules import MatchRules
from difwatch.model.pictures import LEVELS, SAME, Errors, Group, Ignored, Image, Member
from difwatch.review.decisions import Decision


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Makes the steps of groups: each picture that goes has one that stays and that it matches directly.

    Attributes
    ----------
    policy
        Where pictures go.
    rules, near, ignored
        What counts as a match, the matches, and the pairs that a person said are no duplicates.
    excluded
        Directories that pictures were moved to.
    """

    policy: Policy
    rules: MatchRules
    near: Neighbourhoods
    ignored: Ignored
    excluded: Sequence[bytes]

    def steps(self, images: Sequence[Image], decision: Decision) -> list[Step]:
        """Return what becomes of the pictures of a group that go."""
        if {image.digest for image in images} != decision.contents:
            return [Keep(image, "its group has changed since it was decided") for image in images]
        counts = Counter(image.digest for image in images)
        going = [image for image in images if decision.sends_away(image, counts[image.digest])]
        staying = [image for image in images if image not in going]
        steps: list[Step] = []
        members: dict[bytes, list[Member]] = {image.path: [] for image in staying}
        for image in going:
            keeper, member = self._kept_for(image, staying)
            if keeper is None or member is None:
                steps.append(Keep(image, "it matches none of those that stay"))
            else:
                members[keeper.path].append(member)
        groups = [Group(image, tuple(members[image.path])) for image in staying if members[image.path]]
        folders = [folder.path for folder in self.rules.folders.values()]
        return steps + plan(groups, self._policy_of, folders, self.rules.tone_limit)

    def _policy_of(self, image: Image) -> Policy | str:
        is_moved = any(paths.is_below(image.path, directory) for directory in self.excluded)
        return "it was moved there" if is_moved else self.policy

    def _kept_for(self, image: Image, staying: Sequence[Image]) -> tuple[Image, Member] | tuple[None, None]:
        """Return the nearest picture that stays and that a picture matches directly."""
        found = [
            (keeper, Member(image, errors, level))
            for keeper in staying
            for errors in self._errors(keeper, image)
            if self.rules.mismatch(keeper, image, errors, self.ignored) is None
            and (level := self.rules.level(keeper, image, errors)) is not None
        ]
        if not found:
            return None, None
        return min(found, key=lambda pair: (LEVELS.index(pair[1].level), nearness(pair[1].errors)))

    def _errors(self, keeper: Image, image: Image) -> Iterator[Errors]:
        if keeper.tensor == image.tensor:
            yield SAME
        yield from (errors for tensor, errors in self.near.get(keeper.tensor) if tensor == image.tensor)


def without_keepers(steps: Sequence[Step]) -> list[Step]:
    """Return the steps of several groups such that no picture goes that another one goes for, and none goes twice.

    The best of some copies may be an edited version of another picture, and be sent away there.
    """
    keepers = {step.keeper.path for step in steps if isinstance(step, Act)}
    out: list[Step] = []
    gone: set[bytes] = set()
    for step in steps:
        if isinstance(step, Act) and step.image.path in keepers:
            out.append(Keep(step.image, "it is the one to keep of another group"))
        elif step.image.path not in gone:
            out.append(step)
        if isinstance(step, Act):
            gone.add(step.image.path)
    return out
