"""Data sets as plain arrays: ``train, validation, test``, each ``inputs, targets``."""

from __future__ import annotations

from . import bundled, idx, splits
from .bundled import *
from .idx import *
from .splits import *

__all__: list[str] = []
__all__ += bundled.__all__
__all__ += idx.__all__
__all__ += splits.__all__
__all__.sort()


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
