"""The check right before an act: unless the files held open are what was indexed, nothing is done.

The file that was checked is the file that goes: size, timestamps and inode of both pictures and of each sidecar are
compared, right before the rename and after it, with those from before the bytes were read. A file that is written to
meanwhile stays.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator

from difwatch.actions.directory import Place
from difwatch.actions.plan import Act
from difwatch.digest import digest_of_blocks
from difwatch.model.files import FileKey
from difwatch.model.jobs import Decoder, Postponed, Unreadable
from difwatch.model.pictures import Appearance, Image

_BLOCK = 1 << 20
_GREY = 10  # levels between the channels of a grey picture at most, after compression


class RefusedError(Exception):
    """The reason why nothing is done with a file; the file is as it was."""


class StaleError(RefusedError):
    """Something is not as it was when the folders were last looked at; another look helps."""


@contextlib.contextmanager
def opened(place: Place, what: str) -> Iterator[int]:
    """Hold a file open for reading.

    Raises
    ------
    RefusedError
        The file is not there, or is not a regular file.
    """
    try:
        descriptor = place.open(os.O_RDONLY)
    except FileNotFoundError as error:
        raise StaleError(f"{what} is not there any more") from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise StaleError(f"{what} is not a file any more") from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise StaleError(f"{what} is not a file any more")
        yield descriptor
    finally:
        os.close(descriptor)


def digest_of_file(descriptor: int) -> bytes:
    """Return the digest of all bytes of an open file."""
    return digest_of_blocks(blocks_of(descriptor))


def identity(descriptor: int) -> tuple[int, int]:
    """Return the device and inode of an open file."""
    stat_result = os.fstat(descriptor)
    return stat_result.st_dev, stat_result.st_ino


def looked_at(acts: Iterable[Act]) -> Iterator[bytes]:
    """Yield the files that are decoded for some acts, in the order of the acts."""
    last = None
    for act in acts:
        if act.image.digest != act.keeper.digest:
            if act.keeper.path != last:
                yield act.keeper.path
            last = act.keeper.path
            yield act.image.path


def check(act: Act, victim: int, keeper: int, decoder: Decoder | None) -> None:
    """Check that the picture may go, and that its keeper can stand in for it.

    Parameters
    ----------
    victim, keeper
        The open files.
    decoder
        Makes their tensors as those were made that were compared; None: only their bytes are compared.

    Raises
    ------
    RefusedError
        Something is not as it was when the act was planned.
    """
    _check_as_indexed(act.image, victim, "it", strict=True)
    if os.fstat(victim).st_nlink != 1:
        raise RefusedError("it has another name (a hard link) that would stay")
    _check_as_indexed(act.keeper, keeper, "the picture to keep", strict=False)
    if os.fstat(keeper).st_nlink == 0:  # such as the view of an overlay of what is gone below it
        raise RefusedError("the picture to keep has no name on its disk any more")
    if identity(victim) == identity(keeper):
        raise RefusedError("it is the same file as the one to keep")
    if act.image.digest != act.keeper.digest and decoder is not None:
        _check_pixels(act, _decoded(act.keeper, keeper, decoder), _decoded(act.image, victim, decoder))


def check_owners(victim: int, keeper: int) -> None:
    """Check that no picture of one user goes because of a picture of another.

    Raises
    ------
    RefusedError
        The two belong to different users.
    """
    if os.fstat(victim).st_uid != os.fstat(keeper).st_uid:
        raise RefusedError("it belongs to another user than the picture to keep (across_owners allows that)")


def _check_as_indexed(image: Image, descriptor: int, what: str, strict: bool) -> None:
    # The attributes of the keeper may have changed; its bytes may not.
    if strict and FileKey.of(os.fstat(descriptor)) != image.key:
        raise StaleError(f"{what} has changed since it was indexed")
    if digest_of_file(descriptor) != image.digest:
        raise StaleError(f"{what} has changed since it was indexed")


def _decoded(image: Image, descriptor: int, decoder: Decoder) -> Appearance:
    answer = decoder.appearance(image.path, descriptor, image.digest)
    if isinstance(answer, Appearance):
        return answer
    why = answer.reason if isinstance(answer, Unreadable | Postponed) else "one of them is being changed"
    raise RefusedError(f"the pictures cannot be compared again: {why}")


def _check_pixels(act: Act, keeper: Appearance, victim: Appearance) -> None:
    # Imported here, because equal bytes need no comparison.
    from difwatch.compare.orientation import MIRRORED, TURNS
    from difwatch.compare.pair import pixels, tensor_errors, tone_errors

    ours, theirs = pixels(keeper.tensor, keeper.inside), pixels(victim.tensor, victim.inside)
    by_tensor, by_tone = tensor_errors(ours[0], theirs[0]), tone_errors(ours, theirs)
    turned, mirrored = (int(by_tensor[list(some)].min()) for some in (TURNS, MIRRORED))
    tone = int(by_tone.min() if act.level == "edited" else by_tone[list(TURNS)].min())
    if act.level == "edited":
        still = mirrored <= act.limit if act.tone_limit is None else mirrored == 0 or tone <= act.tone_limit
    else:
        by_tones = act.tone_limit is None or turned == 0 or tone <= act.tone_limit
        still = by_tones and turned <= (0 if act.level == "duplicate" else act.limit)
    if not still:
        raise RefusedError(f"it no longer matches the picture to keep (SSE {turned}, of the tones {tone})")
    if act.level == "edited":
        _check_keeper(keeper, victim)


def _check_keeper(keeper: Appearance, victim: Appearance) -> None:
    """Check that what is kept of an original and its edited version is not the version, as far as pixels tell."""
    if _is_grey(keeper) and not _is_grey(victim):
        raise RefusedError("the picture to keep is grey, and it has colours")
    if keeper.inside and not victim.inside:
        raise RefusedError("the picture to keep has a frame or bars at its sides, and it has none")


def _is_grey(look: Appearance) -> bool:
    return all(
        max(values) - min(values) <= _GREY for values in zip(*(look.tensor[c::3] for c in range(3)), strict=True)
    )


def blocks_of(descriptor: int) -> Iterator[bytes]:
    """Yield all bytes of an open file in blocks, neither using nor changing its position."""
    offset = 0
    while block := os.pread(descriptor, _BLOCK, offset):
        yield block
        offset += len(block)
