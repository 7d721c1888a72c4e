"""difPy's library and one-shot program under our name: same names and shapes, right where difPy is not."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import difwatch
from difwatch.errors import ParameterError
from difwatch.extensions import is_image_name
from tests.support import naive
from tests.support.paths import CORPUS
from tests.support.photos import photo

SEEDS = CORPUS.parent / "seeds"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Two folders: a photo, a copy, a turned copy of it that was compressed again, another photo, and a text."""
    for folder in ("A", "B/deep"):
        (tmp_path / folder).mkdir(parents=True)
    photo(1, 120, 80).save(tmp_path / "A/lake.png")
    shutil.copy(tmp_path / "A/lake.png", tmp_path / "B/copy.png")
    photo(1, 120, 80).rotate(90, expand=True).save(tmp_path / "B/deep/turned.jpg", quality=95)
    photo(2, 120, 80).save(tmp_path / "B/forest.png")
    (tmp_path / "A/notes.txt").write_text("no picture")
    (tmp_path / "A/broken.jpg").write_bytes(b"no picture")
    monkeypatch.setenv("DIFWATCH_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def build(*given, **named):
    return difwatch.build(*given, show_progress=False, **{"processes": 1} | named)


def search(*given, **named):
    return difwatch.search(*given, show_progress=False, **named)


def test_a_search_gives_groups_lesser_pictures_and_statistics_in_difpys_shapes(place):
    dif = build(str(place / "A"), str(place / "B"))
    found = search(dif, similarity="similar")
    lake, copy, turned = (str(place / name) for name in ("A/lake.png", "B/copy.png", "B/deep/turned.jpg"))
    assert list(found.result) == [lake]
    assert found.result[lake][0] == [copy, 0.0]
    assert found.result[lake][1][0] == turned
    assert 0 < found.result[lake][1][1] <= 5
    assert found.lower_quality == [copy, turned]
    stats = found.stats
    assert stats["directory"] == [str(place / "A"), str(place / "B")]
    assert stats["total_files"] == 6
    assert stats["invalid_files"]["count"] == 2
    assert stats["invalid_files"]["logs"][str(place / "A/notes.txt")] == "Unsupported file type"
    assert "broken.jpg" in "".join(stats["invalid_files"]["logs"])
    assert set(stats["process"]) == {"build", "search"}
    for step in ("build", "search"):
        assert set(stats["process"][step]["duration"]) == {"start", "end", "seconds_elapsed"}
    assert stats["process"]["build"]["parameters"] == {
        "recursive": True, "in_folder": False, "limit_extensions": True, "px_size": 50, "processes": 1,
    }  # fmt: skip
    wanted = {"similarity_mse": 5, "rotate": True, "same_dim": True, "lazy": True, "chunksize": None}
    assert wanted.items() <= stats["process"]["search"]["parameters"].items()
    assert stats["process"]["search"]["files_searched"] == 4
    assert stats["process"]["search"]["matches_found"] == {"duplicates": 1, "similar": 1}
    json.dumps([found.result, found.stats, found.lower_quality])


def test_several_searches_on_one_build_do_not_disturb_each_other(place):
    dif = build([str(place / "A"), str(place / "B")])
    duplicates, similar = search(dif), search(dif, similarity=5.0)
    assert len(duplicates.lower_quality) == 1
    assert len(similar.lower_quality) == 2
    assert "search" not in dif.stats["process"]
    assert duplicates.stats["process"]["search"]["parameters"]["similarity_mse"] == 0
    assert len(search(dif, similarity="similar", rotate=False).lower_quality) == 1
    assert len(search(dif, similarity="similar", lazy=False).lower_quality) == 2


def test_in_folder_keeps_folders_apart(place):
    photo(1, 120, 80).save(place / "B/again.png")
    dif = build(str(place / "A"), str(place / "B"), in_folder=True)
    found = search(dif, similarity="similar")
    assert list(found.result) == [str(place / "B")]
    assert len(found.result[str(place / "B")]) == 1
    each = search(dif, similarity="similar", in_folder="every")
    names = {Path(path).name for inner in each.result.values() for path in inner}
    assert names <= {"again.png", "copy.png"}
    assert len(search(dif, similarity="similar", in_folder=False).lower_quality) == 3


def test_recursive_and_limit_extensions(place):
    shutil.copy(place / "A/lake.png", place / "A/lake.data")
    assert len(build(str(place / "B"), recursive=False).filenames) == 2
    dif = build(str(place / "A"), limit_extensions=False)
    assert sorted(dif.filenames.values()) == [str(place / "A/lake.data"), str(place / "A/lake.png")]
    assert dif.stats["invalid_files"]["count"] == 2


def test_a_single_file_counts_and_a_folder_in_a_folder_counts_once(place):
    dif = build(str(place / "A/lake.png"), str(place / "B"), str(place / "B/deep"))
    assert len(dif.filenames) == 4
    assert len(search(dif, similarity="similar").lower_quality) == 2


def test_tensors_and_names_are_there_under_both_names(place):
    dif = build(str(place / "A"), px_size=20)
    assert list(dif.tensors) == list(dif.filenames) == [0]
    assert dif.tensors[0].shape == (20, 20, 3)
    assert dif.tensors[0].dtype == np.uint8
    assert dif._tensor_dictionary.keys() == dif.tensors.keys()
    assert dif._filename_dictionary == dif.filenames == {0: str(place / "A/lake.png")}


def test_one_process_and_many_give_the_same(place):
    found = [
        search(build(str(place), processes=processes), similarity="similar", processes=processes)
        for processes in (1, 3)
    ]
    assert found[0].result == found[1].result != {}
    assert found[0].stats["invalid_files"] == found[1].stats["invalid_files"]


def test_groups_of_real_pictures_are_those_of_the_twin(corpus):
    folder = next(path for path in sorted((corpus / "labelled").iterdir()) if path.is_dir())
    dif = build(str(folder), processes=2)
    pictures = naive.read_tree(os.fsencode(folder), is_image_name=is_image_name)
    assert len(pictures) == len(dif.filenames)
    for threshold, rotate, same_dim in ((0, True, True), (5, True, False), (200, False, True)):
        pairs = naive.file_pairs(pictures, threshold, rotate, same_dim)
        expected = naive.groups(pictures, pairs)
        found = search(dif, similarity=threshold, rotate=rotate, same_dim=same_dim)
        named = {(os.fsdecode(a), os.fsdecode(b), sse / 7500) for (a, b), (sse, _) in pairs.items()}
        assert set(found.pairs()) == named
        assert {
            os.fsencode(primary): {os.fsencode(path) for path, _ in members}
            for primary, members in found.result.items()
        } == expected


@pytest.mark.parametrize(
    ("step", "named", "words"),
    [
        ("build", {"recursive": 1}, "recursive = 1: must be True or False"),
        ("build", {"in_folder": "each"}, "in_folder = 'each': must be True, False or \"every\""),
        ("build", {"limit_extensions": None}, "limit_extensions = None"),
        ("build", {"px_size": 9}, "px_size = 9: must be a whole number from 10 to 5000"),
        ("build", {"px_size": "50"}, "px_size = '50'"),
        ("build", {"px_size": True}, "px_size = True"),
        ("build", {"processes": 0}, "processes = 0: must be a whole number from 1"),
        ("build", {"show_progress": "no"}, "show_progress = 'no'"),
        ("search", {"similarity": "high"}, "similarity = 'high': must be"),
        ("search", {"similarity": -1}, "similarity = -1"),
        ("search", {"similarity": None}, "similarity = None"),
        ("search", {"rotate": "yes"}, "rotate = 'yes'"),
        ("search", {"same_dim": 0}, "same_dim = 0"),
        ("search", {"lazy": 0}, "lazy = 0"),
        ("search", {"processes": 1.5}, "processes = 1.5"),
        ("search", {"chunksize": 0}, "chunksize = 0"),
        ("search", {"in_folder": 3}, "in_folder = 3"),
    ],
)
def test_a_parameter_that_is_not_allowed_is_named_with_what_is(place, step, named, words):
    dif = build(str(place / "A"))
    with pytest.raises(ParameterError) as raised:
        difwatch.build(str(place), **named) if step == "build" else difwatch.search(dif, **named)
    assert str(raised.value).startswith(words.split(":")[0])
    assert words in str(raised.value)
    assert isinstance(raised.value, ValueError)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((), "at least one"),
        ((3,), "must be a path"),
        (("/no/such/place",), "no such folder"),
        (("A", "./A"), "given twice"),
    ],
)
def test_a_folder_that_is_not_allowed_is_named(place, given, words):
    with pytest.raises(ParameterError, match=words):
        difwatch.build(*given)


