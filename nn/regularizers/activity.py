"""Penalties on what units give, not on weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.options import NON_NEGATIVE, Interval

from .. import functional
from ..contract import Example
from ..module import Module

__all__ = ["KLSparsity"]


class KLSparsity(Module):
    """Penalty on units that are on more or less than a share ρ of the time: λ Σ_j KL(ρ ‖ ρ̂_j).

    It is called with what the units give, for a batch; see `nn.functional.kl_sparsity`. Where ``forward``
    keeps the activations (``self.hidden = h``), `optim.fit` takes it as
    ``regularizer=lambda model: sparsity(model.hidden)``.

    Parameters
    ----------
    lam : float
        λ ≥ 0.
    rho : float, in (0, 1)
        ρ.

    Raises
    ------
    ConfigError
        If λ or ρ is outside its range.

    References
    ----------
    Ng (2011), Sparse autoencoder. Srivastava et al. (2014), Dropout, table 9: "L2 + KL-sparsity".

    Examples
    --------
    >>> import numpy as np, nn
    >>> sparsity = nn.KLSparsity(0.1, rho=0.05)
    >>> hidden = nn.functional.sigmoid(np.array([[2.0, -2.0], [-2.0, -3.0]]))
    >>> float(sparsity(hidden).numpy().round(6))
    0.050301
    """

    def __init__(self, lam: float, *, rho: float = 0.05) -> None:
        self.lam = NON_NEGATIVE.check("KLSparsity: lam", lam)
        self.rho = Interval(0.0, 1.0, open_low=True).check("KLSparsity: rho", rho)

    @classmethod
    def example(cls) -> Example:
        """A batch of activations of three units."""
        activations: Any = np.random.default_rng(5).uniform(0.1, 0.9, size=(5, 3))
        return Example(cls, (0.5,), calls=[[activations]], variants=[{"rho": 0.25}])

    def forward(self, activations: ArrayLike | Sequence[ArrayLike]) -> ag.Tensor:
        """Return the penalty, shape ().

        Parameters
        ----------
        activations : array_like, shape (B, …), or list of them
            Of one layer, or of several; in [0, 1].
        """
        layers = activations if isinstance(activations, list | tuple) else [activations]
        total, *others = [functional.kl_sparsity(a, self.rho) for a in layers]
        for other in others:
            total = total + other
        return self.lam * total

    def extra_repr(self) -> str:
        """Give λ and ρ."""
        return f"{self.lam:g}, rho={self.rho:g}"
