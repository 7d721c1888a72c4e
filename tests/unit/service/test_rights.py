"""What a daemon that only looks gives up, and what follows for its configuration."""

import pytest

from difwatch import config
from difwatch.errors import UsageError
from difwatch.service import rights as module
from difwatch.service.rights import Rights


@pytest.fixture
def asked(monkeypatch):
    given = []
    monkeypatch.setattr(module, "forbid_changes", lambda places: given.append(places) or 7)
    return given


def moving(tmp_path):
    (tmp_path / "pictures").mkdir(exist_ok=True)
    file = tmp_path / "c.toml"
    file.write_text(f'action = "move"\nmove_to = "{tmp_path}/out"\n[[folder]]\npath = "{tmp_path}/pictures"\n')
    return config.load(file, {})


def test_one_that_only_looks_keeps_its_places_and_refuses_to_move_until_it_is_started_again(tmp_path, asked):
    rights = Rights([tmp_path, tmp_path / "nowhere"])
    rights.give_up(config.Config())
    assert asked == [[str(tmp_path).encode()]]
    assert rights.checked(config.Config)() == config.Config()
    with pytest.raises(UsageError, match="needs a restart"):
        rights.checked(lambda: moving(tmp_path))()


def test_one_that_moves_gives_up_nothing(tmp_path, asked):
    rights = Rights([tmp_path])
    rights.give_up(moving(tmp_path))
    assert asked == []
    assert rights.checked(lambda: moving(tmp_path))().policies()


def test_where_the_kernel_cannot_do_it_nothing_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "forbid_changes", lambda places: 0)
    rights = Rights([tmp_path])
    rights.give_up(config.Config())
    assert rights.checked(lambda: moving(tmp_path))().policies()
