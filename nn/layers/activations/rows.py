"""Activations of all units of a row: shares of 1, and gates."""

from __future__ import annotations

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ConfigError

from ... import functional
from ...contract import Example
from ...module import Module

__all__ = ["GLU", "LogSoftmax", "Softmax", "Softmin"]


class _AlongAnAxis(Module):
    """What has the axis as its one option."""

    def __init__(self, axis: int = -1) -> None:
        if not isinstance(axis, int) or isinstance(axis, bool):
            raise ConfigError(
                f"{type(self).__name__}: axis", f"expected an integer; received {axis!r}."
            )
        self.axis = axis

    @classmethod
    def example(cls) -> Example:
        """The last axis, and the one behind the batch."""
        return Example(cls, calls=[[(5, 2, 4)]], variants=[{"axis": 1}])

    def extra_repr(self) -> str:
        """Give the axis where it is not the last."""
        return "" if self.axis == -1 else f"axis={self.axis}"


class Softmax(_AlongAnAxis):
    """y_i = e^(x_i) / Σ_j e^(x_j) along an axis: positive, and sums to 1; computed without overflow.

    A loss by cross-entropy takes logits: `nn.CrossEntropyLoss` stands without this layer.

    Parameters
    ----------
    axis : int
        The last one by default; PyTorch's ``dim`` has no default of its own.

    Raises
    ------
    ConfigError
        If the axis is no integer.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Softmax()(np.array([[0.0, 0.0], [1000.0, 0.0]])).numpy().tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute the shares; the shape stays."""
        return ag.softmax(x, self.axis)


class LogSoftmax(_AlongAnAxis):
    """y = log softmax(x) along an axis; computed without overflow, and without the logarithm of 0.

    Parameters
    ----------
    axis : int
        The last one by default.

    Raises
    ------
    ConfigError
        If the axis is no integer.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.LogSoftmax()(np.array([[1000.0, 0.0]])).numpy().tolist()
    [[0.0, -1000.0]]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute the logarithms; the shape stays."""
        return ag.log_softmax(x, self.axis)


class Softmin(_AlongAnAxis):
    """y = softmax(−x) along an axis: the largest share where x is smallest.

    Parameters
    ----------
    axis : int
        The last one by default.

    Raises
    ------
    ConfigError
        If the axis is no integer.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Softmin()(np.array([[1000.0, 0.0]])).numpy().tolist()
    [[0.0, 1.0]]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute the shares; the shape stays."""
        return functional.softmin(x, self.axis)


class GLU(_AlongAnAxis):
    """y = a σ(b), where a and b are the halves of x along an axis: see `nn.functional.glu`.

    Parameters
    ----------
    axis : int
        The last one by default.

    Raises
    ------
    ConfigError
        If the axis is no integer.
    ShapeError
        When called with an input of odd size there.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.GLU()(np.array([[6.0, 0.0]])).numpy().tolist()
    [[3.0]]
    """

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute a σ(b); the axis has half its size."""
        return functional.glu(x, self.axis)
