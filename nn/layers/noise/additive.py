"""Normal numbers added."""

from __future__ import annotations

import autograd_core as ag
from autograd_core.aliases import ArrayLike, RandomSource
from autograd_core.options import NON_NEGATIVE
from autograd_core.randomness import source_of

from ...contract import Example
from ...inputs import as_floats
from .drawing import Drawing

__all__ = ["GaussianNoise"]


class GaussianNoise(Drawing):
    """y = x + ε with ε ~ N(0, σ²), anew for every element, every input and every pass; in evaluation y = x.

    First in a model it is noise on the inputs, last it is noise on the outputs; for noise on weights
    see `WeightNoise`.

    Parameters
    ----------
    std : float, ≥ 0
        σ, in units of the input: normalize inputs first, or choose it by their spread.
    rng : numpy.random.Generator or int, optional
        See `Dropout`.

    Raises
    ------
    ConfigError
        If σ is negative, or ``rng`` is neither a generator nor a seed.
    DTypeError
        When called with integers.

    Notes
    -----
    On the inputs of a linear model with squared error, it is an L2 penalty of σ² in the mean (claim R15);
    of others in first order. Keras's of the same name. σ = 0 gives the input itself and draws nothing.

    References
    ----------
    [Data augmentation with Noise]. Bishop (1995), Training with noise is equivalent to Tikhonov
    regularization.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.GaussianNoise(0.5, rng=0)
    >>> y = layer(np.zeros(100_000)).numpy()
    >>> abs(y.mean()) < 0.01, abs(y.std() - 0.5) < 0.01, float(layer.eval()(2.0))
    (np.True_, np.True_, 2.0)
    """

    def __init__(self, std: float, *, rng: RandomSource = None) -> None:
        self.std = NON_NEGATIVE.check("GaussianNoise: std", std)
        source = source_of(rng, "GaussianNoise")
        self.seed = source.seed
        self._keyed(source.generator)

    @classmethod
    def example(cls) -> Example:
        """Some noise, and none."""
        return Example(cls, (0.5,), calls=[[(5, 3)], [(5, 2, 3)]])

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Add a number to each element of ``x``, floats of any shape."""
        x = as_floats(x, self)
        if self.std == 0 or not self.training:
            return ag.identity(x)
        return ag.add(x, self.std * self._normal(x.shape, x.dtype))

    def extra_repr(self) -> str:
        """Give σ."""
        return ", ".join([f"{self.std:g}", *self._seeded()])
