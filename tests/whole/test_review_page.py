"""The page of `difwatch review` in a browser: what people see and press, and what becomes of their files."""

from __future__ import annotations

import contextlib
import http.server
import io
import json
import os
import random
import re
import sqlite3
import threading
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image

from difwatch.review.static_files import read_files
from tests.support.browsing import browsing, chromium
from tests.support.photos import photo
from tests.support.reviewing import LOOPBACK, Review
from tests.support.running import difwatch

GESTURES = 30
LOST = r"net::ERR_|EventSource"
ORDERS = ("newest", "space", "alike", "path", "taken", "size")
MODES = ("side", "wipe", "blink", "difference")
PHONE = {"width": 360, "height": 640}
HOSTILE = [
    b"<img src=x onerror=alert(1)>",
    b'"><script>alert(2)<',
    b"${alert(3)}&lt;b&gt;",
    "re\u202egpj.exe".encode(),
    b"new\nline <b>",
    b"not \xff\xfe UTF-8",
    b"x" * 251,
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MISSING_AXE = "axe-playwright-python is not installed"
AS_TEXT = {"re\\u202egpj.exe.png", "new\\u000aline <b>.png", "not \ufffd\ufffd UTF-8.png"}


@pytest.fixture(scope="module")
def browser():
    with chromium() as one:
        yield one


@contextlib.contextmanager
def serving(state, *flags):
    """A server; it must have met nothing that nobody expected."""
    review = Review(state, *flags)
    try:
        yield review
    finally:
        review.end()
    assert review.tracebacks() == []


@contextlib.contextmanager
def opened(browser, state, *flags, **options):
    """A server and its page."""
    with serving(state, *flags) as review, browsing(browser, review, **options) as page:
        yield page


def scan(place):
    """Bring the store up to date with the pictures."""
    difwatch(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    return place / "state"


def folder(place, name):
    """A folder that is there."""
    (place / "pictures" / name).mkdir(parents=True, exist_ok=True)
    return place / "pictures" / name


def copied(place, numbers):
    """Pictures, each with a smaller copy in another folder."""
    best, copies = folder(place, "best"), folder(place, "copies")
    for number in numbers:
        photo(number, 120, 80).save(best / f"{number:02}.png")
        photo(number, 60, 40).save(copies / f"{number:02} small.png")
    return best, copies


def three(place, number):
    """A picture, a copy that is equal to the byte, and a smaller one."""
    best, copies = copied(place, [number])
    first, again = best / f"{number:02}.png", folder(place, "again") / f"{number:02} again.png"
    again.write_bytes(first.read_bytes())
    return first, again, copies / f"{number:02} small.png"


def files_of(place):
    """All files by their bytes."""
    return {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}


def names(page):
    """The names of the two pictures that are compared."""
    return page.tab.locator("figcaption .name").all_inner_texts()


def look_over(page):
    """Press the keys for it, and wait for the plan."""
    page.wait(lambda: page.tab.locator("#apply").is_enabled())
    page.press("Control+Enter")
    page.wait(lambda: page.tab.locator("#look[open] #plan table").count())


def look_over_moving(page, destination):
    """Look over, and type where pictures are to be moved."""
    look_over(page)
    page.press("Shift+Tab", "Control+a")
    page.tab.keyboard.type(str(destination))
    page.press("Tab")
    page.wait(lambda: page.tab.locator("#go").is_enabled())


def apply(page, destination):
    """Look over by the keyboard, and move to a folder."""
    look_over_moving(page, destination)
    page.press("Control+Enter")
    page.wait(lambda: not page.is_there("#look"))


def test_twenty_groups_decided_by_keys_are_moved_and_put_back(browser, tmp_path, capfd):
    best, copies = copied(tmp_path, range(20))
    state, before = scan(tmp_path), files_of(tmp_path / "pictures")
    with opened(browser, state) as page:
        for _ in range(20):
            assert page.text("#decide b") == "Keep 1, move 2"
            page.decide("Enter")
        page.wait(lambda: page.text("#basket-count") == "20 decisions")
        look_over_moving(page, tmp_path / "moved")
        assert files_of(tmp_path / "pictures") == before, "nothing is moved before it was looked over"
        assert not (tmp_path / "moved").exists()
        page.press("Control+Enter")
        page.wait(lambda: "20 pictures moved" in page.text("#toast"))
        assert files_of(tmp_path / "pictures") == {p: old for p, old in before.items() if p.parent == best}
        gone = [old for path, old in before.items() if path.parent == copies]
        assert sorted(files_of(tmp_path / "moved").values()) == sorted(gone)
        page.tab.click("nav a[href='#history']")
        page.tab.click("#page article .head button")
        page.wait(lambda: "20 pictures put back" in page.text("#toast"))
        assert files_of(tmp_path / "pictures") == before
        assert files_of(tmp_path / "moved") == {}
        page.wait(lambda: "20 put back" in page.text("#page"))
        assert not page.tab.locator("#page article button").count(), "there is nothing more to put back"
        page.tab.click("#page summary")
        told = page.tab.locator("#page li small").all_inner_texts()
        assert len(told) == 20
        assert all(text.endswith(" · put back") for text in told)
    assert capfd.readouterr().out == ""


def test_another_keeper_is_chosen_and_just_the_others_go(browser, tmp_path):
    best, again, small = three(tmp_path, 1)
    content = best.read_bytes()
    with opened(browser, scan(tmp_path)) as page:
        page.group()
        listed = [Path(one["path"]) for one in page.ask(f"/api/group/{page.shown()}")["pictures"]]
        assert listed == [best, again, small]
        page.press("3")
        assert names(page)[0] == small.name
        assert page.text("#decide b") == "Keep 3, move the others"
        for _ in range(6):  # whatever goes and stays meanwhile, the one to keep stays
            page.press("x", "ArrowRight", "x", "ArrowRight", "ArrowRight")
            assert page.tab.locator("#film button").nth(2).locator(".keep").count() == 1
        assert page.text("#decide b") == "Keep 3, move the others"
        page.press("2")
        assert page.text("#decide b") == "Keep 2, move the others"
        page.decide("Enter")
        page.wait(lambda: page.text("#basket-sum").startswith("2 pictures to go"))
        apply(page, tmp_path / "moved")
    assert files_of(tmp_path / "pictures") == {again: content}
    assert {path.name for path in files_of(tmp_path / "moved")} == {best.name, small.name}


def test_no_duplicates_and_later_outlast_the_server_and_undo_takes_back(browser, tmp_path):
    copied(tmp_path, range(4))
    state = scan(tmp_path)
    # What was taken back is in the next queue; a page that asks sooner is refused, and asks again then.
    with opened(browser, state) as page:
        apart, back, later, kept = page.group(), *page.rows()[1:]
        assert page.decide("n") == back
        assert page.decide("n") == later
        assert "no duplicates" in page.text(f".row[data-key='{back}']")
        page.wait(lambda: page.ask("/api/rows")["total"] == 2)
        page.press("z")
        page.wait(lambda: page.ask("/api/rows")["total"] == 3)
        page.wait(lambda: page.shown() == back)
        assert "no duplicates" not in page.text(f".row[data-key='{back}']")
        page.press("j")
        assert page.group(after=back) == later
        assert page.decide("s") == kept
        page.press("Enter")
        page.wait(lambda: page.text("#basket-count") == "1 decision")
        page.press("z")
        page.wait(lambda: page.text("#basket-count") == "0 decisions")
    with opened(browser, state) as page:
        page.group()
        assert sorted(page.rows()) == sorted([back, later, kept])
        assert apart not in page.rows()
        told = {key: page.text(f".row[data-key='{key}'] .free") for key in page.rows()}
        assert [key for key, text in told.items() if "later" in text] == [later]
        assert not any("decided" in text for text in told.values())


def make_hostile(place):
    """Pictures with names that mean something to browsers and terminals."""
    for directory, side in ((folder(place, "<b>best"), 120), (folder(place, "<i>copies"), 60)):
        for number, name in enumerate(HOSTILE):
            with open(os.fsencode(directory) + b"/" + name + b".png", "wb") as file:
                photo(number, side, side * 2 // 3).save(file, "PNG")


def test_hostile_names_are_shown_as_text(browser, tmp_path):
    make_hostile(tmp_path)
    with opened(browser, scan(tmp_path)) as page:
        seen, key = set(), page.group()
        for _ in HOSTILE:
            seen.add(page.text("#title"))
            assert set(names(page)) == {page.text("#title")}
            width = page.tab.evaluate("document.documentElement.scrollWidth")
            assert width == page.tab.evaluate("innerWidth")
            key = page.decide("Enter")
        assert key is None
        assert seen >= AS_TEXT
        assert {name for name in seen if name not in AS_TEXT} == {
            os.fsdecode(name) + ".png" for name in HOSTILE if name.isascii() and b"\n" not in name
        }
        apply(page, tmp_path / "moved")
        page.tab.click("nav a[href='#history']")
        page.tab.click("#page summary")
        assert HOSTILE[0].decode() in page.text("#page ul")
        assert not page.tab.locator("[onerror], img[src=x], script:not([src]), bdi *").count()
    assert len(files_of(tmp_path / "moved")) == len(HOSTILE)


ATTACK = """<!doctype html><body><form method="post" enctype="text/plain"><input></form><script>
async function attack({to, ref, bodies}) {
  const out = {};
  const loads = (kind, attributes) => new Promise((done) => {
    const node = Object.assign(document.createElement(kind), attributes);
    node.onload = () => done(`loaded ${node.naturalWidth ?? ''}`);
    node.onerror = () => done('refused');
    document.body.append(node);
  });
  for (const size of ['tensor', '320', 'full']) {
    out[`img ${size}`] = await loads('img', {src: `${to}/api/picture/${ref}/${size}`});
  }
  out.script = await loads('script', {src: `${to}/static/review.js`});
  out.rows = await loads('script', {src: `${to}/api/rows`});
  const frame = document.createElement('iframe');
  frame.name = 'inner';
  await new Promise((done) => { frame.onload = done; frame.src = `${to}/`; document.body.append(frame); });
  try { out.frame = frame.contentWindow.document.title; } catch { out.frame = 'refused'; }
  const other = open(`${to}/`);
  await new Promise((done) => { setTimeout(done, 500); });
  try { out.window = other ? String(other.document.title) : 'refused'; } catch { out.window = 'refused'; }
  for (const path of ['/api/start', '/api/rows', `/api/picture/${ref}/320`]) {
    out[`read ${path}`] = await fetch(to + path, {credentials: 'include'}).then((a) => a.text(), () => 'refused');
  }
  for (const [name, body] of Object.entries(bodies)) {
    const text = JSON.stringify(body);
    const usual = {method: 'POST', body: text, credentials: 'include'};
    const ask = (options) => fetch(`${to}/api/${name}`, {...usual, ...options})
      .then((answer) => answer.type, () => 'refused');
    await ask({mode: 'no-cors'});
    await ask({mode: 'no-cors', headers: {'content-type': 'text/plain'}});
    out[`json ${name}`] = await ask({headers: {'content-type': 'application/json', 'X-Difwatch': 'x'}});
    navigator.sendBeacon(`${to}/api/${name}`, text);
    navigator.sendBeacon(`${to}/api/${name}`, new Blob([text], {type: 'text/plain'}));
    const form = document.forms[0];
    form.action = `${to}/api/${name}`;
    form.target = 'inner';
    Object.assign(form[0], {name: `${text.slice(0, -1)},"x":"`, value: '"}'}); // together they are JSON
    const sent = new Promise((done) => { frame.onload = done; });
    form.submit();
    await sent;
  }
  return out;
}
</script>"""


class _Attacker(http.server.BaseHTTPRequestHandler):
    """Another program of this machine that has a page too."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(ATTACK.encode())

    def log_message(self, *_):
        """Say nothing."""


@contextlib.contextmanager
def attacking():
    """The port of a server with a page that means no good."""
    with http.server.ThreadingHTTPServer((LOOPBACK, 0), _Attacker) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def kept(place):
    """The files, the decisions, and what was recorded about acts and pairs."""
    out = {"files": {path: old for path, old in files_of(place).items() if place / "state" not in path.parents}}
    for name in ("review.db", "moves.db", "difwatch.db"):
        if (place / "state" / name).exists():
            with contextlib.closing(sqlite3.connect(f"file:{place}/state/{name}?mode=ro", uri=True)) as database:
                out[name] = [line for line in database.iterdump() if line.startswith("INSERT")]
    return out


@pytest.mark.parametrize(
    "flags", [pytest.param((), marks=pytest.mark.slow), ("--plain-address",)], ids=["own-name", "plain"]
)
def test_a_page_of_another_port_reads_and_changes_nothing(browser, tmp_path, flags):
    copied(tmp_path, range(3))
    state = scan(tmp_path)
    with attacking() as port, opened(browser, state, *flags) as page:
        page.decide("Enter")
        page.wait(lambda: page.text("#basket-count") == "1 decision")
        row = page.ask("/api/rows?undecided=1")["rows"][0]
        refs = [one["ref"] for one in page.ask(f"/api/group/{row['key']}")["pictures"]]
        bodies = {
            "decide": {"key": row["key"], "kind": "keep", "going": refs[1:], "seen": refs},
            "stage": {"filters": {}, "dry": False},
            "plan": {"kind": "delete", "destination": None, "keepTree": True},
            "undo": {"acts": [1]},
        }
        before = kept(tmp_path)
        for name in (LOOPBACK, "localhost"):
            tab = page.context.new_page()
            tab.goto(f"http://{name}:{port}/")
            told = tab.evaluate(
                "(given) => attack(given)", {"to": f"http://{page.review.host}", "ref": refs[0], "bodies": bodies}
            )
            assert set(told.values()) == {"refused"}, told
            tab.close()
        assert kept(tmp_path) == before
        page.press("z")
        page.wait(lambda: page.text("#basket-count") == "0 decisions")


def make_turned_and_resized(place):
    """A picture and a smaller copy that lies on its side; another one and a copy of nearly its shape."""
    best = folder(place, "best")
    photo(1, 1200, 800).save(best / "1.png")
    photo(1, 1200, 800).rotate(90, expand=True).resize((600, 900)).save(best / "1 turned.jpg", quality=92)
    photo(2, 1200, 800).save(best / "2.png")
    photo(2, 1200, 800).resize((601, 400)).save(best / "2 resized.jpg", quality=92)


def brightness(page, selector):
    """How bright a part of the page is, from 0 to 255."""
    shot = Image.open(io.BytesIO(page.tab.locator(selector).screenshot()))
    return float(np.asarray(shot.convert("L")).mean())


@pytest.mark.slow
def test_in_every_mode_both_pictures_lie_in_the_same_box(browser, tmp_path):
    make_turned_and_resized(tmp_path)
    with opened(browser, scan(tmp_path)) as page:
        before = None
        for _ in range(2):
            before = page.group(after=before)
            page.wait_for_pictures()
            for mode in MODES:
                assert page.tab.get_attribute("#panes", "data-mode") == mode
                first, second = page.boxes(".layer img")
                if mode == "side":
                    assert first[0] < second[0]
                    assert np.abs(np.subtract(first[1:], second[1:])).max() < 0.5, "each has its own shape"
                else:
                    assert first == second
                if mode == "difference":
                    assert brightness(page, ".over .frame") < 16, "what lies on each other is equal"
                page.press("v")
            page.tab.keyboard.down(" ")
            assert page.tab.get_attribute("#panes", "data-mode") == "blink"
            page.tab.keyboard.up(" ")
            assert page.tab.get_attribute("#panes", "data-mode") == "side"
            page.press("j")


def gesture(page, chance):
    """Turn the wheel, drag or press a key, somewhere in a pane."""
    view = chance.choice([box for box in page.boxes(".view") if box[2]])
    here, there = ((view[0] + chance.random() * view[2], view[1] + chance.random() * view[3]) for _ in range(2))
    page.tab.mouse.move(*here)
    match chance.choice(["wheel", "wheel", "drag", "key"]):
        case "wheel":
            page.tab.mouse.wheel(0, chance.choice([-400, -150, 90, 200]))
        case "drag":
            page.tab.mouse.down()
            page.tab.mouse.move(*there)
            page.tab.mouse.up()
        case "key":
            page.press(chance.choice(["+", "+", "-", "ArrowRight", "0"]))


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_the_zoom_is_the_same_in_all_panes_whatever_is_done(browser, tmp_path, mode):
    make_turned_and_resized(tmp_path)
    chance, seen = random.Random(MODES.index(mode)), set()
    with opened(browser, scan(tmp_path)) as page:
        page.group()
        page.wait_for_pictures()
        page.tab.click(f"[data-mode={mode}]")
        for _ in range(GESTURES):
            gesture(page, chance)
            assert len(set(page.styles(".frame", "transform"))) == 1
            first, second = (np.subtract(image, view) for image, view in zip(*placed(page), strict=True))
            assert np.abs(first - second).max() < (0.5 if mode == "side" else 0.01)
            seen.update(page.styles(".frame", "transform"))
        assert len(seen) > GESTURES / 3
        page.press("0")
        assert page.text("#zoom [aria-pressed=true]") == "Fit"


def placed(page):
    """Where both pictures are, and the views that they are in; only sizes of pictures count for views."""
    views = [(x, y, 0.0, 0.0) for x, y, width, _ in page.boxes(".view") if width]
    return page.boxes(".layer img"), (views * 2)[:2]


@pytest.mark.slow
def test_orders_filters_and_searches_show_what_the_server_gives(browser, tmp_path):
    copied(tmp_path, range(4))
    three(tmp_path, 5)
    one = folder(tmp_path, "one")
    photo(7, 300, 200).save(one / "07.png")
    photo(7, 300, 200).save(one / "07.bmp")
    with opened(browser, scan(tmp_path)) as page:
        page.decide("Enter")

        def shows(**query):
            asked = urlencode({"n": 200, **query})
            wanted = [row["key"] for row in page.ask(f"/api/rows?{asked}")["rows"]]
            page.wait(lambda: page.rows() == wanted)
            return {row["name"] for row in page.ask(f"/api/rows?{asked}")["rows"]}

        shown = []
        for order in ORDERS:
            page.tab.select_option("#order", order)
            assert len(shows(order=order)) == 6
            shown.append(tuple(page.rows()))
        assert len(set(shown)) > 2
        page.press("/")
        page.tab.keyboard.type("ONE/07")
        assert shows(order="size", text="ONE/07") == {"07.bmp"}
        page.tab.click("#across")
        page.wait(lambda: page.is_there("#empty"))
        assert "hide all" in page.text("#empty")
        page.tab.click("#empty button")
        assert len(shows(order="size")) == 6
        page.tab.click("#across")
        assert shows(order="size", across=1) == {f"{number:02}.png" for number in (0, 1, 2, 3, 5)}
        page.tab.click("#across")
        page.tab.click("#more")
        page.tab.uncheck("[value=similar]")
        assert shows(order="size", levels="identical,duplicate,edited") == {"07.bmp"}
        page.tab.check("[value=similar]")
        page.tab.check("#undecided")
        assert len(shows(order="size", undecided=1)) == 5


@pytest.mark.slow
def test_new_groups_wait_until_they_are_wanted_and_solved_ones_leave(browser, tmp_path):
    best, copies = copied(tmp_path, range(3))
    photo(9, 120, 80).save(best / "09.png")
    state = scan(tmp_path)
    with opened(browser, state) as page:
        before = page.group()
        page.press("j")
        chosen, before = page.group(after=before), page.rows()
        photo(9, 60, 40).save(copies / "09 new.png")
        scan(tmp_path)
        page.wait(lambda: page.is_there("#news") and page.text("#news") == "1 new group — show")
        assert (page.rows(), page.shown()) == (before, chosen), "nothing moves under the pointer"
        page.tab.click("#news")
        page.wait(lambda: len(page.rows()) == 4)
        assert page.text(f".row[data-key='{page.rows()[0]}'] b") == "09.png"
        solved = page.text(f".row[data-key='{chosen}'] b")
        for other in [path for path in copies.glob("*.png") if not path.name.startswith(solved[:2])]:
            difwatch(state, "ignore", best / f"{other.name[:2]}.png", other)
        page.wait(lambda: page.ask("/api/rows")["total"] == 1)
        page.wait(lambda: page.is_there("#news"))
        page.tab.click("#news")
        page.wait(lambda: page.rows() == [chosen])
        difwatch(state, "apply", "--move-to", tmp_path / "moved", "--yes")
        page.wait(lambda: page.is_there("#news"))
        page.tab.click("#news")
        page.wait(lambda: page.is_there("#empty") and not page.rows())
        assert "No duplicates" in page.text("#empty")


@pytest.mark.slow
@pytest.mark.parametrize("flags", [(), ("--plain-address",)], ids=["own-name", "plain"])
def test_without_its_server_a_page_waits_and_says_so_and_with_another_one_it_is_over(browser, tmp_path, flags):
    copied(tmp_path, range(2))
    state = scan(tmp_path)
    with serving(state, *flags) as first, browsing(browser, first, provoked=f"{LOST}|status of (403|421)") as page:
        group = page.group()
        first.end()
        page.wait(lambda: page.is_there("#lost"))
        assert page.text("#lost") == "The connection is lost. Trying again…"
        page.press("Enter", "n", "Control+Enter")
        assert page.shown() == group
        assert page.tab.evaluate("document.querySelector('footer').inert"), "nothing can be clicked twice"
        page.context.set_offline(True)  # so that the first that the new server says is its address
        with serving(state, *flags, "--port", str(first.port)):
            page.context.set_offline(False)
            page.wait(lambda: page.is_there("#over"))
            assert "This session is over" in page.text("#over")
            assert "Run “difwatch review” again" in page.text("#over")
            page.press("Escape")
            assert page.is_there("#over")


def is_free(page, selector):
    """Whether nothing lies on the middle of an element."""
    left, top, width, height = page.boxes(selector)[0]
    return page.tab.evaluate(
        "([selector, x, y]) => Boolean(document.elementFromPoint(x, y)?.closest(selector))",
        [selector, left + width / 2, top + height / 2],
    )


def is_within(page):
    """Whether nothing is wider than the window."""
    return page.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_phone_has_room_for_everything(browser, tmp_path, language):
    copied(tmp_path, range(3))
    with opened(browser, scan(tmp_path), "--lang", language, viewport=PHONE, has_touch=True) as page:
        page.group()
        assert is_within(page)
        left, top, width, height = page.boxes("#decide")[0]
        assert left >= 0 and top >= 0 and left + width <= 360 and top + height <= 640
        for button in ("#open-queue", "#open-info"):
            page.tab.click(button)
            assert is_within(page)
            page.press("Escape")
        page.decide("Enter")
        assert page.is_there("#toast button")
        assert is_free(page, "#decide"), "what was noted lies beside it"
        look_over(page)
        assert is_within(page)
        left, _, width, _ = page.boxes("#go")[0]
        assert left >= 0 and left + width <= 360


@pytest.mark.slow
def test_text_twice_as_large_fits(browser, tmp_path):
    copied(tmp_path, range(3))
    with serving(scan(tmp_path)) as review, browsing(browser, review, text=200) as page:
        page.group()
        assert page.tab.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
        assert is_within(page)
        left, top, width, height = page.boxes("#decide")[0]
        assert left >= 0 and top >= 0 and left + width <= 1440 and top + height <= 900
        page.decide("Enter")
        assert is_free(page, "#decide")
        look_over(page)
        assert is_within(page)


@pytest.mark.slow
def test_dark_is_taken_from_the_desktop_and_kept_once_it_was_chosen(browser, tmp_path):
    copied(tmp_path, range(2))
    with opened(browser, scan(tmp_path), color_scheme="dark") as page:
        page.group()
        assert brightness(page, "body") < 60
        page.tab.click("#theme")
        assert brightness(page, "body") > 150
        page.tab.reload()
        page.group()
        assert brightness(page, "body") > 150


def fits(words):
    """What fits a text of the catalogue, whatever is put into it."""
    return re.compile(
        "".join("(.+)" if at % 2 else re.escape(part) for at, part in enumerate(re.split(r"\{(\w+)\}", words)))
    )


@pytest.mark.slow
def test_german_is_german(browser, tmp_path):
    english, german = (json.loads(read_files()[f"words.{code}.json"].content) for code in ("en", "de"))

    def texts(catalogue):
        return {
            text for words in catalogue.values() for text in ([words] if isinstance(words, str) else words.values())
        }

    foreign = [fits(text) for text in texts(english) - texts(german) if len(text) > 3]
    three(tmp_path, 1)
    copied(tmp_path, [2])
    with opened(browser, scan(tmp_path), "--lang", "de") as page:
        page.group()
        page.press("Enter")
        page.wait(lambda: page.text("#basket-count").startswith("1 "))
        page.tab.click("#more")
        shown = page.tab.evaluate("""() => {
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          const out = [...document.querySelectorAll('[aria-label],[title],[placeholder]')].flatMap(
            (one) => [one.getAttribute('aria-label'), one.title, one.placeholder]);
          for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            if (node.parentElement.checkVisibility()) out.push(node.data);
          }
          return out.filter((text) => text?.trim()).map((text) => text.trim());
        }""")
    assert len(set(shown)) > 60
    assert {text for text in shown for pattern in foreign if pattern.fullmatch(text)} == set()
    assert {"Nebeneinander", "Später"} <= set(shown)


@pytest.mark.slow
def test_a_page_that_is_read_only_has_nothing_to_decide_with(browser, tmp_path):
    copied(tmp_path, range(3))
    sent = []
    with opened(browser, scan(tmp_path), "--read-only") as page:
        page.tab.on("request", lambda request: sent.append(request.method))
        group = page.group()
        page.press("2", "x", "Enter", "n", "s", "z", "Control+Enter", "Delete")
        assert page.shown() == group
        assert not page.is_there("dialog[open]")
        page.tab.click("#more")
        assert [one for one in page.tab.locator("[data-write]").all() if one.is_visible()] == []
        page.press("j")
        page.group(after=group)
        assert set(sent) == {"GET"}
        assert page.ask("/api/rows")["totals"]["decided"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_wrong(browser, tmp_path, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=MISSING_AXE).Axe()
    wrong = {}
    three(tmp_path, 1)
    copied(tmp_path, range(2, 5))
    (folder(tmp_path, "best") / "broken.png").write_bytes(b"\x89PNG nothing")
    # Only axe itself needs to pass by the policy of the page.
    with opened(browser, scan(tmp_path), color_scheme=theme, bypass_csp=True, reduced_motion="reduce") as page:

        def look(state):
            found = axe.run(page.tab, options={"runOnly": RULES, "resultTypes": ["violations"]}).response[
                "violations"
            ]
            if found:
                wrong[state] = [(one["id"], [node["target"] for node in one["nodes"]]) for one in found]

        page.group()
        page.wait_for_pictures()
        look("side by side")
        page.press("v")
        look("wipe")
        page.press("v", "v")
        look("difference")
        page.press("v", "2")
        look("another keeper")
        page.press("?")
        look("keys")
        page.press("Escape")
        page.tab.click("#more")
        look("filters")
        page.tab.click("#stage-all")
        page.wait(lambda: page.is_there("#ask"))
        look("question")
        page.press("Escape")
        page.tab.focus("#list")
        page.decide("Enter")
        look_over(page)
        look("look over")
        page.tab.check("[value=delete]")
        page.wait(lambda: page.is_there("[inputmode=numeric]"))
        look("for good")
        page.tab.check("[value=move]")
        page.wait(lambda: page.tab.locator("#go").is_enabled())
        page.press("Control+Enter")
        page.wait(lambda: not page.is_there("#look"))
        page.tab.click("nav a[href='#history']")
        page.wait(lambda: page.is_there("#page summary"))
        page.tab.click("#page summary")
        look("history")
        page.tab.click("nav a[href='#unreadable']")
        page.wait(lambda: page.is_there("#page li"))
        look("unreadable")
        page.tab.click("nav a[href='#review']")
        page.tab.fill("input[type=search]", "nowhere")  # waits until it is shown
        page.wait(lambda: page.is_there("#empty"))
        look("nothing left")
        page.tab.click("#empty button")
        page.group()
        page.tab.set_viewport_size(PHONE)
        look("phone")
    assert wrong == {}
