"""Metrics by name, and the default ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from autograd_core.aliases import Array
from autograd_core.errors import ConfigError

from .classes import F1, Precision, Recall
from .metrics import (
    Metric,
    accuracy,
    applies_by_default,
    error_rate,
    mean_absolute_error,
    mean_squared_error,
    top_k,
)

__all__ = ["chosen_metrics"]

_TAKEN = ("loss", "penalty", "seconds", "skipped", "epoch")


def _named(operation: str, name: str) -> Metric:
    known: dict[str, Metric] = {
        "accuracy": accuracy, "error": error_rate, "error_rate": error_rate, "precision": Precision(),
        "recall": Recall(), "f1": F1(), "mse": mean_squared_error, "mae": mean_absolute_error,
    }  # fmt: skip
    if name in known:
        return known[name]
    if of := re.fullmatch(r"top_([1-9]\d*)", name):
        return top_k(int(of[1]))
    raise ConfigError(
        operation,
        f"metrics: there is none by the name {name!r}. Expected one of {', '.join(known)}, top_<k>. Pass "
        "{name: function} for another.",
    )


def _entry(operation: str, given: Any) -> tuple[str, Metric]:
    if isinstance(given, str):
        return given, _named(operation, given)
    if callable(given) and not isinstance(given, type):
        return str(getattr(given, "__name__", type(given).__name__.lower())), given
    what = f"the class {given.__name__}" if isinstance(given, type) else repr(given)
    raise ConfigError(
        operation,
        f"metrics: expected names, functions (outputs, targets) -> number, or a dict of both; received {what}. "
        'Pass ["accuracy"], or {"accuracy": optim.accuracy}, say.',
    )


def chosen_metrics(operation: str, metrics: Any, targets: Array | None) -> dict[str, Metric]:
    """The user's metrics by their names, checked, or the default ones for such targets.

    Parameters
    ----------
    metrics : mapping, sequence, str, callable or None
        ``{"accuracy": optim.accuracy}``, ``["accuracy", optim.F1()]``, ``"accuracy"``; None: the default.
    targets : ndarray or None
        None where they are not known beforehand: then there is no default.

    Raises
    ------
    ConfigError
        If something is no metric, a name is not known, is taken, or is there twice.
    """
    if metrics is None:
        return {"error": error_rate} if targets is not None and applies_by_default(targets) else {}
    if isinstance(metrics, Mapping):
        found = [(str(name), _entry(operation, given)[1]) for name, given in metrics.items()]
    elif isinstance(metrics, Iterable) and not isinstance(metrics, str):
        found = []
        for given in metrics:
            if isinstance(given, Mapping):
                found += [(str(name), _entry(operation, f)[1]) for name, f in given.items()]
            else:
                found.append(_entry(operation, given))
    else:
        found = [_entry(operation, metrics)]
    names = [name for name, _ in found]
    for name in names:
        if name in _TAKEN or name.startswith("val_"):
            raise ConfigError(
                operation,
                f"metrics: the name {name!r} is taken. Choose another: {{name: function}}.",
            )
        if names.count(name) > 1:
            raise ConfigError(
                operation, f"metrics: there are two by the name {name!r}. Pass {{name: function}}."
            )
    return dict(found)
