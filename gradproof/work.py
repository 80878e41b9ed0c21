"""What one run of an experiment is given: how many updates to make, and where the data lie."""

from __future__ import annotations

import contextlib
import functools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import nn
import optim
from autograd_core.errors import ConfigError
from autograd_core.options import COUNT
from nn.data import Split
from optim.training.callbacks import Callback, Run

__all__ = ["Paced", "Work", "mnist"]

PACED = 1.5  # seconds of updates by which a row's pace is measured
JIT = True  # whether steps are compiled
LEAST_PACED = 8  # updates, whatever they take
WARM = 3  # updates before these: a first one compiles, and a new size of batch may
MNIST = "http://yann.lecun.com/exdb/mnist or https://ossci-datasets.s3.amazonaws.com/mnist"
MNIST_FILES = (
    "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
    "t10k-labels-idx1-ubyte"
)


class Paced(Exception):  # noqa: N818 - no error: the pace is known
    """Ends a run whose pace was wanted."""


@dataclass
class Work:
    """What a run of one row is given.

    Attributes
    ----------
    updates : int
        How many updates to make.
    data : pathlib.Path or None
        The folder of ``--data``.
    images : int or None
        How many training examples, at most: ``--images``.
    made : int
        Updates so far.
    """

    updates: int
    data: Path | None = None
    images: int | None = None
    made: int = 0
    told: Callable[[int], None] = field(default=lambda made: None, repr=False)
    pacing: bool = False
    _began: float = field(default_factory=time.perf_counter, repr=False)
    _warm: float = 0.0
    pace: float = math.nan

    def step(self) -> None:
        """Say that an update was made; `fit` does."""
        self.made += 1
        self.told(self.made)
        if self.pacing:
            now = time.perf_counter()
            if self.made <= WARM:
                self._warm = now
            elif self.made >= WARM + LEAST_PACED and now - self._warm >= PACED:
                self.pace = (now - self._warm) / (self.made - WARM)
                raise Paced

    def parts(self, count: int) -> list[Work]:
        """So many trainings that share the updates, which count here, too; the first ones have one more."""
        each, more = divmod(self.updates, count)
        return [
            Work(each + (i < more), self.data, self.images, told=lambda made: self.step())
            for i in range(count)
        ]

    def fit(
        self,
        model: nn.Module,
        criterion: Callable[..., Any],
        optimizer: optim.Optimizer,
        train: Any,
        *,
        batch_size: int,
        rng: np.random.Generator,
        callbacks: Sequence[Callback] = (),
        **options: Any,
    ) -> None:
        """`optim.fit` for ``updates`` updates, the last epoch perhaps not to its end; compiled unless told otherwise.

        A callback sees each update by its ``on_batch_end``; the run's ``History`` is not given.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C.
        """
        options = {"jit": JIT, "metrics": {}, "verbose": 0, **options}
        with contextlib.suppress(_Done):
            optim.fit(
                model,
                criterion,
                optimizer,
                train,
                epochs=self.updates,  # of at least one update each: `_Counting` ends it
                batch_size=batch_size,
                rng=rng,
                callbacks=[*callbacks, _Counting(self)],
                **options,
            )

    def mnist(self, *, flatten: bool = True) -> tuple[Split, Split]:
        """MNIST from ``--data``: training (the first ``images`` of it) and test part, in [0, 1]."""
        return mnist(self.data, self.images, flatten=flatten)


class _Done(Exception):  # noqa: N818 - no error: all updates are made
    """Ends a training run within its epoch."""


class _Counting(Callback):
    """Counts updates, ends the run after as many as there are to be, and hands on its Ctrl-C."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def on_batch_end(self, run: Run) -> None:
        self._work.step()
        if self._work.made >= self._work.updates:
            raise _Done

    def on_fit_end(self, run: Run) -> None:
        if run.stopped_by == "Ctrl-C":  # fit would return as if all were well
            raise KeyboardInterrupt


def mnist(folder: Path | None, images: int | None, *, flatten: bool = True) -> tuple[Split, Split]:
    """MNIST from a folder: training (the first ``images`` of it) and test part, in [0, 1].

    Raises
    ------
    ConfigError
        If there is no folder, or it has fewer images than are asked for.
    DataError
        If its files are missing or damaged.
    """
    if folder is None or not folder.is_dir():
        found = "none" if folder is None else f"{folder}, which is no folder"
        raise ConfigError(
            "--data",
            f"expected a folder with {MNIST_FILES}, plain or .gz; received {found}. Get them from {MNIST}, "
            "and pass --data FOLDER; nothing is fetched.",
        )
    train, test = _read(folder, flatten)
    if images is None:
        return train, test
    if COUNT.check("--images", images) > len(train.inputs):
        raise ConfigError(
            "--images",
            f"expected at most the {len(train.inputs):,} there are; received {images:,}.",
        )
    return Split(train.inputs[:images], train.targets[:images]), test


@functools.lru_cache(maxsize=2)  # several rows and seeds read the same
def _read(folder: Path, flatten: bool) -> tuple[Split, Split]:
    train, test = nn.data.mnist(folder, flatten=flatten)
    return train, test
