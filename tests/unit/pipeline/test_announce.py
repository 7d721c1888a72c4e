"""What is logged of files that moved or are gone: a line for a folder, not for each of its files."""

import logging
import os

import pytest

from difwatch.pipeline.announce import announce_gone, announce_moved


@pytest.fixture
def told(caplog):
    caplog.set_level(logging.INFO, "difwatch")
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_renamed_folder_is_one_line_and_a_renamed_file_too(told):
    moved = [(b"/p/new/deep/%d.jpg" % n, b"/p/old/deep/%d.jpg" % n) for n in range(60)]
    announce_moved([*moved, (b"/p/b.jpg", b"/p/a.jpg"), (b"/p/x/c.jpg", b"/p/y/c.jpg")])
    assert told() == ["/p/new: was /p/old, with 60 files", "/p/b.jpg: was /p/a.jpg", "/p/x/c.jpg: was /p/y/c.jpg"]


def test_a_folder_that_is_gone_is_one_line_with_the_number_of_its_files(tmp_path, told):
    (tmp_path / "kept").mkdir()
    here = os.fsencode(tmp_path)
    gone = [here + b"/album/2024/%d.jpg" % n for n in range(40)] + [here + b"/album/%d.jpg" % n for n in range(20)]
    announce_gone([*gone, here + b"/kept/a.jpg", here + b"/kept/b.jpg", here + b"/other/c.jpg"])
    assert told() == [
        f"{tmp_path}/album: gone, with 60 files",
        f"{tmp_path}/kept/a.jpg: gone",
        f"{tmp_path}/kept/b.jpg: gone",
        f"{tmp_path}/other/c.jpg: gone",
    ]


def test_many_files_gone_from_a_folder_that_is_there_are_counted(tmp_path, told):
    announce_gone([os.fsencode(tmp_path) + b"/%d.jpg" % n for n in range(50)])
    assert told() == [f"{tmp_path}: 50 files gone from it"]
