"""Which file names count as pictures while ``limit_extensions`` is on."""

import os

EXTENSIONS = frozenset(
    (
        b"apng bw cdf cur dcx dds dib emf eps fli flc fpx ftex fits gd gd2 gif gbr icb icns iim ico im imt "
        b"j2k jfif jfi jif jp2 jpe jpeg jpg jpm jpf jpx mic mpo msp nc pbm pcd pcx pgm png ppm psd pixar "
        b"ras rgb rgba sgi spi spider sun tga tif tiff vda vst wal webp xbm xpm"
    ).split()
)  # fmt: skip
"""The predefined image types of difPy 4.2, in lower case, without the dot."""


def is_image_name(path: bytes) -> bool:
    """Tell whether a file name has the extension of a picture, in upper or lower case."""
    return os.path.splitext(path)[1][1:].lower() in EXTENSIONS  # noqa: PTH122  (bytes have no Path)
