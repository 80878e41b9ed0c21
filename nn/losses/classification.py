"""Losses of outputs that are scores of classes."""

from __future__ import annotations

from typing import Literal

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.options import PROBABILITY, Interval

from .. import functional
from ..contract import Example
from ..functional.classification import POWER, checked_label
from ..functional.reduction import Reduction
from .loss import Loss

__all__ = ["CrossEntropyLoss", "HingeLoss", "MultiMarginLoss", "NLLLoss"]

_LABELS = np.array([0, 2, 1, 1, 0])
_SHARES = np.array(
    [[0.5, 0.25, 0.25], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1], [0.4, 0.3, 0.3], [0.7, 0.1, 0.2]]
)
_WEIGHT = [0.5, 2.0, 1.25]


class CrossEntropyLoss(Loss):
    """Softmax and cross-entropy, from logits: see `nn.functional.cross_entropy`. In nats.

    The softmax is inside: the model ends in a linear layer.

    Parameters
    ----------
    weight : array_like, shape (C,), optional
        How much each class counts; a buffer.
    ignore_index : int, optional
        A label that stands for no target; PyTorch's is −100 unless told otherwise.
    reduction : {"mean", "sum", "none"}
    label_smoothing : float, in [0, 1]

    Examples
    --------
    >>> import numpy as np, nn
    >>> loss = nn.CrossEntropyLoss()(np.zeros((2, 4)), np.array([0, 3]))
    >>> bool(np.isclose(loss.numpy(), np.log(4)))
    True
    """

    weight: ag.Tensor | None

    def __init__(
        self,
        weight: ArrayLike | None = None,
        *,
        ignore_index: int | None = None,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction=reduction)
        self._weigh(weight=weight)
        self.ignore_index = checked_label("CrossEntropyLoss", ignore_index)
        self.label_smoothing = PROBABILITY.check(
            "CrossEntropyLoss: label_smoothing", label_smoothing
        )

    @classmethod
    def example(cls) -> Example:
        """Labels, and rows of probabilities."""
        return Example(
            cls,
            calls=[
                [(5, 3), _LABELS],
                [(5, 3), _SHARES],
                [(2, 3, 4), np.arange(8).reshape(2, 4) % 3],
            ],
            variants=[
                {"weight": _WEIGHT, "label_smoothing": 0.1},
                {"ignore_index": 1, "reduction": "sum"},
                {"label_smoothing": 0.1, "reduction": "none"},
            ],
            undecided="with ignore_index labels are computed, and what is picked at computed places has "
            "no reading at symbolic sizes",
        )

    def forward(self, logits: ArrayLike, targets: ArrayLike) -> ag.Tensor:
        """Return the mean over the batch, shape (); or what ``reduction`` says.

        Parameters
        ----------
        logits : array_like, shape (B, C, …)
        targets : array_like, shape (B, …) of int, or shape (B, C, …)
        """
        return self._marked(
            functional.cross_entropy(
                logits,
                targets,
                self.weight,
                ignore_index=self.ignore_index,
                reduction=self.reduction,
                label_smoothing=self.label_smoothing,
            )
        )


class NLLLoss(Loss):
    """−log p of the label, from log-probabilities: see `nn.functional.nll_loss`.

    After `log_softmax` this is `CrossEntropyLoss`.

    Parameters
    ----------
    weight, ignore_index, reduction
        See `CrossEntropyLoss`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.NLLLoss()(np.array([[-0.5, -1.0]]), np.array([1])))
    1.0
    """

    weight: ag.Tensor | None

    def __init__(
        self,
        weight: ArrayLike | None = None,
        *,
        ignore_index: int | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self._weigh(weight=weight)
        self.ignore_index = checked_label("NLLLoss", ignore_index)

    @classmethod
    def example(cls) -> Example:
        """Labels of rows, and of places in them."""
        below = [
            -np.random.default_rng(4).uniform(0.1, 2.0, shape) for shape in ((5, 3), (2, 3, 4))
        ]
        return Example(
            cls,
            calls=[[below[0], _LABELS], [below[1], np.arange(8).reshape(2, 4) % 3]],
            variants=[{"weight": _WEIGHT}, {"ignore_index": 1, "reduction": "none"}],
            undecided="with ignore_index labels are computed, and what is picked at computed places has "
            "no reading at symbolic sizes",
        )

    def forward(self, log_probabilities: ArrayLike, targets: ArrayLike) -> ag.Tensor:
        """Return the mean over the batch, shape (); or what ``reduction`` says.

        Parameters
        ----------
        log_probabilities : array_like, shape (B, C, …)
        targets : array_like, shape (B, …) of int
        """
        return self._marked(
            functional.nll_loss(
                log_probabilities,
                targets,
                self.weight,
                ignore_index=self.ignore_index,
                reduction=self.reduction,
            )
        )


class MultiMarginLoss(Loss):
    """Hinge loss of classes, from scores: see `nn.functional.multi_margin_loss`.

    Parameters
    ----------
    p : {1, 2}
        The power of what is short of the margin.
    margin : float
        By how much the score of the label should be above every other.
    weight : array_like, shape (C,), optional
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.MultiMarginLoss()(np.array([[2.0, 1.0, 3.5, 0.0]]), np.array([0])))
    0.625
    """

    weight: ag.Tensor | None

    def __init__(
        self,
        p: Literal[1, 2] = 1,
        margin: float = 1.0,
        weight: ArrayLike | None = None,
        *,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.p = POWER.check("MultiMarginLoss: p", p)
        self.margin = Interval().check("MultiMarginLoss: margin", margin)
        self._weigh(weight=weight)

    @classmethod
    def example(cls) -> Example:
        """Labels of rows."""
        return Example(
            cls,
            calls=[[(5, 3), _LABELS]],
            variants=[{"p": 2, "margin": 0.5}, {"weight": _WEIGHT, "reduction": "none"}],
        )

    def forward(self, output: ArrayLike, targets: ArrayLike) -> ag.Tensor:
        """Return the mean over the batch, shape (); or what ``reduction`` says.

        Parameters
        ----------
        output : array_like, shape (B, C)
        targets : array_like, shape (B,) of int
        """
        return self._marked(
            functional.multi_margin_loss(
                output, targets, self.p, self.margin, self.weight, reduction=self.reduction
            )
        )


class HingeLoss(Loss):
    """max(0, 1 − y f)^p for targets y of −1 and 1: see `nn.functional.hinge_loss`.

    Parameters
    ----------
    p : {1, 2}
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.HingeLoss()(np.array([0.5, 2.0]), np.array([1, -1])))
    1.75
    """

    def __init__(self, p: Literal[1, 2] = 1, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        self.p = POWER.check("HingeLoss: p", p)

    @classmethod
    def example(cls) -> Example:
        """One score each, and several."""
        signs = np.array([1, -1, 1, 1, -1])
        return Example(
            cls,
            calls=[[(5,), signs], [(5, 2), np.stack([signs, -signs], 1)]],
            variants=[{"p": 2, "reduction": "none"}],
        )

    def forward(self, output: ArrayLike, targets: ArrayLike) -> ag.Tensor:
        """Return the mean over all elements, shape (); or what ``reduction`` says.

        Parameters
        ----------
        output : array_like, shape (B, …)
        targets : array_like of −1 and 1, of the same shape
        """
        return self._marked(
            functional.hinge_loss(output, targets, self.p, reduction=self.reduction)
        )
