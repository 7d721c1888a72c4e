"""A store of every schema that was ever released is brought to the newest one with all that is in it."""

import os
import shutil
import sqlite3
from contextlib import closing

import pytest

from difwatch.store import open_writer, schema, tables
from tests.faults import migration_kills
from tests.faults.migration_kills import content, unpack
from tests.support import make_stores, naive
from tests.support.paths import STORES
from tests.support.running import difwatch, reported_pairs

RELEASED = sorted(path.name.partition(".")[0] for path in STORES.iterdir())


def expected_pairs(folder):
    """What the twin finds in the pictures that all stores were made from."""
    make_stores.make_pictures(folder)
    there = naive.file_pairs(naive.read_tree(os.fsencode(folder), make_stores.PX), 5, True, True)
    at = os.fsencode(make_stores.PICTURES)
    return {tuple(path.replace(os.fsencode(folder), at) for path in pair): found for pair, found in there.items()}


def is_newest(store):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = open_writer(store)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, tables.metadata)
    engine.dispose()
    return differences == []


def test_there_is_a_store_of_each_schema():
    migrations = {path.name[:4] for path in (schema.migrations() / "versions").glob("[0-9]*.py")}
    assert migrations == set(RELEASED) == set(make_stores.COMMITS), "make one with tests.support.make_stores"


@pytest.mark.parametrize("version", RELEASED)
def test_a_released_store_is_upgraded_with_all_its_rows_and_the_old_one_is_kept(version, tmp_path):
    store = unpack(version, tmp_path / "state")
    before = content(store)
    assert (before.sound, before.version) == ("ok", version)
    assert len(before.rows["file"]) == 6 and len(before.rows["match"]) == 3
    difwatch(tmp_path / "state", "db", "upgrade")
    after = content(store)
    assert (after.sound, after.version) == ("ok", schema.HEAD)
    assert after.has(before)
    assert is_newest(store)
    assert reported_pairs(tmp_path / "state") == expected_pairs(tmp_path / "pictures") != {}
    copy = store.with_name(f"difwatch.db.before-{schema.HEAD}")
    assert copy.exists() == (version != schema.HEAD)
    if copy.exists():
        assert content(copy) == before


def test_a_store_of_a_newer_difwatch_is_refused_and_its_bytes_stay(tmp_path):
    store = unpack(schema.HEAD, tmp_path / "state")
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = store.read_bytes()
    (tmp_path / "pictures").mkdir()
    for command in (("db", "upgrade"), ("report",), ("status",), ("watch", "--once", tmp_path / "pictures")):
        done = difwatch(tmp_path / "state", *command, check=False)
        assert done.returncode == 5
        assert "written by a newer difwatch" in done.stderr
        assert store.read_bytes() == before
    assert not list((tmp_path / "state").glob("difwatch.db.*"))


_kills = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: it does the killing")


@_kills
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", migration_kills.OLD)
def test_an_upgrade_that_is_interrupted_leaves_the_old_or_the_new_store(version):
    count, states, wrong = migration_kills.interruptions(version, quick=True, jobs=2, most=30)
    assert not wrong, "\n".join(wrong)
    assert 20 < count <= 30
    assert states[migration_kills.MISSED] < count / 10
    assert states[version] > 3 and states[schema.HEAD] > 0


@_kills
@pytest.mark.slow
def test_an_upgrade_that_is_interrupted_here_and_there_leaves_the_old_or_the_new_store():
    count, states, wrong = migration_kills.interruptions("0003", quick=True, jobs=2, most=6)
    assert not wrong, "\n".join(wrong)
    assert 3 < count <= 6
    assert states[migration_kills.MISSED] < count / 4
    assert states["0003"] > 0 and states[schema.HEAD] > 0
