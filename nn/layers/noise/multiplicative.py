"""Dropout by normal numbers."""

from __future__ import annotations

import math

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.options import FRACTION

from ...contract import Example
from ...inputs import as_floats
from .drawing import Keeping

__all__ = ["GaussianDropout"]


class GaussianDropout(Keeping):
    """Each unit is multiplied by a normal number with the mean and variance of a dropout mask.

    y = ξ x with ξ ~ N(1, (1 − α)/α), or, with ``scale="test"``, ξ ~ N(α, α (1 − α)): the two moments of
    D/α and of D. Anew for every unit, every input and every pass.

    Parameters
    ----------
    p : float, in [0, 1), optional
        1 − α: what `Dropout` of the same moments would drop. Default 0.5.
    keep : float, in (0, 1], optional
        α, instead of ``p``.
    rng : numpy.random.Generator or int, optional
        See `Dropout`.
    scale : {"inverted", "test"}
        ``"inverted"``: noise of mean 1, and evaluation leaves the input as it is. ``"test"``, as on
        the slides: noise of mean α, and evaluation multiplies by α.

    Raises
    ------
    ConfigError
        See `Dropout`; also for p = 1, where the noise would have no variance.
    DTypeError
        When called with integers.

    Notes
    -----
    Keras's of the same name has rate = p, and is inverted.

    References
    ----------
    Srivastava et al. (2014), Dropout, section 10 and Table 10.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.GaussianDropout(0.2, rng=0)
    >>> y = layer(np.ones(100_000)).numpy()
    >>> abs(y.mean() - 1) < 0.01, abs(y.var() - 0.25) < 0.01
    (np.True_, np.True_)
    """

    allowed = FRACTION

    @classmethod
    def example(cls) -> Example:
        """The moments of dropping half and a fifth; both places where it is scaled; none."""
        return Example(
            cls,
            calls=[[(5, 3)], [(5, 2, 3)]],
            variants=[{"keep": 0.8, "scale": "test"}, {"p": 0.0}],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Multiply ``x``, floats of any shape, by a number for each of its elements."""
        x = as_floats(x, self)
        mean = 1.0 if self.scale == "inverted" else self.keep
        if self.keep == 1:
            return ag.identity(x)
        if not self.training:
            return ag.identity(x) if mean == 1 else ag.multiply(x, mean)
        spread = mean * math.sqrt((1 - self.keep) / self.keep)
        return ag.multiply(x, mean + spread * self._normal(x.shape, x.dtype))
