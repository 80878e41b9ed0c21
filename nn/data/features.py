"""Features of points of the plane, as the playground offers them: what a linear unit could not make itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ConfigError, ShapeError

from ..contract import Example
from ..module import Module

__all__ = ["PlaneFeatures"]

# By the names under the playground's pictures.
FEATURES: dict[str, Callable[[Any, Any], Any]] = {
    "x1": lambda a, b: a,
    "x2": lambda a, b: b,
    "x1^2": lambda a, b: ag.square(a),
    "x2^2": lambda a, b: ag.square(b),
    "x1x2": lambda a, b: a * b,
    "sin(x1)": lambda a, b: ag.sin(a),
    "sin(x2)": lambda a, b: ag.sin(b),
}


class PlaneFeatures(Module):
    """Points (x1, x2) to chosen ones of x1, x2, x1², x2², x1x2, sin x1, sin x2 [Experiment].

    With x1² and x2² a circle is a line, with x1x2 the four squares of `nn.data.xor` are two half lines.

    Parameters
    ----------
    *names : str
        Of ``"x1", "x2", "x1^2", "x2^2", "x1x2", "sin(x1)", "sin(x2)"``, each at most once; the columns come in
        this order. Default: all seven.

    Raises
    ------
    ConfigError
        If a name is none of them, or is given twice.

    Notes
    -----
    It has no parameters, and its input is computed in the dtype that it has.

    References
    ----------
    playground.tensorflow.org, ``src/playground.ts``, whose keys are x, y, xSquared, ySquared, xTimesY, sinX, sinY.

    Examples
    --------
    >>> import nn
    >>> nn.data.PlaneFeatures("x1", "x2^2", "x1x2")([[2.0, 3.0]]).numpy().tolist()
    [[2.0, 9.0, 6.0]]
    """

    def __init__(self, *names: str) -> None:
        wrong = [name for name in names if name not in FEATURES]
        if wrong or len(set(names)) != len(names):
            raise ConfigError(
                "PlaneFeatures",
                f"names: expected different ones of {', '.join(map(repr, FEATURES))}; received "
                f"{wrong[0] if wrong else names!r}.",
            )
        self.names = names or tuple(FEATURES)

    @classmethod
    def example(cls) -> Example:
        """All of them, and two."""
        return Example(
            lambda names=(): cls(*names),
            calls=[[(5, 2)]],
            variants=[{"names": ("x1x2", "sin(x2)")}],
        )

    @property
    def width(self) -> int:
        """How many features come out: what the next layer takes."""
        return len(self.names)

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Give the features of points, shape (…, 2): shape (…, width)."""
        points: Any = x if isinstance(x, ag.Tensor) else ag.tensor(x)
        if points.ndim == 0 or points.shape[-1] != 2:
            raise ShapeError(
                repr(self),
                f"expected points of the plane, shape (batch, 2); received {points.shape}. Choose two columns.",
            )
        a, b = points[..., 0], points[..., 1]
        return ag.stack([FEATURES[name](a, b) for name in self.names], axis=-1)

    def extra_repr(self) -> str:
        """Give the names of the features."""
        return ", ".join(map(repr, self.names))
