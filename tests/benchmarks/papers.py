"""Pictures that look alike and are no copies of each other: letters, invoices of one form, chats, skies, letterboxes.

They are drawn from seeds, so that everybody has the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

_WORDS = (
    "dear", "thank", "invoice", "please", "total", "amount", "order", "number", "regards", "street", "account",
    "payment", "friday", "since", "letter", "about", "your", "water", "meter", "reading", "for", "our", "last",
    "visit", "next", "month", "garden", "school", "ticket", "receipt",
)  # fmt: skip


def letters(rng: np.random.Generator) -> Image.Image:
    """A white page with two to four lines of words."""
    return _page(rng, lines=int(rng.integers(2, 5)))


def full_letters(rng: np.random.Generator) -> Image.Image:
    """A white page of text."""
    return _page(rng, lines=int(rng.integers(18, 30)))


def invoices(rng: np.random.Generator) -> Image.Image:
    """One letterhead and table, with another recipient, text and other items."""
    page = _letterhead()
    draw = ImageDraw.Draw(page)
    for line in range(4):
        draw.text((70, 170 + 30 * line), _words(rng, 2), fill=0, font=_font(24))
    draw.text(
        (480, 170),
        f"{rng.integers(10**5, 10**6)}  {rng.integers(1, 29)}.{rng.integers(1, 13)}.",
        fill=0,
        font=_font(24),
    )
    for line in range(int(rng.integers(2, 5))):
        draw.text((70, 330 + 30 * line), _words(rng, int(rng.integers(4, 8))), fill=0, font=_font(24))
    _items(draw, rng, int(rng.integers(2, 9)))
    return page


def receipts(rng: np.random.Generator) -> Image.Image:
    """The same letterhead and table with nothing but some other items: the hardest case."""
    page = _letterhead()
    _items(ImageDraw.Draw(page), rng, int(rng.integers(3, 8)))
    return page


def _letterhead() -> Image.Image:
    page = Image.new("RGB", (760, 1080), "white")
    draw = ImageDraw.Draw(page)
    draw.rectangle((560, 40, 700, 110), fill=(30, 60, 140))
    draw.text((60, 60), "Garden & Water Ltd, Street 12", fill=(30, 60, 140), font=_font(26))
    for row in range(9):
        draw.line((60, 480 + 50 * row, 700, 480 + 50 * row), fill=(150, 150, 150), width=1)
    return page


def _items(draw: ImageDraw.ImageDraw, rng: np.random.Generator, count: int) -> None:
    for row in range(count):
        y = 490 + 50 * row
        draw.text((70, y), _words(rng, int(rng.integers(2, 6))), fill=0, font=_font(24))
        draw.text((610, y), f"{rng.integers(1, 9999) / 100:.2f}", fill=0, font=_font(24))


def forms(rng: np.random.Generator) -> Image.Image:
    """A form of boxes of which some are ticked and some filled in."""
    page = Image.new("RGB", (760, 1080), "white")
    draw = ImageDraw.Draw(page)
    fixed = np.random.default_rng(1)
    for number in range(24):
        x, y = 60 + 350 * (number % 2), 80 + 80 * (number // 2)
        draw.text((x, y), _words(fixed, 2), fill=(60, 60, 60), font=_font(20))
        draw.rectangle((x, y + 28, x + 300, y + 60), outline=(0, 0, 0), width=2)
        if rng.random() < 0.6:
            draw.text((x + 8, y + 32), _words(rng, 2), fill=(10, 10, 90), font=_font(22))
    return page


def chats(rng: np.random.Generator) -> Image.Image:
    """A screenshot of a chat in dark colours."""
    page = Image.new("RGB", (540, 1080), (18, 20, 24))
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, 540, 80), fill=(30, 33, 38))
    y = 110
    while y < 960:
        width, height = int(rng.integers(140, 400)), int(rng.integers(40, 140))
        x = 20 if rng.random() < 0.5 else 520 - width
        draw.rounded_rectangle((x, y, x + width, y + height), 14, fill=(38, 42, 48) if x == 20 else (20, 70, 60))
        draw.text((x + 12, y + 10), _words(rng, 3), fill=(225, 225, 225), font=_font(20))
        y += height + int(rng.integers(10, 40))
    return page


def skies(rng: np.random.Generator) -> Image.Image:
    """A night sky: nearly black, with a few stars and the noise of a sensor."""
    values = rng.normal(9, 2.5, (600, 800, 3)) + np.linspace(0, rng.uniform(0, 8), 600)[:, None, None]
    for _ in range(int(rng.integers(20, 120))):
        values[rng.integers(600), rng.integers(800)] += rng.uniform(60, 220)
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.7))


KINDS: dict[str, Callable[[np.random.Generator], Image.Image]] = {
    "letters": letters,
    "full_letters": full_letters,
    "invoices": invoices,
    "receipts": receipts,
    "forms": forms,
    "chats": chats,
    "skies": skies,
}


def write_papers(folder: Path, each: int) -> None:
    """Write some pictures of each kind as JPEG files, every second one as PNG."""
    for kind, draw in KINDS.items():
        (folder / kind).mkdir(parents=True)
        for number in range(each):
            end = ("jpg", "png")[number % 2]
            draw(np.random.default_rng((number, len(kind)))).save(folder / kind / f"{number:03d}.{end}")


def letterboxed(photos: list[Path]) -> Iterator[tuple[Path, Image.Image]]:
    """Yield photos as a screenshot of a telephone shows them: on black, 1080 x 2160."""
    for path in photos:
        with Image.open(path) as opened:
            photo = opened.convert("RGB")
        height = round(photo.height * 1080 / photo.width)
        if height <= 1900:
            screen = Image.new("RGB", (1080, 2160))
            screen.paste(photo.resize((1080, height), Image.Resampling.LANCZOS), (0, (2160 - height) // 2))
            yield path, screen


def _page(rng: np.random.Generator, lines: int) -> Image.Image:
    page = Image.new("RGB", (760, 1080), "white")
    draw = ImageDraw.Draw(page)
    for line in range(lines):
        draw.text((70, 120 + 32 * line), _words(rng, int(rng.integers(3, 8))), fill=(20, 20, 20), font=_font(24))
    return page


def _words(rng: np.random.Generator, count: int) -> str:
    return " ".join(rng.choice(_WORDS, count))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
