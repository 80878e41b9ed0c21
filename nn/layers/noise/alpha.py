"""Dropout for SELU."""

from __future__ import annotations

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.options import FRACTION

from ... import functional
from ...contract import Example
from ...functional.noise.dropout import SATURATED
from ...inputs import as_floats
from .drawing import Keeping

__all__ = ["AlphaDropout"]


class AlphaDropout(Keeping):
    """A unit is kept with probability q, and otherwise put where SELU ends, at α' = −1.7581.

    y = a (D x + (1 − D) α') + b, with a and b such that mean 0 and variance 1 stay: what SELU
    is for. Anew for every unit, every input and every pass.

    Parameters
    ----------
    p : float, in [0, 1), optional
        Probability 1 − q that a unit is dropped. Default 0.5; the paper uses 0.05 and 0.1.
    keep : float, in (0, 1], optional
        q, instead of ``p``.
    rng : numpy.random.Generator or int, optional
        See `Dropout`.
    scale : {"inverted", "test"}
        ``"inverted"``, the paper's: a and b in training, and evaluation leaves the input as it is.
        ``"test"``, the slides' rule for this noise: training without a and b, and evaluation gives the
        expected output q x + (1 − q) α'.

    Raises
    ------
    ConfigError
        See `Dropout`; also for p = 1, where nothing is left whose variance could stay.
    DTypeError
        When called with integers.

    Notes
    -----
    PyTorch's of the same name is the inverted form. That form keeps the moments, not the expected
    output: E[y] = a q x.

    References
    ----------
    Klambauer et al. (2017), Self-normalizing neural networks, "New dropout technique".

    Examples
    --------
    >>> import numpy as np, nn
    >>> x = np.random.default_rng(0).normal(size=100_000)
    >>> y = nn.AlphaDropout(0.1, rng=0)(x).numpy()
    >>> abs(y.mean()) < 0.02, abs(y.var() - 1) < 0.02
    (np.True_, np.True_)
    """

    allowed = FRACTION

    @classmethod
    def example(cls) -> Example:
        """Half of the units, a fifth of them, none; both places where it is scaled."""
        return Example(
            cls,
            calls=[[(5, 3)], [(5, 2, 3)]],
            variants=[{"keep": 0.8, "scale": "test"}, {"p": 0.0}],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Drop units of ``x``, floats of any shape; a mask entry for each of its elements."""
        x = as_floats(x, self)
        inverted = self.scale == "inverted"
        if self.keep == 1 or (inverted and not self.training):
            return ag.identity(x)
        if not self.training:
            return ag.multiply(x, self.keep) + self.p * SATURATED
        mask = self._mask(x.shape)
        return functional.alpha_dropout(x, mask, self.keep if inverted else None)
