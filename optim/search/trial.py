"""A trial, where it is run: a function of a configuration and a seed, and the numbers that it gives."""

from __future__ import annotations

import hashlib
import inspect
import math
import os
import pickle
import platform
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.errors import ConfigError

from ..executors import leave_interrupts_to_the_parent

__all__ = ["Trial"]

Trial = Callable[..., Any]
"""``trial(config, seed)`` or ``trial(config, seed, report)``: a number, or a dict of names and numbers.

``report(**numbers)`` notes how far it has come, such as a row an epoch.
"""

_LONGEST = 4_000  # characters of an error and its traceback, the last ones


def checked(operation: str, trial: Any) -> Trial:
    """``trial`` as a function ``(config, seed, report)``.

    Raises
    ------
    ConfigError
        If it is none.
    """
    if not callable(trial) or isinstance(trial, type):
        raise ConfigError(
            operation,
            f"trial: expected a function (config, seed) -> numbers; received {trial!r:.60}.",
        )
    try:
        signature = inspect.signature(trial)
    except (TypeError, ValueError):  # some builtins say nothing of themselves
        return _Two(trial)
    for wrapped, arguments in ((trial, (0, 0, 0)), (_Two(trial), (0, 0))):
        try:
            signature.bind(*arguments)
        except TypeError:
            continue
        return wrapped
    raise ConfigError(
        operation,
        f"trial: expected a function (config, seed) or (config, seed, report); received one of {signature}.",
    )


class _Two:
    """A trial that does not report."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial

    def __call__(self, config: Any, seed: int, report: Any) -> Any:
        return self.trial(config, seed)


_UNPACKED: dict[bytes, Trial] = {}  # the newest one of this process


def run_packed(trial: bytes, config: bytes, seed: int) -> dict[str, Any]:
    """Run a trial in a worker: plain values come back, whatever happened."""
    leave_interrupts_to_the_parent()
    began = time.perf_counter()
    digest = hashlib.sha256(trial).digest()
    try:
        if digest not in _UNPACKED:
            _UNPACKED.clear()
            _UNPACKED[digest] = pickle.loads(trial)  # noqa: S301 - of the process that sent it
        function, values = _UNPACKED[digest], pickle.loads(config)  # noqa: S301 - likewise
    except Exception as error:  # noqa: BLE001 - what it imports may be missing here, say
        return _outcome({}, [], began, error)
    return run(function, values, seed)


def run(trial: Trial, config: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Run a trial: its values, or its error.

    Raises
    ------
    KeyboardInterrupt
        What it gave by then does not count.
    """
    reports: list[dict[str, float]] = []

    def report(**numbers: Any) -> None:
        """Note how far a trial has come."""
        reports.append({name: number("report", name, value) for name, value in numbers.items()})

    began = time.perf_counter()
    try:
        values = numbers_of(trial(dict(config), seed, report), config)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the other trials go on
        return _outcome({}, reports, began, error)
    return _outcome(values, reports, began)


def _outcome(
    values: dict[str, float],
    reports: list[dict[str, float]],
    began: float,
    error: BaseException | None = None,
) -> dict[str, Any]:
    outcome: dict[str, Any] = {
        "values": values,
        "error": None,
        "seconds": time.perf_counter() - began,
        "worker": f"{platform.node()}:{os.getpid()}",
        "reports": reports,
    }
    if error is not None:
        outcome["error"] = f"{type(error).__name__}: {_said(error)}"[:_LONGEST]
        try:
            outcome["traceback"] = "".join(traceback.format_exception(error))[-_LONGEST:]
        except Exception:  # noqa: BLE001 - an error that cannot be told
            outcome["traceback"] = outcome["error"]
    return outcome


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a broken __str__ is no reason to lose the row
        return "(its message cannot be read)"


def numbers_of(result: Any, config: Mapping[str, Any]) -> dict[str, float]:
    """What a trial gave, as named floats.

    Raises
    ------
    ConfigError
        If it is no number and no dict of numbers, or takes a hyperparameter's name.
    """
    if not isinstance(result, Mapping):
        return {"value": number("trial", "it", result)}
    if not result:
        raise ConfigError("trial", "it gave an empty dict. Expected at least one number.")
    for name in result:
        if (
            not isinstance(name, str)
            or name in config
            or name in ("repeat", "seed", "seconds", "error")
        ):
            raise ConfigError(
                "trial",
                f"it gave a number called {name!r}. Expected a string that names no hyperparameter and is "
                "not repeat, seed, seconds or error. Call it otherwise.",
            )
    return {name: number("trial", repr(name), value) for name, value in result.items()}


def number(operation: str, name: str, value: Any) -> float:
    """``value`` as a float; nan and infinities are numbers."""
    if isinstance(value, ag.Tensor) and value.size == 1:
        value = value.item()
    elif isinstance(value, np.ndarray | np.generic) and np.size(value) == 1:
        value = np.asarray(value).item()
    if isinstance(value, bool | int | float):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    raise ConfigError(
        operation,
        f"{name}: expected a real number; received {type(value).__name__} {value!r:.60}. "
        "Return a number, or a dict of names and numbers.",
    )
