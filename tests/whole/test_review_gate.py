"""The server of `difwatch review` as others meet it: on loopback, for one user, and unmoved by what is sent to it."""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock
from urllib.parse import quote

import pytest

from difwatch.review.routes import application
from tests.support.commands import called, index
from tests.support.photos import exif_of, photo
from tests.support.reviewing import LOOPBACK, SECONDS, SECURITY, Browser, Review, reviewing
from tests.support.running import until

OTHER_USER = 65534
POSTS = ("decide", "stage", "plan", "apply", "stop", "undo", "retry", "reveal")
GOOD = {
    "stop": {},
    "stage": {"filters": {}, "dry": True},
    "plan": {"kind": "trash", "destination": None, "keepTree": False},
    "retry": {"path": "/nowhere"},
}


def make_store(place):
    """Pictures of which some were moved, and one decision about the others."""
    pictures = place / "pictures"
    pictures.mkdir()
    for number in range(2):
        photo(number).save(pictures / f"{number}.png")
        shutil.copy(pictures / f"{number}.png", pictures / f"{number} copy.png")
    index(place / "state", pictures)
    called(place / "state", "apply", "--move-to", place / "moved")
    for number in range(2, 5):
        photo(number).save(pictures / f"{number}.png")
        photo(number).save(pictures / f"{number} copy.jpg", quality=95)
    (pictures / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    index(place / "state", pictures)
    return place / "state"


def decided(page):
    """Decide about one group, so that there is something to lose."""
    row = page.get("/api/rows").given["rows"][0]
    refs = [picture["ref"] for picture in page.get(f"/api/group/{row['key']}").given["pictures"]]
    answer = page.post("decide", {"key": row["key"], "kind": "keep", "going": refs[1:], "seen": refs})
    assert answer.given["totals"]["decided"] == 1


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """One server for all tests that leave everything as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        state = make_store(tmp_path_factory.mktemp("shared"))
        with reviewing(state) as made:
            decided(made)
            yield made


@pytest.fixture(autouse=True)
def _nothing_is_lost(request):
    """Whatever a test asks of the shared server: pictures, decisions and the journal stay, and it answers."""
    if "page" not in request.fixturenames:
        yield
        return
    shared = request.getfixturevalue("page")
    before, said = all_of(shared.review.state), shared.review.tracebacks()
    yield
    assert all_of(shared.review.state) == before
    assert shared.review.tracebacks() == said
    assert shared.get("/api/status").status == 200


def all_of(state):
    """The pictures by their bytes, the decisions and the journal."""
    base = state.parent
    files = {path: path.read_bytes() for path in base.rglob("*") if state not in path.parents and path.is_file()}
    return files, rows(state / "review.db"), rows(state / "moves.db")


def rows(path):
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return list(connection.iterdump())


def some(page):
    """A row and its two pictures."""
    row = page.get("/api/rows").given["rows"][1]
    return row["key"], *row["refs"]


def looks(page):
    """An address of each route that only looks."""
    key, best, other = some(page)
    return {
        "/": "/",
        "/favicon.ico": "/favicon.ico",
        "/static/{name}": "/static/review.js",
        "/api/picture/{ref}/{size}": f"/api/picture/{best}/320",
        "/api/events": "/api/events",
        "/api/start": "/api/start",
        "/api/status": "/api/status",
        "/api/rows": "/api/rows?order=space&from=0&n=5",
        "/api/group/{key}": f"/api/group/{key}",
        "/api/pair/{first}/{second}": f"/api/pair/{best}/{other}",
        "/api/unreadable": "/api/unreadable",
        "/api/history": "/api/history",
    }


def test_no_route_is_left_out_here(page):
    routes = application(Mock(), Mock(), Mock(), {}, Mock(), False).routes
    assert {route.path for route in routes} == {*looks(page), *(f"/api/{name}" for name in POSTS)}


def sockets(pid):
    """What a process listens at, by its descriptors."""
    inodes = set()
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            inodes.add(os.readlink(f"/proc/{pid}/fd/{number}"))
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if f"socket:[{fields[9]}]" in inodes and fields[3] in ("0A", "07"):
                found.append((table, fields[1]))
    return found


def test_it_listens_on_loopback_only_and_at_no_other_address(page):
    port = page.review.port
    assert sockets(page.review.process.pid) == [("tcp", f"0100007F:{port:04X}")]
    for family, address in ((socket.AF_INET, "127.0.0.2"), (socket.AF_INET6, "::1")):
        with contextlib.suppress(OSError), socket.socket(family) as to:
            to.connect((address, port))
            raise AssertionError(f"somebody answers at {address}")


def test_its_files_are_for_this_user_alone(page):
    for path in page.review.state.glob("review.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


ASKING = """
import os, socket, sys
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[2]))
to = socket.socket()
to.connect(("127.0.0.1", int(sys.argv[1])))
try:
    to.sendall(sys.stdin.buffer.read())
    to.shutdown(socket.SHUT_WR)
    while some := to.recv(65536):
        sys.stdout.buffer.write(some)
