"""Optimizers, and the training loop that uses them.

A name added to the ``__all__`` of one of the files below appears here, and in the optimizer
contract of the tests, by itself.
"""

from __future__ import annotations

from typing import NoReturn

from autograd_core.frames import register

from . import (
    averaging,
    curvature,
    executors,
    minimizing,
    optimizer,
    optimizers,
    schedules,
    search,
    training,
    transforms,
)
from .averaging import *
from .curvature import *
from .executors import *
from .minimizing import *
from .optimizer import *
from .optimizers import *
from .parameters import masked
from .schedules import Schedule
from .search import HeldOut, Trials, grid_search, random_search
from .training import *
from .transforms import *

register(__name__)

__all__ = ["Schedule", "masked", "schedules"]
__all__ += ["HeldOut", "Trials", "grid_search", "random_search", "search"]
__all__ += averaging.__all__
__all__ += curvature.__all__
__all__ += executors.__all__
__all__ += minimizing.__all__
__all__ += optimizer.__all__
__all__ += optimizers.__all__
__all__ += training.__all__
__all__ += transforms.__all__
__all__.sort()

# What users of other libraries type here -> what to write.
_ELSEWHERE = {
    "AdaDelta": "optim.Adadelta",
    "AdaGrad": "optim.Adagrad",
    "AdaMax": "optim.Adamax",
    "NAG": "optim.Nesterov",
    "Nadam": "optim.NAdam",
    "RMSProp": "optim.RMSprop",
    "GridSearchCV": "optim.grid_search, or scikit-learn's own with gradproof.estimators",
    "DataLoader": "arrays, or any iterable of batches, in optim.fit(model, loss, optimizer, train); optim.Prefetch",
    "LambdaCallback": "optim.Lambda",
    "ModelCheckpoint": "optim.Checkpoint",
    "TerminateOnNaN": "optim.StopOnNonFinite",
    "lr_scheduler": "lr=optim.schedules.Cosine(0.1, updates=1000), or another of optim.schedules; or optimizer.lr = … between steps",
    "ReduceLROnPlateau": "optim.ReduceOnPlateau, a callback of optim.fit",
    "robbins_monro": "optim.derivations.step_sizes.robbins_monro, a module that loads the prover",
    "swa_utils": 'transforms=[optim.Average(form="uniform", start=…, every=…)], then optim.averaged or optim.take_averages',
    "train": "optim.fit",
    "Trainer": "optim.fit",
}


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)


def __getattr__(name: str) -> NoReturn:
    if name in _ELSEWHERE:
        raise AttributeError(f"optim.{name}: there is no such name here. Use {_ELSEWHERE[name]}.")
    raise AttributeError(f"module 'optim' has no attribute {name!r}")
