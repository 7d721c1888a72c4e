"""Who may ask: a ticket opens the page once, and a session lasts until newer ones take its place."""

from difwatch.review.sessions import Sessions
from tests.support.clock import StandingClock


def test_a_ticket_begins_one_session_and_no_second_one():
    sessions = Sessions(StandingClock())
    ticket = sessions.ticket()
    secret = sessions.begin(ticket)
    assert secret is not None and sessions.knows(secret)
    assert sessions.begin(ticket) is None
    assert sessions.knows(secret), "the session goes on"


def test_a_ticket_is_good_for_a_minute_and_an_old_one_is_used_up_all_the_same():
    clock = StandingClock()
    sessions = Sessions(clock)
    good, late = sessions.ticket(), sessions.ticket()
    clock.move(60)
    assert sessions.begin(good) is not None
    clock.move(0.001)
    assert sessions.begin(late) is None
    clock.move(-60)
    assert sessions.begin(late) is None, "it was taken away when it was tried"


def test_what_is_no_ticket_begins_nothing():
    sessions = Sessions(StandingClock())
    ticket = sessions.ticket()
    for wrong in ("", "x", ticket[:-1], ticket + "=", ticket.upper() + "x", sessions.token, "\ufffd", "é"):
        assert sessions.begin(wrong) is None
    assert sessions.begin(ticket) is not None


def test_only_a_secret_that_was_given_is_known():
    sessions = Sessions(StandingClock())
    assert not sessions.knows("")
    secret = sessions.begin(sessions.ticket())
    for wrong in ("", secret[:-1], secret + "A", secret.swapcase(), sessions.token, "é", "\0"):
        assert not sessions.knows(wrong)


def test_the_ninth_session_ends_the_first_one():
    sessions = Sessions(StandingClock())
    secrets = [sessions.begin(sessions.ticket()) for _ in range(9)]
    assert [sessions.knows(secret) for secret in secrets] == [False] + [True] * 8


def test_the_token_is_known_to_its_own_process_only():
    one, other = Sessions(StandingClock()), Sessions(StandingClock())
    assert one.has_token(one.token)
    for wrong in ("", other.token, one.token[:-1], one.token + "A", "é"):
        assert not one.has_token(wrong)


def test_no_secret_is_given_twice_and_each_has_256_bits():
    sessions = Sessions(StandingClock())
    made = [sessions.token]
    for _ in range(8):
        ticket = sessions.ticket()
        made += [ticket, sessions.begin(ticket)]
    assert len(set(made)) == len(made)
    assert min(map(len, made)) >= 43, "of 6 bits each"
