"""From the bytes of a file to a tensor. Pure: the same bytes always give the same values.

``decode`` makes the upright RGB picture that a viewer shows, ``tensor`` shrinks it so that turning the
picture and turning the tensor are the same thing, ``recipe`` names what was done so that tensors of
different makings never meet.
"""

from difwatch.imaging.decode import DecodeError, Picture, decode
from difwatch.imaging.extensions import is_image_name
from difwatch.imaging.recipe import Made, make, named_recipe
from difwatch.imaging.tensor import tensor

__all__ = ["DecodeError", "Made", "Picture", "decode", "is_image_name", "make", "named_recipe", "tensor"]
