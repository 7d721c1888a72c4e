"""`difwatch review` as a person has it: its page in Chromium, worked by keys and clicks."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.reviewing import Review
from tests.support.running import until

CHROMIUM = Path("/usr/bin/chromium")
MISSING = "Chromium (apt install chromium) and playwright are not installed"
SECONDS = 20.0
DESK = {"width": 1440, "height": 900}
NONE = "(?!)"  # fits no complaint

# The key of the group in the stage, as soon as it is the one that is chosen in the list.
_SHOWN = """() => {
  const row = document.querySelector('.row[aria-selected=true][data-key]');
  if (!row || document.body.matches('[data-busy],[data-empty]')) return null;
  const shown = [...document.querySelectorAll('.layer')].map((layer) => layer.dataset.ref);
  const own = [...row.querySelectorAll('img')].map((image) => image.getAttribute('src').split('/')[3]);
  return own.some((ref) => shown.includes(ref)) ? row.dataset.key : null;
}"""
_LOADED = """() => [...document.querySelectorAll('.layer')].every((layer) => layer.dataset.size >= 1600)"""
_WATCH = """addEventListener('securitypolicyviolation', (event) => {
  told(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});"""


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason=MISSING)
    if not CHROMIUM.exists():
        pytest.skip(MISSING)
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Page:
    """The page of a server; what the browser complains about is kept, and what comes as a dialog is one complaint."""

    def __init__(self, browser: Any, review: Review, *, text: int = 100, **options: Any) -> None:
        self.review = review
        self.complaints: list[str] = []
        self.context = browser.new_context(**{"viewport": DESK, "reduced_motion": "no-preference", **options})
        self.context.set_default_timeout(SECONDS * 1000)
        self.context.expose_binding("told", lambda _, text: self.complaints.append(text))
        self.context.add_init_script(_WATCH)
        self.tab = self.context.new_page()
        if text != 100:  # per cent, as the settings of the browser have it
            fonts = {"fontSizes": {"standard": 16 * text // 100}}
            self.context.new_cdp_session(self.tab).send("Page.setFontSizes", fonts)
        self.tab.on("console", self._said)
        self.tab.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.tab.on("dialog", self._asked)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} {message.location['url']}")

    def _asked(self, dialog: Any) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open(self) -> None:
        """Open the page by its ticket, and wait until it is there."""
        self.tab.goto(f"http://{self.review.host}/open?t={self.review.ticket}")
        self.wait(lambda: not self.tab.locator("body[data-busy]").count())

    def wait(self, holds: Callable[[], object]) -> None:
        """Wait for something; the browser is asked again and again."""
        until(holds, SECONDS, lambda: f"{self.text('body')}\n{self.complaints}")

    def shown(self) -> str | None:
        """The key of the group that is looked at, if one is."""
        return self.tab.evaluate(_SHOWN)

    def group(self, *, after: str | None = None) -> str:
        """Wait for a group, or for another one than before; gives its key."""
        self.wait(lambda: self.shown() not in (None, after))
        key = self.shown()
        assert key is not None
        return key

    def wait_for_pictures(self) -> None:
        """Wait until the best that is fetched of both pictures is there."""
        self.wait(lambda: self.tab.evaluate(_LOADED))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.tab.keyboard.press(key)

    def decide(self, key: str) -> str | None:
        """Press a key that decides, and wait for the next group or the end; gives the next one's key."""
        before = self.group()
        self.press(key)
        self.wait(lambda: self.shown() not in (None, before) or self.is_there("#empty"))
        return self.shown()

    def text(self, selector: str) -> str:
        """What can be read in the first element that fits; spaces that hold words together are spaces."""
        return self.tab.locator(selector).first.inner_text().replace("\u00a0", " ")

    def is_there(self, selector: str) -> bool:
        """Whether an element can be seen."""
        return self.tab.locator(selector).first.is_visible()

    def rows(self) -> list[str]:
        """The keys of the groups in the list, from the top; all of them, where the list is short."""
        return self.tab.evaluate("""() => [...document.querySelectorAll('.row')]
            .sort((a, b) => a.offsetTop - b.offsetTop).map((row) => row.dataset.key)""")

    def ask(self, target: str) -> Any:
        """What the server answers to this page, as JSON."""
        return self.tab.evaluate("(target) => fetch(target).then((answer) => answer.json())", target)

    def boxes(self, selector: str) -> list[tuple[float, ...]]:
        """Where elements are on the screen: left, top, width and height."""
        found = self.tab.evaluate(
            """(selector) => [...document.querySelectorAll(selector)].map((one) => {
              const box = one.getBoundingClientRect();
              return [box.x, box.y, box.width, box.height];
            })""",
            selector,
        )
        return [tuple(box) for box in found]

    def styles(self, selector: str, name: str) -> list[str]:
        """A property of the own style of elements."""
        return self.tab.evaluate(
            "([selector, name]) => [...document.querySelectorAll(selector)].map((one) => one.style[name])",
            [selector, name],
        )


@contextlib.contextmanager
def browsing(browser: Any, review: Review, *, provoked: str = NONE, **options: Any) -> Iterator[Page]:
    """A page that is open, in a profile of its own; it must end without a complaint that the test did not provoke."""
    page = Page(browser, review, **options)
    try:
        page.open()
        yield page
        page.tab.evaluate("1")  # what was said before has come by now
        assert [text for text in page.complaints if not re.search(provoked, text)] == []
    finally:
        page.context.close()
