"""What a hyperparameter may be, said once and checked wherever one is set."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any

from autograd_core.errors import ConfigError

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


@dataclass(frozen=True)
class Interval:
    """A finite real number between two bounds.

    A number reaches the update rule as a scalar input, so that it may change between steps at no
    cost (a schedule).

    Attributes
    ----------
    low, high : float
        The bounds.
    open_low, open_high : bool
        Whether a bound itself is left out.
    zero_drops_term : bool
        Whether 0 means that the term is not there at all: the rule then receives None, and does
        neither the work nor keeps the slots of that term.
    """

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = True
    zero_drops_term: bool = False

    def __str__(self) -> str:
        left, right = "(" if self.open_low else "[", ")" if self.open_high else "]"
        return f"a finite number in {left}{self.low:g}, {self.high:g}{right}"

    def check(self, where: str, value: object) -> float:
        """``value`` as a float, or a ConfigError that says ``where`` it was set."""
        # NumPy's numbers are registered as Real; bool is an int, but not a quantity.
        if isinstance(value, numbers.Real) and not isinstance(value, bool):
            number = float(value)
            above = number > self.low if self.open_low else number >= self.low
            below = number < self.high if self.open_high else number <= self.high
            if above and below and math.isfinite(number):
                return number
        raise ConfigError(f"{where}: expected {self}; received {value!r}.")


@dataclass(frozen=True)
class Choice:
    """One of a few values; a different choice is a different rule, recorded separately."""

    values: tuple[str | bool, ...]

    def __str__(self) -> str:
        return "one of " + ", ".join(map(repr, self.values))

    def check(self, where: str, value: object) -> str | bool:
        """``value``, or a ConfigError that says ``where`` it was set."""
        for known in self.values:
            if type(value) is type(known) and value == known:
                return known
        raise ConfigError(f"{where}: expected {self}; received {value!r}.")


Hyperparameter = Interval | Choice

FRACTION = Interval(0.0, 1.0)  # [0, 1): the memory of a running average
NON_NEGATIVE = Interval(0.0)
POSITIVE = Interval(0.0, open_low=True)
SWITCH = Choice((False, True))


def dropped(kind: Hyperparameter, value: Any) -> bool:
    """Whether ``value`` says that the term of this hyperparameter is not there."""
    return isinstance(kind, Interval) and kind.zero_drops_term and value == 0.0
