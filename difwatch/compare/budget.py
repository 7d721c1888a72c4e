"""How much at once: which algorithm, how large a block, how many blocks side by side."""

from __future__ import annotations

CLASSIC_UP_TO = 5000
"""Images; beyond that the chunked algorithm is chosen, as in difPy."""

MOST_PAIRS = 20_000_000
"""Pairs that are stored: about a gigabyte of disk."""

JOB_BYTES = 384 << 20
"""What one block against another may take while it is searched, at the most (measured, and rounded up)."""

_BLOCK_MIN, _BLOCK_MAX = 1024, 8192
_MOST_BLOCKS = 4096


def algorithm(count: int, values: int, memory: int) -> str:
    """``classic`` for up to 5000 images whose tensors fit into half of the memory, otherwise ``chunked``.

    Parameters
    ----------
    count
        How many tensors.
    values
        How many bytes each of them has.
    memory
        The budget in bytes.
    """
    return "classic" if count <= CLASSIC_UP_TO and count * values <= memory // 2 else "chunked"


def jobs_at_once(processes: int, memory: int) -> int:
    """As many blocks side by side as there are processes, but no more than fit into ``memory`` bytes."""
    return max(1, min(processes, memory // JOB_BYTES))


def block_rows(count: int, processes: int, chunksize: int | None = None) -> int:
    """How many tensors a block has: small enough that all processes get some, large enough to be worth it.

    Parameters
    ----------
    count
        How many tensors there are.
    processes
        How many blocks are searched side by side.
    chunksize
        Wanted instead; raised where there would be more than 4096 blocks.
    """
    fewest = -(-count // _MOST_BLOCKS)
    if chunksize is not None:
        return max(chunksize, fewest, 1)
    return max(min(-(-count // (4 * processes)), _BLOCK_MAX), _BLOCK_MIN, fewest)
