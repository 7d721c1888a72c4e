"""What the page is told, as JSON can hold it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from difwatch import paths
from difwatch.actions.undo import Undone
from difwatch.compare.orientation import DEGREES
from difwatch.matches.errors import mean_errors
from difwatch.matches.groups import KEEP_RULES, is_hidden, keep_order
from difwatch.model.pictures import Group, Image, Member, rotation_of, unseen_frames
from difwatch.model.settings import KeepRule
from difwatch.report.status import Status
from difwatch.review.acts import Batch, Plan, Progress, Stays

_DIGEST = 16  # hex digits that a picture is named by, beside its id
_ACTS_SHOWN = 200
_LEAST_ALIKE = 10


def ref(file: int, image: Image) -> str:
    """Return the name of a picture: its id, which may be given again, and how its digest begins."""
    return f"{file}-{image.digest.hex()[:_DIGEST]}"


def row(key: str, group: Group, refs: Sequence[str], state: str | None, px: int) -> dict[str, Any]:
    """Return a row of the queue."""
    last = group.members[-1]
    seen = [image.seen for image in (group.primary, *(member.image for member in group.members)) if image.seen]
    return {
        "key": key,
        **_name(group.primary),
        "count": len(group.members) + 1,
        "bytes": sum(member.image.size for member in group.members),
        "level": last.level,
        **mean_errors(last.errors, px),
        "isShot": any(member.is_shot for member in group.members),
        "seen": max(seen).isoformat() if seen else None,
        "decision": state,
        "refs": list(refs),
    }


def picture(name: str, image: Image, member: Member | None, along: Iterable[bytes], px: int) -> dict[str, Any]:
    """Return a picture of a group; ``member`` is None for the best one."""
    facts = image.facts
    return {
        "ref": name,
        "path": text(image.path),
        **_name(image),
        "width": image.width,
        "height": image.height,
        "bytes": image.size,
        "modified": datetime.fromtimestamp(image.mtime_ns / 1e9, UTC).isoformat(),
        "seen": image.seen.isoformat() if image.seen else None,
        "format": facts.format,
        "frames": image.frames,
        "bits": facts.bits,
        "camera": facts.camera,
        "lens": facts.lens,
        "taken": facts.taken,
        "hasPlace": facts.has_place,
        "orientation": facts.orientation,
        "quality": facts.quality,
        "links": [text(path) for path in image.links],
        "isReference": image.reference,
        "along": [text(path) for path in along],
        **_alike(member, px),
    }


def _alike(member: Member | None, px: int) -> dict[str, Any]:
    """Return how far a picture is from the best one of its group, and how it lies on that."""
    if member is None:
        return {"level": None, "mse": None, "nmse": None, "turn": 0, "isMirrored": False, "isShot": False}
    errors = member.errors
    return {
        "level": member.level,
        **mean_errors(errors, px),
        "turn": rotation_of(errors, member.level),
        "isMirrored": errors.mirrored,
        "isShot": member.is_shot,
    }


def stays(image: Image, keeper: Image) -> str | None:
    """Return why a picture may not go, in words; None if it may."""
    if image.reference:
        return "it is in a reference folder"
    if image.links:
        return "it has another name (a hard link) that would stay"
    return None if image is keeper else unseen_frames(image, keeper)


def why(best: Image, other: Image, keep: Sequence[KeepRule]) -> list[dict[str, Any]]:
    """Return the rules that choose the picture to keep, in order, and which of them decides between two."""
    first, _ = keep_order((best, other), keep)
    decided = first.reference != other.reference or is_hidden(first) != is_hidden(other)
    out = []
    last: KeepRule = "path"
    for name in (*keep, *([] if last in keep else [last])):
        decides = not decided and KEEP_RULES[name](best) != KEEP_RULES[name](other)
        decided |= decides
        out.append({"rule": name, "decides": decides, "best": _by(name, best), "other": _by(name, other)})
    return out


def _by(rule: KeepRule, image: Image) -> str:
    match rule:
        case "pixels":
            return f"{image.width} × {image.height}"  # noqa: RUF001
        case "bytes":
            return str(image.size)
        case "oldest" | "newest":
            return datetime.fromtimestamp(image.mtime_ns / 1e9, UTC).isoformat()
        case "original":
            return ", ".join(filter(None, (image.facts.camera, image.facts.taken)))
        case "folder":
            return str(image.position + 1)
        case "path":
            return text(image.path)


def plan(
    planned: Plan, refs: Mapping[bytes, str], members: Mapping[bytes, Member], free: int | None, px: int
) -> dict[str, Any]:
    """Return a plan to look over.

    Parameters
    ----------
    refs
        The names of pictures by path.
    members
        How far pictures are from the best one of their group, by path.
    free
        The free bytes where they go.
    px
        Side of the tensors.
    """
    acts = [outcome.act for outcome in planned.planned]
    folders: dict[bytes, list[int]] = {}
    for act in acts:
        folders.setdefault(paths.parent(act.image.path), []).append(act.image.size)
    least = sorted(acts, key=lambda act: -act.sse)[:_LEAST_ALIKE]
    return {
        "plan": planned.name,
        "count": len(acts),
        "bytes": sum(act.image.size for act in acts),
        "along": sum(outcome.sidecars for outcome in planned.planned),
        "freeBytes": free,
        "folders": [
            {"folder": text(folder), "count": len(sizes), "bytes": sum(sizes)}
            for folder, sizes in sorted(folders.items(), key=lambda item: (-len(item[1]), item[0]))
        ],
        "stays": _stayed(planned.stays),
        "leastAlike": [
            {
                "name": text(paths.name(act.image.path)),
                "best": refs[act.keeper.path],
                "goes": refs[act.image.path],
                **_alike(None if act.keeper.path in members else members.get(act.image.path), px),
                "mse": act.sse / (3 * px * px),
            }
            for act in least
            if act.keeper.path in refs and act.image.path in refs
        ],
    }


def progress(now: Progress) -> dict[str, Any]:
    """Return how far acts are."""
    return {
        "kind": now.kind,
        "done": now.done,
        "of": now.of,
        "bytes": now.bytes,
        "stayed": _stayed(now.stayed),
        "isOver": now.is_over,
        "isStopped": now.is_stopped,
        "batch": str(now.ids[0]) if now.ids else None,
    }


def batch(done: Batch) -> dict[str, Any]:
    """Return a batch of acts; its id is that of its first act."""
    first, entries = done[0], [entry for entry in done if entry.state in ("done", "undone")]
    moved = {paths.parent(entry.target) for entry in entries if entry.target is not None}
    return {
        "id": str(first.id),
        "at": first.begun,
        "kind": first.kind,
        "count": len(entries),
        "bytes": sum(entry.size for entry in entries),
        "undone": sum(entry.state == "undone" for entry in entries),
        "destination": text(paths.common(sorted(moved))) if moved and first.kind == "move" else None,
        "acts": [
            {
                "id": entry.id,
                "path": text(entry.source),
                "target": None if entry.target is None else text(entry.target),
                "state": entry.state,
            }
            for entry in done[:_ACTS_SHOWN]
        ],
    }


def undone(results: Sequence[Undone]) -> dict[str, Any]:
    """Return what was put back."""
    failed = [Stays(one.entry.source, one.reason or "") for one in results if one.state != "done"]
    return {"done": len(results) - len(failed), "failed": _stayed(failed)}


def status(now: Status) -> dict[str, Any]:
    """Return the status of the daemon."""
    is_reading = now.queue.total > 0 or any(folder.state == "scanning" for folder in now.folders)
    return {
        "state": "stopped" if now.state == "stopped" else "reading" if is_reading else "watching",
        "text": now.headline(),
        "reasons": now.reasons,
        "folders": len(now.folders),
        "pictures": sum(folder.images for folder in now.folders),
        "unreadable": sum(folder.unreadable for folder in now.folders),
    }


def orientation(turn: int, is_mirrored: bool) -> int:
    """Return the number of an orientation: mirrored first, then turned counter-clockwise."""
    return int(np.flatnonzero(DEGREES[:4] == turn)[0]) + 4 * is_mirrored


def text(path: bytes) -> str:
    """Return a path for people to read; what is not UTF-8 in it has replacement characters."""
    return path.decode("utf-8", "replace")


def _name(image: Image) -> dict[str, str]:
    return {"name": text(paths.name(image.path)), "folder": text(paths.parent(image.path))}


def _stayed(some: Iterable[Stays]) -> list[dict[str, str]]:
    return [{"path": text(one.path), "reason": one.reason} for one in some]
