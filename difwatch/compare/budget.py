"""How much to do at once: which algorithm, how large a block, how many blocks side by side."""

from __future__ import annotations

CLASSIC_UP_TO = 5000
"""Images; above this the chunked algorithm is chosen, as in difPy."""

MOST_PAIRS = 20_000_000
"""Pairs that are stored at most: about a gigabyte of disk."""

JOB_BYTES = 384 << 20
"""Peak memory of one block searched against another (measured, and rounded up)."""

_BLOCK_MIN, _BLOCK_MAX, _BLOCK_MAX_WIDE = 1024, 8192, 32768
_MOST_BLOCKS, _CHEAP_BLOCKS = 4096, 32


def algorithm(count: int, values: int, memory: int) -> str:
    """Return ``classic`` for up to 5000 images whose tensors fit into half of the memory, otherwise ``chunked``.

    Parameters
    ----------
    count
        Number of tensors.
    values
        Bytes of each tensor.
    memory
        Budget in bytes.
    """
    return "classic" if count <= CLASSIC_UP_TO and count * values <= memory // 2 else "chunked"


def jobs_at_once(processes: int, memory: int) -> int:
    """Return how many blocks to search side by side: one per process, but no more than fit into ``memory`` bytes."""
    return max(1, min(processes, memory // JOB_BYTES))


def block_rows(count: int, processes: int, chunksize: int | None = None, is_wide: bool = False) -> int:
    """Return how many tensors a block has: few enough to occupy all processes, many enough to be worth a task.

    Parameters
    ----------
    count
        Number of tensors.
    processes
        Number of blocks that are searched side by side.
    chunksize
        The size asked for; raised where there would be more than 32 blocks, as far as 1024 rows, because smaller
        ones cost time and save nothing, and where there would be more than 4096 blocks.
    is_wide
        Whether the comparison is (`difwatch.compare.comparison`): then larger blocks are quicker.
    """
    fewest = -(-count // _MOST_BLOCKS)
    if chunksize is not None:
        return max(chunksize, fewest, min(_BLOCK_MIN, -(-count // _CHEAP_BLOCKS)))
    parts, most = (processes, _BLOCK_MAX_WIDE) if is_wide else (4 * processes, _BLOCK_MAX)
    return max(min(-(-count // parts), most), _BLOCK_MIN, fewest)
