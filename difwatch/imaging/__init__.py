"""From the bytes of a file to a tensor. Pure: the same bytes always give the same values.

``decode`` returns the upright RGB picture that a viewer shows. ``tensor`` shrinks a picture such that turning the
picture and turning the tensor are the same. ``recipe`` names how a tensor was made, so that tensors made in
different ways are never compared.
"""

from difwatch.imaging.decode import DecodeError, Picture, decode
from difwatch.imaging.recipe import Made, make, named_recipe
from difwatch.imaging.tensor import tensor

__all__ = ["DecodeError", "Made", "Picture", "decode", "make", "named_recipe", "tensor"]
