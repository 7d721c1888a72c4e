"""The configuration that waits: what was asked for last is not lost to a folder that moved."""

import pytest

from difwatch.config import Config
from difwatch.errors import UsageError
from difwatch.service.reload import ConfigSource
from difwatch.watch.inbox import Inbox


@pytest.fixture
def inbox():
    inbox = Inbox()
    yield inbox
    inbox.close()


def test_a_configuration_that_waits_is_not_replaced_by_the_one_in_force(inbox):
    read = iter([Config(px_size=20), Config(px_size=30)])
    source = ConfigSource(lambda: next(read), inbox)
    source.reload()
    source.ask_again()
    assert source.waiting().px_size == 30
    source.put_in_force(source.waiting())
    assert source.waiting() is None
    source.ask_again()
    assert source.waiting() is source.config


def test_a_wrong_configuration_leaves_the_one_in_force(inbox, caplog):
    def read():
        if read.wrong:
            raise UsageError("a: wrong\nb: wrong")
        return Config()

    read.wrong = False
    source = ConfigSource(read, inbox)
    read.wrong = True
    source.want()
    assert source.waiting() is None
    assert caplog.text.count("the one in force stays") == 2
