"""How far two pictures are from each other, as people and programs read it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from difwatch.model.pictures import Errors, Level, rotation_of
from difwatch.model.settings import tone_values


def mean_errors(errors: Errors, px: int) -> dict[str, float | None]:
    """Return the mean squared error and the normalised one of the tones; None for what is beyond the search.

    Parameters
    ----------
    px
        Side of the tensors.
    """
    mse = None if errors.sse < 0 else errors.sse / (3 * px * px)
    nmse = None if errors.tone < 0 else errors.tone / tone_values(px)
    return {"mse": mse, "nmse": nmse}


def how_alike(errors: Errors, level: Level, px: int, is_shot: bool = False) -> str:
    """Return how alike two pictures are in a few words, such as ``similar 3.2, turned by 90°``.

    ``is_shot`` says that they were taken at different moments.
    """
    means = mean_errors(errors, px)
    by = {"similar": means["mse"], "edited": means["nmse"]}.get(level)
    unit = " NMSE" if level == "edited" else ""
    return f"{level}{'' if by is None else f'{unit} {by:.4g}'}{_besides(errors, level, is_shot)}"


def all_errors(errors: Errors, level: Level, px: int, is_shot: bool) -> str:
    """Return the same with both errors, such as ``similar, turned by 90°, MSE 3.2, NMSE 0.004``."""
    means = mean_errors(errors, px).items()
    both = "".join(f", {name.upper()} {mean:.4g}" for name, mean in means if mean is not None)
    return f"{level}{_besides(errors, level, is_shot)}{both}"


def _besides(errors: Errors, level: Level, is_shot: bool) -> str:
    """Return whether the other picture is mirrored, how far it is turned, and whether it is another shot."""
    rotation = rotation_of(errors, level)
    parts = ("mirrored" if errors.mirrored else "", f"turned by {rotation}°" if rotation else "")
    return "".join(f", {part}" for part in (*parts, "another shot" if is_shot else "") if part)


def as_text(fields: Mapping[str, object]) -> str:
    """Return fields as words for a line of text; a flag is its name."""
    shown = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in fields.items()}
    return " ".join(name if value is True else f"{name}={value}" for name, value in shown.items())


def as_fields(errors: Errors, level: Level, px: int, are_shots: bool = False) -> dict[str, object]:
    """Return what the log and JSON say of a match."""
    known = {name: mean for name, mean in mean_errors(errors, px).items() if mean is not None}
    mirrored = {"mirrored": True} if errors.mirrored else {}
    return {
        **known,
        "rotation": rotation_of(errors, level),
        **mirrored,
        "level": level,
        **({"shots": True} if are_shots else {}),
    }
