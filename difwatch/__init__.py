"""difwatch watches picture folders and finds duplicate and similar images, exactly."""

import logging

__version__ = "0.1.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())
