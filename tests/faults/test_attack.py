"""Moving while others exchange, link and replace what takes part."""

import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from difwatch.actions.move import carry_out
from tests.faults import attack
from tests.support.moving import act, journal, rules


@pytest.mark.parametrize("moves", [150, pytest.param(500, marks=pytest.mark.slow)])
def test_under_attack_nothing_is_lost_overwritten_or_touched_outside(moves):
    outcomes, wrong = attack.run(moves, seed=3)
    assert wrong == []
    assert outcomes["done"] > 0
    assert outcomes.total() - outcomes["not begun"] - outcomes["done"] > 0, "and the attacks did disturb"


def move_many(base, number, count):
    book, found = journal(base / f"state{number}"), rules(base)
    folder = base / f"in{number}"
    done = [
        carry_out(act(folder / str(one) / "same.jpg", base / "keep.jpg", base / "out/same.jpg"), book, found).state
        for one in range(count)
    ]
    book.close()
    return done


@pytest.mark.parametrize("count", [25, pytest.param(250, marks=pytest.mark.slow)])
def test_pictures_of_one_name_moved_by_four_processes_at_once_all_arrive(tmp_path, count):
    (tmp_path / "keep.jpg").write_bytes(b"same picture")
    for number in range(4):
        for one in range(count):
            (tmp_path / f"in{number}/{one}").mkdir(parents=True)
            shutil.copy(tmp_path / "keep.jpg", tmp_path / f"in{number}/{one}/same.jpg")
    with ProcessPoolExecutor(4, get_context("spawn")) as pool:
        done = [state for some in pool.map(move_many, [tmp_path] * 4, range(4), [count] * 4) for state in some]
    assert set(done) == {"done"}
    assert len(list((tmp_path / "out").iterdir())) == 4 * count
    assert not list(tmp_path.rglob("in*/*/same.jpg"))
