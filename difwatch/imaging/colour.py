"""Colours as a viewer shows them: from the colour space that a file names to sRGB.

A curve that differs from that of sRGB is applied before the picture is shrunk, because means of numbers depend on it,
and so is a profile of tables, as those of printers are. Other colours are mixed afterwards, on the shrunk picture, so
that costs next to nothing. All is done point by point, so it commutes with turning. A colour space that is sRGB under
another name changes nothing: a copy without its profile stays a duplicate.
"""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from difwatch.imaging import transfer

_LARGEST_PROFILE = 4 << 20  # bytes; those of presses have 2 MB at most
_AS_GOOD_AS_EQUAL = 2  # levels: what rounding and approximate curves make of a profile of sRGB itself
_MODES = {"GRAY": "L", "RGB ": "RGB", "CMYK": "CMYK"}
_RAMP = np.arange(256, dtype=np.uint8)
_LEVELS = np.linspace(0, 255, 9).round().astype(np.uint8)
_CUBE = np.stack(np.meshgrid(_LEVELS, _LEVELS, _LEVELS, indexing="ij"), axis=-1).reshape(27, 27, 3)


@dataclass(frozen=True, slots=True)
class Conversion:
    """How the numbers of a picture become those of sRGB.

    Attributes
    ----------
    mode
        The pictures it is for: L, RGB or CMYK.
    curve
        What each level of a channel becomes before the picture is shrunk; empty if it stays.
    matrix
        What brings linear light to linear sRGB afterwards; None if that is not needed.
    transform
        What LittleCMS does instead before the picture is shrunk, where curve and matrix cannot say it.
    """

    mode: str
    curve: tuple[int, ...] = ()
    matrix: tuple[tuple[float, ...], ...] | None = None
    transform: ImageCms.ImageCmsTransform | None = None

    def bend(self, image: Image.Image) -> Image.Image:
        """Apply the transform or the curve to a picture of the mode."""
        if self.transform is not None:
            shown = self.transform.apply(image)
            assert isinstance(shown, Image.Image)
            return shown
        return image.point(self.curve * len(image.getbands())) if self.curve else image

    def mix(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Convert a shrunk picture that was bent before.

        Parameters
        ----------
        values : ndarray of uint8, shape (height, width, channels)

        Returns
        -------
        ndarray of uint8, shape (height, width, 3)
        """
        if self.matrix is None:
            return values
        light = transfer.linear(values / 255.0, "srgb") @ np.array(self.matrix).T
        return _levels(light)


def _levels(light: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(255.0 * transfer.encoded(light.clip(0.0, 1.0))).astype(np.uint8)


def _transformed(transform: ImageCms.ImageCmsTransform, mode: str, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = values.shape[:2]
    image = Image.frombytes(mode, (width, height), np.ascontiguousarray(values).tobytes())
    return np.asarray(transform.apply(image))


def icc_conversion(data: bytes) -> Conversion | None:
    """Return the conversion from an embedded ICC profile, with relative colorimetric intent.

    None if the profile is as good as sRGB, and if it cannot be used: viewers then show the bare numbers. One of more
    than 4 MiB is not used, so that no file fills the memory of a worker for the files after it.
    """
    return _icc_conversion(data) if len(data) <= _LARGEST_PROFILE else None


@functools.lru_cache(maxsize=16)
def _icc_conversion(data: bytes) -> Conversion | None:
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        mode = _MODES[profile.profile.xcolor_space]
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        transform = ImageCms.buildTransform(profile, srgb, mode, "RGB", intent)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, KeyError):
        return None
    if mode == "CMYK":
        return Conversion(mode, transform=transform)
    ramp = _RAMP if mode == "L" else _RAMP[:, None].repeat(3, axis=1)
    shown = _transformed(transform, mode, ramp[None])[0].astype(int)
    if mode == "L":
        return None if _is_as_good(shown[:, 0], _RAMP) else Conversion(mode, _curve(shown[:, 0]))
    if _is_as_good(_transformed(transform, mode, _CUBE), _CUBE):
        return None
    if not profile.profile.is_matrix_shaper or not _is_as_good(shown, shown[:, :1]):
        return Conversion(mode, transform=transform)
    matrix = np.linalg.solve(_colorants(srgb), _colorants(profile))
    return Conversion(mode, _curve(shown[:, 1]), _rows(matrix))


def _colorants(profile: ImageCms.ImageCmsProfile) -> NDArray[np.float64]:
    known = profile.profile
    colorants = (known.red_colorant, known.green_colorant, known.blue_colorant)
    return np.array([colorant[0] for colorant in colorants if colorant is not None], np.float64).T


@functools.lru_cache(maxsize=16)
def named_conversion(primaries: tuple[float, ...], curve: str | float) -> Conversion | None:
    """Return the conversion from primaries and a transfer function, as PNG's cICP or gAMA and cHRM name them.

    None if they are as good as those of sRGB, or if no light has such primaries.

    Parameters
    ----------
    primaries
        x and y of white, red, green and blue.
    curve
        A name that `difwatch.imaging.transfer.linear` knows, or an exponent.
    """
    try:
        matrix = np.linalg.solve(transfer.to_xyz(transfer.PRIMARIES[1]), transfer.to_xyz(primaries))
    except (ZeroDivisionError, np.linalg.LinAlgError):
        return None
    shown = _levels(transfer.linear(_RAMP[:, None].repeat(3, axis=1) / 255.0, curve))
    conversion = Conversion("RGB", _curve(shown[:, 1]), _rows(matrix))
    bent = np.asarray(conversion.bend(Image.fromarray(_CUBE)))
    return None if _is_as_good(conversion.mix(bent), _CUBE) else conversion


def _is_as_good(values: NDArray[np.generic], wanted: NDArray[np.generic]) -> bool:
    return int(np.abs(values.astype(int) - wanted.astype(int)).max()) <= _AS_GOOD_AS_EQUAL


def _curve(shown: NDArray[np.generic]) -> tuple[int, ...]:
    return () if _is_as_good(shown, _RAMP) else tuple(int(level) for level in shown)


def _rows(matrix: NDArray[np.floating]) -> tuple[tuple[float, ...], ...] | None:
    if np.abs(matrix - np.eye(3)).max() < 1e-3:
        return None
    return tuple(tuple(row) for row in matrix.tolist())
