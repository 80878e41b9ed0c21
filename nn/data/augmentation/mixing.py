"""Two examples mixed into one, with their targets."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array, ArrayLike, RandomSource
from autograd_core.errors import DTypeError, ShapeError
from autograd_core.exchange import plain
from autograd_core.options import POSITIVE
from autograd_core.randomness import source_of

from ...contract import Example
from ...inputs import as_floats
from ...layers.noise.drawing import Drawing
from .geometry import PLACES

__all__ = ["Mixup"]

_VALUES = 2**7  # of λ, equally likely: its quantiles
_GRID = 2**14  # steps of the integral over half of it


class Mixup(Drawing):
    """Each example mixed with the one before it in the batch: λ x + (1 − λ) x', λ ~ Beta(α, α); in evaluation x.

    Targets are mixed alike, by `targets`, with the λ of the newest pass. Batches are drawn in random order, so
    the neighbour is any other example. Whatever may be mixed is no label of its own: there is nothing to guard.

    Parameters
    ----------
    alpha : float, > 0
        α. Small: λ near 0 or 1, little is mixed; 1: λ ~ U(0, 1).
    rng : numpy.random.Generator or int, optional
        Draws the layer's key, once, here. Left out, a fresh seed is drawn, which the repr shows.

    Raises
    ------
    DTypeError
        When called with integers, or asked for mixed class numbers.

    Notes
    -----
    λ is one of 128 equally likely values, the quantiles of its distribution, for each example its own (the
    authors' program has one for a batch). A batch of one is mixed with itself.

    References
    ----------
    Zhang, Cissé, Dauphin and Lopez-Paz (2018), mixup: beyond empirical risk minimization.

    Examples
    --------
    >>> import numpy as np, nn
    >>> mix = nn.data.Mixup(1.0, rng=0)
    >>> x, t = np.array([[0.0], [1.0]]), np.eye(2)
    >>> mixed = mix(x).numpy()
    >>> bool(np.allclose(mixed[:, 0], mix.targets(t).numpy()[:, 1]))
    True
    """

    def __init__(self, alpha: float = 0.2, *, rng: RandomSource = None) -> None:
        self.alpha = POSITIVE.check("Mixup: alpha", alpha)
        source = source_of(rng, "Mixup")
        self.seed = source.seed
        self._keyed(source.generator)

    @classmethod
    def example(cls) -> Example:
        """Rows and pictures."""
        return Example(
            cls, calls=[[(3, 2)], [(3, 2, 1)]], variants=[{"alpha": 1.0}], undecided=PLACES
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Mix examples, shape (N, …), if in training."""
        given: Any = as_floats(x, self)
        if given.ndim == 0:
            raise ShapeError(repr(self), "expected examples, shape (N, …); received shape ().")
        if not self.training:
            return ag.identity(given)
        return self._mixed(given, self._bits((given.shape[0],)))

    def targets(self, targets: ArrayLike) -> ag.Tensor:
        """Targets, shape (N, …), mixed as the newest pass mixed its inputs; as they are in evaluation.

        Raises
        ------
        DTypeError
            If they are class numbers: those have no mean. Pass ``nn.data.one_hot(labels, classes)``.
        """
        given: Any = targets if isinstance(targets, ag.Tensor) else plain(repr(self), targets)
        if given.dtype.kind != "f" or given.ndim == 0:
            raise DTypeError(
                f"{self!r}.targets",
                f"expected floats, shape (N, …), such as one-hot rows; received {given.dtype}, shape {given.shape}. "
                "Class numbers have no mean: pass nn.data.one_hot(labels, classes).",
            )
        if not self.training:
            return ag.identity(given)
        bits = ag.random_bits(self.key, self.counter, shape=(given.shape[0],))
        return self._mixed(given, bits)

    def _mixed(self, x: Any, bits: ag.Tensor) -> ag.Tensor:
        place = ag.cast(bits // np.uint32(2**32 // _VALUES), np.int64)
        share = ag.take(quantiles(self.alpha).astype(x.dtype), place, axis=0)
        share = ag.reshape(share, (x.shape[0],) + (1,) * (x.ndim - 1))
        return share * x + (1 - share) * ag.roll(x, 1, axis=0)

    def extra_repr(self) -> str:
        """Give α."""
        return ", ".join([f"{self.alpha:g}", *self._seeded()])


@functools.lru_cache(maxsize=16)
def quantiles(alpha: float) -> Array:
    """Values of Beta(α, α) that cut it into equal parts, in the middle of each; ascending.

    With λ = sin² φ the density is (sin φ cos φ)^(2α−1). Below α = 1/2 it has a pole at 0, and φ = t^(1/2α) makes
    ((sin φ cos φ)/φ)^(2α−1) of it, which is smooth. The upper half is the lower one, mirrored.
    """
    power = min(1.0, 2 * alpha)
    t = np.linspace(0, (math.pi / 4) ** power, _GRID + 1)
    ends, middle = _density(t, alpha, power), _density((t[1:] + t[:-1]) / 2, alpha, power)
    mass = np.concatenate([[0.0], np.cumsum(ends[:-1] + 4 * middle + ends[1:])])  # Simpson's rule
    wanted = (np.arange(_VALUES // 2) + 0.5) / (_VALUES // 2) * mass[-1]
    low = np.sin(np.interp(wanted, mass, t) ** (1 / power)) ** 2
    return np.concatenate([low, 1 - low[::-1]])


def _density(t: Array, alpha: float, power: float) -> Array:
    phi = t ** (1 / power)
    both = np.sin(phi) * np.cos(phi)
    if power == 1:
        return both ** (2 * alpha - 1)
    there = np.where(phi > 0, phi, 1.0)
    return np.where(phi > 0, both / there, 1.0) ** (2 * alpha - 1)
