"""Losses of outputs that are distributions."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.options import SWITCH

from .. import functional
from ..contract import Example
from ..functional.divergences import REDUCTION, Reduction
from ..module import Module

__all__ = ["KLDivLoss"]


class KLDivLoss(Module):
    """Divergence of the outputs from targets, from log-probabilities: see `nn.functional.kl_div`.

    Parameters
    ----------
    reduction : {"batchmean", "mean", "sum", "none"}
        "batchmean", the mean over instances, unless told otherwise; PyTorch's default "mean"
        divides by the number of elements.
    log_target : bool
        Whether targets are logarithms.

    Examples
    --------
    >>> import numpy as np, nn
    >>> t, p = np.array([[0.5, 0.5, 0.0]]), np.array([[0.25, 0.25, 0.5]])
    >>> bool(np.isclose(nn.KLDivLoss()(np.log(p), t).numpy(), np.log(2)))
    True
    """

    def __init__(
        self,
        *,
        reduction: Reduction = "batchmean",
        log_target: bool = False,
    ) -> None:
        self.reduction = REDUCTION.check("KLDivLoss: reduction", reduction)
        self.log_target = SWITCH.check("KLDivLoss: log_target", log_target)

    @classmethod
    def example(cls) -> Example:
        """Rows of distributions, and their logarithms."""
        rng = np.random.default_rng(4)
        p, t = rng.dirichlet(np.full(3, 4.0), size=(2, 5))
        logs = ({"log_target": True, "reduction": "none"}, [np.log(p), np.log(t)])
        return Example(cls, calls=[[np.log(p), t]], variants=[{"reduction": "mean"}, logs])

    def forward(self, log_probabilities: ArrayLike, targets: ArrayLike) -> ag.Tensor:
        """Return the mean over the batch, shape (); or what ``reduction`` says.

        Parameters
        ----------
        log_probabilities, targets : array_like, shape (B, …)
        """
        loss = functional.kl_div(
            log_probabilities, targets, reduction=self.reduction, log_target=self.log_target
        )
        return ag.mark(loss, role="loss")

    def extra_repr(self) -> str:
        """Give what is not the default."""
        shown = [] if self.reduction == "batchmean" else [f"reduction={self.reduction!r}"]
        return ", ".join([*shown, *(["log_target=True"] if self.log_target else [])])
