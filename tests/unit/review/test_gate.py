"""The gate: what comes through, and what is refused, with the headers that every answer has."""

import asyncio
import json
import logging
from typing import NamedTuple

import pytest

from difwatch.review.gate import Gate
from difwatch.review.sessions import Sessions
from tests.support.clock import StandingClock
from tests.support.reviewing import SECURITY

HOST = "dw-01234567.localhost:7425"
ORIGIN = f"http://{HOST}"
PEER, OWN = ("127.0.0.1", 50_000), ("127.0.0.1", 7425)
MOST = 64 << 10

REFUSAL = {"cache-control": "no-store", "content-type": "application/json", **SECURITY}


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Inner:
    """Stands for the page: notes what comes through, and answers it."""

    def __init__(self):
        self.asked = []
        self.headers = [(b"content-type", b"text/plain")]

    async def __call__(self, scope, receive, send):
        self.asked.append(f"{scope['method']} {scope['path']}")
        await send({"type": "http.response.start", "status": 200, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"the page"})


class Door:
    """A gate before an inner page, and a browser with a session that leaves out and says what it is told to."""

    def __init__(self):
        self.clock = StandingClock()
        self.sessions = Sessions(self.clock)
        self.inner = Inner()
        self.ends = []
        self.is_ours = True
        self.gate = Gate(self.inner, HOST, self.sessions, self._is_ours, self.clock)
        self.secret = self.sessions.begin(self.sessions.ticket())

    def _is_ours(self, *ends):
        self.ends.append(ends)
        return self.is_ours

    def get(self, path="/", **changes):
        return self.ask("GET", path, {"host": HOST, "cookie": f"difwatch={self.secret}"}, changes)

    def post(self, path="/api/decide", **changes):
        usual = {
            "host": HOST,
            "cookie": f"difwatch={self.secret}",
            "origin": ORIGIN,
            "sec-fetch-site": "same-origin",
            "x-difwatch": self.sessions.token,
            "content-type": "application/json",
            "content-length": "2",
        }
        return self.ask("POST", path, usual, changes)

    def ask(self, method, path, usual, changes):
        """Ask with the usual headers but for some: ``a_b`` is the header a-b; None leaves one out."""
        headers = usual | {name.replace("_", "-"): value for name, value in changes.items()}
        given = [(name, value) for name, value in headers.items() if value is not None]
        return self.said(method, path, given)

    def said(self, method, path, headers, **scope):
        target, _, query = path.partition("?")
        whole = {
            "type": "http",
            "method": method,
            "path": target,
            "query_string": query.encode(),
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            "client": PEER,
            "server": OWN,
            **scope,
        }
        sent = []

        async def send(message):
            sent.append(message)

        asyncio.run(self.gate(whole, None, send))
        start, *rest = sent
        names = [name for name, _ in start["headers"]]
        assert len(names) == len(set(names)), "no header comes twice"
        found = {name.decode(): value.decode() for name, value in start["headers"]}
        return Reply(start["status"], found, b"".join(one["body"] for one in rest))


@pytest.fixture
def door():
    return Door()


def refused(door, reply, status):
    """Whether a reply is a refusal with a reason in words, of which the page heard nothing."""
    assert door.inner.asked == []
    assert reply.headers == REFUSAL
    assert set(json.loads(reply.body)) == {"error"} and len(json.loads(reply.body)["error"]) > 10
    return reply.status == status


def test_a_browser_with_a_session_comes_through(door):
    assert door.get("/api/rows").body == b"the page"
    assert door.post("/api/decide").body == b"the page"
    assert door.inner.asked == ["GET /api/rows", "POST /api/decide"]


