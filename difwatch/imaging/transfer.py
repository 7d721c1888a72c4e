"""Transfer functions and primaries by their numbers in ITU-T H.273, and the matrices that follow from primaries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_D65, _C = (0.3127, 0.3290), (0.310, 0.316)

PRIMARIES: dict[int, tuple[float, ...]] = {
    1: (*_D65, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060),
    4: (*_C, 0.670, 0.330, 0.210, 0.710, 0.140, 0.080),
    5: (*_D65, 0.640, 0.330, 0.290, 0.600, 0.150, 0.060),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    8: (*_C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
"""By number: x and y of white, red, green and blue. 1 are those of sRGB."""

TRANSFERS: dict[int, str | float] = {
    1: "srgb",  # the curve of a camera; screens show it like sRGB
    4: 2.2,
    5: 2.8,
    6: "srgb",
    8: 1.0,
    13: "srgb",
    14: "srgb",
    15: "srgb",
    16: "pq",
    18: "hlg",
}
"""By number: a name that `linear` knows, or an exponent."""

_WHITE_NITS = 203.0  # diffuse white in pictures of high dynamic range (ITU-R BT.2408)
_HLG_NITS, _HLG_SYSTEM_GAMMA = 1000.0, 1.2
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def linear(values: NDArray[np.float64], transfer: str | float) -> NDArray[np.float64]:
    """Return linear light, 1 for diffuse white, of values in 0...1, shape (..., 3)."""
    if isinstance(transfer, str):
        return {"srgb": _srgb, "pq": _pq, "hlg": _hlg}[transfer](values)
    return values**transfer


def encoded(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values of sRGB (IEC 61966-2-1) of linear light in 0...1."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _srgb(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _pq(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """SMPTE ST 2084."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = values ** (1 / m2)
    return 10_000 / _WHITE_NITS * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)


def _hlg(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """ARIB STD-B67, shown at 1 000 nits."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene: NDArray[np.float64] = np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593])
    shown: NDArray[np.float64] = scene * luminance[..., None] ** (_HLG_SYSTEM_GAMMA - 1)
    return _HLG_NITS / _WHITE_NITS * shown


def to_xyz(primaries: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the matrix from linear values to XYZ, adapted to the white of sRGB (Bradford).

    Raises
    ------
    ZeroDivisionError, numpy.linalg.LinAlgError
        No light has such primaries.
    """
    white, *colours = (_xyz(*primaries[at : at + 2]) for at in range(0, 8, 2))
    matrix = np.stack(colours, axis=1)
    matrix = matrix * np.linalg.solve(matrix, white)
    seen, wanted = _BRADFORD @ white, _BRADFORD @ _xyz(*_D65)
    if not seen.all():
        raise ZeroDivisionError
    return np.linalg.solve(_BRADFORD, (wanted / seen)[:, None] * (_BRADFORD @ matrix))


def _xyz(x: float, y: float) -> NDArray[np.float64]:
    return np.array([x / y, 1.0, (1 - x - y) / y])
