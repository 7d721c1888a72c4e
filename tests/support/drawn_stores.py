"""Stores that are drawn at random, with all that groups depend on: folders, links, references, ignored pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Engine

from difwatch.model.settings import Folder, Recipe, Settings
from difwatch.service.prepare import prepare
from difwatch.store import open_writer, upgrade, writing

DIRECTORIES = (b"/p/", b"/p/.hidden/", b"/p/a/", b"/p/a/deep/", b"/r/")
TENSORS = 6

pictures = st.lists(
    st.tuples(
        st.sampled_from(DIRECTORIES),
        st.sampled_from([b"x.jpg", b"longer.jpg", b".y.jpg"]),
        st.integers(1, 8),  # content, of which each has a tensor
        st.integers(1, 9),  # inode
        st.sampled_from([None, "2026-03-01T10:00:00+00:00", "2026-04-01T10:00:00.250001+00:00"]),
    ),
    max_size=14,
    unique_by=lambda picture: picture[:2],
)
contents = st.lists(
    st.tuples(
        st.integers(1, TENSORS),
        st.sampled_from([(10, 20), (20, 10), (30, 20)]),
        st.integers(1, 2),  # bytes
        st.sampled_from(["JPEG", "GIF", "RAW"]),
        st.sampled_from([None, "Camera"]),
        st.sampled_from([None, "2024-05-01T10:00:00", "2024-05-01T10:00:01", "2024-05-01T10:00:01.25"]),
    ),
    min_size=8,
    max_size=8,
)
errors = st.sampled_from([None, 0, 5, 200, 40_000])
matches = st.dictionaries(
    st.tuples(st.integers(1, TENSORS), st.integers(1, TENSORS)).filter(lambda pair: pair[0] < pair[1]),
    st.tuples(errors, errors, st.integers(0, 600), st.sampled_from([None, 3, 300])),
    max_size=10,
)
keeps = st.permutations(["pixels", "original", "bytes", "oldest", "folder"]).map(tuple)
chosen = st.builds(
    Settings,
    threshold=st.sampled_from([0.0, 1.0, 5.0]),
    same_dim=st.booleans(),
    rotate=st.booleans(),
    mirror=st.booleans(),
    nmse=st.just(0.03),
    edited=st.booleans(),
    act_on_shots=st.booleans(),
    keep=keeps,
)
folders = st.tuples(
    st.sampled_from([False, True, "every"]), st.sampled_from([None, 0.0, 5.0]), st.booleans(), st.none() | keeps
)


def fill(connection, files, of_contents, pairs):
    cursor = connection.connection.cursor()
    for number in range(1, TENSORS + 1):
        digest = b"t%d" % number
        cursor.execute("INSERT INTO tensor (id, recipe_id, digest, sketch) VALUES (?, 1, ?, '')", (number, digest))
    for number, (tensor, (width, height), size, kind, camera, taken) in enumerate(of_contents, start=1):
        cursor.execute(
            "INSERT INTO content (id, digest, bytes, recipe_id, width, height, tensor_id, format, camera, taken)"
            " VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?)",
            (number, b"c%d" % number, size, width, height, tensor, kind, camera, taken),
        )
    for directory, name, content, inode, seen in files:
        cursor.execute(
            "INSERT INTO file (path, folder_id, size, mtime_ns, ctime_ns, dev, inode, content_id, seen)"
            " VALUES (?, ?, 1, ?, 1, 1, ?, ?, ?)",
            (directory + name, 2 if directory == b"/r/" else 1, inode, inode, content, seen),
        )
    for (a, b), (turned, mirrored, tone, tone_mirrored) in pairs.items():
        cursor.execute(
            "INSERT INTO match (a, b, error, sse_upright, sse_turned, sse_mirrored, tone_turned, tone_mirrored)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (a, b, min(tone, tone_mirrored or tone), turned, turned, mirrored, tone, tone_mirrored),
        )


ignored = st.sets(st.sampled_from([(1, 2), (2, 3), (4, 5)]))
stores = st.fixed_dictionaries(
    {
        "files": pictures,
        "of_contents": contents,
        "pairs": matches,
        "wanted": chosen,
        "other": folders,
        "ignored_pairs": ignored,
    }
)


def made(
    place: Path, files: Any, of_contents: Any, pairs: Any, wanted: Any, other: Any, ignored_pairs: Any
) -> Engine:
    """Make a store of what was drawn."""
    engine = open_writer(place)
    upgrade(engine, place)
    in_folder, similarity, is_reference, keep = other
    role = "reference" if is_reference else "normal"
    watched = [
        Folder(b"/p", in_folder=in_folder, keep=keep),
        Folder(b"/r", in_folder=in_folder, similarity=similarity, role=role, position=1),
    ]
    prepare(engine, watched, wanted, Recipe("exact", 10, 1, b"test"), 0.03)
    with writing(engine) as connection:
        fill(connection, files, of_contents, pairs)
        for a, b in ignored_pairs:
            connection.exec_driver_sql("INSERT INTO ignored VALUES (?, ?, '')", (b"c%d" % a, b"c%d" % b))
    return engine
