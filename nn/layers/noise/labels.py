"""Labels flipped at random, while training."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike, RandomSource
from autograd_core.errors import ShapeError
from autograd_core.options import PROBABILITY, Whole
from autograd_core.randomness import source_of

from ... import functional
from ...contract import Example
from .drawing import Drawing

__all__ = ["LabelFlip"]

_CLASSES = Whole(2)


class LabelFlip(Drawing):
    """Each target is taken, with probability p, for another class, all others equally likely.

    Noise on the outputs: for targets, between the data and the loss. In evaluation targets stay.

    Parameters
    ----------
    classes : int, from 2
        C.
    p : float, in [0, 1]
        Probability of a wrong class.
    rng : numpy.random.Generator or int, optional
        See `Dropout`.

    Raises
    ------
    ConfigError
        If an option is outside its range.
    ShapeError, DTypeError, DataError
        When called with something else than labels or rows of C probabilities; see
        `nn.functional.flip_labels`.

    Notes
    -----
    In the mean, cross-entropy with flipped labels is cross-entropy with label smoothing of
    p C/(C − 1) (claim D14). One draw for each target of a pass, anew for every pass; which of the other
    classes it is, is uniform to within C/2³².

    References
    ----------
    [Data augmentation with Noise]. Xie et al. (2016), DisturbLabel: regularizing CNN on the loss layer, which
    draws the true class, too.

    Examples
    --------
    >>> import numpy as np, nn
    >>> flip = nn.LabelFlip(10, 0.1, rng=0)
    >>> labels = np.arange(10_000) % 10
    >>> bool(abs((flip(labels).numpy() != labels).mean() - 0.1) < 0.02)
    True
    """

    def __init__(self, classes: int, p: float, *, rng: RandomSource = None) -> None:
        self.classes = _CLASSES.check("LabelFlip: classes", classes)
        self.p = PROBABILITY.check("LabelFlip: p", p)
        source = source_of(rng, "LabelFlip")
        self.seed = source.seed
        self._keyed(source.generator)

    @classmethod
    def example(cls) -> Example:
        """Rows of three probabilities, half of them flipped."""
        return Example(
            cls, (3, 0.5), undecided="where a row's entries go is computed from random bits"
        )

    def forward(self, targets: ArrayLike) -> ag.Tensor:
        """Flip labels, shape (…,) of int, or rows, shape (…, classes) of floats."""
        if not isinstance(targets, ag.Tensor):
            targets = np.asarray(targets)
        rows = targets.dtype.kind == "f"
        if rows and (not targets.shape or targets.shape[-1] != self.classes):
            raise ShapeError(
                str(self),
                f"the targets do not fit. Expected integer labels, or rows of {self.classes} "
                f"probabilities; received shape {targets.shape}.",
            )
        if not self.training or self.p == 0:
            return ag.identity(targets)
        shift = self._shift(targets.shape[:-1] if rows else targets.shape)
        return functional.flip_labels(targets, shift, self.classes)

    def _shift(self, shape: tuple[Any, ...]) -> ag.Tensor:
        bits = self._bits((2, *shape))
        flipped = ag.mark(functional.bernoulli(bits[0], self.p), role="noise", name="flipped")
        other = ag.cast(ag.mod(bits[1], self.classes - 1), np.int64) + 1
        return ag.multiply(other, flipped)

    def extra_repr(self) -> str:
        """Give the number of classes, and the probability."""
        return ", ".join([str(self.classes), f"{self.p:g}", *self._seeded()])
