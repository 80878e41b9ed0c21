"""Carrying out an experiment: a budget, seeds, what there is after Ctrl-C, and a record of it all.

A budget is a share of the source's updates ("2%") or a time in minutes ("10", "2h"). Time is turned into a
number of updates *before* the runs, by the pace of a few updates of each row: so what a run computes depends
on numbers that stand in the record, not on how busy the machine was meanwhile, and it can be repeated.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import importlib.metadata
import json
import math
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import nn
import optim
from autograd_core import files
from autograd_core.errors import ConfigError
from autograd_core.options import COUNT
from nn.data import Split
from optim.training.callbacks import Callback, Run

from .reproduction import Experiment, Measured

__all__ = [
    "Order",
    "Ran",
    "Results",
    "Work",
    "carried_out",
    "interval",
    "judged",
    "mnist",
    "planned",
]

FORMAT = "gradproof reproduction 1"
PACED = 1.5  # seconds of updates by which a row's pace is measured
LEAST_PACED = 8  # updates, whatever they take
WARM = 3  # updates before these: a first one compiles, and a new size of batch may
RESERVE = 0.9  # of a budget is planned: measuring and drawing take the rest
MNIST = "http://yann.lecun.com/exdb/mnist or https://ossci-datasets.s3.amazonaws.com/mnist"
MNIST_FILES = (
    "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
    "t10k-labels-idx1-ubyte"
)

# 97.5 % points of Student's distribution with 1, 2, … 30 degrees of freedom; beyond, the normal one's.
_STUDENT = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


# --- what a run is given ------------------------------------------------------------------------------


class _Paced(Exception):  # noqa: N818 - no error: the pace is known
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
    _pacing: bool = False
    _began: float = field(default_factory=time.perf_counter, repr=False)
    _warm: float = 0.0
    pace: float = math.nan

    def step(self) -> None:
        """Say that an update was made; `fit` does."""
        self.made += 1
        self.told(self.made)
        if self._pacing:
            now = time.perf_counter()
            if self.made <= WARM:
                self._warm = now
            elif self.made >= WARM + LEAST_PACED and now - self._warm >= PACED:
                self.pace = (now - self._warm) / (self.made - WARM)
                raise _Paced

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
        options = {"jit": True, "metrics": {}, "verbose": 0, **options}
        with contextlib.suppress(_Done):
            optim.fit(
                model,
                criterion,
                optimizer,
                train,
                epochs=self.updates,  # at least one update each: `_Counting` ends it
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


# --- budgets --------------------------------------------------------------------------------------------


def planned(budget: str, full: int) -> tuple[int | None, float | None]:
    """A budget as a number of updates, or as seconds.

    Parameters
    ----------
    budget : str
        "10", "10 min", "2h": a time. "2%": a share of ``full``.
    full : int
        The source's updates.

    Returns
    -------
    (int, None) or (None, float)

    Raises
    ------
    ConfigError
        If it is neither.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(%|m|min|h)?\s*", budget)
    number = float(match[1]) if match else 0.0
    if match is None or number <= 0:
        raise ConfigError(
            "--budget",
            f"expected minutes ('10'), hours ('2h') or a share of the source's updates ('2%'), over 0; "
            f"received {budget!r}.",
        )
    if match[2] == "%":
        return max(1, round(full * number / 100)), None
    return None, number * (3600 if match[2] == "h" else 60)


def _by_pace(
    experiment: Experiment, rows: Sequence[str], seeds: Sequence[int], seconds: float, blank: Work
) -> int:
    """How many updates each run can make in so many seconds, all rows the same."""
    began = time.perf_counter()
    setup = pace = 0.0
    for row in rows:
        # More than it will make, since it ends when its pace is known; schedules may look at the number.
        work = Work(experiment.updates, blank.data, blank.images, _pacing=True)
        start = time.perf_counter()
        try:
            experiment.run(row, seeds[0], work)
        except _Paced:
            pace += work.pace * len(seeds)
            setup += max(0.0, time.perf_counter() - start - work.pace * work.made) * len(seeds)
        else:  # it was over before its pace was known: no more are wanted
            pace += (time.perf_counter() - start) / experiment.updates * len(seeds)
    left = RESERVE * seconds - (time.perf_counter() - began) - setup
    if left < pace:
        raise ConfigError(
            "--budget",
            f"expected enough for an update of each of {len(rows)} rows and {len(seeds)} seeds, "
            f"over {(RESERVE * seconds - left + pace) / 60 / RESERVE:.1f} minutes here; received {seconds / 60:g}. Give it more, or "
            "fewer of --row, --seeds or --images.",
        )
    return min(int(left / pace), experiment.updates)