def test_what_build_did_not_give_is_no_build():
    with pytest.raises(ParameterError, match=r"must be what difwatch\.build"):
        difwatch.search("Pictures")


def test_move_to_and_delete_go_through_the_journal_and_never_overwrite(place, capsys):
    (place / "out").mkdir()
    (place / "out/copy.png").write_text("taken")
    found = search(build(str(place / "A"), str(place / "B")))
    found.move_to(destination_path=str(place / "out"))
    assert 'Moved 1 file(s) to "' in capsys.readouterr().out
    assert sorted(os.listdir(place / "out")) == ["copy (1).png", "copy.png"]
    assert found.lower_quality == []
    command = [sys.executable, "-m", "difwatch", "undo", "--all"]
    subprocess.run(command, check=True, capture_output=True)
    again = search(build(str(place / "A"), str(place / "B")), similarity="similar")
    assert again.delete(silent_del=True) == 2
    assert not (place / "B/copy.png").exists()
    assert search(build(str(place / "A"), str(place / "B"))).delete() == 0, "nothing to delete is no failure"


def test_a_picture_that_changed_after_it_was_read_is_not_moved(place, capsys):
    found = search(build(str(place / "A"), str(place / "B")))
    photo(5).save(place / "A/lake.png")
    assert found.move_to(str(place / "out")) == 0
    assert "the picture to keep has changed" in capsys.readouterr().err
    assert (place / "B/copy.png").exists()


