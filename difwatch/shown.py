"""Values as text that is safe to print on one line."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from datetime import datetime

# Control and format characters (among them those that turn the direction of text), line separators, surrogates.
_UNSAFE = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})


class _Escapes(dict[int, int | str]):
    """Maps each character to itself or to its escape, as `str.translate` asks for it."""

    def __missing__(self, number: int) -> int | str:
        is_unsafe = unicodedata.category(chr(number)) in _UNSAFE
        self[number] = found = chr(number).encode("unicode_escape").decode() if is_unsafe else number
        return found


_ESCAPES = _Escapes({number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160))})


def shown(text: str) -> str:
    """Escape what a terminal or a log takes for more than a character, and bytes that are not UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").translate(_ESCAPES)


def shown_path(path: bytes) -> str:
    """Return a path as text that is safe to print."""
    return shown(os.fsdecode(path))


def shown_bytes(number: int) -> str:
    """Return a number of bytes in the largest decimal unit that fits, such as ``1.5 MB``."""
    size = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def shown_duration(seconds: int) -> str:
    """Return a number of seconds as minutes and seconds."""
    minutes, rest = divmod(seconds, 60)
    return f"{f'{minutes} min ' if minutes else ''}{rest} s"


def shown_moment(moment: str) -> str:
    """Return a moment in ISO 8601 as local time, to the minute."""
    return datetime.fromisoformat(moment).astimezone().replace(tzinfo=None).isoformat(" ", "minutes")


def shown_number(number: float) -> str:
    """Return a number with a space between thousands."""
    return f"{number:,}".replace(",", " ")


def shown_passed_over(by_extension: Mapping[str, int]) -> str:
    """Return how many pictures and videos are not read because of their extension, the most frequent first."""
    most = sorted(by_extension.items(), key=lambda item: (-item[1], item[0]))
    return "not looked at: " + ", ".join(f"{shown_number(count)} {extension}" for extension, count in most)


def shown_count(number: int, noun: str) -> str:
    """Return a number and its noun, in the plural unless the number is 1."""
    plural = noun + ("es" if noun.endswith("ch") else "s")
    return f"{shown_number(number)} {noun if number == 1 else plural}"
