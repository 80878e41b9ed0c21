"""Layers, losses, regularizers and data, as composites of the engine's functions.

A name added to the ``__all__`` of one of the files below appears here, and in the layer contract
of the tests, by itself.
"""

from __future__ import annotations

from typing import NoReturn

from autograd_core.frames import register

from . import (
    constraints,
    containers,
    data,
    ensembles,
    folding,
    functional,
    initializers,
    layers,
    losses,
    module,
    prediction,
    regularizers,
    substitution,
    summaries,
)
from .constraints import *
from .containers import *
from .ensembles import *
from .folding import *
from .layers import *
from .losses import *
from .module import *
from .prediction import *
from .regularizers import *
from .substitution import *
from .summaries import *

register(__name__)

__all__ = ["data", "functional", "initializers"]
__all__ += constraints.__all__
__all__ += containers.__all__
__all__ += ensembles.__all__
__all__ += folding.__all__
__all__ += layers.__all__
__all__ += losses.__all__
__all__ += module.__all__
__all__ += prediction.__all__
__all__ += regularizers.__all__
__all__ += substitution.__all__
__all__ += summaries.__all__
__all__.sort()

# What users of other libraries type here -> what to write.
_ELSEWHERE = {
    "BatchNormalization": "nn.BatchNorm1d(num_features)",
    "Dense": "nn.Linear(in_features, out_features)",
    "Tensor": "ag.Tensor",
    "init": "nn.initializers",
    "optim": "a package of its own: import optim",
    **{name: f"nn.functional.{name}" for name in functional.__all__ if name not in globals()},
}


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)


def __getattr__(name: str) -> NoReturn:
    if name in _ELSEWHERE:
        raise AttributeError(f"nn.{name}: there is no such name here. Use {_ELSEWHERE[name]}.")
    raise AttributeError(f"module 'nn' has no attribute {name!r}")
