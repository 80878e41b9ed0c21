"""The training loop, and what hangs on it: batches, callbacks, history, checkpoints."""

from __future__ import annotations

from .batches import batch_bounds
from .callbacks import Callback, Run
from .checkpoint import Checkpoint
from .classes import F1, Accuracy, Precision, Recall, confusion
from .converged import Converged
from .criteria import GL, PQ, UP
from .early_stopping import EarlyStopping
from .evaluation import evaluate
from .flow import GradientFlow, LearningRate, Periodic
from .history import History
from .joined import on_ranks
from .lambdas import Lambda
from .limits import StopOnNonFinite, TimeLimit
from .loggers import CSVLogger, EpochDots, TensorBoard
from .loop import fit
from .metrics import (
    Metric,
    Summed,
    accuracy,
    error_rate,
    mean_absolute_error,
    mean_squared_error,
    top_k,
)
from .model import Model
from .monitoring import Monitoring
from .mpi import MPI
from .parallel import Parallel
from .plateau import ReduceOnPlateau
from .prefetch import Prefetch
from .samplers import Sampler, cyclic, in_order, one_sample, permutation, with_replacement

__all__ = [
    "F1",
    "GL",
    "MPI",
    "PQ",
    "UP",
    "Accuracy",
    "CSVLogger",
    "Callback",
    "Checkpoint",
    "Converged",
    "EarlyStopping",
    "EpochDots",
    "GradientFlow",
    "History",
    "Lambda",
    "LearningRate",
    "Metric",
    "Model",
    "Monitoring",
    "Parallel",
    "Periodic",
    "Precision",
    "Prefetch",
    "Recall",
    "ReduceOnPlateau",
    "Run",
    "Sampler",
    "StopOnNonFinite",
    "Summed",
    "TensorBoard",
    "TimeLimit",
    "accuracy",
    "batch_bounds",
    "confusion",
    "cyclic",
    "error_rate",
    "evaluate",
    "fit",
    "in_order",
    "mean_absolute_error",
    "mean_squared_error",
    "on_ranks",
    "one_sample",
    "permutation",
    "top_k",
    "with_replacement",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
