"""Moving while others exchange, link and replace what takes part."""

import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from difwatch.actions.move import carry_out
from tests.faults import attack
from tests.support.moving import act, journal, rules


def test_under_attack_nothing_is_lost_overwritten_or_touched_outside():
    outcomes, wrong = attack.run(500, seed=3)
    assert wrong == []
    assert outcomes["done"] > 0
    assert outcomes.total() - outcomes["not begun"] - outcomes["done"] > 0, "and the attacks did disturb"


def move_many(base, number):
    book, found = journal(base / f"state{number}"), rules(base)
    folder = base / f"in{number}"
    done = [
        carry_out(act(folder / str(one) / "same.jpg", base / "keep.jpg", base / "out/same.jpg"), book, found).state
        for one in range(250)
    ]
    book.close()
    return done


def test_a_thousand_pictures_of_one_name_moved_by_four_processes_at_once_all_arrive(tmp_path):
    (tmp_path / "keep.jpg").write_bytes(b"same picture")
    for number in range(4):
        for one in range(250):
            (tmp_path / f"in{number}/{one}").mkdir(parents=True)
            shutil.copy(tmp_path / "keep.jpg", tmp_path / f"in{number}/{one}/same.jpg")
    with ProcessPoolExecutor(4, get_context("spawn")) as pool:
        done = [state for some in pool.map(move_many, [tmp_path] * 4, range(4)) for state in some]
    assert set(done) == {"done"}
    assert len(list((tmp_path / "out").iterdir())) == 1000
    assert not list(tmp_path.rglob("in*/*/same.jpg"))