HOSTS = {
    "none": None,
    "empty": "",
    "no port": "dw-01234567.localhost",
    "another port": "dw-01234567.localhost:7426",
    "an empty port": "dw-01234567.localhost:",
    "a port with a zero before": "dw-01234567.localhost:07425",
    "upper case": HOST.upper(),
    "the address": "127.0.0.1:7425",
    "localhost": "localhost:7425",
    "IPv6": "[::1]:7425",
    "a dot at the end": "dw-01234567.localhost.:7425",
    "a name before": "a.dw-01234567.localhost:7425",
    "a name after": "dw-01234567.localhost.example.com:7425",
    "a user before": "dw-01234567.localhost:7425@example.com",
    "a space": f" {HOST}",
    "two in one": f"{HOST}, {HOST}",
    "another name": "example.com",
}


@pytest.mark.parametrize("name", HOSTS)
def test_another_host_is_told_where_the_page_is(door, name):
    assert refused(door, door.get(host=HOSTS[name]), 421)
    assert refused(door, door.post(host=HOSTS[name]), 421)
    ticket = door.sessions.ticket()
    assert refused(door, door.get(f"/open?t={ticket}", host=HOSTS[name]), 421)
    assert door.sessions.begin(ticket) is not None, "the ticket was not used up"


@pytest.mark.parametrize("name", ["host", "Host", "origin", "x-difwatch", "content-length", "content-type"])
def test_a_header_that_comes_twice_is_refused_also_when_both_say_the_same(door, name):
    usual = {
        "host": HOST,
        "cookie": f"difwatch={door.secret}",
        "origin": ORIGIN,
        "x-difwatch": door.sessions.token,
        "content-type": "application/json",
        "content-length": "2",
    }
    reply = door.said("POST", "/api/decide", [*usual.items(), (name, usual[name.lower()])])
    assert refused(door, reply, 400)


def test_a_program_of_another_user_is_refused_whatever_it_knows(door):
    door.is_ours = False
    ticket = door.sessions.ticket()
    assert refused(door, door.get(), 403)
    assert refused(door, door.post(), 403)
    assert refused(door, door.get(f"/open?t={ticket}"), 403)
    assert door.ends == [(PEER, OWN)] * 3
    assert door.sessions.begin(ticket) is not None, "the ticket was not used up"


def test_who_is_gone_before_the_kernel_could_say_whose_program_it_was_is_refused(door):
    usual = [("host", HOST), ("cookie", f"difwatch={door.secret}")]
    assert refused(door, door.said("GET", "/", usual, client=None), 403)
    assert refused(door, door.said("GET", "/", usual, server=None), 403)


@pytest.mark.parametrize(
    "method", ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "get", "post", "X"]
)
def test_only_get_and_post_are_answered(door, method):
    usual = {"host": HOST, "cookie": f"difwatch={door.secret}", "origin": ORIGIN, "x-difwatch": door.sessions.token}
    assert refused(door, door.ask(method, "/api/decide", usual, {}), 405)


SITES = {None: 200, "none": 200, "same-origin": 200, "same-site": 403, "cross-site": 403, "": 403, "Same-Origin": 403}


@pytest.mark.parametrize("site", SITES)
def test_a_browser_that_says_that_another_page_asks_is_believed(door, site):
    for reply in (door.get(sec_fetch_site=site), door.post(sec_fetch_site=site)):
        assert reply.status == 200 if SITES[site] == 200 else refused(door, reply, 403)
    ticket = door.sessions.ticket()
    assert door.get(f"/open?t={ticket}", sec_fetch_site=site).status == (303 if SITES[site] == 200 else 403)


COOKIES = {
    "none": None,
    "empty": "",
    "without a value": "difwatch=",
    "only a name": "difwatch",
    "wrong": "difwatch=" + "A" * 43,
    "of another name": "Difwatch={}",
    "of a longer name": "xdifwatch={}",
    "cut off": "difwatch={}A",
    "not ASCII": "difwatch=\xe9",
    "in quotes that do not end": 'difwatch="{}',
    "the name in the value of another": "x=difwatch={}",
    "nothing but signs": ";;=;,=",
    "very many": "; ".join(f"a{number}=b" for number in range(2000)),
}


