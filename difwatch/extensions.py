"""Which file names count as pictures while ``limit_extensions`` is on."""

import functools
import importlib.util
import os

EXTENSIONS = frozenset(
    (
        b"apng bw cdf cur dcx dds dib emf eps fli flc fpx ftex fits gd gd2 gif gbr icb icns iim ico im imt "
        b"j2k jfif jfi jif jp2 jpe jpeg jpg jpm jpf jpx mic mpo msp nc pbm pcd pcx pgm png ppm psd pixar "
        b"ras rgb rgba sgi spi spider sun tga tif tiff vda vst wal webp xbm xpm"
    ).split()
)  # fmt: skip
"""The predefined image types of difPy 4.2, in lower case, without the dot."""

WATCHED = EXTENSIONS | frozenset(b"avif avifs bmp heic heics heif heifs hif jxl".split())
"""What is read in watched folders: those, and what people's cameras and phones write besides."""

RAW = frozenset(
    b"3fr arw cr2 cr3 crw dcr dng erf iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f".split()
)
"""Extensions of the raw files of cameras, in lower case, without the dot."""

MEDIA = (
    RAW
    | WATCHED
    | frozenset(
        (
            b"3g2 3gp afdesign ai asf avi braw clip eip exr flv hdr heivs insp insv jxr kra lrv m2ts m4v mkv mov mp4 "
            b"mpeg mpg mts mxf ogv ora psb r3d svg svgz tiff vob wdp webm wmf wmv xcf"
        ).split()
    )
)
"""All pictures and videos: where one is not read because of its extension, that is said."""


def is_image_name(path: bytes) -> bool:
    """Tell whether a file name has one of difPy's extensions of pictures, in upper or lower case."""
    return _extension(path) in EXTENSIONS


def is_watched_name(path: bytes) -> bool:
    """Tell whether a file name has the extension of a picture in a watched folder, in upper or lower case.

    Raw files are pictures if the extra ``raw`` is installed, which can show a preview of them.
    """
    extension = _extension(path)
    return extension in WATCHED or (extension in RAW and reads_raw())


@functools.cache
def reads_raw() -> bool:
    """Tell whether the decoder of raw files is installed."""
    return importlib.util.find_spec("rawpy") is not None


def is_media_name(path: bytes) -> bool:
    """Tell whether a file name has an extension of pictures or videos, read or not, in upper or lower case."""
    return _extension(path) in MEDIA


def is_raw_name(path: bytes) -> bool:
    """Tell whether a file name has the extension of a camera's raw file, in upper or lower case."""
    return _extension(path) in RAW


def media_extension(path: bytes) -> str | None:
    """Return the extension of a picture or a video, with its dot and in lower case; None for other files."""
    extension = _extension(path)
    return "." + extension.decode("ascii") if extension in MEDIA else None


def _extension(path: bytes) -> bytes:
    return os.path.splitext(path)[1][1:].lower()  # noqa: PTH122  (bytes have no Path)
