"""A walk finds every difference between the disk and what is known, and nothing about what it cannot see."""

import os
import subprocess
import sys
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.extensions import is_image_name
from difwatch.model.files import FileKey, FileState
from difwatch.model.settings import Folder
from difwatch.tree.identity import identity
from difwatch.tree.roots import Root, innermost
from difwatch.tree.scan import Absent, Blind, Directory, differences, walk


@dataclass
class Row:
    path: bytes
    key: FileKey


def key(number: int) -> FileKey:
    return FileKey(number, 0, 0, 1, 1)


def root(path, **options) -> Root:
    return Root(Folder(os.fsencode(path), **options), is_image_name)


def paths(found) -> list[bytes]:
    return [one.path for one in found if isinstance(one, FileState)]


def touch(path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


names = st.lists(st.sampled_from([b"a", b"a-b", b"a.b", b"a0", b"b", b"A", b"\xff", b"-"]), min_size=1, max_size=3)


@given(trees=st.sets(names.map(b"/".join), max_size=12))
def test_a_walk_is_in_the_order_of_the_bytes_of_the_paths(trees, tmp_path_factory):
    top = os.fsencode(tmp_path_factory.mktemp("walk"))
    for one in trees:
        os.makedirs(os.path.join(top, one), exist_ok=True)
        with open(os.path.join(top, one, b"x.jpg"), "wb"), open(os.path.join(top, one + b".jpg"), "wb"):
            pass
    found = paths(walk(root(top), top))
    expected = sorted(os.path.join(f, n) for f, _, ns in os.walk(top) for n in ns)
    assert found == expected


def test_hidden_folders_and_names_with_brackets_count_but_waste_baskets_do_not(tmp_path):
    for name in (".hidden/a.jpg", "[2020]/b.jpg", ".Trash-1000/c.jpg", "x/@eaDir/d.jpg", "e.txt", "f.JPG"):
        touch(tmp_path / name)
    found = paths(walk(root(tmp_path), os.fsencode(tmp_path)))
    assert [os.path.relpath(os.fsdecode(one), tmp_path) for one in found] == [
        ".hidden/a.jpg",
        "[2020]/b.jpg",
        "f.JPG",
    ]


def test_patterns_exclude_files_and_whole_folders(tmp_path):
    for name in ("a.jpg", "thumbs/b.jpg", "deep/thumbs/c.jpg", "deep/d_small.jpg"):
        touch(tmp_path / name)
    one = root(tmp_path, exclude=("**/thumbs/", "*_small.jpg"))
    assert paths(walk(one, one.path)) == [os.fsencode(tmp_path / "a.jpg")]


def test_links_are_not_followed_so_a_loop_ends(tmp_path, caplog):
    touch(tmp_path / "real" / "a.jpg")
    (tmp_path / "real" / "loop").symlink_to(tmp_path)
    (tmp_path / "b.jpg").symlink_to(tmp_path / "real" / "a.jpg")
    with caplog.at_level("INFO"):
        assert paths(walk(root(tmp_path), os.fsencode(tmp_path))) == [os.fsencode(tmp_path / "real" / "a.jpg")]
    assert "b.jpg: a symbolic link, not followed" in caplog.text


def test_without_recursion_only_the_folder_itself_counts(tmp_path):
    touch(tmp_path / "a.jpg")
    touch(tmp_path / "sub" / "b.jpg")
    one = root(tmp_path, recursive=False)
    assert paths(walk(one, one.path)) == [os.fsencode(tmp_path / "a.jpg")]
    assert not one.admits_file(os.fsencode(tmp_path / "sub" / "b.jpg"))


def test_the_destination_of_moves_is_never_walked(tmp_path):
    touch(tmp_path / "a.jpg")
    touch(tmp_path / "lesser" / "b.jpg")
    apart = frozenset({os.fsencode(tmp_path / "lesser")})
    one = Root(Folder(os.fsencode(tmp_path)), is_image_name, apart)
    assert paths(walk(one, one.path)) == [os.fsencode(tmp_path / "a.jpg")]
    assert not one.admits_file(os.fsencode(tmp_path / "lesser" / "b.jpg"))


def test_a_path_below_two_roots_belongs_to_the_inner_one(tmp_path):
    outer, inner = root("/p"), root("/p/q")
    assert innermost([outer, inner], b"/p/q/a.jpg") is inner
    assert innermost([outer, inner], b"/p/qa.jpg") is outer
    assert innermost([outer, inner], b"/elsewhere/a.jpg") is None


states = st.dictionaries(
    st.sampled_from([b"/r/a", b"/r/b", b"/r/d/a", b"/r/d/b", b"/r/d0", b"/r/e"]), st.integers(1, 2)
)


@given(disk=states, known=states)
def test_differences_are_those_of_two_dictionaries(disk, known):
    found = [FileState(path, key(number)) for path, number in sorted(disk.items())]
    rows = [Row(path, key(number)) for path, number in sorted(known.items())]
    changes = {one.path: getattr(one, "key", None) for one in differences(found, rows) if one is not None}
    assert changes == {
        path: key(disk[path]) if path in disk else None
        for path in disk.keys() | known.keys()
        if disk.get(path) != known.get(path)
    }


def test_nothing_is_said_about_what_lies_at_or_below_a_blind_place():
    rows = [Row(path, key(1)) for path in (b"/r/a", b"/r/d/x", b"/r/d/y/z", b"/r/d.jpg", b"/r/e", b"/r/e0")]
    rows.sort(key=lambda row: row.path)
    absent = [one for one in differences([Blind(b"/r/d/"), Blind(b"/r/e")], rows) if isinstance(one, Absent)]
    assert sorted(one.path for one in absent) == [b"/r/a", b"/r/d.jpg", b"/r/e0"]


@pytest.mark.root
def test_a_folder_without_permission_is_blind_and_keeps_what_is_known(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs the rights of root to become another user")
    touch(tmp_path / "closed" / "a.jpg")
    (tmp_path / "closed").chmod(0)
    for parent in (tmp_path, *tmp_path.parents[:-1]):
        parent.chmod(parent.stat().st_mode | 0o055)
    code = (
        "import sys, os; sys.path[:] = {path!r}\n"
        "from difwatch.extensions import is_image_name; from difwatch.model.settings import Folder\n"
        "from difwatch.tree.roots import Root; from difwatch.tree.scan import walk\n"
        "os.setuid(65534); root = Root(Folder({top!r}), is_image_name)\n"
        "print([one for one in walk(root, root.path) if type(one).__name__ == 'Blind'])"
    )
    code = code.format(path=sys.path, top=os.fsencode(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    (tmp_path / "closed").chmod(0o700)
    assert done.stdout.strip() == f"[Blind(path={os.fsencode(tmp_path / 'closed') + b'/'!r}, expected=False)]", (
        done.stderr
    )


def test_a_root_that_is_away_is_blind_and_a_folder_that_is_away_is_empty(tmp_path):
    away = root(tmp_path / "gone")
    assert list(walk(away, away.path)) == [Blind(away.path + b"/")]
    assert identity(away.path) is None
    here = root(tmp_path)
    assert list(walk(here, os.fsencode(tmp_path / "gone"))) == []
    found = os.lstat(tmp_path)
    assert list(walk(here, here.path)) == [Directory(here.path, found.st_dev, found.st_ino)]
    assert identity(here.path) is not None


def test_a_tree_deeper_than_the_stack_of_python_is_walked(tmp_path):
    depth = sys.getrecursionlimit() + 200
    place = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=place)
        inner = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(os.open("a.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=place))
    os.close(place)
    found = paths(walk(root(tmp_path), os.fsencode(tmp_path)))
    subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)  # that of Python recurses, and so would pytest's
    assert len(found) == 1


@pytest.mark.parametrize("patterns", [("*", "!*.jpg"), ("sub", "!sub/a.jpg"), ("sub/",), ("*.png",)])
def test_events_and_walks_agree_on_what_is_excluded(tmp_path, patterns):
    for name in ("a.jpg", "sub/a.jpg", "b.png", "sub/deep/c.jpg"):
        touch(tmp_path / name)
    one = root(tmp_path, exclude=patterns)
    everything = [os.path.join(folder, name) for folder, _, names in os.walk(one.path) for name in names]
    assert sorted(paths(walk(one, one.path))) == sorted(path for path in everything if one.admits_file(path))
