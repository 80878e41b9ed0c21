"""What an option may be, said once and checked wherever one is set, in one form of message.

``OPTION.check("Linear: in_features", value)`` gives the value in the type that the code counts on, or a
ConfigError: ``Linear: in_features: expected an integer of 1 or more; received 0.``

=================  ==================================================
`Interval`         a finite real number between bounds, as a float
`Whole`            a whole number from a bound on, as an int
`Choice`           one of a few values
`FLOATS`           a float dtype
=================  ==================================================

What draws random numbers is checked where it is made a generator: `randomness.source_of`.
"""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from .errors import ConfigError, DTypeError

__all__ = [
    "COUNT",
    "FLOATS",
    "FRACTION",
    "NON_NEGATIVE",
    "POSITIVE",
    "PROBABILITY",
    "SWITCH",
    "Choice",
    "Floats",
    "Interval",
    "Whole",
]

_Value = TypeVar("_Value", bound=str | int | None, covariant=True)


@dataclass(frozen=True)
class Interval:
    """A finite real number between two bounds.

    Attributes
    ----------
    low, high : float
        The bounds.
    open_low, open_high : bool
        Whether a bound itself is left out.
    """

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = True

    def __str__(self) -> str:
        left = "(" if self.open_low or self.low == -math.inf else "["
        right = ")" if self.open_high else "]"
        return f"a finite number in {left}{self.low:g}, {self.high:g}{right}"

    def check(self, where: str, value: object) -> float:
        """``value`` as a float, or a ConfigError that says ``where`` it was set."""
        # NumPy's numbers are registered as Real; bool is an int, but not a quantity.
        if isinstance(value, numbers.Real) and not isinstance(value, bool):
            number = float(value)
            if self.holds(number):
                return number
        raise _refused(ConfigError, where, self, value)

    def holds(self, value: Any) -> Any:
        """Whether a float, or each of an array, is finite and between the bounds."""
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above & below & (abs(value) < math.inf)


@dataclass(frozen=True)
class Whole:
    """A whole number from ``low`` on: how many, how large, how often."""

    low: int = 0

    def __str__(self) -> str:
        return f"an integer of {self.low} or more"

    def check(self, where: str, value: object) -> int:
        """``value`` as an int, or a ConfigError that says ``where`` it was set."""
        if isinstance(value, int | np.integer) and not isinstance(value, bool):
            number = int(value)
            if number >= self.low:
                return number
        raise _refused(ConfigError, where, self, value)


@dataclass(frozen=True)
class Choice(Generic[_Value]):
    """One of a few values."""

    values: tuple[_Value, ...]

    def __str__(self) -> str:
        return "one of " + ", ".join(map(repr, self.values))

    def check(self, where: str, value: object) -> _Value:
        """``value``, or a ConfigError that says ``where`` it was set."""
        for known in self.values:
            if type(value) is type(known) and value == known:
                return known
        raise _refused(ConfigError, where, self, value)


@dataclass(frozen=True)
class Floats:
    """A dtype of real floating-point numbers."""

    def __str__(self) -> str:
        return "a float dtype such as np.float32 or np.float64"

    def check(self, where: str, value: Any) -> np.dtype[Any]:
        """``value`` as a NumPy dtype, or a DTypeError that says ``where`` it was set."""
        try:
            found = np.dtype(value)
        except TypeError:
            found = np.dtype(object)
        if value is None or found.kind != "f":  # None is float64 to NumPy, and here a slip
            raise _refused(DTypeError, where, self, value)
        return found


def _refused(
    error: type[ConfigError | DTypeError], where: str, kind: object, value: object
) -> ConfigError | DTypeError:
    operation, found, option = where.rpartition(": ")
    words = f"expected {kind}; received {value!r:.60}."
    return error(operation, f"{option}: {words}") if found else error(where, words)


FRACTION = Interval(0.0, 1.0)  # [0, 1): the memory of a running average
PROBABILITY = Interval(0.0, 1.0, open_high=False)  # [0, 1]
NON_NEGATIVE = Interval(0.0)
POSITIVE = Interval(0.0, open_low=True)
COUNT = Whole(1)
SWITCH = Choice((False, True))
FLOATS = Floats()
