"""What is inside uniform edges: the picture without its frame, in every orientation; nothing where there is none."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from difwatch.compare.distance import limit_of
from difwatch.compare.pair import tone_errors
from difwatch.compare.tone import tones
from difwatch.imaging.edges import inside_edges
from difwatch.imaging.recipe import make
from difwatch.model.settings import tone_values
from tests.support import naive
from tests.support.photos import photo

NMSE = limit_of(0.03, tone_values(50))


def pixels_of(made):
    """What a worker says of a picture: its tensor, and the tone of its inside."""
    inside = None if made.inside is None else tones(made.inside.reshape(1, -1))[0].reshape(50, 50)
    return made.tensor, inside


def framed(image, left, top, right, bottom, colour=(250, 250, 250)):
    page = Image.new("RGB", (image.width + left + right, image.height + top + bottom), colour)
    page.paste(image, (left, top))
    return page


def jpeg(image, quality=80):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def png(image):
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def twin(image):
    """Line by line, one side after the other, in plain loops."""
    pixels = np.asarray(image).astype(int)

    def depth(lines):
        reference = np.median(lines[0], axis=0)
        count = 0
        for line in lines[: len(lines) * 45 // 100]:

            def near(most, line=line):
                return sum(all(abs(v - level) <= most for v, level in zip(p, reference, strict=True)) for p in line)

            clean = 1000 * near(10) >= 985 * len(line)
            ringing = 1000 * near(10) >= 700 * len(line) and 1000 * near(16) >= 985 * len(line)
            if not clean and not (count and ringing):
                break
            count += 1
        return count

    top, bottom = depth(pixels), depth(pixels[::-1])
    left, right = depth(pixels.swapaxes(0, 1)), depth(pixels.swapaxes(0, 1)[::-1])
    if left and right and (top == 0) != (bottom == 0):
        top = bottom = 0
    elif top and bottom and (left == 0) != (right == 0):
        left = right = 0
    if (left + right) * 100 < image.width and (top + bottom) * 100 < image.height:
        return None
    left, top, right, bottom = (side + 1 if side else 0 for side in (left, top, right, bottom))
    box = (left, top, image.width - right, image.height - bottom)
    return box if box[2] - box[0] >= image.width / 5 and box[3] - box[1] >= image.height / 5 else None


sides = st.integers(0, 70)


@given(seed=st.integers(0, 50), sides=st.tuples(sides, sides, sides, sides), noise=st.integers(0, 12))
def test_the_inside_is_that_of_the_obvious_loop(seed, sides, noise):
    page = framed(photo(seed, 60, 40), *sides)
    rng = np.random.default_rng(seed)
    values = np.asarray(page).astype(int) + rng.integers(-noise, noise + 1, (page.height, page.width, 3))
    page = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    assert inside_edges(page) == twin(page)


@given(
    seed=st.integers(0, 50),
    sides=st.tuples(sides, sides, sides, sides),
    orientation=st.integers(0, 7),
    size=st.sampled_from([(60, 40), (61, 90), (50, 50)]),
)
def test_the_inside_of_a_turned_or_mirrored_picture_is_the_turned_or_mirrored_inside(seed, sides, orientation, size):
    page = framed(photo(seed, *size), *sides)
    moved = Image.fromarray(np.ascontiguousarray(naive.orient(np.asarray(page), orientation)))
    one, other = make(png(page), 50).inside, make(png(moved), 50).inside
    assert (one is None) == (other is None)
    if one is not None:
        assert (naive.orient(one, orientation) == other).all()


@pytest.mark.parametrize("share", [0.02, 0.05, 0.2])
@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (120, 30, 60)])
def test_a_framed_copy_compressed_once_more_is_within_the_tones_of_its_original(share, colour):
    picture = photo(3, 800, 600)
    depth = round(800 * share)
    made = [make(data, 50) for data in (png(picture), jpeg(framed(picture, depth, depth, depth, depth, colour)))]
    assert made[0].inside is None and made[1].inside is not None
    assert tone_errors(*map(pixels_of, made)).min() <= NMSE


def test_a_screenshot_of_a_photo_is_within_its_tones_by_what_is_inside_only():
    picture = photo(5, 800, 600)
    screen = Image.new("RGB", (1080, 2160))
    screen.paste(picture.resize((1080, 810)), (0, 675))
    made = [make(data, 50, "fast") for data in (png(picture), jpeg(screen))]
    assert tone_errors(*map(pixels_of, made)).min() <= NMSE
    assert tone_errors(*((one.tensor, None) for one in made)).min() > 10 * NMSE


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_a_photo_with_a_black_side_is_found_on_a_black_screen(turn):
    """On the screen, its black side and the black above and below are one edge; its other side is none any more."""
    values = np.asarray(photo(5, 800, 600)).copy()
    values[:, :60], values[:, 680:] = 30, 4
    picture = Image.fromarray(values)
    screen = Image.new("RGB", (1080, 2160))
    screen.paste(picture.resize((1080, 810)), (0, 675))
    screen = screen.rotate(90 * turn, expand=True)
    made = [make(data, 50, "fast") for data in (png(picture), jpeg(screen))]
    assert tone_errors(*map(pixels_of, made)).min() <= NMSE


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (Image.new("RGB", (100, 80), (7, 7, 7)), "nothing is left of it"),
        (framed(photo(1, 30, 30), 100, 100, 100, 100), "less than a fifth is left"),
        (photo(1, 300, 200), "it has no edges"),
        (framed(photo(1, 300, 200), 1, 0, 0, 0), "less than one percent went"),
    ],
)
def test_where_there_is_nothing_inside_there_is_no_second_tensor(page, why):
    assert inside_edges(page) is None, why