except OSError:
    pass  # nobody wants to hear it
"""


@pytest.mark.root
@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_is_refused_whatever_it_knows(tmp_path):
    review = Review(make_store(tmp_path))

    def asked(said):
        command = [sys.executable, "-I", "-S", "-c", ASKING, str(review.port), str(OTHER_USER)]
        done = subprocess.run(command, input=said.encode(), capture_output=True, check=True)
        return done.stdout.decode()

    def is_refused(said):
        return asked(said) == ""

    try:
        end = f"Host: {review.host}\r\nConnection: close\r\n"
        assert is_refused(f"GET /open?t={review.ticket} HTTP/1.1\r\n{end}\r\n")
        page = Browser(review)  # the ticket was not used up
        decided(page)
        before = all_of(review.state)
        known = f"{end}Cookie: {page.cookie}\r\nOrigin: http://{review.host}\r\nX-Difwatch: {page.start['token']}\r\n"
        for path in looks(page).values():
            assert is_refused(f"GET {path} HTTP/1.1\r\n{known}\r\n"), path
        for name in POSTS:
            body = json.dumps(GOOD.get(name, {}))
            more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            assert is_refused(f"POST /api/{name} HTTP/1.1\r\n{known}{more}\r\n{body}"), name
        assert all_of(review.state) == before
        until(lambda: any("of another user was closed" in line for line in review.said), SECONDS)
    finally:
        review.end()


def test_a_ticket_opens_the_page_once(page):
    review = page.review
    answer = review.ask("GET", f"/open?t={review.ticket}", {"Host": review.host})
    assert answer.is_refused(403) and "set-cookie" not in answer.headers
    until(lambda: any("refused with 403" in line for line in review.said), SECONDS)


def test_what_others_see_of_the_process_and_its_log_holds_no_secret(page):
    review, seen = page.review, []
    pids = [review.process.pid]
    for pid in pids:
        seen += [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ", "comm")]
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            pids += [int(child) for child in children.read_text().split()]
    assert len(pids) > 1, "there is a worker"
    page.get(f"/open?t={page.cookie.partition('=')[2]}")
    everything = b"".join(seen) + "".join(review.said[1:]).encode()
    for secret in (review.ticket, page.cookie.partition("=")[2], page.start["token"]):
        assert secret.encode() not in everything


BROWSER = """#!{python}
import http.client, sys
from urllib.parse import urlsplit
address = urlsplit(sys.argv[1])
try:
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=10)
    connection.request("GET", address.path + "?" + address.query, headers={{"Host": address.netloc}})
    said = str(connection.getresponse().status)
except OSError as error:
    said = repr(error)
with open({out!r}, "w") as file:
    file.write(said)
