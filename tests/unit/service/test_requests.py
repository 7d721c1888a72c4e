"""Requests: each one comes back from JSON as it was, and a wrong field is named."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.errors import UsageError
from difwatch.service.requests import (
    REQUESTS,
    AddDestination,
    FollowRescan,
    Forget,
    Ignore,
    Ping,
    Release,
    Reload,
    Retry,
    StartRescan,
    message,
    parsed,
)

FIELDS = ("a", "b", "remove", "paths", "path", "algorithm", "max_pairs", "chunksize", "error", "measure")
paths = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name).map(lambda name: b"/" + name)
digests = st.binary(min_size=32, max_size=32)
requests = st.one_of(
    st.builds(Ignore, digests, digests, st.booleans()),
    st.builds(Forget, st.lists(paths).map(tuple)),
    st.builds(Release, paths),
    st.builds(Retry, st.none() | st.lists(paths).map(tuple)),
    st.builds(AddDestination, paths),
    st.builds(
        StartRescan,
        st.sampled_from(["auto", "classic", "chunked"]),
        st.integers(1, 2**63 - 1),
        st.none() | st.integers(1, 2**63 - 1),
        st.none() | st.floats(0, 65025),
    ),
    st.builds(FollowRescan),
    st.builds(Reload),
    st.builds(Ping),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(requests)
def test_a_request_comes_back_from_the_socket_as_it_was(request):
    assert parsed(json.loads(json.dumps(message(request)))) == request


@given(st.sampled_from(sorted(REQUESTS)), st.dictionaries(st.sampled_from(FIELDS), anything))
def test_any_fields_make_a_request_or_an_error_that_names_one_of_them(name, fields):
    try:
        request = parsed({"do": name, **fields})
    except UsageError as error:
        assert str(error).startswith(FIELDS)
    else:
        assert parsed(message(request)) == request


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"do": "ignore", "a": "00", "b": "00" * 32, "remove": False}, "a: must be a digest"),
        ({"do": "ignore", "a": "00" * 32, "b": "00" * 32}, "remove: is missing"),
        ({"do": "forget", "paths": ["/a", "b"]}, r"paths\[1\]: must be an absolute path"),
        ({"do": "forget", "paths": ["/\ud800"]}, r"paths\[0\]: must be an absolute path"),
        ({"do": "retry", "paths": "/a"}, "paths: must be a list"),
        ({"do": "destination", "path": "/" + "x" * 5000}, "path: must be an absolute path"),
        ({"do": "release", "path": 7}, "path: must be an absolute path"),
        ({"do": "rescan", "algorithm": "best", "error": None, "measure": None}, "algorithm = 'best'"),
        ({"do": "fly"}, "do = 'fly'"),
        ({"do": ["ping"]}, r"do = \['ping'\]"),
        ({}, "do = None"),
    ],
)
def test_the_field_that_is_wrong_is_named(fields, named):
    with pytest.raises(UsageError, match=named):
        parsed(fields)


def test_a_path_that_is_not_text_travels_as_it_is():
    (path,) = parsed(message(Forget((b"/caf\xe9",)))).paths
    assert path == b"/caf\xe9" == os.fsencode("/caf\udce9")