@pytest.mark.parametrize("name", COOKIES)
def test_without_the_cookie_of_a_session_nothing_is_answered(door, name):
    cookie = COOKIES[name]
    cookie = None if cookie is None else cookie.replace("{}", door.secret)
    assert refused(door, door.get(cookie=cookie), 403)
    assert refused(door, door.post(cookie=cookie), 403)


BESIDE = {
    "one before": "theme=dark; {}",
    "one after": "{}; theme=dark",
    "without a space": "a=b;{};c=d",
    "an empty one": "a=; {}",
    "JSON": 'settings={"a": 1, "b": [2]}; {}',
    "a name that is none": "a[b]=c; {}",
    "a name without a value": "seen; {}",
    "a value with a space": "name=two words; {}",
    "not ASCII": "name=\xe9; {}",
    "a quote that does not end": '{}; name="x',
    "a quote that does not end before": 'name="x; {}',
    "one with a word of its own": "expires=never; {}",
}


@pytest.mark.parametrize("name", BESIDE)
def test_cookies_of_others_do_not_hide_ours(door, name):
    assert door.get(cookie=BESIDE[name].replace("{}", f"difwatch={door.secret}")).status == 200


def test_cookies_may_come_in_several_headers(door):
    headers = [("host", HOST), ("cookie", "a=b"), ("cookie", f"difwatch={door.secret}")]
    assert door.said("GET", "/", headers).status == 200


@pytest.mark.parametrize(
    "origin",
    [
        None, "", "null", "http://example.com", "http://localhost:7425", "http://127.0.0.1:7425", "file://",
        f"https://{HOST}", f"http://{HOST}/", f"http://{HOST.upper()}", "http://dw-01234567.localhost",
        "http://dw-01234567.localhost:7426", f"{ORIGIN} {ORIGIN}",
    ],
)  # fmt: skip
def test_a_change_that_another_origin_asks_for_is_refused(door, origin):
    assert refused(door, door.post(origin=origin), 403)


@pytest.mark.parametrize("change", [None, "", "A" * 43, "cut", "longer", "\xe9"])
def test_a_change_without_the_token_of_the_page_is_refused(door, change):
    token = {"cut": door.sessions.token[:-1], "longer": door.sessions.token + "A"}.get(change, change)
    assert refused(door, door.post(x_difwatch=token), 403)


def test_the_secret_of_a_session_is_no_token_and_the_token_no_secret(door):
    assert refused(door, door.post(x_difwatch=door.secret), 403)
    assert refused(door, door.get(cookie=f"difwatch={door.sessions.token}"), 403)


TYPES = {
    "application/json": 200,
    "application/json; charset=utf-8": 200,
    "application/json ;charset=utf-8": 200,
    None: 415,
    "": 415,
    "text/plain": 415,
    "text/plain; application/json": 415,
    "application/x-www-form-urlencoded": 415,
    "multipart/form-data; boundary=x": 415,
    "text/json": 415,
    "application/jsonp": 415,
    "application/json, text/plain": 415,
}


@pytest.mark.parametrize("kind", TYPES)
def test_only_json_is_taken(door, kind):
    reply = door.post(content_type=kind)
    assert reply.status == 200 if TYPES[kind] == 200 else refused(door, reply, 415)


LENGTHS = {
    "0": 200,
    str(MOST): 200,
    str(MOST + 1): 413,
    "9" * 5000: 413,
    None: 411,
    "": 411,
    "-1": 411,
    "+2": 411,
    "2.0": 411,
    "0x2": 411,
    "two": 411,
    "2, 2": 411,
    "\xb2": 411,
}


@pytest.mark.parametrize("length", LENGTHS, ids=lambda length: str(length)[:10])
def test_a_change_says_its_length_which_is_at_most_64_kib(door, length):
    reply = door.post(content_length=length)
    assert reply.status == 200 if LENGTHS[length] == 200 else refused(door, reply, LENGTHS[length])


@pytest.mark.parametrize("coding", ["chunked", "identity", "gzip, chunked"])
def test_a_change_that_comes_in_pieces_is_refused_also_with_a_length(door, coding):
    assert refused(door, door.post(transfer_encoding=coding), 411)
    assert refused(door, door.post(transfer_encoding=coding, content_length=None), 411)


