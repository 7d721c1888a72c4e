"""What waits to be kept: when it is due."""

from difwatch.pipeline.outbox import Outbox


def outbox_of(count, taken_at=100.0, took=0.0, had=0):
    outbox = Outbox()
    outbox.put(gone=[b"/before"])
    outbox.take(taken_at)
    outbox.kept(took, had)
    outbox.put(gone=[b"/%d" % number for number in range(count)])
    return outbox


def test_nothing_is_never_due():
    assert not outbox_of(0).is_due(1000.0, nothing_else=True)


def test_a_single_picture_is_due_at_once_if_there_is_nothing_else_to_do():
    assert outbox_of(1, took=5.0).is_due(100.0, nothing_else=True)


def test_a_batch_is_due_when_it_is_large_or_a_second_old():
    assert not outbox_of(255).is_due(100.9, nothing_else=False)
    assert outbox_of(256).is_due(100.0, nothing_else=False)
    assert outbox_of(1).is_due(101.0, nothing_else=False)


def test_where_keeping_takes_long_batches_are_collected_four_times_as_long():
    slow = outbox_of(300, took=1.5)
    assert not slow.is_due(105.9, nothing_else=False)
    assert slow.deadline() == 106.0
    assert slow.is_due(106.0, nothing_else=False)


def test_a_batch_that_took_long_because_it_was_large_makes_the_next_one_no_larger():
    assert outbox_of(256, took=1.9, had=1000).is_due(100.0, nothing_else=False)
    assert outbox_of(256, took=2.1, had=1000).deadline() == 101.0, "a tenth of a second more"
    assert not outbox_of(256, took=3.0, had=1000).is_due(103.9, nothing_else=False)


def test_a_very_large_batch_is_due_however_long_the_last_one_took_and_no_wait_is_longer_than_ten_seconds():
    assert outbox_of(4096, took=60.0).is_due(100.0, nothing_else=False)
    assert outbox_of(1, took=60.0).deadline() == 110.0
