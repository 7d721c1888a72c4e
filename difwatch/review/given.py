"""What a page sends, checked field by field: a value of another kind is refused, never guessed at. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from difwatch import paths
from difwatch.actions.plan import Policy
from difwatch.errors import UsageError

Given = Mapping[str, Any]

_FILTERS = ("text", "levels", "across", "undecided")


def is_text(value: object) -> bool:
    """Tell whether a value is a text that a name can hold: no null character, and no half of a pair."""
    return isinstance(value, str) and "\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value)


def text(given: Given, name: str) -> str:
    """Return a text."""
    value = given.get(name)
    if not is_text(value):
        raise UsageError(f"{name}: must be a text")
    return str(value)


def texts(given: Given, name: str) -> list[str]:
    """Return texts, each once."""
    values = given.get(name)
    if not isinstance(values, list) or not all(map(is_text, values)):
        raise UsageError(f"{name}: must be a list of texts")
    return list(dict.fromkeys(values))


def flag(given: Given, name: str) -> bool:
    """Return what is true or false."""
    value = given.get(name)
    if not isinstance(value, bool):
        raise UsageError(f"{name}: must be true or false")
    return value


def ids(given: Given, name: str) -> list[int]:
    """Return ids of which there is at least one."""
    values = given.get(name)
    if not isinstance(values, list) or not values or not all(type(one) is int and 0 < one < 2**63 for one in values):
        raise UsageError(f"{name}: must be a list of numbers")
    return values


def filters(given: Given, name: str) -> dict[str, str]:
    """Return filters as an address has them; one that is not known would hide less than a person sees."""
    values = given.get(name)
    if not isinstance(values, dict) or not values.keys() <= set(_FILTERS):
        raise UsageError(f"{name}: must be an object with any of {', '.join(_FILTERS)}")
    out = {key: str(int(value)) if isinstance(value, bool | int) else value for key, value in values.items()}
    if not all(map(is_text, out.values())):
        raise UsageError(f"{name}: must hold texts")
    return out


def policy(given: Given) -> Policy:
    """Return where pictures go."""
    kind, destination = text(given, "kind"), given.get("destination")
    if kind not in ("move", "trash", "delete"):
        raise UsageError("kind: must be move, trash or delete")
    if kind != "move":
        return Policy(kind)
    if not is_text(destination) or not os.path.isabs(paths.expanded(str(destination))):  # noqa: PTH117
        raise UsageError("name the folder that pictures are moved to, with its whole path")
    return Policy(kind, paths.real(str(destination)), given.get("keepTree") is True)
