"""The report as a page: the same groups, every picture to be seen, and no name that becomes markup."""

import base64
import io
import json
import os
import re
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
from PIL import Image

from tests.support import naive
from tests.support.collection import make_collection
from tests.support.commands import called, index, reported_pairs
from tests.support.photos import photo
from tests.support.running import path_of

ODD = b"<img src=x onerror=alert(1)> \"'&amp; caf\xe9 %41#?.png"


class Page(HTMLParser):
    """The pictures of each section, as (path, class, note), and everything that looks like markup."""

    def __init__(self, text):
        super().__init__()
        self.sections, self.tags, self.texts, self._link = [], set(), [], None
        self.feed(text)
        self.thumbnails = {
            name: base64.b64decode(data) for name, data in re.findall(r"\.(t\d+) .*base64,([A-Za-z0-9+/=]+)\)", text)
        }

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        attributes = dict(attributes)
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "section":
            self.sections.append([])
        if tag == "a":
            self._link = attributes["href"]
            self.sections[-1].append((path_of_link(self._link), attributes["class"]))
        if tag == "img":
            assert attributes["src"] == self._link

    def handle_data(self, data):
        self.texts.append(data)


def path_of_link(link):
    assert link.startswith("file:///")
    return unquote_to_bytes(link.removeprefix("file://"))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    top = tmp_path_factory.mktemp("html")
    pictures = make_collection(top / "pictures", ODD)
    photo(3, 120, 80).save(pictures / "alone.png")
    index(top / "state", pictures)
    return top


def test_the_page_shows_the_groups_of_the_json_report(place):
    page = Page(called(place / "state", "report", "--format", "html").stdout)
    found = json.loads(called(place / "state", "report", "--format", "json").stdout)["groups"]
    expected = [[path_of(one, "path") for one in (group["primary"], *group["members"])] for group in found]
    assert [[path for path, _ in section] for section in page.sections] == expected
    assert len(expected) == 2
    assert "2 groups: 3 duplicates among 6 pictures" in "".join(page.texts)
    assert "duplicate, turned by 270°, MSE 0, NMSE 0" in page.texts


def test_the_page_shows_the_pairs(place):
    page = Page(called(place / "state", "report", "--format", "html", "--pairs").stdout)
    assert {tuple(path for path, _ in section) for section in page.sections} == set(reported_pairs(place / "state"))


def test_what_was_compared_is_in_the_page_once_for_all_files_that_have_it(place):
    page = Page(called(place / "state", "report", "--format", "html").stdout)
    shown = {name: path for section in page.sections for path, name in section}
    assert page.thumbnails.keys() == shown.keys()
    assert len(shown) == 4, "of five pictures, two are equal"
    pictures = naive.read_tree(os.fsencode(place / "pictures"), recipe="fast")
    tensors = {picture.path: picture.tensor for picture in pictures}
    for name, jpeg in page.thumbnails.items():
        seen = np.asarray(Image.open(io.BytesIO(jpeg)), np.int64)
        assert np.mean((seen - tensors[shown[name]]) ** 2) < 30, "a JPEG of it"


def test_a_name_that_is_markup_stays_text(place):
    page = Page(called(place / "state", "report", "--format", "html").stdout)
    assert os.path.join(os.fsencode(place / "pictures"), ODD) in [path for one in page.sections for path, _ in one]
    assert page.tags == {
        *("html", "meta", "title", "style", "h1", "p", "section", "figure", "a", "img", "b", "wbr", "small"),
    }
    assert any("<img src=x onerror=alert(1)> \"'&amp; caf\\xe9 %41#?.png" in text for text in page.texts)


def test_a_page_without_matches_says_so(place):
    page = Page(called(place / "state", "report", "--format", "html", "--folder", place / "pictures/none").stdout)
    assert page.sections == []
    assert "No matches up to an MSE of 20 and an NMSE of 0.03 among 0 pictures." in page.texts
