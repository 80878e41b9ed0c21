"""Data sets that come with an installed package, so that nothing is fetched."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from autograd_core.aliases import RandomSource
from autograd_core.errors import MissingDependencyError
from autograd_core.options import FLOATS
from autograd_core.randomness import source_of

from .splits import Parts, Split, stratified

__all__ = ["Splits", "digits"]


class Splits(Parts):
    """A data set in three parts; unpacks as ``train, validation, test``, which are its attributes."""

    @property
    def train(self) -> Split:
        """What is learned from."""
        return self[0]

    @property
    def validation(self) -> Split:
        """What decides when to stop."""
        return self[1]

    @property
    def test(self) -> Split:
        """What is looked at once, at the end."""
        return self[2]

    def _names(self) -> Sequence[str]:
        return ("train", "validation", "test")


def digits(
    *,
    rng: RandomSource = None,
    validation: float = 0.15,
    test: float = 0.2,
    dtype: npt.DTypeLike = np.float32,
) -> Splits:
    """Real handwritten digits, 8 × 8 pixels: the set that scikit-learn brings along.

    1,797 images of 43 writers, 10 classes of about 180; the test part of the UCI set "Optical
    recognition of handwritten digits".

    Parameters
    ----------
    rng : numpy.random.Generator or int, optional
        Source of the split, or its seed; equal ones give equal parts. Left out, a fresh seed is
        drawn, which the result shows.
    validation, test : float
        Fractions of the whole, of each class alike; each in [0, 1), together below 1.
    dtype : dtype
        Of the inputs.

    Returns
    -------
    Splits
        ``train, validation, test``, each a `Split` of inputs, shape (N, 64), scaled from 0 … 16 to
        [0, 1], rows of the image one after the other; and targets, shape (N,), int64, 0 … 9. With
        the defaults N is 1169, 269 and 359.

    Raises
    ------
    MissingDependencyError
        If scikit-learn is not installed; the extra is ``data``.
    ConfigError
        If the fractions leave nothing to train on, or ``rng`` is neither a generator nor a seed.

    References
    ----------
    Alpaydin and Kaynak (1998), Cascading classifiers. UCI Machine Learning Repository, CC BY 4.0.

    Examples
    --------
    >>> import numpy as np, nn
    >>> train, validation, test = nn.data.digits(rng=np.random.default_rng(0))
    >>> train.inputs.shape, validation.targets.shape, test.inputs.dtype
    ((1169, 64), (269,), dtype('float32'))
    """
    source = source_of(rng, "digits")
    kind = FLOATS.check("digits: dtype", dtype)
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingDependencyError(
            "nn.data.digits",
            "scikit-learn brings this data set and is not installed. Expected the "
            'extra "data". Run: pip install "gradproof[data]".',
        ) from error
    pixels, labels = load_digits(return_X_y=True)
    all_digits = Split((pixels / 16).astype(kind), labels.astype(np.int64))
    parts = stratified(all_digits, (validation, test), rng=source.generator)
    return Splits.of(parts, source.seed)
