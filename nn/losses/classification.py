"""Losses of outputs that are scores of classes."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike

from .. import functional
from ..contract import Example
from ..module import Module

__all__ = ["CrossEntropyLoss"]


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

    @classmethod
    def example(cls) -> Example:
        """Labels, and rows of numbers."""
        labels = np.array([0, 2, 1, 1, 0])
        return Example(cls, calls=[[(5, 3), labels], [(5, 3), (5, 3)]])

    def forward(self, logits: ArrayLike, targets: ArrayLike) -> ag.Tensor:
        """Return the mean over the batch, shape ().

        Parameters
        ----------
        logits : array_like, shape (B, C)
        targets : array_like, shape (B,) of int, or shape (B, C)
        """
        return ag.mark(functional.cross_entropy(logits, targets), role="loss")
