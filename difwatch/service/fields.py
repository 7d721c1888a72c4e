"""Checks of the fields of a request from JSON; an error names the field that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from difwatch.digest import SIZE as DIGEST_BYTES
from difwatch.errors import UsageError
from difwatch.paths import from_text

_PATH_MOST = 4095


def field(fields: Mapping[str, Any], name: str) -> Any:
    if name not in fields:
        raise UsageError(f"{name}: is missing")
    return fields[name]


def flag(fields: Mapping[str, Any], name: str) -> bool:
    value = field(fields, name)
    if not isinstance(value, bool):
        raise UsageError(f"{name}: must be true or false")
    return value


def whole(fields: Mapping[str, Any], name: str) -> int:
    value = field(fields, name)
    if type(value) is not int or not 0 < value < 1 << 63:
        raise UsageError(f"{name} = {value!r}: must be a whole number above 0")
    return value


def digest(fields: Mapping[str, Any], name: str) -> bytes:
    value = field(fields, name)
    try:
        digest = bytes.fromhex(value)
    except (TypeError, ValueError):
        digest = b""
    if len(digest) != DIGEST_BYTES:
        raise UsageError(f"{name}: must be a digest of {2 * DIGEST_BYTES} hexadecimal digits")
    return digest


def path(fields: Mapping[str, Any], name: str) -> bytes:
    return _as_path(field(fields, name), name)


def paths(fields: Mapping[str, Any], name: str) -> tuple[bytes, ...]:
    value = field(fields, name)
    if not isinstance(value, list):
        raise UsageError(f"{name}: must be a list")
    return tuple(_as_path(item, f"{name}[{number}]") for number, item in enumerate(value))


def _as_path(value: object, name: str) -> bytes:
    try:
        path = from_text(value) if isinstance(value, str) else b""
    except UnicodeEncodeError:  # a lone surrogate, which JSON can hold and a path cannot
        path = b""
    if not path.startswith(b"/") or len(path) > _PATH_MOST or b"\0" in path:
        raise UsageError(f"{name}: must be an absolute path, no longer than a path can be")
    return path
