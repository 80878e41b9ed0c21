"""Faults of early stopping, and the claim that each must turn."""

from __future__ import annotations

import optim
from optim.training.monitoring import Monitoring

improved = Monitoring.improved


def keeps_the_last(self, run):
    """Keras's default."""


def always_better(self, run, logs=None):
    improved(self, run, logs)
    self.best_epoch, self.waited = run.epoch, self.waited + 1
    return True


MUTANTS = [
    ("the last weights stay", (optim.EarlyStopping, "on_fit_end", keeps_the_last), ("X30",)),
    ("every epoch is stored", (Monitoring, "improved", always_better), ("X30",)),
]
