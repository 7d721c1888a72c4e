"""How many files are read a second."""

from difwatch.model.health import Progress, Queue
from difwatch.service.health import Pace


def test_the_pace_is_that_since_files_are_on_the_way():
    pace = Pace()
    assert pace(Progress(Queue(waiting=100), 500, False), 10.0) == 0, "nothing is known yet"
    assert pace(Progress(Queue(waiting=60), 540, False), 14.0) == 10
    assert pace(Progress(Queue(), 600, False), 20.0) == 0
    assert pace(Progress(Queue(waiting=9), 600, False), 1000.0) == 0, "the pause does not count"
    assert pace(Progress(Queue(waiting=4), 605, False), 1001.0) == 5
