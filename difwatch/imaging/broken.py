"""What the plugins of Pillow raise on broken files."""

import struct
import zlib

BROKEN = (OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError, AttributeError,
          OverflowError, ZeroDivisionError, RuntimeError, AssertionError, struct.error, zlib.error)  # fmt: skip
"""To be caught around whatever looks into a file."""
