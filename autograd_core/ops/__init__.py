"""The primitives, declared once each, one file a family."""

from typing import TYPE_CHECKING

from . import (
    arithmetic,
    contractions,
    elementary,
    indexing,
    linalg,
    losses,
    piecewise,
    random,
    reductions,
    special,  # declared by being imported; public in autograd_core.special
    views,
)
from .arithmetic import *
from .contractions import *
from .elementary import *
from .indexing import *
from .linalg import *
from .losses import *
from .piecewise import *
from .random import *
from .reductions import *
from .views import *

if not TYPE_CHECKING:  # type checkers follow the stars above, not a list that is put together
    __all__ = (
        arithmetic.__all__
        + contractions.__all__
        + elementary.__all__
        + indexing.__all__
        + linalg.__all__
        + losses.__all__
        + piecewise.__all__
        + random.__all__
        + reductions.__all__
        + views.__all__
    )
