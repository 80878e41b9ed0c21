"""Losses of outputs that answer yes or no, one question each."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike

from .. import functional
from ..contract import Example
from ..functional.reduction import Reduction
from .loss import Loss

__all__ = ["BCELoss", "BCEWithLogitsLoss"]

_RNG = np.random.default_rng(3)
_CHANCES = _RNG.uniform(0.1, 0.9, size=(2, 5, 3))
_WEIGHT = [0.5, 2.0, 1.25]


class BCELoss(Loss):
    """Binary cross-entropy, from probabilities: see `nn.functional.binary_cross_entropy`. In nats.

    The model ends in a sigmoid; `BCEWithLogitsLoss` holds it inside, and loses nothing where it is
    saturated.

    Parameters
    ----------
    weight : array_like, broadcastable to the outputs, optional
        A factor of each loss; a buffer.
    reduction : {"mean", "sum", "none"}
        The mean is over all elements, as in PyTorch.

    Examples
    --------
    >>> import numpy as np, nn
    >>> loss = nn.BCELoss()(np.array([0.5, 0.5]), np.array([0, 1]))
    >>> bool(np.isclose(loss.numpy(), np.log(2)))
    True
    """

    weight: ag.Tensor | None

    def __init__(self, weight: ArrayLike | None = None, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        self._weigh(weight=weight)

    @classmethod
    def example(cls) -> Example:
        """Rows of probabilities, and single ones."""
        return Example(
            cls,
            calls=[[_CHANCES[0], _CHANCES[1]], [_CHANCES[0, :, 0], _CHANCES[1, :, 0]]],
            variants=[{"weight": _WEIGHT, "reduction": "none"}],
        )

    def forward(self, probabilities: ArrayLike, targets: ArrayLike) -> ag.Tensor:
        """Return the mean over all elements, shape (); or what ``reduction`` says.

        Parameters
        ----------
        probabilities, targets : array_like, shape (B, …)
        """
        return self._marked(
            functional.binary_cross_entropy(
                probabilities, targets, self.weight, reduction=self.reduction
            )
        )


class BCEWithLogitsLoss(Loss):
    """Sigmoid and binary cross-entropy: see `nn.functional.binary_cross_entropy_with_logits`.

    Parameters
    ----------
    weight : array_like, broadcastable to the outputs, optional
        A factor of each loss; a buffer.
    pos_weight : array_like, broadcastable to the outputs, optional
        How much a yes counts beside a no; a buffer.
    reduction : {"mean", "sum", "none"}
        The mean is over all elements, as in PyTorch.

    Examples
    --------
    >>> import numpy as np, nn
    >>> loss = nn.BCEWithLogitsLoss(pos_weight=3.0)(np.zeros(2), np.array([0, 1]))
    >>> bool(np.isclose(loss.numpy(), 2 * np.log(2)))
    True
    """

    weight: ag.Tensor | None
    pos_weight: ag.Tensor | None

    def __init__(
        self,
        weight: ArrayLike | None = None,
        pos_weight: ArrayLike | None = None,
        *,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self._weigh(weight=weight, pos_weight=pos_weight)

    @classmethod
    def example(cls) -> Example:
        """Rows of scores, and single ones."""
        return Example(
            cls,
            calls=[[(5, 3), _CHANCES[1]], [(5,), _CHANCES[1, :, 0]]],
            variants=[
                {"weight": _WEIGHT, "pos_weight": [2.0]},
                {"pos_weight": _WEIGHT, "reduction": "none"},
            ],
        )

    def forward(self, logits: ArrayLike, targets: ArrayLike) -> ag.Tensor:
        """Return the mean over all elements, shape (); or what ``reduction`` says.

        Parameters
        ----------
        logits, targets : array_like, shape (B, …)
        """
        return self._marked(
            functional.binary_cross_entropy_with_logits(
                logits, targets, self.weight, self.pos_weight, reduction=self.reduction
            )
        )
