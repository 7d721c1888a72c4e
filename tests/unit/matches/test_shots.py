"""Another shot is no copy: moments are compared as far as both pictures have them."""

import pytest

from difwatch.matches.shots import are_two_shots
from difwatch.model.pictures import Facts


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("2024-05-01T12:30:07", "2024-05-01T12:30:08", True),
        ("2024-05-01T12:30:07", "2024-05-01T12:30:07", False),
        ("2024-05-01T12:30:07.12", "2024-05-01T12:30:07.13", True),
        ("2024-05-01T12:30:07.12", "2024-05-01T12:30:07.123", False),
        ("2024-05-01T12:30:07.12", "2024-05-01T12:30:07", False),
        ("2024-05-01T12:30:07+02:00", "2024-05-01T10:30:07+00:00", False),
        ("2024-05-01T12:30:07+02:00", "2024-05-01T12:30:07+00:00", True),
        ("2024-05-01T12:30:07.5-02:00", "2024-05-01T12:30:07", False),
        ("2024-05-01T12:30:07.5-02:00", "2024-05-01T14:30:07.6+00:00", True),
        (None, "2024-05-01T12:30:07", False),
        ("2024-99-01T12:30:07", "2024-05-01T12:30:07", False),
        ("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", True),
        (None, None, False),
    ],
)
def test_two_moments(one, other, expected):
    a, b = Facts(taken=one), Facts(taken=other)
    assert are_two_shots(a, b) is are_two_shots(b, a) is expected
