"""What other programs keep for themselves inside people's folders is not read, unless it is asked for."""

import os

import pytest

from difwatch.extensions import is_watched_name
from difwatch.model.settings import Folder
from difwatch.tree.roots import Root

PRIVATE = [
    ".Trash-1000/files", ".Trash", ".Recycle.Bin", ".Trashes/501", "$RECYCLE.BIN/S-1-5", "$Recycle.Bin",
    "Recycled", ".recycle", "#recycle", "@Recycle", ".stversions", ".dtrash/files", ".sync/Archive",
    "#snapshot/daily", ".snapshot/hourly.0", ".snapshots/12/snapshot", "~snapshot", ".zfs/snapshot/x",
    "@Recently-Snapshot", "@eaDir/IMG.jpg", ".@__thumb", ".thumbnails", ".picasaoriginals", ".rsync-partial",
    ".~tmp~", ".tmp.drivedownload", ".dropbox.cache", ".nextcloudsync", ".history", "lost+found",
    ".local/share/Trash/files", "sub/.STVERSIONS",
]  # fmt: skip
OWN = [
    "Trash",
    "history",
    "recycle",
    ".sync",
    "sync/Archive",
    "Snapshots",
    ".hidden",
    "share/Trash",
    "my.trash",
    "lost",
]
FILES = [".trashed-1764-IMG.jpg", ".pending-1764-IMG.jpg", "._IMG.jpg", ".nfs000001.jpg", ".fuse_hidden01.jpg"]


def root(**options):
    return Root(Folder(b"/home/a/pictures", **options), is_watched_name)


@pytest.mark.parametrize("place", PRIVATE)
def test_private_places_are_neither_entered_nor_read(place):
    directory = b"/home/a/pictures/" + os.fsencode(place)
    assert not root().admits_directory(directory)
    assert not root().admits_file(directory + b"/IMG.jpg")


@pytest.mark.parametrize("place", OWN)
def test_other_places_are_read_though_their_names_are_like(place):
    directory = b"/home/a/pictures/" + os.fsencode(place)
    assert root().admits_directory(directory)
    assert root().admits_file(directory + b"/IMG.jpg")


@pytest.mark.parametrize("name", FILES)
def test_private_files_are_not_read(name):
    assert not root().admits_file(b"/home/a/pictures/" + os.fsencode(name))
    assert root().admits_file(b"/home/a/pictures/x" + os.fsencode(name))


def test_a_private_place_is_read_if_it_is_included():
    wanted = root(include=("/old/.thumbnails/", ".trashed-*"))
    assert wanted.admits_file(b"/home/a/pictures/old/.thumbnails/a.jpg")
    assert wanted.admits_directory(b"/home/a/pictures/old/.thumbnails")
    assert wanted.admits_file(b"/home/a/pictures/.trashed-1-a.jpg")
    assert not wanted.admits_file(b"/home/a/pictures/new/.thumbnails/a.jpg")
    assert wanted.admits_file(b"/home/a/pictures/old/.thumbnails/.history/a.jpg"), "and all that is in it"


def test_a_folder_that_lies_in_a_private_place_is_read_because_a_person_named_it():
    inside = Root(Folder(b"/disk/.snapshots/7/pictures"), is_watched_name)
    assert inside.admits_file(b"/disk/.snapshots/7/pictures/a.jpg")
    assert not inside.admits_file(b"/disk/.snapshots/7/pictures/.thumbnails/a.jpg")
    assert not Root(Folder(b"/home/a/.local/share"), is_watched_name).admits_file(b"/home/a/.local/share/Trash/a.jpg")
