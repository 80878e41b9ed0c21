"""Losses of outputs that are quantities."""

from __future__ import annotations

import autograd_core as ag
from autograd_core.aliases import ArrayLike

from .. import functional
from ..contract import Example
from ..module import Module

__all__ = ["MSELoss", "SquaredErrorLoss"]


class MSELoss(Module):
    """Mean squared error over **all elements**, as in PyTorch: see `nn.functional.mse_loss`.

    For the slides' divergence, summed over the outputs, see `SquaredErrorLoss`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.MSELoss()(np.array([[1.0, 2.0]]), np.zeros((1, 2))))
    2.5
    """

    @classmethod
    def example(cls) -> Example:
        """Rows, and single numbers."""
        return Example(cls, calls=[[(5, 3), (5, 3)], [(5,), (5,)]])

    def forward(self, output: ArrayLike, targets: ArrayLike) -> ag.Tensor:
        """Return the mean, shape ().

        Parameters
        ----------
        output, targets : array_like, shape (B, …)
        """
        return ag.mark(functional.mse_loss(output, targets), role="loss")


class SquaredErrorLoss(Module):
    """The slides' squared error: mean over the batch of ‖Y − d‖², summed over the outputs.

    See `nn.functional.squared_error`, [General approach to training].

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.SquaredErrorLoss()(np.array([[1.0, 2.0]]), np.zeros((1, 2))))
    5.0
    """

    @classmethod
    def example(cls) -> Example:
        """Rows, and single numbers."""
        return Example(cls, calls=[[(5, 3), (5, 3)], [(5,), (5,)]])

    def forward(self, output: ArrayLike, targets: ArrayLike) -> ag.Tensor:
        """Return the mean over the batch, shape ().

        Parameters
        ----------
        output, targets : array_like, shape (B, …)
        """
        return ag.mark(functional.squared_error(output, targets), role="loss")
