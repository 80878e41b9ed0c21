"""Carrying out an experiment: a budget, seeds, what there is after Ctrl-C, and a record of it all.

A budget is a share of the source's updates ("2%") or a time in minutes ("10", "2h"). Time is turned into a
number of updates *before* the runs, by the pace of a few updates of each row: so what a run computes depends
on numbers that stand in the record, not on how busy the machine was meanwhile, and it can be repeated.
"""

from __future__ import annotations

import datetime as dt
import importlib
import importlib.metadata
import json
import math
import os
import pkgutil
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograd_core import files
from autograd_core.errors import AnomalyError, ConfigError
from autograd_core.options import COUNT

from . import reproductions
from .reproduction import REGISTERED, Experiment, Measured, Reproduction, Results
from .work import Paced, Work

__all__ = ["Order", "carried_out", "judged", "named", "names", "planned"]

FORMAT = "gradproof reproduction 1"
RESERVE = 0.9  # of a budget is planned: measuring and drawing take the rest


# --- which there are --------------------------------------------------------------------------------


def names() -> list[str]:
    """Names of all reproductions, by the files that are there; none is imported."""
    return sorted(
        found.name.replace("_", "-") for found in pkgutil.iter_modules(reproductions.__path__)
    )


def named(name: str) -> Reproduction:
    """The reproduction of a name.

    Raises
    ------
    ConfigError
        If there is none, or its file registers none.
    """
    if name not in names():
        raise ConfigError(
            "reproduce",
            f"there is no experiment {name!r}. Expected one of {', '.join(names())}.",
        )
    module = importlib.import_module(f"{__package__}.reproductions.{name.replace('-', '_')}")
    if name not in REGISTERED:
        raise ConfigError(
            "reproduce",
            f"{module.__name__} registers no experiment. Expected a function under @reproduction.",
        )
    return REGISTERED[name]


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
        work = Work(experiment.updates, blank.data, blank.images, pacing=True)
        start = time.perf_counter()
        try:
            experiment.run(row, seeds[0], work)
        except Paced:
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


def judged(
    experiment: Experiment, results: Results, images: int | None = None
) -> list[tuple[str, str]]:
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
        least = statement.updates(experiment, images)
        if results.updates < least and outcome != "not measured":
            outcome += f" (not asserted below {least:,} updates)"
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
            try:
                measured = experiment.run(row, seed, work)
            except AnomalyError as error:  # a loss that is no number: what came out of this run
                measured = Measured({}, ended=str(error))
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
            {"words": words, "outcome": outcome}
            for words, outcome in judged(experiment, results, order.images)
        ],
        "runs": [
            {
                "row": ran.row,
                "seed": ran.seed,
                "seconds": round(ran.seconds, 1),
                "ended": ran.measured.ended,
                **_numbers(ran.measured),
                **({"clocked": _numbers(ran.measured.clocked)} if ran.measured.clocked else {}),
            }
            for ran in results.runs
        ],
    }
    # Not a number is null: JSON has no word for it.
    files.write(path, json.dumps(_finite(content), indent=1, ensure_ascii=False) + "\n")


def _numbers(measured: Measured) -> dict[str, Any]:
    return {
        "values": {name: float(value) for name, value in measured.values.items()},
        "curves": {
            name: [[float(v) for v in axis] for axis in curve]
            for name, curve in measured.curves.items()
        },
    }


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