# --- results --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ran:
    """One run: a row, a seed, what came out, and how long it took."""

    row: str
    seed: int
    measured: Measured
    seconds: float


class Results:
    """The runs so far.

    Parameters
    ----------
    rows : sequence of str
        Those that there are to be.
    updates : int
        That each run makes.
    """

    def __init__(self, rows: Sequence[str], updates: int) -> None:
        self.rows = tuple(rows)
        self.updates = updates
        self.runs: list[Ran] = []

    def add(self, row: str, seed: int, measured: Measured, seconds: float) -> None:
        """Keep what a run gave."""
        self.runs.append(Ran(row, seed, measured, seconds))

    def __getitem__(self, row: str) -> list[Measured]:
        """What the runs of a row gave, by seed.

        Raises
        ------
        KeyError
            If there is none.
        """
        found = [ran.measured for ran in self.runs if ran.row == row]
        if not found:
            raise KeyError(row)
        return found

    def values(self, row: str, quantity: str) -> list[float]:
        """A quantity of a row, by seed."""
        return [measured.values[quantity] for measured in self[row]]

    def mean(self, row: str, quantity: str) -> float:
        """Its mean over seeds."""
        return statistics.fmean(self.values(row, quantity))

    def difference(self, row: str, other: str, quantity: str) -> tuple[float, float]:
        """Row less other, of the seeds that both have: the mean, and half of its 95 % interval."""
        ours, theirs = (
            {ran.seed: ran.measured.values[quantity] for ran in self.runs if ran.row == name}
            for name in (row, other)
        )
        both = [ours[seed] - theirs[seed] for seed in ours if seed in theirs]
        if not both:
            raise KeyError(row)
        return interval(both)

    def quantities(self, row: str) -> list[str]:
        """What was measured of a row, in its order."""
        return list(self[row][0].values)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half of the 95 % interval of the mean by Student's distribution; infinite for one value."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, math.inf
    freedom = len(values) - 1
    factor = _STUDENT[freedom - 1] if freedom <= len(_STUDENT) else 1.96
    return mean, factor * statistics.stdev(values) / math.sqrt(len(values))


def judged(experiment: Experiment, results: Results) -> list[tuple[str, str]]:
    """Each statement with what became of it.

    "holds", "does not hold", "not measured", or, below the least budget at which it is asserted, what it
    would be with "not asserted below N updates" behind it.
    """
    found = []
    for statement in experiment.statements:
        try:
            outcome = "holds" if statement.holds(results) else "does not hold"
        except (KeyError, statistics.StatisticsError):
            outcome = "not measured"
        if results.updates < statement.least and outcome != "not measured":
            outcome += f" (not asserted below {statement.least:,} updates)"
        found.append((statement.words, outcome))
    return found


