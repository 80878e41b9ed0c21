"""Losses as modules: each the mean over the batch of a divergence, of role ``"loss"``.

To add one: a class here whose ``forward(output, targets)`` calls a function, and its name in
``__all__``.
"""

from __future__ import annotations

import autograd_core as ag
from autograd_core.aliases import ArrayLike

from . import functional
from .module import Module

__all__ = ["CrossEntropyLoss", "MSELoss", "SquaredErrorLoss"]


class CrossEntropyLoss(Module):
    """Softmax and cross-entropy, from logits: see `nn.functional.cross_entropy`. In nats.

    The softmax is inside: the model ends in a linear layer.

    Examples
    --------
    >>> import numpy as np, nn
    >>> loss = nn.CrossEntropyLoss()(np.zeros((2, 4)), np.array([0, 3]))
    >>> bool(np.isclose(loss.numpy(), np.log(4)))
    True
    """

    def forward(self, logits: ArrayLike, targets: ArrayLike) -> ag.Tensor:
        """Return the mean over the batch, shape ().

        Parameters
        ----------
        logits : array_like, shape (B, C)
        targets : array_like, shape (B,) of int, or shape (B, C)
        """
        return ag.mark(functional.cross_entropy(logits, targets), role="loss")


class MSELoss(Module):
    """Mean squared error over **all elements**, as in PyTorch: see `nn.functional.mse_loss`.

    For the slides' divergence, summed over the outputs, see `SquaredErrorLoss`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.MSELoss()(np.array([[1.0, 2.0]]), np.zeros((1, 2))))
    2.5
    """

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

    def forward(self, output: ArrayLike, targets: ArrayLike) -> ag.Tensor:
        """Return the mean over the batch, shape ().

        Parameters
        ----------
        output, targets : array_like, shape (B, …)
        """
        return ag.mark(functional.squared_error(output, targets), role="loss")
