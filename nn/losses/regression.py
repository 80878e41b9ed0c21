"""Losses of outputs that are quantities."""

from __future__ import annotations

from typing import Any

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.options import NON_NEGATIVE, POSITIVE

from .. import functional
from ..contract import Example
from ..functional.reduction import Reduction
from .loss import Loss

__all__ = ["HuberLoss", "L1Loss", "MSELoss", "SmoothL1Loss", "SquaredErrorLoss"]

_CALLS: list[Any] = [[(5, 3), (5, 3)], [(5,), (5,)]]  # rows, and single numbers
_REDUCTIONS: list[Any] = [{"reduction": "none"}]


class MSELoss(Loss):
    """Mean squared error over **all elements**, as in PyTorch: see `nn.functional.mse_loss`.

    For the slides' divergence, summed over the outputs, see `SquaredErrorLoss`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.MSELoss()(np.array([[1.0, 2.0]]), np.zeros((1, 2))))
    2.5
    """

    @classmethod
    def example(cls) -> Example:
        """Rows, and single numbers."""
        return Example(cls, calls=_CALLS, variants=_REDUCTIONS)

    def forward(self, output: ArrayLike, targets: ArrayLike) -> ag.Tensor:
        """Return the mean, shape (); or what ``reduction`` says.

        Parameters
        ----------
        output, targets : array_like, shape (B, …)
        """
        return self._marked(functional.mse_loss(output, targets, reduction=self.reduction))


class SquaredErrorLoss(Loss):
    """The slides' squared error: mean over the batch of ‖Y − d‖², summed over the outputs.

    See `nn.functional.squared_error`, [General approach to training]. ``reduction="sum"`` is that
    slide's sum over the T instances, the mean [Objective function for neural networks]: λ of a
    penalty beside the mean is T λ beside the sum.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.SquaredErrorLoss()(np.array([[1.0, 2.0]]), np.zeros((1, 2))))
    5.0
    """

    @classmethod
    def example(cls) -> Example:
        """Rows, and single numbers."""
        return Example(cls, calls=_CALLS, variants=_REDUCTIONS)

    def forward(self, output: ArrayLike, targets: ArrayLike) -> ag.Tensor:
        """Return the mean over the batch, shape (); or what ``reduction`` says.

        Parameters
        ----------
        output, targets : array_like, shape (B, …)
        """
        return self._marked(functional.squared_error(output, targets, reduction=self.reduction))


class L1Loss(Loss):
    """Mean absolute error over all elements: see `nn.functional.l1_loss`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.L1Loss()(np.array([[1.0, -2.0]]), np.zeros((1, 2))))
    1.5
    """

    @classmethod
    def example(cls) -> Example:
        """Rows, and single numbers."""
        return Example(cls, calls=_CALLS, variants=_REDUCTIONS)

    def forward(self, output: ArrayLike, targets: ArrayLike) -> ag.Tensor:
        """Return the mean, shape (); or what ``reduction`` says.

        Parameters
        ----------
        output, targets : array_like, shape (B, …)
        """
        return self._marked(functional.l1_loss(output, targets, reduction=self.reduction))


class HuberLoss(Loss):
    """Squared up to an error of δ and in proportion beyond: see `nn.functional.huber_loss`.

    Parameters
    ----------
    delta : float, > 0
        δ.
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.HuberLoss()(np.array([0.5, 3.0]), np.zeros(2)))
    1.3125
    """

    def __init__(self, delta: float = 1.0, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        self.delta = POSITIVE.check("HuberLoss: delta", delta)

    @classmethod
    def example(cls) -> Example:
        """Rows, and single numbers."""
        return Example(cls, calls=_CALLS, variants=[{"delta": 0.5, "reduction": "none"}])

    def forward(self, output: ArrayLike, targets: ArrayLike) -> ag.Tensor:
        """Return the mean, shape (); or what ``reduction`` says.

        Parameters
        ----------
        output, targets : array_like, shape (B, …)
        """
        return self._marked(
            functional.huber_loss(output, targets, self.delta, reduction=self.reduction)
        )


class SmoothL1Loss(Loss):
    """`HuberLoss` over its δ, here β: see `nn.functional.smooth_l1_loss`.

    Parameters
    ----------
    beta : float, ≥ 0
        β; 0 gives `L1Loss`.
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.SmoothL1Loss(2.0)(np.array([1.0, 3.0]), np.zeros(2)))
    1.125
    """

    def __init__(self, beta: float = 1.0, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        self.beta = NON_NEGATIVE.check("SmoothL1Loss: beta", beta)

    @classmethod
    def example(cls) -> Example:
        """Rows, and single numbers."""
        variants: list[Any] = [{"beta": 0.5}, {"beta": 0.0, "reduction": "none"}]
        return Example(cls, calls=_CALLS, variants=variants)

    def forward(self, output: ArrayLike, targets: ArrayLike) -> ag.Tensor:
        """Return the mean, shape (); or what ``reduction`` says.

        Parameters
        ----------
        output, targets : array_like, shape (B, …)
        """
        return self._marked(
            functional.smooth_l1_loss(output, targets, self.beta, reduction=self.reduction)
        )
