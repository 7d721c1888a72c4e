"""What is printed waits on the disk while a pager reads, and says so where there is no room."""

import errno
import tempfile

import pytest

from difwatch.cli.output import spooled
from difwatch.errors import IncompleteError


@pytest.mark.parametrize("many", [1, 3_000_000])
def test_pieces_come_back_as_they_were(many):
    pieces = ["a\r\n\u2028", "\udc80 and no end", "x" * many]
    assert "".join(spooled(iter(pieces))) == "".join(pieces)


def test_a_full_temporary_directory_is_named(monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", full)
    with pytest.raises(IncompleteError, match=r"does not fit into the temporary directory.*-o FILE"):
        spooled(iter(["x"]))
