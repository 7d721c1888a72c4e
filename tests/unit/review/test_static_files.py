"""The page itself: small, complete in both languages, and without anything that could run or fetch from elsewhere."""

import gzip
import json
import re

import pytest

from difwatch.matches.groups import KEEP_RULES
from difwatch.review.static_files import read_files

FILES = read_files()
UNPACKED, PACKED = 112_000, 41_000  # bytes
FORBIDDEN = (
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "eval(",
    "new Function",
    "http:",
    "https:",
)
CODE = [name for name in FILES if name.endswith((".js", ".html", ".css"))]


def test_it_is_small():
    assert sum(len(file.content) for file in FILES.values()) <= UNPACKED
    assert sum(len(gzip.compress(file.content)) for file in FILES.values()) <= PACKED


@pytest.mark.parametrize("name", CODE)
def test_no_file_makes_markup_of_text_or_names_another_server(name):
    text = FILES[name].content.decode()
    assert [word for word in FORBIDDEN if word in text] == []
    if name.endswith(".html"):
        assert not re.search(r"\son\w+=|\sstyle=|<script(?![^>]*\ssrc=)", text), "no code and no style of its own"


def test_both_languages_have_the_same_words_with_the_same_places():
    english, german = (json.loads(FILES[f"words.{code}.json"].content) for code in ("en", "de"))
    assert english.keys() == german.keys()
    for key, text in english.items():
        places = [set(re.findall(r"\{(\w+)\}", str(words))) for words in (text, german[key])]
        assert places[0] == places[1], key


def test_every_word_that_the_page_asks_for_is_in_the_catalogue():
    words = json.loads(FILES["words.en.json"].content).keys()
    asked = set(re.findall(r'data-word="([^"]+)"', FILES["index.html"].content.decode()))
    assert asked
    assert asked <= words


def test_every_rule_that_chooses_the_one_to_keep_has_a_word():
    words = json.loads(FILES["words.en.json"].content).keys()
    assert {f"rule.{name}" for name in KEEP_RULES} <= words


def test_every_module_that_is_imported_is_there():
    for name in CODE:
        for module in re.findall(r"from '\./([^']+)'", FILES[name].content.decode()):
            assert module in FILES
