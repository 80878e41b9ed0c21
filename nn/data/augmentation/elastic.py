"""Pictures drawn on rubber."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array, RandomSource
from autograd_core.options import NON_NEGATIVE, POSITIVE

from ...contract import Example
from ._sampling import Fill, centred, checked_fill, sampled
from .augmentation import Augmentation
from .geometry import CLASSES, PICTURES, PLACES, SMALL
from .guard import Reach

__all__ = ["Elastic"]

_REACH = 4.0  # deviations beyond which the Gaussian is 0, as SciPy has it


class Elastic(Augmentation):
    """Elastic distortion: each pixel comes from beside its place, neighbours from about the same side.

    Two fields of numbers ~ U(−1, 1), one for rows and one for columns, are smoothed by a Gaussian of deviation
    σ and multiplied by α: by so much each pixel is moved.

    Parameters
    ----------
    alpha : float, ≥ 0
        α, in pixels before smoothing: the typical move is α / (σ √(12 π)) pixels, 1.4 by default.
    sigma : float, > 0
        σ, in pixels: large is close to a shift, small tears the picture up.
    fill : float or "nearest"
        What comes in from beyond the edge.
    classes, confirmed, rng
        See `Augmentation`. Moves of 3 pixels, typically, may turn a 1 into a 7.

    Notes
    -----
    The defaults are Simard's for MNIST, 28 × 28 (α = 34, σ = 4). Beyond the edge the fields are 0. His text scales
    the smoothed field to norm 1 first, programs do not; so does this not.

    References
    ----------
    Simard, Steinkraus and Platt (2003), Best practices for convolutional neural networks applied to visual
    document analysis, section 2. [Additional heuristics: Data Augmentation]: "other distortion".

    Examples
    --------
    >>> import numpy as np, nn
    >>> y = nn.data.Elastic(rng=0)(np.ones((2, 28, 28), np.float32))
    >>> y.shape, bool(abs(y.numpy()[:, 5:-5, 5:-5] - 1).max() < 1e-6)
    ((2, 28, 28), True)
    """

    def __init__(
        self,
        alpha: float = 34.0,
        sigma: float = 4.0,
        *,
        fill: Fill = 0.0,
        classes: Iterable[str | int] | None = None,
        confirmed: Sequence[tuple[str, str]] | bool = False,
        rng: RandomSource = None,
    ) -> None:
        self.alpha = NON_NEGATIVE.check("Elastic: alpha", alpha)
        self.sigma = POSITIVE.check("Elastic: sigma", sigma)
        self.fill = checked_fill("Elastic", fill)
        super().__init__(classes=classes, confirmed=confirmed, rng=rng)

    @classmethod
    def example(cls) -> Example:
        """On small pictures."""
        variants = [{"alpha": 3.0, "sigma": 0.7, "fill": "nearest", **CLASSES}]
        return Example(cls, calls=PICTURES, variants=variants, undecided=PLACES, small=SMALL)

    @property
    def move(self) -> float:
        """How far a pixel moves down, or across, typically: the root of the mean square, in pixels."""
        # E u² = 1/3, and the squares of a Gaussian's weights sum up to 1/(4πσ²); not for σ below a pixel.
        return min(self.alpha / (self.sigma * math.sqrt(12 * math.pi)), self.alpha / math.sqrt(3))

    def still(self) -> bool:
        """Whether nothing moves."""
        return self.alpha == 0

    def reaches(self) -> tuple[Reach, ...]:
        """Its typical move."""
        return (Reach(warp=self.move),)

    def draws(self, height: int, width: int) -> tuple[int, ...]:
        """Two fields."""
        return (2, height, width)

    def changed(self, x: ag.Tensor, u: ag.Tensor) -> ag.Tensor:
        """Smooth the fields, and read each pixel where it comes from."""
        height, width = x.shape[-2:]
        down, across = (_smoothing(n, self.sigma).astype(u.dtype) for n in (height, width))
        moves = ag.matmul(ag.matmul(down, 2.0 * u - 1.0), across.T) * self.alpha
        rows, columns = centred(height, width, u.dtype)
        rows, columns = rows + (height - 1) / 2, columns + (width - 1) / 2
        return sampled(x, moves[:, 0] + rows, moves[:, 1] + columns, self.fill)

    def options(self) -> list[str]:
        """Both numbers."""
        fill = [] if self.fill == 0 else [f"fill={self.fill!r}"]
        return [f"alpha={self.alpha:g}", f"sigma={self.sigma:g}", *fill]


def _smoothing(size: int, sigma: float) -> Array:
    """Smoothing by a Gaussian along one axis, zeros beyond, as a matrix: that of scipy.ndimage.gaussian_filter1d."""
    reach = int(_REACH * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    apart = np.arange(size)[:, None] - np.arange(size) + reach
    inside = (apart >= 0) & (apart <= 2 * reach)
    return np.where(inside, weights[np.clip(apart, 0, 2 * reach)], 0.0)
