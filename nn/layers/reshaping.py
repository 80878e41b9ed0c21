"""Layers that change the shape of their input and nothing else."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ShapeError

from ..contract import Example
from ..module import Module

__all__ = ["Flatten"]


class Flatten(Module):
    """All axes but the first made one: (batch, …) to (batch, features), in C order.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Flatten()(np.zeros((5, 28, 28))).shape
    (5, 784)
    """

    @classmethod
    def example(cls) -> Example:
        """Small images, rows, and single numbers."""
        return Example(cls, calls=[[(5, 2, 3)], [(5, 3)], [(5,)]])

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Reshape x, of at least one axis, to two.

        Raises
        ------
        ShapeError
            If ``x`` has no axis.
        """
        if not isinstance(x, ag.Tensor):
            x = np.asarray(x)
        if x.ndim == 0:
            raise ShapeError("Flatten", "expected an input of shape (batch, …); received a scalar.")
        features = 1
        for size in x.shape[1:]:
            features = features * size
        return ag.reshape(x, (x.shape[0], features))