def test_where_difpy_is_wrong_we_are_not(place):
    """Each of these is a fault of difPy 4.2.1."""
    odd = place / "odd"
    for folder in ("[brackets]", ".hidden"):
        (odd / folder).mkdir(parents=True)
        photo(7).save(odd / folder / "a.png")
    flat = Image.new("RGB", (50, 50), (100, 100, 100))
    flat.save(odd / "flat.png")
    Image.new("RGB", (50, 50), (116, 116, 116)).save(odd / "brighter.png")  # wraps to an MSE of 0 there
    asymmetric = photo(8, 50, 50)
    asymmetric.save(odd / "up.png")
    asymmetric.rotate(270).save(odd / "turned270.png")
    with Image.open(odd / "up.png") as image:
        image.save(odd / "icc.png", icc_profile=b"broken")  # a warning makes it invalid there
    dif = build(str(odd))
    found = search(dif)
    groups = [
        {Path(path).name for path in (primary, *(one for one, _ in members))}
        for primary, members in found.result.items()
    ]
    assert {"a.png"} in groups, "in folders with brackets and a leading dot"
    assert {"up.png", "turned270.png", "icc.png"} in groups
    assert not any("flat.png" in group for group in groups)
    assert found.result == search(build(str(odd), processes=2)).result, "whatever the timing"


