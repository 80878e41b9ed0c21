"""Activations of straight pieces, held between bounds or shrunk to 0."""

from __future__ import annotations

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ConfigError
from autograd_core.options import NON_NEGATIVE, Interval

from ... import functional
from ...contract import Example
from ...module import Module

__all__ = ["Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "Softshrink"]

_NUMBER = Interval()


class Hardtanh(Module):
    """y = x held between two bounds, elementwise: see `nn.functional.hardtanh`.

    Parameters
    ----------
    min_val, max_val : float
        The bounds.

    Raises
    ------
    ConfigError
        If the lower one is not below the upper one.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Hardtanh(-1.0, 2.0)(np.array([-3.0, 0.5, 3.0])).numpy().tolist()
    [-1.0, 0.5, 2.0]
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        self.min_val = _NUMBER.check("Hardtanh: min_val", min_val)
        self.max_val = _NUMBER.check("Hardtanh: max_val", max_val)
        if not self.min_val < self.max_val:
            raise ConfigError(
                "Hardtanh",
                f"expected min_val below max_val; received {self.min_val:g} and {self.max_val:g}.",
            )

    @classmethod
    def example(cls) -> Example:
        """Two pairs of bounds."""
        return Example(cls, variants=[{"min_val": -0.25, "max_val": 0.5}])

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Hold ``x`` between the bounds, any shape."""
        return functional.hardtanh(x, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        """Give the bounds where they are not −1 and 1."""
        bounds = self.min_val, self.max_val
        return "" if bounds == (-1, 1) else f"{self.min_val:g}, {self.max_val:g}"


class Hardsigmoid(Module):
    """y = (x + 3)/6 held between 0 and 1, elementwise: see `nn.functional.hardsigmoid`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Hardsigmoid()(np.array([-4.0, 0.0, 4.0])).numpy().tolist()
    [0.0, 0.5, 1.0]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute (x + 3)/6 between 0 and 1, any shape."""
        return functional.hardsigmoid(x)


class Hardswish(Module):
    """y = x times the hard sigmoid of x, elementwise: see `nn.functional.hardswish`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Hardswish()(np.array([-4.0, 0.0, 4.0])).numpy().tolist()
    [-0.0, 0.0, 4.0]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute x times its hard sigmoid, any shape."""
        return functional.hardswish(x)


class Hardshrink(Module):
    """y = 0 from −λ to λ and x elsewhere, elementwise: see `nn.functional.hardshrink`.

    Parameters
    ----------
    lambd : float, ≥ 0
        λ.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Hardshrink()(np.array([-1.0, 0.5, 2.0])).numpy().tolist()
    [-1.0, 0.0, 2.0]
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = NON_NEGATIVE.check("Hardshrink: lambd", lambd)

    @classmethod
    def example(cls) -> Example:
        """Two λ."""
        return Example(cls, variants=[{"lambd": 0.25}])

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute 0 or x, any shape."""
        return functional.hardshrink(x, self.lambd)

    def extra_repr(self) -> str:
        """Give λ."""
        return f"{self.lambd:g}"


class Softshrink(Module):
    """y = x nearer to 0 by λ, and 0 from −λ to λ, elementwise: see `nn.functional.softshrink`.

    Parameters
    ----------
    lambd : float, ≥ 0
        λ.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Softshrink()(np.array([-1.0, 0.5, 2.0])).numpy().tolist()
    [-0.5, 0.0, 1.5]
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = NON_NEGATIVE.check("Softshrink: lambd", lambd)

    @classmethod
    def example(cls) -> Example:
        """Two λ."""
        return Example(cls, variants=[{"lambd": 0.25}])

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute x moved towards 0, any shape."""
        return functional.softshrink(x, self.lambd)

    def extra_repr(self) -> str:
        """Give λ."""
        return f"{self.lambd:g}"