def test_the_21st_change_within_a_second_is_refused_and_taken_a_second_later(door):
    assert [door.post().status for _ in range(20)] == [200] * 20
    door.clock.move(0.999)
    assert door.post().status == 429
    assert door.get().status == 200, "looking goes on"
    door.clock.move(0.001)
    assert [door.post().status for _ in range(20)] == [200] * 20
    assert door.post().status == 429


def test_what_was_refused_does_not_count_as_a_change(door):
    for _ in range(50):
        assert refused(door, door.post(x_difwatch="x"), 403)
    assert door.post().status == 200


def test_a_good_ticket_sets_a_cookie_that_scripts_and_other_pages_do_not_get(door):
    reply = door.said("GET", f"/open?t={door.sessions.ticket()}", [("host", HOST)])
    name, _, rest = reply.headers.pop("set-cookie").partition("=")
    secret, *words = rest.split("; ")
    assert (reply.status, reply.body, name) == (303, b"", "difwatch")
    assert sorted(words) == ["HttpOnly", "Path=/", "SameSite=Strict"], "no Domain: of this host only"
    assert reply.headers == {"location": "/", "cache-control": "no-store", **SECURITY}
    assert door.inner.asked == []
    assert door.get(cookie=f"difwatch={secret}").status == 200


def test_a_ticket_opens_once_and_only_within_a_minute(door):
    first, late = door.sessions.ticket(), door.sessions.ticket()
    assert door.said("GET", f"/open?t={first}", [("host", HOST)]).status == 303
    assert refused(door, door.said("GET", f"/open?t={first}", [("host", HOST)]), 403)
    door.clock.move(60.001)
    assert refused(door, door.said("GET", f"/open?t={late}", [("host", HOST)]), 403)


@pytest.mark.parametrize(
    "query", ["", "?", "?t=", "?t", "?x=1", "?t=x", "?t=%ff", "?t=%00", "?t=" + "A" * 8000, "?&&=&"]
)
def test_without_a_ticket_the_page_stays_closed_also_with_a_session(door, query):
    assert refused(door, door.get(f"/open{query}"), 403)


def test_of_two_tickets_in_one_address_only_the_first_is_tried(door):
    ticket = door.sessions.ticket()
    assert refused(door, door.get(f"/open?t=x&t={ticket}"), 403)
    assert door.get(f"/open?t={ticket}").status == 303


def test_what_the_page_answers_gets_the_headers_too_and_keeps_how_long_it_may_be_kept(door):
    assert door.get().headers == {"content-type": "text/plain", "cache-control": "no-store", **SECURITY}
    door.inner.headers.append((b"cache-control", b"private, max-age=31536000, immutable"))
    reply = door.get()
    assert reply.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert SECURITY.items() <= reply.headers.items()


def test_each_refusal_leaves_a_line_in_the_log_without_any_secret(door, caplog):
    ticket = door.sessions.ticket()
    with caplog.at_level(logging.WARNING):
        door.get(host="example.com")
        door.get(cookie="difwatch=x")
        door.post(origin="null")
        door.post(x_difwatch="x")
        door.post(content_type="text/plain")
        door.post(content_length=None)
        door.post(content_length=str(MOST + 1))
        door.get("/open?t=x")
        door.is_ours = False
        door.get(f"/open?t={ticket}")
    said = [record.getMessage() for record in caplog.records]
    assert [int(one.split()[2].rstrip(":")) for one in said] == [421, 403, 403, 403, 415, 411, 413, 403, 403]
    assert not [one for one in said for secret in (ticket, door.secret, door.sessions.token) if secret in one]


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_what_is_no_request_of_http_is_never_answered(door, kind):
    async def send(_):
        raise AssertionError("it was answered")

    with pytest.raises(ValueError, match=kind):
        asyncio.run(door.gate({"type": kind, "path": "/", "headers": []}, None, send))
    assert door.inner.asked == []
