"""The training loop, and what hangs on it: batches, callbacks, history, checkpoints."""

from __future__ import annotations

from .batches import batch_bounds
from .callbacks import Callback, Run
from .checkpoint import Checkpoint
from .early_stopping import EarlyStopping
from .evaluation import evaluate
from .history import History
from .loop import fit
from .metrics import Metric, accuracy, error_rate
from .model import Model
from .monitoring import Monitoring
from .mpi import MPI
from .parallel import Parallel
from .plateau import ReduceOnPlateau
from .samplers import Sampler, in_order, permutation

__all__ = [
    "MPI",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "History",
    "Metric",
    "Model",
    "Monitoring",
    "Parallel",
    "ReduceOnPlateau",
    "Run",
    "Sampler",
    "accuracy",
    "batch_bounds",
    "error_rate",
    "evaluate",
    "fit",
    "in_order",
    "permutation",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
