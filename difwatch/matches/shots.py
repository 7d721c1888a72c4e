"""Whether two pictures were taken at different moments: another shot of a scene is no copy. Pure."""

from __future__ import annotations

from datetime import datetime

from difwatch.model.pictures import Facts


def are_two_shots(a: Facts, b: Facts) -> bool:
    """Tell whether both pictures say when they were taken, and the moments differ."""
    return were_two_moments(a.taken, b.taken)


def were_two_moments(a: str | None, b: str | None) -> bool:
    """Tell whether both moments are known and differ.

    A copy may have lost a part of its time. So fractions of a second are compared as far as both have them, and the
    offset from UTC counts only where both have one.
    """
    if a == b:
        return False
    one, other = _parsed(a), _parsed(b)
    if one is None or other is None:
        return False
    (first, first_fraction), (second, second_fraction) = one, other
    if first.tzinfo is None or second.tzinfo is None:
        first, second = first.replace(tzinfo=None), second.replace(tzinfo=None)
    if first != second:
        return True
    digits = min(len(first_fraction), len(second_fraction))
    return first_fraction[:digits] != second_fraction[:digits]


def _parsed(taken: str | None) -> tuple[datetime, str] | None:
    """Return a moment in whole seconds, and the digits of its fraction."""
    if taken is None:
        return None
    whole, rest = taken[:19], taken[19:]
    fraction = rest[1:].split("+")[0].split("-")[0] if rest.startswith(".") else ""
    offset = rest[1 + len(fraction) :] if rest.startswith(".") else rest
    try:
        return datetime.fromisoformat(whole + offset), fraction
    except ValueError:
        return None
