"""Numbers about training: how fast descent converges, and when it does not.

A function runs the library's own layers and optimizers and gives a result, a dataclass of numbers
and arrays; `viz` draws results. Nothing here draws, and nothing here trains a user's model behind
its back. See ``analysis/README.md``.
"""

from __future__ import annotations

from autograd_core.frames import register

from . import (
    batch_noise,
    certainty,
    clustering,
    convergence,
    convexity,
    critical,
    each_example,
    incremental,
    noisy,
    objectives,
    penalized,
    races,
    rate_range,
    rates,
    spectrum,
    speed,
    stability,
    surfaces,
)
from .batch_noise import *
from .certainty import *
from .clustering import *
from .convergence import *
from .convexity import *
from .critical import *
from .each_example import *
from .incremental import *
from .noisy import *
from .objectives import *
from .penalized import *
from .races import *
from .rate_range import *
from .rates import *
from .spectrum import *
from .speed import *
from .stability import *
from .surfaces import *

register(__name__)

__all__: list[str] = []
__all__ += batch_noise.__all__
__all__ += certainty.__all__
__all__ += clustering.__all__
__all__ += convergence.__all__
__all__ += convexity.__all__
__all__ += critical.__all__
__all__ += each_example.__all__
__all__ += incremental.__all__
__all__ += noisy.__all__
__all__ += objectives.__all__
__all__ += penalized.__all__
__all__ += races.__all__
__all__ += rate_range.__all__
__all__ += rates.__all__
__all__ += spectrum.__all__
__all__ += speed.__all__
__all__ += stability.__all__
__all__ += surfaces.__all__
__all__.sort()


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
