"""Functions to their derivatives, and checks of them."""

from typing import TYPE_CHECKING

from . import batching, checking, first_order, gauss_newton, scanning, second_order
from .batching import *
from .checking import *
from .first_order import *
from .gauss_newton import *
from .scanning import *
from .second_order import *

if not TYPE_CHECKING:  # type checkers follow the stars above, not a list that is put together
    __all__ = (
        batching.__all__
        + checking.__all__
        + first_order.__all__
        + gauss_newton.__all__
        + scanning.__all__
        + second_order.__all__
    )
