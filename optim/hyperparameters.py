"""What a hyperparameter may be, as an annotation: what type checkers read, and the range that is checked.

A number reaches the update rule as a scalar input, so that it may change between steps at no cost;
a `Schedule` is computed by the rule itself, of its count of updates. Another choice or another
schedule is another rule, recorded separately.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from autograd_core.errors import ConfigError
from autograd_core.options import (
    COUNT,
    FRACTION,
    NON_NEGATIVE,
    POSITIVE,
    SWITCH,
    Choice,
    Interval,
)

from .declared import Range
from .schedules.schedule import Schedule

__all__ = [
    "COUNT",
    "FRACTION",
    "NON_NEGATIVE",
    "POSITIVE",
    "SWITCH",
    "Choice",
    "Decay",
    "Fraction",
    "Interval",
    "Memory",
    "NonNegative",
    "Positive",
    "Term",
    "checked",
    "dropped",
]


@dataclass(frozen=True)
class Term(Interval):
    """An interval whose 0 means that the term is not there at all.

    The rule then receives None, and does neither the work nor keeps the slots of that term.
    """


NonNegative = Annotated[float | Schedule, NON_NEGATIVE]
Positive = Annotated[float | Schedule, POSITIVE]
Fraction = Annotated[float | Schedule, FRACTION]
"""In [0, 1): the memory of a running average."""
Memory = Annotated[float | Schedule, Term(0.0, 1.0)]
"""In [0, 1), and 0 for none: the rule then receives None, and need keep no slot."""
Decay = Annotated[float | Schedule, Term(0.0)]
"""At least 0, and 0 for none: the rule then receives None."""


def checked(kind: Range, where: str, value: object) -> Any:
    """``value`` as a rule takes it, or a ConfigError that says ``where`` it was set."""
    if isinstance(value, Schedule) and isinstance(kind, Interval):
        value.check_values(where, kind)
        return value
    if isinstance(kind, Interval) and callable(value):  # a function of k, or a schedule's class
        operation, _, option = where.rpartition(": ")
        raise ConfigError(
            operation,
            f"{option}: expected {kind}, or a schedule such as optim.schedules.Cosine(0.1, updates=1000); "
            f"received {value!r:.60}. One of your own is a subclass of optim.schedules.Schedule.",
        )
    return kind.check(where, value)


def dropped(kind: Range, value: Any) -> bool:
    """Whether ``value`` says that the term of this hyperparameter is not there."""
    return isinstance(kind, Term) and value == 0.0
