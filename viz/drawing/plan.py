"""Where a chart's marks stand: axes, panels, and the plan of them all. Plain data, as `marks` are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from autograd_core.errors import ConfigError
from autograd_core.options import POSITIVE, Choice, Interval, Whole

from .marks import Arrows, Mark, arrays

__all__ = ["Axis", "Panel", "Plan"]


@dataclass(frozen=True)
class Axis:
    """One axis of a panel.

    Attributes
    ----------
    label : str
        What is measured, with its unit: "error in %".
    scale : {"linear", "log"}
    low, high : float or None
        Limits; None leaves them to the data.
    ticks : tuple of float or None
        Where the ticks stand; None leaves them to the data.
    words : tuple of str or None
        What stands at the ticks in place of numbers.
    whole : bool
        Whether only whole numbers have ticks.
    """

    label: str = ""
    scale: Literal["linear", "log"] = "linear"
    low: float | None = None
    high: float | None = None
    ticks: tuple[float, ...] | None = None
    words: tuple[str, ...] | None = None
    whole: bool = False

    def __post_init__(self) -> None:
        """Check what it is."""
        Choice(("linear", "log")).check("Axis: scale", self.scale)
        bounds = POSITIVE if self.scale == "log" else Interval()
        for name in ("low", "high"):
            if getattr(self, name) is not None:
                bounds.check(f"Axis: {name}", getattr(self, name))
        if self.low is not None and self.low == self.high:
            raise ConfigError("Axis", f"expected two limits; received {self.low:g} for both.")
        if self.words is not None and len(self.words) != len(self.ticks or ()):
            raise ConfigError(
                "Axis",
                f"expected a word for each tick; received {len(self.words)} words for "
                f"{len(self.ticks or ())} ticks.",
            )


@dataclass(frozen=True)
class Panel:
    """Marks over two axes, back to front. ``square`` makes a unit of x as long as one of y."""

    marks: tuple[Mark, ...]
    x: Axis = field(default_factory=Axis)
    y: Axis = field(default_factory=Axis)
    title: str = ""
    square: bool = False

    def __post_init__(self) -> None:
        """A logarithmic axis has no 0."""
        for name, axis in (("x", self.x), ("y", self.y)):
            low = min((_least(mark, name) for mark in self.marks), default=np.inf)
            if axis.scale == "log" and low <= 0:
                raise ConfigError(
                    "Panel",
                    f"a logarithmic axis has no 0. Expected {name} above it; received {low:g}. Leave "
                    "those points out, or the scale.",
                )

    def named(self, label: str) -> Any:
        """The mark with this label.

        Raises
        ------
        KeyError
            If there is none.
        """
        for mark in self.marks:
            if getattr(mark, "label", "") == label:
                return mark
        raise KeyError(label)


@dataclass(frozen=True)
class Plan:
    """Panels in their places: all the data of a chart.

    Attributes
    ----------
    name : str
        What messages call it.
    title : str
        Over the panels in a file, and a page's heading. On Axes that are given, or that a notebook
        shows, the caller says what they are.
    panels : tuple of Panel
        Row by row.
    columns : int
        Panels in a row.
    joined : {"", "x", "both"}
        Which axes all panels have in common: their limits, and the words of the outer ones only.
    size : (float, float)
        Width and height in inches, of a new figure and of a file.
    caption : str
        Under the panels in a file.
    """

    name: str
    title: str
    panels: tuple[Panel, ...]
    columns: int = 1
    joined: Literal["", "x", "both"] = ""
    size: tuple[float, float] = (7.2, 4.2)
    caption: str = ""

    def __post_init__(self) -> None:
        """Refuse what nobody could draw."""
        Whole(1).check(f"{self.name}: columns", self.columns)
        Choice(("", "x", "both")).check(f"{self.name}: joined", self.joined)
        for length in self.size:
            POSITIVE.check(f"{self.name}: size", length)
        if not self.panels or not any(panel.marks for panel in self.panels):
            raise ConfigError(self.name, "expected something to draw; received no mark.")


def _least(mark: Mark, axis: str) -> float:
    """The least number of a mark along an axis; bars may begin at 0, since they reach up from the edge."""
    names = {"x": ("x",), "y": ("y", "low", "high")}[axis]
    found = arrays(mark)
    values = [found[name] for name in names if name in found]
    if isinstance(mark, Arrows):
        values.append(found[axis] + found[f"d{axis}"])
    return min((float(np.nanmin(v)) for v in values if not np.isnan(v).all()), default=np.inf)
