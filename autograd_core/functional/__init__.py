"""Composites: functions made of primitives, with no derivative of their own; one file a family.

A composite appears everywhere (eager, traced, drawn, proved, compiled) because its parts do.
``@composite`` also makes it the answer to NumPy's function of the same name. Linear algebra has
a namespace of its own, as in NumPy: `autograd_core.linalg`; so have SciPy's families `autograd_core.special`,
`autograd_core.signal` and `autograd_core.stats`. What takes sizes and no arrays stands in
`constants` alone.
"""

from typing import TYPE_CHECKING

from . import (
    convolutions,
    elementwise,
    indexing,
    products,
    quantiles,
    reductions,
    reshaping,
)
from .convolutions import *
from .elementwise import *
from .indexing import *
from .products import *
from .quantiles import *
from .reductions import *
from .reshaping import *

if not TYPE_CHECKING:  # type checkers follow the stars above, not a list that is put together
    __all__ = (
        convolutions.__all__
        + elementwise.__all__
        + indexing.__all__
        + products.__all__
        + quantiles.__all__
        + reductions.__all__
        + reshaping.__all__
    )
