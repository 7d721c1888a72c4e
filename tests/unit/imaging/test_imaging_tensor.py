"""Turning a picture and turning its tensor are the same thing, exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from difwatch.imaging.decode import decode
from difwatch.imaging.fingerprint import named_recipe
from difwatch.imaging.tensor import tensor
from difwatch.workers.appearance import appearance
from tests.support.photos import photo

TURNS = {
    Image.Transpose.ROTATE_90: lambda a: np.rot90(a, 1),
    Image.Transpose.ROTATE_180: lambda a: np.rot90(a, 2),
    Image.Transpose.ROTATE_270: lambda a: np.rot90(a, 3),
    Image.Transpose.FLIP_LEFT_RIGHT: lambda a: a[:, ::-1],
    Image.Transpose.FLIP_TOP_BOTTOM: lambda a: a[::-1],
    Image.Transpose.TRANSPOSE: lambda a: a.transpose(1, 0, 2),
    Image.Transpose.TRANSVERSE: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
}

sides = st.integers(1, 200)


filters = st.sampled_from([Image.Resampling.BICUBIC, Image.Resampling.HAMMING])


@given(width=sides, height=sides, square=st.booleans(), px=st.integers(10, 64), seed=st.integers(0, 999), by=filters)
def test_a_turned_or_mirrored_picture_has_the_turned_or_mirrored_tensor(width, height, square, px, seed, by):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (width if square else height, width, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    upright = tensor(picture, px, by)
    for turn, expected in TURNS.items():
        assert np.array_equal(tensor(picture.transpose(turn), px, by), expected(upright)), turn


def test_a_plain_resize_would_not_commute_so_the_rule_is_needed():
    picture = photo(1, 120, 91)
    plain = np.asarray(picture.resize((50, 50), Image.Resampling.BICUBIC)).astype(int)
    turned = picture.transpose(Image.Transpose.ROTATE_90).resize((50, 50), Image.Resampling.BICUBIC)
    assert not np.array_equal(np.asarray(turned), np.rot90(plain))


@given(width=st.integers(51, 300), less=st.integers(1, 200), seed=st.integers(0, 999))
def test_a_wide_picture_has_the_tensor_of_a_plain_resize_as_in_difpy(width, less, seed):
    picture = photo(seed, width, max(1, width - less))
    expected = np.asarray(picture.resize((50, 50), Image.Resampling.BICUBIC))
    assert np.array_equal(tensor(picture, 50), expected)


def test_real_photos_commute_too(corpus):
    for path in sorted((corpus / "photos" / "clothing").glob("*.jpg"))[:40]:
        picture = decode(path.read_bytes()).image
        upright = tensor(picture, 50)
        for turn, expected in TURNS.items():
            assert np.array_equal(tensor(picture.transpose(turn), 50), expected(upright)), (path, turn)


def test_the_eight_exif_orientations_of_a_photo_have_one_upright_shape(corpus):
    folder = corpus / "labelled" / "exif_orientation"
    for kind, wide in (("Landscape", True), ("Portrait", False)):
        pictures = [decode((folder / f"{kind}_{number}.jpg").read_bytes()) for number in range(1, 9)]
        assert {(one.width > one.height) for one in pictures} == {wide}
        tensors = np.stack([tensor(one.image, 50) for one in pictures]).astype(np.int64)
        # The eight files were compressed one by one, so they are near and not equal.
        assert max(((one - tensors[0]) ** 2).mean() for one in tensors) < 10


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_file_turned_by_its_exif_orientation_equals_the_upright_one(orientation, tmp_path):
    upright = photo(3, 90, 60)
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in ("a.png", "a.tif"):
        stored.save(tmp_path / name, exif=exif)
        shown = decode((tmp_path / name).read_bytes())
        assert (shown.width, shown.height) == (90, 60)
        assert np.array_equal(tensor(shown.image, 50), tensor(upright, 50)), name


def test_equal_tensors_and_only_those_have_equal_digests():
    one = tensor(photo(1), 50)
    other = one.copy()
    assert appearance(one).digest == appearance(other).digest
    other[49, 49, 2] ^= 1
    assert appearance(one).digest != appearance(other).digest
    assert appearance(one).digest != appearance(one, other).digest, "what is inside the edges counts too"


def test_the_fingerprint_tells_decoders_apart_and_is_stable(monkeypatch):
    before = named_recipe("exact", 50)
    assert before == named_recipe("exact", 50)
    assert before.fingerprint != named_recipe("exact", 51).fingerprint
    from difwatch.imaging import recipe

    monkeypatch.setattr(recipe, "tensor", lambda image, px, by: tensor(image, px, by) ^ np.uint8(image.height > 180))
    assert named_recipe("exact", 50).fingerprint != before.fingerprint, "a change in tall pictures only must show"