def test_a_script_without_a_main_guard_works(place):
    script = place / "script.py"
    script.write_text(
        "import difwatch\n"
        f"search = difwatch.search(difwatch.build({str(place / 'B')!r}, processes=2), similarity='similar')\n"
        "print(len(search.lower_quality))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_importing_difwatch_stays_light():
    heavy = "numpy", "PIL", "scipy", "sqlalchemy", "click", "watchdog", "pydantic"
    code = f"import sys, difwatch; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def seed_lines():
    if not SEEDS.is_dir():
        return []
    found = []
    for path in sorted(SEEDS.glob("*.txt")):
        for line in path.read_text().splitlines():
            line = line.strip()
            if "*directory" in line or "difPy_obj" in line:
                continue  # a signature
            if re.match(r"(dif|search\w*) = difPy\.|search\w*\.(result|lower_quality|stats|move_to|delete)\b", line):
                found.append(line)
    return found


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the seed documents are not here")
def test_every_line_of_code_in_difpys_documents_runs_here(place, monkeypatch):
    monkeypatch.setattr("click.confirm", lambda *given, **named: True)
    lines = seed_lines()
    assert len(lines) > 25
    names = {"difwatch": difwatch}
    for folder in ("to/Folder", "to/Folder_A", "to/Folder_B", "to/Folder_C"):
        (place / folder).mkdir(parents=True, exist_ok=True)
        photo(4).save(place / folder / "x.png")
    for line in lines:
        ours = (
            line.replace("difPy", "difwatch")
            .replace("C:/Path/", f"{place}/")
            .replace(", ...", "")
            .replace("... ", "")
        )
        exec(compile(ours.rstrip(" ,"), line, "exec"), names)
    assert names["search"].stats["process"]["search"]


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the seed documents are not here")
def test_every_command_in_difpys_documents_runs_here(place):
    commands = [
        line.strip().partition("#")[0]
        for path in sorted(SEEDS.glob("*.txt"))
        for line in path.read_text().splitlines()
        if line.strip().startswith("python dif.py")
    ]
    assert len(commands) >= 3
    for number, command in enumerate(commands):
        words = shlex.split(command.replace("C:/Path/to/Folder", f"{place}/F"))[2:]
        for word in words:
            if not word.startswith("-"):
                Path(word).mkdir(exist_ok=True)
        assert scan(place, *words, "-Z", place / f"out{number}").returncode == 0


def scan(place, *words, **named):
    command = [sys.executable, "-m", "difwatch", "scan", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=place, check=False, **named)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_the_program_writes_its_three_files(place):
    done = scan(place, "-D", place / "A", place / "B", "-s", "similar", "-Z", place / "new/out")
    assert done.returncode == 0
    results, lower, stats = (
        next((place / "new/out").glob(f"difwatch_*_{name}"))
        for name in ("results.json", "lower_quality.txt", "stats.json")
    )
    found = search(build(str(place / "A"), str(place / "B")), similarity="similar")
    assert json.loads(results.read_text()) == found.result
    assert lower.read_text().splitlines() == found.lower_quality
    assert json.loads(stats.read_text())["process"]["search"]["matches_found"] == {"duplicates": 1, "similar": 1}
    assert f"saved in '{place}/new/out'." in done.stdout


@pytest.mark.parametrize(
    ("words", "lesser"),
    [
        ([], 1),
        (["-s", "similar"], 2),
        (["--similarity", "5", "-ro", "False"], 1),
        (["-s", "5", "--no-rotate"], 1),
        (["-s", "similar", "-r", "False"], 1),
        (["-s", "similar", "-la", "False", "-px", "20", "-proc", "2", "-ch", "3", "-p", "False"], 2),
        (["-s", "similar", "-dim", "true", "--no-show-progress"], 2),
        (["-i", "True", "-s", "similar"], 1),
        (["-le", "False", "--in-folder"], 0),
        (["-le", "False", "--no-in_folder", "--no-same-dim"], 1),
    ],
)
def test_the_program_takes_every_flag_in_every_spelling(place, words, lesser):
    done = scan(place, "A", "B", *words, "-Z", "out")
    assert done.returncode == 0, done.stderr
    assert len(next((place / "out").glob("*.txt")).read_text().splitlines()) == lesser


def test_the_program_moves_or_deletes_but_not_both_and_asks(place):
    assert scan(place, "-mv", "x", "-d", "True").returncode == 2
    done = scan(place, "-d", "True", input="n\n")
    assert "Deletion canceled." in done.stdout
    assert (place / "B/copy.png").exists()
    assert "Moved 1 file(s)" in scan(place, "-mv", place / "moved").stdout
    assert os.listdir(place / "moved") == ["copy.png"]
    shutil.copy(place / "A/lake.png", place / "B/copy.png")
    assert "Deleted 1 file(s)" in scan(place, "A", "B", "-d", "True", "-sd", "True").stdout
    assert not (place / "B/copy.png").exists()


def test_wrong_flags_are_one_clear_line(place):
    for words, said in (
        (["-px", "3"], "px_size = 3"),
        (["-s", "much"], "similarity = 'much'"),
        (["no"], "no such folder"),
    ):
        done = scan(place, *words)
        assert done.returncode == 2
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_names_of_one_file_are_one_picture_within_what_is_compared(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    photo(1).save(tmp_path / "a/x.png")
    os.link(tmp_path / "a/x.png", tmp_path / "b/x.png")
    both = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert difwatch.search(difwatch.build(*both, show_progress=False), show_progress=False).result == {}
    shutil.copy(tmp_path / "a/x.png", tmp_path / "b/y.png")
    every = difwatch.build(str(tmp_path), in_folder="every", show_progress=False)
    (group,) = difwatch.search(every, show_progress=False).result.values()
    assert {len(matches) for matches in group.values()} == {1}, "b/x.png and b/y.png are two files in one directory"


def test_only_what_is_still_listed_is_moved_and_once(tmp_path, capsys):
    for number in range(4):
        photo(1).save(tmp_path / f"{number}.png", compress_level=number)
    search = difwatch.search(difwatch.build(str(tmp_path), show_progress=False), show_progress=False)
    listed = list(search.lower_quality)
    assert len(listed) == 3
    search.lower_quality = listed[:1]
    assert search.move_to(str(tmp_path / "out"), state_dir=tmp_path / "state") == 1
    assert search.move_to(str(tmp_path / "out"), state_dir=tmp_path / "state") == 0
    assert search.delete(silent_del=True, state_dir=tmp_path / "state") == 0
    assert sorted(os.listdir(tmp_path / "out")) == [os.path.basename(listed[0])]
    assert len(list(tmp_path.glob("*.png"))) == 3
    assert capsys.readouterr().err == ""


def test_what_lies_in_the_destination_makes_no_other_picture_go(tmp_path):
    (tmp_path / "dups").mkdir()
    photo(1).save(tmp_path / "dups/large.png", compress_level=0)
    photo(1).save(tmp_path / "only.png")
    search = difwatch.search(difwatch.build(str(tmp_path), show_progress=False), show_progress=False)
    assert search.lower_quality == [str(tmp_path / "only.png")]
    assert search.move_to(str(tmp_path / "dups"), state_dir=tmp_path / "state") == 0
    assert (tmp_path / "only.png").exists()
