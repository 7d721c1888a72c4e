"""The quick form of the faults of decoding: broken files, and workers that are killed, crashed and stopped."""

import pytest

from tests.faults import decoding, workers


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("cuts", "flips"), [(1, 1), pytest.param(2, 4, marks=pytest.mark.slow)])
def test_broken_hostile_and_odd_files_each_get_a_verdict_and_cost_no_good_one_its(tmp_path, cuts, flips):
    text, wrong = decoding.run(cuts, flips, tmp_path)
    assert not wrong, text


@pytest.mark.timeout(300)
@pytest.mark.parametrize("signals", [6, pytest.param(20, marks=pytest.mark.slow)])
def test_workers_that_are_killed_crashed_and_stopped_cost_no_job_and_no_good_picture(signals):
    text, well = workers.storm(signals, 3)
    assert well, text
