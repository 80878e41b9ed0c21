"""What a hyperparameter may be: the options of `autograd_core.options` that an update rule can take.

A number reaches the rule as a scalar input, so that it may change between steps at no cost (a
schedule). A different choice is a different rule, recorded separately.
"""

from __future__ import annotations

from typing import Any

from autograd_core.options import (
    FRACTION,
    NON_NEGATIVE,
    POSITIVE,
    SWITCH,
    Choice,
    Interval,
)

__all__ = [
    "FRACTION",
    "NON_NEGATIVE",
    "POSITIVE",
    "SWITCH",
    "Choice",
    "Hyperparameter",
    "Interval",
    "dropped",
]

Hyperparameter = Interval | Choice[str | bool]


def dropped(kind: Hyperparameter, value: Any) -> bool:
    """Whether ``value`` says that the term of this hyperparameter is not there."""
    return isinstance(kind, Interval) and kind.zero_drops_term and value == 0.0
