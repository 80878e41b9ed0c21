"""Functions to their derivatives, and checks of them."""

from .batching import *
from .checking import *
from .first_order import *
from .scanning import *
from .second_order import *
