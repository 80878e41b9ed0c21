"""What panels of a chart hold: lines, points, bars, bands, grids of values, and so on. Plain data.

Nothing here is matplotlib's, so a test can look at the numbers, and a page or a player can draw them.
Where marks stand says `plan`; how each is drawn, `axes_marks`.

A label that begins with an underscore names a mark without showing it, as in matplotlib.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from autograd_core.aliases import Array
from autograd_core.errors import ConfigError
from autograd_core.options import (
    NON_NEGATIVE,
    PROBABILITY,
    SWITCH,
    Choice,
    Interval,
)

from .style import CYCLE, INK, MUTED

__all__ = [
    "Arrows",
    "Band",
    "Bars",
    "Cells",
    "Contours",
    "Grid",
    "Line",
    "Mark",
    "Note",
    "Points",
    "Rule",
    "arrays",
    "entries",
]

Dashes = Literal["solid", "dashed", "dotted", "dashdot"]


@dataclass(frozen=True)
class _Colour:
    """A colour as every writer here takes it."""

    def check(self, where: str, value: object) -> str:
        if isinstance(value, str) and re.fullmatch("#[0-9a-f]{6}", value.lower()):
            return value.lower()
        raise ConfigError(where, f"expected a colour such as '#0072b2'; received {value!r}.")


@dataclass(frozen=True)
class _Colours:
    """One for each of a few things."""

    def check(self, where: str, value: object) -> tuple[str, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence) or not value:
            raise ConfigError(where, f"expected colours, one for each word; received {value!r}.")
        return tuple(_Colour().check(where, colour) for colour in value)


# What an attribute of a mark may be, by its name: it means the same wherever it stands.
_OPTIONS: dict[str, Any] = {
    "colour": _Colour(),
    "colours": Choice(("cividis", "gray")),
    "dashes": Choice(("solid", "dashed", "dotted", "dashdot")),
    "fills": _Colours(),
    "filled": SWITCH,
    "gap": NON_NEGATIVE,
    "hollow": SWITCH,
    "marker": Choice(("", "o", "s", "^", "D", "x")),
    "opacity": PROBABILITY,
    "parted": SWITCH,
    "side": Choice(("left", "right", "above", "below")),
    "size": NON_NEGATIVE,
    "upright": SWITCH,
    "width": NON_NEGATIVE,
}


def _own(owner: object, *series: str, plain: tuple[str, ...] = ()) -> None:
    """Check the options of a mark, and give it its own read-only float64 arrays.

    Parameters
    ----------
    series : str
        Attributes that are arrays of one length.
    plain : tuple of str
        Those that are arrays of any shape.
    """
    name = type(owner).__name__
    for option in (f.name for f in fields(owner) if f.name in _OPTIONS):  # type: ignore[arg-type]
        value = _OPTIONS[option].check(f"{name}: {option}", getattr(owner, option))
        object.__setattr__(owner, option, value)
    series_of = {key: np.array(getattr(owner, key), np.float64) for key in (*series, *plain)}
    for key, values in series_of.items():
        if np.isinf(values).any():
            raise ConfigError(
                name,
                f"expected numbers in {key!r}, nan for a gap; received infinity. Leave those points out.",
            )
        values.flags.writeable = False
        object.__setattr__(owner, key, values)
    shapes = {key: series_of[key].shape for key in series}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        lengths = ", ".join(f"{key} {shape}" for key, shape in shapes.items())
        raise ConfigError(name, f"expected arrays of one length; received {lengths}.")


@dataclass(frozen=True, eq=False)
class Line:
    """A curve through points, in their order; nan leaves a gap.

    Attributes
    ----------
    x, y : ndarray, shape (n,)
    label : str
        What it is, for the legend.
    key : str
        A shorter word for the legend; lines of one key have one entry.
    colour : str
        ``#rrggbb``.
    dashes : {"solid", "dashed", "dotted", "dashdot"}
    width, size : float
        Of the line and of its markers, in points.
    marker : str
        "o", "s", "^", "D", "x", or "" for none.
    hollow : bool
        Whether markers have no filling.
    """

    x: Array
    y: Array
    label: str = ""
    key: str = ""
    colour: str = CYCLE[0]
    dashes: Dashes = "solid"
    width: float = 1.6
    marker: str = ""
    size: float = 4.0
    hollow: bool = False

    def __post_init__(self) -> None:
        """Own the arrays."""
        _own(self, "x", "y")


@dataclass(frozen=True, eq=False)
class Points:
    """Points without a line between them; the attributes are those of `Line`."""

    x: Array
    y: Array
    label: str = ""
    key: str = ""
    colour: str = CYCLE[0]
    marker: str = "o"
    size: float = 5.0
    hollow: bool = False

    def __post_init__(self) -> None:
        """Own the arrays."""
        _own(self, "x", "y")


@dataclass(frozen=True, eq=False)
class Bars:
    """Upright bars around ``x``, from ``base`` to ``y``, each of the same width in units of x."""

    x: Array
    y: Array
    base: Array | float = 0.0
    width: float = 0.8
    label: str = ""
    key: str = ""
    colour: str = CYCLE[0]

    def __post_init__(self) -> None:
        """Own the arrays; one base may serve all."""
        object.__setattr__(self, "base", np.zeros(np.shape(self.x)) + np.array(self.base))
        _own(self, "x", "y", "base")


@dataclass(frozen=True, eq=False)
class Band:
    """The area between two curves: a spread, or the integral under a curve."""

    x: Array
    low: Array
    high: Array
    label: str = ""
    key: str = ""
    colour: str = CYCLE[0]
    opacity: float = 0.25

    def __post_init__(self) -> None:
        """Own the arrays."""
        _own(self, "x", "low", "high")


@dataclass(frozen=True, eq=False)
class Grid:
    """A picture or a table of values, as one cell each; row 0 is at the bottom.

    Attributes
    ----------
    values : ndarray, shape (rows, columns)
        nan leaves a cell empty.
    x, y : (float, float)
        Left and right, bottom and top edge of the whole.
    low, high : float or None
        What the ends of the colours stand for; the least and the greatest value if None.
    label : str
        Of the bar that explains the colours; "" leaves the bar out.
    colours : str
        "cividis" (light is large), or "gray".
    """

    values: Array
    x: tuple[float, float]
    y: tuple[float, float]
    low: float | None = None
    high: float | None = None
    label: str = ""
    colours: str = "cividis"

    def __post_init__(self) -> None:
        """Own the array."""
        _own(self, plain=("values",))
        if self.values.ndim != 2:
            raise ConfigError(
                "Grid", f"expected values of shape (rows, columns); received {self.values.shape}."
            )


@dataclass(frozen=True, eq=False)
class Cells:
    """A table of kinds: which of a few things stands in each cell; row 0 is at ``y[0]``.

    Attributes
    ----------
    kinds : ndarray, shape (rows, columns)
        Positions in ``words``; nan leaves a cell empty.
    x, y : (float, float)
        The edges where columns and rows begin and end.
    words : tuple of str
        What each kind is, for the legend.
    fills : tuple of str
        The colour of each, ``#rrggbb``.
    parted : bool
        Whether cells have a thin line between them; where they are too many, lines are all that is seen.
    """

    kinds: Array
    x: tuple[float, float]
    y: tuple[float, float]
    words: tuple[str, ...]
    fills: tuple[str, ...]
    label: str = ""
    parted: bool = True

    def __post_init__(self) -> None:
        """Own the array; every kind has a word and a colour."""
        _own(self, plain=("kinds",))
        object.__setattr__(self, "words", tuple(self.words))
        if self.kinds.ndim != 2:
            raise ConfigError(
                "Cells", f"expected kinds of shape (rows, columns); received {self.kinds.shape}."
            )
        if len(self.words) != len(self.fills):
            raise ConfigError(
                "Cells",
                f"expected a colour for each word; received {len(self.words)} words and "
                f"{len(self.fills)} colours.",
            )
        strange = set(np.unique(self.kinds[~np.isnan(self.kinds)])) - set(range(len(self.words)))
        if strange:
            raise ConfigError(
                "Cells",
                f"expected kinds from 0 to {len(self.words) - 1}, one for each word, nan for an empty "
                f"cell; received {min(strange):g}.",
            )


@dataclass(frozen=True, eq=False)
class Contours:
    """Level sets of z over a grid: lines, or areas between them if ``filled``.

    Attributes
    ----------
    x, y : ndarray, shapes (columns,) and (rows,)
    z : ndarray, shape (rows, columns)
    levels : ndarray, shape (k,)
        Ascending.
    label : str
        Of the bar that explains the colours of areas.
    """

    x: Array
    y: Array
    z: Array
    levels: Array
    filled: bool = False
    label: str = ""
    colour: str = MUTED
    width: float = 0.8

    def __post_init__(self) -> None:
        """Own the arrays."""
        _own(self, plain=("x", "y", "z", "levels"))
        if self.z.shape != (*self.y.shape, *self.x.shape) or self.z.ndim != 2:
            raise ConfigError(
                "Contours",
                f"expected z of shape (len(y), len(x)) = {(*self.y.shape, *self.x.shape)}; "
                f"received {self.z.shape}.",
            )
        few = 2 if self.filled else 1
        if self.levels.ndim != 1 or len(self.levels) < few or not (np.diff(self.levels) > 0).all():
            raise ConfigError(
                "Contours",
                f"expected {few} or more ascending levels; received {self.levels.tolist()}.",
            )


@dataclass(frozen=True, eq=False)
class Arrows:
    """Arrows from (x, y) to (x + dx, y + dy): steps of a path, vectors of a field."""

    x: Array
    y: Array
    dx: Array
    dy: Array
    label: str = ""
    key: str = ""
    colour: str = CYCLE[0]
    width: float = 1.4

    def __post_init__(self) -> None:
        """Own the arrays."""
        _own(self, "x", "y", "dx", "dy")


@dataclass(frozen=True, eq=False)
class Rule:
    """A straight line across the whole panel: at an x if ``upright``, else at a y."""

    at: float
    upright: bool = True
    label: str = ""
    key: str = ""
    colour: str = INK
    dashes: Dashes = "dotted"
    width: float = 0.9

    def __post_init__(self) -> None:
        """Check what it is."""
        Interval().check("Rule: at", self.at)
        _own(self)


@dataclass(frozen=True, eq=False)
class Note:
    """Words beside a place.

    Attributes
    ----------
    text : str
        Lines are parted by newlines.
    x : float
    y : float or None
        None is the upper edge of the panel.
    side : {"left", "right", "above", "below"}
        Where the words stand, seen from the place; at the upper edge they hang below it.
    gap : float
        Distance, in points.
    """

    text: str
    x: float
    y: float | None = None
    side: Literal["left", "right", "above", "below"] = "right"
    gap: float = 6.0
    colour: str = INK
    size: float = 9.0

    def __post_init__(self) -> None:
        """Check what it is."""
        for name in ("x", "y"):
            if getattr(self, name) is not None:
                Interval().check(f"Note: {name}", getattr(self, name))
        _own(self)


Mark = Line | Points | Bars | Band | Grid | Cells | Contours | Arrows | Rule | Note


def arrays(mark: Mark) -> dict[str, Array]:
    """The numbers of a mark, by the name of the attribute that holds them."""
    found = {f.name: getattr(mark, f.name) for f in fields(mark)}
    return {name: value for name, value in found.items() if isinstance(value, np.ndarray)}


def entries(mark: Any) -> tuple[str, ...]:
    """The words by which a legend names a mark: one, one for each kind of cells, or none."""
    if isinstance(mark, Cells):
        return mark.words
    label = getattr(mark, "label", "")
    if not label or label.startswith("_") or isinstance(mark, Grid | Contours):  # which have bars
        return ()
    return (mark.key or label,)