"""


def test_a_browser_that_is_as_quick_as_can_be_finds_the_page(tmp_path):
    """And one that takes the terminal until it ends, as those without windows do."""
    browser, out = tmp_path / "browser", tmp_path / "out"
    browser.write_text(BROWSER.format(python=sys.executable, out=str(out)))
    browser.chmod(0o700)
    state = make_store(tmp_path)
    command = [sys.executable, "-m", "difwatch", "--state-dir", str(state), "review"]
    environment = {**os.environ, "DISPLAY": ":9", "BROWSER": f"{browser} %s", "DIFWATCH_PROCESSES": "1"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            until(lambda: out.exists() and out.read_text(), SECONDS)
            assert out.read_text() == "303"
            assert process.stderr.readline() == "opened in your browser; Ctrl-C ends it\n"
        finally:
            process.terminate()


def test_without_a_session_no_route_answers(page):
    for cookie in (None, "difwatch=" + "A" * 43):
        for path in looks(page).values():
            assert page.get(path, cookie=cookie).is_refused(403), path
        for name in POSTS:
            assert page.post(name, GOOD.get(name, {}), cookie=cookie).is_refused(403), name


WITHOUT = {
    "token": {"x_difwatch": None},
    "the right token": {"x_difwatch": "A" * 43},
    "origin": {"origin": None},
    "an origin of its own": {"origin": "null"},
    "the origin of the page": {"origin": "http://127.0.0.1:8888"},
    "being of this site": {"sec_fetch_site": "same-site"},
    "JSON": {"content_type": "text/plain"},
    "the name of the page": {"host": "example.com"},
}
STATUS = {"JSON": 415, "the name of the page": 421}


@pytest.mark.parametrize("what", WITHOUT)
def test_no_route_changes_anything_without(page, what):
    for name in POSTS:
        answer = page.post(name, GOOD.get(name, {}), **WITHOUT[what])
        assert answer.is_refused(STATUS.get(what, 403)), name


def test_nothing_is_changed_by_looking(page):
    for name in POSTS:
        assert page.get(f"/api/{name}").is_refused(404), name
        assert page.get(f"/api/{name}", content_length="2").status == 404, name


def test_two_hosts_and_a_target_that_names_another_host_lead_nowhere(page):
    review = page.review
    cookie = f"Cookie: {page.cookie}\r\nConnection: close\r\n\r\n"
    for hosts in (f"Host: {review.host}\r\nHost: {review.host}\r\n", f"Host: {review.host}\r\nHost: x\r\n", ""):
        assert review.raw(f"GET /api/status HTTP/1.1\r\n{hosts}{cookie}".encode()).startswith(b"HTTP/1.1 400 ")
    said = review.raw(f"GET http://example.com/api/status HTTP/1.1\r\nHost: {review.host}\r\n{cookie}".encode())
    assert said.startswith(b"HTTP/1.1 404 ")
    said = review.raw(f"GET http://{review.host}/api/status HTTP/1.1\r\nHost: example.com\r\n{cookie}".encode())
    assert said.startswith(b"HTTP/1.1 421 ")


def test_a_page_to_look_only_changes_nothing(tmp_path):
    state = make_store(tmp_path)
    with reviewing(state, "--read-only") as page:
        assert page.start["readOnly"] is True
        before = all_of(state)
        for path in looks(page).values():
            if path != "/api/events":
                assert page.get(path).status in (200, 204), path
        key, best, other = some(page)
        decide = {"key": key, "kind": "keep", "going": [other], "seen": [best, other]}
        right = {**GOOD, "decide": decide, "undo": {"acts": [1]}, "reveal": {"ref": best}, "apply": {"plan": "x"}}
        for name in POSTS:
            assert page.post(name, right[name]).is_refused(405), name
        assert all_of(state) == before


FOR_EVER = "private, max-age=31536000, immutable"


def test_every_answer_has_the_headers_that_keep_a_browser_in_and_no_more(page):
    _, best, _ = some(page)
    answers = {path: page.get(path) for path in looks(page).values() if path != "/api/events"}
    answers |= {path: page.get(path) for path in ("/nowhere", f"/api/picture/{best}/tensor", "/open?t=x")}
    answers |= {"without a cookie": page.get("/", cookie=None), "host": page.get("/", host="x")}
    answers |= {"a change": page.post("stop", {}), "no object": page.post("stop", [])}
    for path, answer in answers.items():
        headers = dict(answer.headers)
        kept = FOR_EVER if path.startswith("/api/picture") else "no-store"
        assert headers.pop("cache-control") == kept, path
        kind = headers.pop("content-type", "").partition(";")[0]
        assert kind == KINDS.get(path.rpartition("/")[2], "application/json"), path
        for name in ("date", "content-length", "transfer-encoding"):
            headers.pop(name, None)
        assert headers == SECURITY, path


KINDS = {
    "": "text/html",
    "favicon.ico": "",
    "review.js": "text/javascript",
    "320": "image/jpeg",
    "tensor": "image/png",
}


def test_the_stream_of_events_has_them_too(page):
    cookie = f"Host: {page.review.host}\r\nCookie: {page.cookie}\r\n\r\n"
    with socket.create_connection((LOOPBACK, page.review.port), timeout=SECONDS) as to:
        to.sendall(f"GET /api/events HTTP/1.1\r\n{cookie}".encode())
        said = b""
        while b"event: ping" not in said:
            said += to.recv(1 << 16)
    for name, value in {**SECURITY, "cache-control": "no-store"}.items():
        assert f"{name}: {value}\r\n".encode() in said
    assert b"server:" not in said.lower()


HOSTILE = [
    "..", "%2e%2e", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%2f", "-1", "0", "1", "1-", "-", "1-0", "1--1", "1-x", "x",
    "1" * 18, "9" * 18 + "-0", "9" * 19 + "-0", "9" * 4000, "1.5-0", "1e3-0", "0x1-0", "%00", "1-%00", "1-0%0a",
    "%ff%fe", quote("é"), quote("٣-0"), quote("\u202e1-0"), "1-" + "0" * 16, "1-" + "f" * 3000, "+1-0", "%201-0",
    "1%2f320", "*", "'", "%22", "%27%20OR%201=1--", "%3Cscript%3E", "%25n", "{}", "null", "true", "[]",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: name[:20])
def test_a_name_that_nothing_has_leads_nowhere(page, name):
    _, best, _ = some(page)
    for path in (
        f"/api/group/{name}",
        f"/api/picture/{name}/320",
        f"/api/picture/{name}/tensor",
        f"/api/picture/{best}/{name}",
        f"/api/picture/{best}/full/{name}",
        f"/api/pair/{name}/{best}",
        f"/api/pair/{best}/{name}",
        f"/static/{name}",
        f"/static/{name}/review.js",
        f"/{name}",
        f"/api/{name}",
        f"/api/start/{name}",
    ):
        answer = page.get(path)
        assert 400 <= answer.status < 500 and answer.is_refused(answer.status), path


@pytest.mark.parametrize(
    "target",
    [
        "/api/start/", "//", "//api/start", "/api//start", "/API/START", "/api/start%2f", "/static/", "/static",
        "/static/../gate.py", "/static/..%2fgate.py", "/static/%2e%2e/gate.py", "/index.html",
        "/static/review.js/", "/api/rows?n=-1", "/api/rows?n=x", "/api/rows?n=1e9", "/api/rows?from=99999999999",
        "/api/rows?from=%00", "/api/rows?order=", "/api/rows?order=rowid", "/api/rows?order=newest&order=x",
        "/api/picture/REF/320?turn=45", "/api/picture/REF/320?turn=-90", "/api/picture/REF/320?turn=", "*", "/open",
        "/api/picture/REF/320?turn=9999999999999999999", "/api/picture/REF/321", "/api/picture/REF/-1",
    ],
)  # fmt: skip
def test_an_address_that_is_none_leads_nowhere(page, target):
    answer = page.get(target.replace("REF", some(page)[1]))
    assert 400 <= answer.status < 500 and answer.is_refused(answer.status)


@pytest.mark.parametrize("text", ["%00", "%ff", "%25", "_", quote("\\"), "'", quote("é\u202e"), "x" * 3000, "%22--"])
def test_a_text_that_is_searched_for_is_only_a_text(page, text):
    answer = page.get(f"/api/rows?text={text}")
    assert answer.is_refused(400) if answer.status != 200 else answer.given["total"] == 0, "no path has it"


DEEP = b"[" * 60_000
BAD = {
    "decide": [
        {}, {"key": 1, "kind": "keep"}, {"key": "1-0"}, {"key": "x", "kind": "keep", "going": [], "seen": []},
        {"key": "\ud800", "kind": "undo"}, {"key": "1-\ud800", "kind": "undo"}, {"key": "KEY", "kind": "keep"},
        {"key": "KEY", "kind": "keep", "going": [], "seen": []}, {"key": "KEY", "kind": "keep", "seen": "BEST"},
        {"key": "KEY", "kind": "keep", "going": ["BEST", "OTHER"], "seen": ["BEST", "OTHER"]},
        {"key": "KEY", "kind": "keep", "going": ["OTHER"], "seen": ["BEST"]},
        {"key": "KEY", "kind": "keep", "going": ["OTHER"], "seen": ["BEST", "BEST"]},
        {"key": "KEY", "kind": "keep", "going": ["OTHER"], "seen": ["BEST", "1-0"]},
        {"key": "KEY", "kind": "keep", "going": ["1-0"], "seen": ["BEST", "OTHER"]},
        {"key": "KEY", "kind": "keep", "going": [None], "seen": ["BEST", "OTHER"]},
        {"key": "KEY", "kind": "keep", "going": {"OTHER": 1}, "seen": ["BEST", "OTHER"]},
        {"key": "KEY", "kind": "delete", "going": ["OTHER"], "seen": ["BEST", "OTHER"]},
        {"key": "KEY", "kind": "KEEP", "going": ["OTHER"], "seen": ["BEST", "OTHER"]},
        {"key": "KEY", "kind": "apart", "seen": []}, {"key": "KEY", "kind": "later", "seen": ["OTHER"]},
    ],
    "stage": [
        {"filters": [], "dry": False}, {"filters": "x", "dry": False}, {"filters": None, "dry": False},
        {"filters": {}}, {"filters": {}, "dry": "true"}, {"filters": {}, "dry": 1}, {"filters": {}, "dry": None},
        {"filters": {"text": "\ud800"}, "dry": False},
    ],
    "plan": [
        {}, {"kind": None}, {"kind": "MOVE"}, {"kind": "shred"}, {"kind": "move"}, {"kind": "move", "destination": 5},
        {"kind": "move", "destination": ""}, {"kind": "move", "destination": "x"},
        {"kind": "move", "destination": ".."}, {"kind": "move", "destination": "/"},
        {"kind": "move", "destination": "\ud800"},
        {"kind": "move", "destination": "/\ud800"}, {"kind": "move", "destination": "~nobody-of-this-name/x"},
    ],
    "apply": [{}, {"plan": None}, {"plan": []}, {"plan": ""}, {"plan": "x"}, {"plan": "\ud800"}, {"plan": "0" * 12}],
    "stop": [],
    "undo": [
        {}, {"acts": []}, {"acts": None}, {"acts": 1}, {"acts": "1"}, {"acts": ["1"]}, {"acts": [True]},
        {"acts": [0]}, {"acts": [-1]}, {"acts": [1.0]}, {"acts": [2**63]}, {"acts": {"1": 1}}, {"batch": 1},
        {"batch": None}, {"batch": ""}, {"batch": "x"}, {"batch": "\ud800"}, {"batch": "1 OR 1=1"},
    ],
    "retry": [{}, {"path": None}, {"path": 5}, {"path": ["/x"]}, {"path": "\ud800"}, {"path": "/\ud800"}],
    "reveal": [
        {}, {"ref": None}, {"ref": 1}, {"ref": "/etc/passwd"}, {"ref": "1-0"}, {"ref": "\ud800"}, {"ref": "--help"},
        {"ref": "9" * 30}, {"ref": "file:///etc"},
    ],
}  # fmt: skip
NO_OBJECT = [
    b"", b"x", b"null", b"1", b"NaN", b'"x"', b"[]", b"[{}]", b"{", b"{}{}", b"\xff\xfe{}", b"\0", DEEP,
    b'{"a":' * 10_000, b"9" * 60_000, b'{"key": ' + b"9" * 50_000 + b"}",
]  # fmt: skip


def filled(page, given):
    """A request with the names of a group and its pictures in place of KEY, BEST and OTHER."""
    text = json.dumps(given)
    for word, name in zip(("KEY", "BEST", "OTHER"), some(page), strict=True):
        text = text.replace(f'"{word}"', f'"{name}"')
    return text.encode()


@pytest.mark.parametrize("name", POSTS)
def test_a_change_that_is_asked_for_in_the_wrong_way_is_refused_in_words(page, name):
    wrong = []
    for body in [*(filled(page, given) for given in BAD[name]), *NO_OBJECT]:
        answer = page.post(name, body)
        is_right = answer.status in (400, 404, 409, 413) and answer.headers["content-type"] == "application/json"
        if not (is_right and answer.is_refused(answer.status)):
            wrong.append((body[:100], answer.status, answer.body[:100]))
    assert wrong == []


def random_text(dice):
    kinds = (range(32, 127), range(0xD000), range(0x202A, 0x2030), range(256))
    return "".join(chr(dice.choice(dice.choice(kinds))) for _ in range(dice.randrange(40)))


def random_value(dice):
    plain = (
        None,
        True,
        False,
        0,
        -1,
        1,
        2**63,
        1.5,
        10**30,
        "",
        "x",
        "KEY",
        "BEST",
        "OTHER",
        [],
        {},
        ["BEST"],
        [1e300],
    )
    return dice.choice((*plain, random_text(dice), [random_text(dice)], {random_text(dice): random_text(dice)}))


def one_request(page, dice):
    """One bad request of many kinds; gives what it was and the answer."""
    kind = dice.randrange(6)
    if kind == 0:
        path = quote(random_text(dice), safe="/%?&=;")
        return path, page.get(f"/{path}")
    if kind == 1:
        path = dice.choice(("group", "picture", "pair", "rows", "start", "static")) + "/" + dice.choice(HOSTILE)
        return path, page.get(f"/api/{path}/{quote(random_text(dice), safe='/?&=')}")
    if kind == 2:
        names = [dice.choice(("order", "from", "n", "text", "levels", "across", "x")) for _ in range(4)]
        query = "&".join(f"{name}={quote(random_text(dice))}" for name in names)
        return query, page.get(f"/api/rows?{query}")
    name = dice.choice(POSTS)
    if kind == 3:
        changes = dice.choice(list(WITHOUT.values()))
        return f"{name} {changes}", page.post(name, GOOD.get(name, {}), **changes)
    if kind == 4 and BAD[name]:
        given = dict(dice.choice(BAD[name]))
        fields = [field for field in given if field in ("seen", "acts", "batch", "path", "ref", "destination")]
        if fields:
            given[dice.choice(fields)] = random_value(dice)
        return f"{name} {given}", page.post(name, filled(page, given))
    body = dice.choice((dice.randbytes(dice.randrange(300)), json.dumps(random_value(dice)).encode(), *NO_OBJECT))
    return f"{name} {body[:80]!r}", page.post(name, body)


def fuzz(page, count, seed):
    """What was answered otherwise than it must be."""
    dice, wrong = random.Random(seed), []
    for _ in range(count):
        what, answer = one_request(page, dice)
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if (
            answer.status >= 500
            or 300 <= answer.status < 400
            or (answer.status >= 400 and kind != "application/json")
        ):
            wrong.append((what, answer.status, answer.body[:100]))
        elif kind == "application/json":
            json.loads(answer.body)
    return wrong


def test_of_300_bad_requests_none_acts_and_each_is_answered(page):
    assert fuzz(page, 300, 1) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_of_10_000_bad_requests_none_acts_and_the_server_stays_small(page):
    assert fuzz(page, 10_000, 2) == []
    status = Path(f"/proc/{page.review.process.pid}/status").read_text()
    assert int(status.partition("VmRSS:")[2].split()[0]) < 250 << 10, "kB"


PARTS = {
    "half a line": b"GET /api/sta",
    "half a header": b"GET /api/status HTTP/1.1\r\nHost: dw-",
    "no body": b"POST /api/stop HTTP/1.1\r\nHost: %s\r\n%sContent-Length: 2\r\n\r\n",
    "half a body": b"POST /api/stop HTTP/1.1\r\nHost: %s\r\n%sContent-Length: 2\r\n\r\n{",
    "nothing": b"",
}


def half(page, what):
    known = f"Cookie: {page.cookie}\r\nOrigin: http://{page.review.host}\r\nX-Difwatch: {page.start['token']}\r\n"
    known += "Content-Type: application/json\r\n"
    part = PARTS[what]
    return part % (page.review.host.encode(), known.encode()) if b"%s" in part else part


@pytest.mark.parametrize("what", PARTS)
def test_who_stops_in_the_middle_stops_nobody_else(page, what):
    with contextlib.ExitStack() as held:
        for _ in range(8):
            to = held.enter_context(socket.create_connection((LOOPBACK, page.review.port)))
            to.sendall(half(page, what))
        assert page.get("/api/status").status == 200
        assert page.post("stop", {}).status == 200
    assert page.review.raw(half(page, what)) is not None


@pytest.mark.timeout(180)
def test_a_hundred_that_say_nothing_do_not_keep_the_page_from_its_user(tmp_path):
    with reviewing(make_store(tmp_path)) as page, contextlib.ExitStack() as held:
        for _ in range(100):
            to = held.enter_context(socket.create_connection((LOOPBACK, page.review.port)))
            to.sendall(PARTS["half a header"])
        until(lambda: page.get("/api/status").status == 200, 45, lambda: "no connection is given up")


def test_a_header_beyond_16_kib_is_not_taken(page):
    said = page.review.raw(f"GET / HTTP/1.1\r\nHost: {page.review.host}\r\nX: ".encode(), b"x" * (1 << 20))
    assert said == b"" or said.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "said",
    [
        b"\0" * 100,
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
    ],
)
def test_what_is_no_http_is_answered_with_a_refusal(page, said):
    answer = page.review.raw(said + b"\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 421 ", b"HTTP/1.1 505 "))


NAMES = [
    b"<img src=x onerror=alert(1)>.png", b'"><script>alert(1)<!script>.png', "\u202egnp.\u2066exe.png".encode(),
    b"two\nlines\r.png", b"a" * 251 + b".png", b"caf\xe9 \xff\xfe.png", b"-rf.png", b"a;b$(c)`d`.png",
    b"%2e%2e%2f.png", b"{{7*7}}.png", b"tab\t\x1b[31m\x07.png", b"' OR 1=1 --.png", "\U0001f4a3.png".encode(),
]  # fmt: skip


def test_hostile_names_and_texts_come_as_data_and_pictures_are_shown(tmp_path):
    pictures = os.fsencode(tmp_path / "pictures")
    os.mkdir(pictures)
    for number, name in enumerate(NAMES):
        exif = exif_of("2026:01:01 12:00:00")
        exif[0x0110] = "<img src=x onerror=alert(2)>\"'&"
        for folder in (b"a", b"<b>\n\xff"):
            os.makedirs(os.path.join(pictures, folder), exist_ok=True)
            with open(os.path.join(pictures, folder, name), "wb") as file:
                photo(number).save(file, "JPEG", exif=exif, quality=95 if folder == b"a" else 90)
        with open(os.path.join(pictures, b"a", b"_" + name[1:]), "wb") as file:
            file.write(b"\xff\xd8\xff\xe0" + name)
    index(tmp_path / "state", tmp_path / "pictures")
    with reviewing(tmp_path / "state") as page:
        rows = page.get("/api/rows?n=200").given["rows"]
        seen = set()
        for row in rows:
            for picture in page.get(f"/api/group/{row['key']}").given["pictures"]:
                seen.add(picture["name"])
                assert picture["path"] == f"{picture['folder']}/{picture['name']}"
                assert "<img src=x onerror=alert(2)>" in picture["camera"]
                shown = page.get(f"/api/picture/{picture['ref']}/320")
                assert (shown.status, shown.headers["content-type"]) == (200, "image/jpeg")
                assert b"onerror" not in shown.body, "what the file says about itself is left out"
        assert seen == {name.decode("utf-8", "replace") for name in NAMES}
        unreadable = page.get("/api/unreadable").given
        names = {(b"_" + name[1:]).decode("utf-8", "replace") for name in NAMES}
        assert {os.path.basename(one["path"]) for one in unreadable["files"]} == names
        assert unreadable["total"] == len(NAMES)
        assert all(line.isprintable() for said in page.review.said for line in said.splitlines())


@pytest.mark.parametrize("is_streaming", [False, True])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_all_its_processes_and_without_a_word(tmp_path, number, is_streaming):
    review = Review(make_store(tmp_path))
    page = Browser(review)
    assert page.get(f"/api/picture/{some(page)[1]}/320").status == 200
    children = [
        int(pid)
        for file in Path(f"/proc/{review.process.pid}/task").glob("*/children")
        for pid in file.read_text().split()
    ]
    with contextlib.ExitStack() as held:
        if is_streaming:
            to = held.enter_context(socket.create_connection((LOOPBACK, review.port), timeout=SECONDS))
            to.sendall(f"GET /api/events HTTP/1.1\r\nHost: {review.host}\r\nCookie: {page.cookie}\r\n\r\n".encode())
            while b"event: ping" not in to.recv(1 << 16):
                pass
        code = review.end(number)
    assert review.said[1:] == [], "as it is the way to end it"
    assert code == 0
    assert children and not [pid for pid in children if Path(f"/proc/{pid}").exists()]