# --- carrying out ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Order:
    """What is to be done.

    Attributes
    ----------
    name : str
        Of the reproduction.
    options : mapping
        Those of the experiment itself, as they were given.
    budget : str
        See `planned`. Not looked at where ``updates`` says how many.
    updates : int, optional
    seeds : sequence of int
    rows : sequence of str
        Of the experiment's; none means all.
    data : pathlib.Path, optional
    images : int, optional
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    budget: str = "100%"
    updates: int | None = None
    seeds: Sequence[int] = (0,)
    rows: Sequence[str] = ()
    data: Path | None = None
    images: int | None = None

    def command(self, updates: int) -> str:
        """What repeats the runs, wherever the data lie."""
        own = [
            f"--{name.replace('_', '-')} {value}"
            for name, value in self.options.items()
            if value is not None
        ]
        words = ["gradproof reproduce", self.name, *own, f"--updates {updates}"]
        words += [f"--seeds {len(self.seeds)}"] if len(self.seeds) > 1 else []
        words += [f"--first-seed {self.seeds[0]}"] if self.seeds[0] else []
        words += [f"--row {json.dumps(row, ensure_ascii=False)}" for row in self.rows]
        words += [] if self.images is None else [f"--images {self.images}"]
        words += [] if self.data is None else ["--data FOLDER"]
        return " ".join(words)


def carried_out(
    experiment: Experiment,
    order: Order,
    record: Path | None = None,
    progress: Callable[[str, int, int], None] = lambda what, made, updates: None,
) -> tuple[Results, str]:
    """Run every row with every seed, and keep what there is.

    Parameters
    ----------
    experiment : Experiment
    order : Order
    record : pathlib.Path, optional
        A JSON file, written anew after every run: whatever happens, it holds what was done.
    progress : callable
        Told what is being run, how many updates it made, and of how many.

    Returns
    -------
    (Results, str)
        And how it ended: "done", or "Ctrl-C" with the runs that were complete by then.

    Raises
    ------
    ConfigError
        If the order cannot be; nothing was run.
    KeyboardInterrupt
        After Ctrl-C before the first run was complete.
    """
    rows = _chosen(experiment, order.rows)
    blank = Work(1, order.data, order.images)
    began = time.perf_counter()
    updates = order.updates
    if updates is None:
        updates, seconds = planned(order.budget, experiment.updates)
        if seconds is not None:
            progress("pace", 0, 1)
            updates = _by_pace(experiment, rows, order.seeds, seconds, blank)
    results, ended = Results(rows, COUNT.check("--updates", updates)), "done"
    try:
        for row, seed in _turns(rows, order.seeds):
            what = f"{row}, seed {seed}"

            def told(made: int, what: str = what) -> None:
                progress(what, made, results.updates)

            told(0)
            work = Work(results.updates, order.data, order.images, told=told)
            start = time.perf_counter()
            measured = experiment.run(row, seed, work)
            results.add(row, seed, measured, time.perf_counter() - start)
            if record is not None:
                _write(record, experiment, order, results, "unfinished", began)
    except KeyboardInterrupt:
        if not results.runs:
            raise
        ended = "Ctrl-C"
    if record is not None:
        _write(record, experiment, order, results, ended, began)
    return results, ended


def _turns(rows: Sequence[str], seeds: Sequence[int]) -> Iterator[tuple[str, int]]:
    """All rows with one seed, then with the next: what is stopped early can still be compared."""
    return ((row, seed) for seed in seeds for row in rows)


def _chosen(experiment: Experiment, rows: Sequence[str]) -> list[str]:
    wrong = [row for row in rows if row not in experiment.rows]
    if wrong:
        raise ConfigError(
            "--row",
            f"expected some of {', '.join(map(repr, experiment.rows))}; received {wrong[0]!r}.",
        )
    return [row for row in experiment.rows if not rows or row in rows]


def _write(
    path: Path, experiment: Experiment, order: Order, results: Results, ended: str, began: float
) -> None:
    content = {
        "format": FORMAT,
        "experiment": experiment.label,
        "command": order.command(results.updates),
        "made": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "ended": ended,
        "seconds": round(time.perf_counter() - began, 1),
        "updates": results.updates,
        "share": results.updates / experiment.updates,
        "seeds": list(order.seeds),
        "versions": _versions(),
        "cores": os.cpu_count(),
        "published": [vars(figure) for figure in experiment.published],
        "statements": [
            {"words": words, "outcome": outcome} for words, outcome in judged(experiment, results)
        ],
        "runs": [
            {
                "row": ran.row,
                "seed": ran.seed,
                "seconds": round(ran.seconds, 1),
                "values": {name: float(value) for name, value in ran.measured.values.items()},
                "curves": {
                    name: [[float(v) for v in axis] for axis in curve]
                    for name, curve in ran.measured.curves.items()
                },
            }
            for ran in results.runs
        ],
    }
    # Not a number is null: JSON has no word for it.
    files.write(path, json.dumps(_finite(content), indent=1, ensure_ascii=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("gradproof", "numpy", "llvmlite"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "absent"
    return found
