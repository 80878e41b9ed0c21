"""A shortcut around other layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import ArrayLike, RandomSource
from autograd_core.errors import ConfigError, ShapeError
from autograd_core.randomness import source_of

from ..contract import Example
from ..module import Module
from .linear import Linear

__all__ = ["Residual"]


class Residual(Module):
    """y = x + f(x): what goes in is added to what comes out.

    Parameters
    ----------
    body : Module
        f. Of several results the first is the output, as of an LSTM; the others are handed on.
    projection : Module, optional
        What is added in place of x, where f changes the shape: y = P(x) + f(x), such as a `Linear`.

    Raises
    ------
    ConfigError
        If one of them is no Module.
    ShapeError
        When called, if shapes differ: nothing is broadcast.

    References
    ----------
    He et al. (2016), Deep residual learning for image recognition.

    Examples
    --------
    >>> import numpy as np, nn
    >>> block = nn.Residual(nn.Sequential(nn.Linear(3, 3, rng=0), nn.Tanh()))
    >>> block(np.ones((2, 3))).shape
    (2, 3)
    """

    body: Module
    projection: Module | None

    def __init__(self, body: Module, projection: Module | None = None) -> None:
        for name, module in (("body", body), ("projection", projection)):
            if not isinstance(module, Module) and (name == "body" or module is not None):
                raise ConfigError(
                    f"Residual: {name}", f"expected a Module; received {type(module).__name__}."
                )
        self.body = body
        self.projection = projection

    @classmethod
    def example(cls) -> Example:
        """Around a linear layer; with a projection."""
        return Example(_example, variants=[{"projected": True}])

    def forward(self, x: ArrayLike, *given: Any, **options: Any) -> Any:
        """Compute x + f(x).

        Parameters
        ----------
        x : array_like
        *given, **options
            What f takes besides.

        Returns
        -------
        Tensor, or tuple of it and what else f gave
        """
        x = x if isinstance(x, ag.Tensor) else np.asarray(x)
        found = self.body(x, *given, **options)
        y, others = (
            (found[0], tuple(found[1:])) if isinstance(found, (tuple, list)) else (found, ())
        )
        kept = x if self.projection is None else self.projection(x)
        if kept.shape != y.shape:
            what = "the input" if self.projection is None else "its projection"
            raise ShapeError(
                "Residual",
                f"{what} has shape {kept.shape}, and {type(self.body).__name__} gave {y.shape}. Expected "
                "one shape. Pass projection=, a module that gives the second.",
            )
        if kept.dtype != y.dtype:  # a layer computes in its own
            kept = ag.cast(kept, y.dtype)
        y = ag.add(kept, y)
        return (y, *others) if others else y


def _example(
    rng: RandomSource = 0, dtype: npt.DTypeLike = np.float32, projected: bool = False
) -> Residual:
    source = source_of(rng, "Residual").generator
    size = 2 if projected else 3
    body = Linear(3, size, rng=source, dtype=dtype)
    return Residual(
        body, Linear(3, size, bias=False, rng=source, dtype=dtype) if projected else None
    )
