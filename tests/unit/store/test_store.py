"""The store: copies cost rows and no pairs, batches are all or nothing, every failure says what to do."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from difwatch.errors import StoreBusyError, StoreError, StoreForeignError, StoreNewerError
from difwatch.imaging.fingerprint import named_recipe
from difwatch.model.files import FileKey, FileState
from difwatch.model.jobs import Tensorized, Unreadable
from difwatch.model.pictures import Appearance, Errors
from difwatch.model.settings import Criteria, Folder, Recipe, Settings
from difwatch.store import (
    contents,
    destinations,
    files,
    folders,
    ignored,
    matches,
    open_reader,
    open_writer,
    pictures,
    reading,
    rescans,
    schema,
    tables,
    writing,
)
from difwatch.store import settings as stored_settings
from tests.support.clock import NOON
from tests.support.paths import ROOT
from tests.support.storing import hit

RECIPE = Recipe("exact", 10, 1, b"here")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "difwatch.db"


@pytest.fixture
def engine(path):
    made = open_writer(path)
    schema.upgrade(made, path)
    yield made
    made.dispose()


def key(number: int) -> FileKey:
    return FileKey(100 + number, number, number, 1, number)


def result(number: int, tensor: int | None = None, digest: int | None = None) -> Tensorized:
    pixels = np.full(150, number if tensor is None else tensor, np.uint16).tobytes()
    name = number if digest is None else digest
    look = Appearance(pixels, pixels[:32], bytes(64), tone_sketch=bytes(128))
    return Tensorized(FileState(b"/p/%04d.jpg" % number, key(number)), b"digest %d" % name, False, 8, 6, look)


def of_one_look(paths, keys, digests):
    look = Appearance(bytes(300), b"t", bytes(64), alike=b"flat")
    return [
        Tensorized(FileState(path, key(number)), digest, False, 1, 1, look)
        for path, number, digest in zip(paths, keys, digests, strict=True)
    ]


def keep(engine, results, hits=()):
    with writing(engine) as connection:
        recipe_id = contents.recipe_id(connection, RECIPE)
        folder_id = folders.activate(connection, [Folder(b"/p")])[b"/p"]
        tensor_ids, new = contents.put_appearances(connection, recipe_id, results)
        content_ids = contents.put_contents(connection, recipe_id, results, tensor_ids)
        rows = [(one.state, content_ids[one.digest], None) for one in results]
        files.put(connection, {one.state.path: folder_id for one in results}, rows, NOON)
        matches.put(connection, hits)
    return recipe_id, list(new)


def test_twenty_thousand_copies_cost_rows_and_neither_tensors_nor_pairs(engine):
    for start in range(0, 20_000, 1000):
        keep(engine, [result(number, tensor=1, digest=1) for number in range(start, start + 1000)])
    with reading(engine) as connection:
        counts = {
            name: connection.exec_driver_sql(f'SELECT count(*) FROM "{name}"').scalar()
            for name in ("file", "content", "tensor", "tensor_data", "match")
        }
    assert counts == {"file": 20_000, "content": 1, "tensor": 1, "tensor_data": 1, "match": 0}


def test_contents_of_equal_pixels_share_a_tensor(engine):
    _, new = keep(engine, [result(1, tensor=7), result(2, tensor=7), result(3)])
    assert len(new) == 2
    _, again = keep(engine, [result(4, tensor=7)])
    assert again == []


def test_tensors_and_sketches_come_back_as_they_were(engine):
    recipe_id, new = keep(engine, [result(1), result(2)])
    with reading(engine) as connection:
        ids, sketches = contents.sketches(connection, recipe_id)
        rows = contents.StorePixels(connection).tensors(np.array([new[1], new[0]]))
    assert ids.tolist() == sorted(new)
    assert sketches.shape == (2, 16)
    assert [int(row[0]) for row in rows] == [2, 1]


def test_paths_are_bytes_and_come_back_exactly(engine):
    odd = [
        b"/p/caf\xe9.jpg",
        b"/p/new\nline.jpg",
        b"/p/" + b"x" * 250 + b".jpg",
        "/p/é.jpg".encode(),
        "/p/é.jpg".encode(),
    ]
    keep(engine, of_one_look(odd, range(5), [b"d%d" % number for number in range(5)]))
    assert {row.path for row in files.below(engine, b"/p")} == set(odd)


def test_what_is_below_a_folder_comes_in_pages_and_in_the_order_of_bytes(engine):
    keep(engine, [result(number) for number in range(200)])
    for start in range(1000, 4000, 500):
        keep(engine, [result(number, tensor=3, digest=3) for number in range(start, start + 500)])
    found = [row.path for row in files.below(engine, b"/p")]
    assert len(found) == 3200
    assert found == sorted(found)
    assert list(files.below(engine, b"/p/0001.jp")) == []


def test_a_batch_that_fails_leaves_nothing(engine):
    with pytest.raises(StoreError), writing(engine) as connection:
        folders.activate(connection, [Folder(b"/p")])
        connection.execute(text("INSERT INTO match (a, b, error) VALUES (2, 1, 0)"))
    with reading(engine) as connection:
        assert folders.in_force(connection) == {}


def test_contents_without_files_go_with_their_tensors_and_matches(engine):
    _, new = keep(engine, [result(1), result(2), result(3, tensor=2)])
    a, b = new
    with writing(engine) as connection:
        matches.put(connection, [hit(a, b, 5, 0, 0, 5)])
        files.remove(connection, [b"/p/0002.jpg"])
        assert contents.purge(connection) == []  # its tensor is that of file 3 as well
        assert matches.count(connection, 1, 5) == 1
        files.remove(connection, [b"/p/0001.jpg"])
        assert contents.purge(connection) == [a]
        assert matches.count(connection, 1, 5) == 0


def test_an_id_of_a_tensor_is_never_given_again(engine):
    _, new = keep(engine, [result(1)])
    with writing(engine) as connection:
        files.remove(connection, [b"/p/0001.jpg"])
        contents.purge(connection)
    _, later = keep(engine, [result(1)])
    assert later[0] > new[0]


def test_matches_answer_for_turned_and_for_upright_comparison(engine):
    recipe_id, new = keep(engine, [result(1), result(2)])
    a, b = new
    with writing(engine) as connection:
        matches.put(connection, [hit(a, b, 5, 90, 270, 80)])
        turned, back = Errors(5, -1, 90, 0), Errors(5, -1, 270, 0)
        assert list(matches.neighbours(connection, [a, b], Criteria(5))) == [(a, b, turned), (b, a, back)]
        assert list(matches.neighbours(connection, [a, b], Criteria(79, rotate=False))) == []
        upright = Errors(80, -1)
        near = [(a, b, upright), (b, a, upright)]
        assert list(matches.neighbours(connection, [a, b], Criteria(80, rotate=False))) == near
        assert len(matches.rows_within(connection, recipe_id, Criteria(5))) == 1
        assert list(matches.neighbours(connection, [b], Criteria(5))) == [(b, a, back)]


def test_hard_links_are_one_picture_under_the_first_name(engine):
    same = of_one_look([b"/p/b.jpg", b"/p/a.jpg"], [1, 1], [b"d", b"d"])
    recipe_id, _ = keep(engine, same)
    with reading(engine) as connection:
        (image,) = pictures.images(connection, folders.in_force(connection), {1: 0}, recipe_id)
    assert (image.path, image.links) == (b"/p/a.jpg", (b"/p/b.jpg",))


def test_unreadable_files_are_listed_with_their_reason(engine):
    with writing(engine) as connection:
        recipe_id = contents.recipe_id(connection, RECIPE)
        ids = folders.activate(connection, [Folder(b"/p")])
        broken = Unreadable(FileState(b"/p/b.jpg", key(1)), b"d", "cut off")
        content_ids = contents.put_contents(connection, recipe_id, [broken], {})
        rows = [(broken.state, content_ids[b"d"], None), (FileState(b"/p/a.jpg", key(2)), None, "a FIFO")]
        files.put(connection, {b"/p/a.jpg": ids[b"/p"], b"/p/b.jpg": ids[b"/p"]}, rows, NOON)
        assert files.unreadable(connection) == [(b"/p/a.jpg", "a FIFO"), (b"/p/b.jpg", "cut off")]
        (counted,) = folders.counts(connection)
        assert (counted.files, counted.images, counted.unreadable) == (2, 0, 2)


def test_a_picture_stays_one_when_the_worker_of_its_copy_failed(engine):
    _, new = keep(engine, [result(1)])
    with writing(engine) as connection:
        recipe_id = contents.recipe_id(connection, RECIPE)
        failed = Unreadable(FileState(b"/p/copy.jpg", key(2)), b"digest 1", "it ended the worker that decoded it")
        ids = contents.put_contents(connection, recipe_id, [failed], {})
        rows = [(failed.state, ids[b"digest 1"], None)]
        files.put(connection, {b"/p/copy.jpg": 1}, rows, NOON)
        assert files.unreadable(connection) == []
        assert dict(pictures.files_with_tensors(connection, [b"/p/0001.jpg", b"/p/copy.jpg"])) == dict.fromkeys(
            (1, 2), new[0]
        )


def test_a_folder_no_longer_configured_does_not_count_but_is_not_forgotten(engine):
    keep(engine, [result(1)])
    with writing(engine) as connection:
        folders.activate(connection, [Folder(b"/q", exclude=("x/",), keep=("path",))])
        assert list(folders.in_force(connection).values()) == [Folder(b"/q", exclude=("x/",), keep=("path",))]
        folders.activate(connection, [Folder(b"/p")])
    assert len(list(files.below(engine, b"/p"))) == 1


def test_a_file_belongs_to_the_innermost_folder_in_force(engine):
    keep(engine, of_one_look([b"/p/a.jpg", b"/p/q/b.jpg", b"/p/q0.jpg"], range(3), [b"d0", b"d1", b"d2"]))
    for paths in ((b"/p", b"/p/q"), (b"/p/q",), (b"/p",), (b"/",), (b"/p/q", b"/p")):
        with writing(engine) as connection:
            ids = folders.activate(connection, [Folder(path) for path in paths])
            counted = {one.path: one.files for one in folders.counts(connection)}
        assert ids.keys() == counted.keys()
        inner = {b"/p/q": 1} if b"/p/q" in paths else {}
        outer = {path: 3 - sum(inner.values()) for path in (b"/p", b"/") if path in paths}
        assert counted == inner | outer


def test_settings_come_back_as_they_were(engine):
    chosen = Settings(7.5, False, False, ("path", "bytes"))
    with writing(engine) as connection:
        assert stored_settings.get_matching(connection) == Settings()
        stored_settings.put_matching(connection, chosen)
        assert stored_settings.get_matching(connection) == chosen


def test_the_tables_are_what_the_migrations_make(engine):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def facts_of(path):
    """What SQLite knows of each table and index of a store, whatever the order in which columns came."""
    found = {}
    with closing(sqlite3.connect(path)) as store:
        rows = store.execute("SELECT name, type, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
        for name, kind, sql in rows:
            if kind != "table":
                found[name] = " ".join(sql.split())
                continue
            columns = sorted(row[1:] for row in store.execute(f"PRAGMA table_info({name})"))
            references = sorted(row[2:] for row in store.execute(f"PRAGMA foreign_key_list({name})"))
            indexes = [
                (unique, partial, tuple(one[2] for one in store.execute(f"PRAGMA index_info({index})")))
                for _, index, unique, _, partial in store.execute(f"PRAGMA index_list({name})").fetchall()
            ]
            words = {word: word in sql.upper() for word in ("WITHOUT ROWID", "AUTOINCREMENT", "CHECK", "COLLATE")}
            found[name] = (columns, references, sorted(indexes), words)
    return found


def test_a_new_store_is_what_the_migrations_make_one_by_one(engine, path, tmp_path):
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(schema.migrations()))
    step_by_step = open_writer(tmp_path / "steps.db")
    with step_by_step.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    step_by_step.dispose()
    assert facts_of(path) == facts_of(tmp_path / "steps.db")


def test_the_newest_migration_is_the_one_the_code_expects():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(schema.migrations()))
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD


def test_a_store_from_a_newer_difwatch_is_refused_and_left_alone(engine, path):
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreNewerError, match="written by a newer difwatch"):
        schema.upgrade(engine, path)
    with pytest.raises(StoreNewerError, match="upgrade difwatch"):
        schema.check(engine, path)


def test_an_older_store_is_copied_before_it_is_upgraded(path, monkeypatch, tmp_path):
    engine = open_writer(path)
    schema.upgrade(engine, path)
    keep(engine, [result(1)])
    released = schema.HEAD
    (tmp_path / "migrations" / "versions").mkdir(parents=True)
    for source in (schema.migrations() / "env.py", *(schema.migrations() / "versions").glob("*.py")):
        target = tmp_path / "migrations" / source.relative_to(schema.migrations())
        target.write_bytes(source.read_bytes())
    (tmp_path / "migrations" / "versions" / "9999_more.py").write_text(
        f"from alembic import op\nrevision='9999'\ndown_revision='{schema.HEAD}'\n"
        "def upgrade():\n    op.execute('CREATE TABLE more (id INTEGER)')\n"
    )
    monkeypatch.setattr(schema, "migrations", lambda: tmp_path / "migrations")
    monkeypatch.setattr(schema, "HEAD", "9999")
    with pytest.raises(StoreError, match="db upgrade"):
        schema.check(engine, path)
    assert schema.upgrade(engine, path) == released
    assert schema.revision(engine) == "9999"
    copy = sqlite3.connect(path.with_name("difwatch.db.before-9999"))
    assert copy.execute("SELECT version_num FROM alembic_version").fetchone() == (released,)
    assert copy.execute("SELECT count(*) FROM file").fetchone() == (1,)
    copy.close()
    engine.dispose()


def test_a_migration_that_fails_half_way_leaves_the_old_schema(path, monkeypatch, tmp_path):
    engine = open_writer(path)
    schema.upgrade(engine, path)
    released = schema.HEAD
    (tmp_path / "m" / "versions").mkdir(parents=True)
    for source in (schema.migrations() / "env.py", *(schema.migrations() / "versions").glob("*.py")):
        (tmp_path / "m" / source.relative_to(schema.migrations())).write_bytes(source.read_bytes())
    (tmp_path / "m" / "versions" / "9999_bad.py").write_text(
        f"from alembic import op\nrevision='9999'\ndown_revision='{schema.HEAD}'\n"
        "def upgrade():\n    op.execute('CREATE TABLE half (id INTEGER)')\n    op.execute('not sql')\n"
    )
    monkeypatch.setattr(schema, "migrations", lambda: tmp_path / "m")
    monkeypatch.setattr(schema, "HEAD", "9999")
    with pytest.raises(StoreError):
        schema.upgrade(engine, path)
    assert schema.revision(engine) == released
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sqlite_master WHERE name = 'half'").scalar() == 0
    engine.dispose()


def test_two_writers_in_one_file_do_not_lose_updates(engine, path):
    other = open_writer(path)
    with other.connect() as held:
        held.exec_driver_sql("SELECT 1")  # has begun, and so holds the right to write
        impatient = sqlite3.connect(path, timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            impatient.execute("BEGIN IMMEDIATE")
        impatient.close()
    other.dispose()


PUBLIC = {
    "files.at_paths": lambda c: files.at_paths(c, [b"/p"]),
    "files.with_inodes": lambda c: files.with_inodes(c, [1]),
    "files.put": lambda c: files.put(c, {b"/p/a": 1}, [(FileState(b"/p/a", key(1)), None, "x")], NOON),
    "files.remove": lambda c: files.remove(c, [b"/p"]),
    "files.unreadable": files.unreadable,
    "folders.activate": lambda c: folders.activate(c, [Folder(b"/p")]),
    "folders.in_force": folders.in_force,
    "folders.counts": folders.counts,
    "contents.recipe_id": lambda c: contents.recipe_id(c, RECIPE),
    "contents.put_appearances": lambda c: contents.put_appearances(c, 1, [result(1)]),
    "contents.sketches": lambda c: contents.sketches(c, 1),
    "contents.tone_sketches": lambda c: contents.tone_sketches(c, 1),
    "contents.alike": lambda c: contents.alike(c, 1),
    "contents.purge": contents.purge,
    "matches.put": lambda c: matches.put(c, [hit(1, 2, 0, 0, 0, 0)]),
    "matches.rows_within": lambda c: matches.rows_within(c, 1, Criteria(0)).tolist(),
    "matches.neighbours": lambda c: list(matches.neighbours(c, [1], Criteria(0))),
    "matches.count": lambda c: matches.count(c, 1, 0),
    "matches.counted": lambda c: matches.counted(c, 1, Criteria(0)),
    "matches.forget": lambda c: matches.forget(c),
    "matches.nth_distance": lambda c: matches.nth_distance(c, 1, 0, 1, 0),
    "matches.sweep": lambda c: matches.sweep(c, 1, 0, (0, 0), 1),
    "pictures.images": lambda c: list(pictures.images(c, {1: Folder(b"/p")}, {1: 0}, 1)),
    "pictures.files_like": lambda c: pictures.files_like(c, 1, None, 1),
    "rescans.unfinished": rescans.unfinished,
    "rescans.narrow": lambda c: rescans.narrow(c, 1, 0),
    "rescans.put": lambda c: rescans.put(c, hit(1, 2, 0, 0, 0, 0)),
    "destinations.add": lambda c: destinations.add(c, b"/d"),
    "ignored.put": lambda c: ignored.put(c, b"a", b"b", NOON),
    "settings.get": lambda c: stored_settings.get(c, "x"),
    "settings.put": lambda c: stored_settings.put(c, "x", 1),
}


@pytest.mark.parametrize("name", PUBLIC)
def test_every_function_says_in_words_that_another_process_holds_the_file(engine, path, name):
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with engine.connect() as connection:
        connection.connection.dbapi_connection.execute("PRAGMA busy_timeout = 0")
        connection.rollback()
    with (
        pytest.raises(StoreBusyError, match=r"difwatch.db: another process is writing"),
        writing(engine) as connection,
    ):
        PUBLIC[name](connection)
    holder.close()


def test_a_reader_is_never_made_to_wait_by_the_writer(engine, path):
    keep(engine, [result(1)])
    with writing(engine) as connection:
        files.remove(connection, [b"/p/0001.jpg"])
        assert len(list(files.below(open_reader(path), b"/p"))) == 1
    assert list(files.below(open_reader(path), b"/p")) == []


def test_a_reader_in_the_same_process_leaves_the_writer_its_locks(engine, path):
    """The system drops all record locks of a process on a file as soon as it closes any descriptor of it."""

    def locks():
        found = Path("/proc/locks").read_text().splitlines()
        ours = [line for line in found if f":{path.stat().st_ino} " in line and f" {os.getpid()} " in line]
        return [line.split(maxsplit=1)[1] for line in ours]

    with reading(engine) as connection:
        stored_settings.get(connection, "any")
    before = locks()
    assert before, "without a lock of the writer, the next process that closes the file removes the -wal"
    reader = open_reader(path)
    with reading(reader) as connection:
        stored_settings.get(connection, "any")
    reader.dispose()
    assert locks() == before


def test_a_reader_cannot_write(engine, path):
    with pytest.raises(StoreError), writing(open_reader(path)) as connection:
        folders.activate(connection, [Folder(b"/p")])


def test_no_store_is_said_with_what_to_do(path):
    with pytest.raises(StoreError, match="difwatch watch"):
        open_reader(path)


@pytest.mark.parametrize("open_it", [open_writer, open_reader])
def test_a_foreign_file_is_refused_and_left_as_it_is(path, open_it):
    path.write_text("my shopping list\n" * 500)
    before = path.read_bytes()
    with pytest.raises(StoreForeignError, match="not a store of difwatch"):
        open_it(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("open_it", [open_writer, open_reader])
def test_the_database_of_another_program_is_refused_and_left_as_it_is(path, open_it):
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE places (url TEXT)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreForeignError, match="not a store of difwatch"):
        open_it(path)
    found = sqlite3.connect(path)
    assert found.execute("SELECT name FROM sqlite_master").fetchall() == [("places",)]
    found.close()
    assert len(path.read_bytes()) == len(before)


def test_a_damaged_store_is_refused(path):
    engine = open_writer(path)
    schema.upgrade(engine, path)
    keep(engine, [result(number) for number in range(300)])
    engine.dispose()
    data = bytearray(path.read_bytes())
    for place in range(20_000, len(data), 4096):
        data[place : place + 200] = os.urandom(200)
    path.write_bytes(data)
    with pytest.raises(StoreForeignError, match=r"damaged|not a store"):
        open_writer(path)


def test_the_writer_is_killed_between_two_batches_and_the_first_one_is_there(tmp_path):
    code = (
        "import os; from pathlib import Path; from tests.unit.store import test_store as t\n"
        "p = Path({db!r}); e = t.open_writer(p); t.schema.upgrade(e, p); t.keep(e, [t.result(1)])\n"
        "with t.writing(e) as c:\n"
        "    t.files.remove(c, [b'/p/0001.jpg']); os.kill(os.getpid(), 9)\n"
    ).format(db=str(tmp_path / "difwatch.db"))
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == -9
    engine = open_writer(tmp_path / "difwatch.db")
    assert len(list(files.below(engine, b"/p"))) == 1
    engine.dispose()


def test_the_recipe_of_this_machine_is_kept_once(engine):
    recipe = named_recipe("exact", 50)
    with writing(engine) as connection:
        assert contents.recipe_id(connection, recipe) == contents.recipe_id(connection, recipe)
        assert contents.recipe_id(connection, RECIPE) != contents.recipe_id(connection, recipe)
