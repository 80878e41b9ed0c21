"""Data sets that come with an installed package, so that nothing is fetched."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from autograd_core.errors import MissingDependencyError

from ..options import check_dtype, check_rng
from .splits import Split, stratified

__all__ = ["Splits", "digits"]


class Splits(NamedTuple):
    """A data set in three parts; unpacks as ``train, validation, test``."""

    train: Split
    validation: Split
    test: Split


def digits(
    *,
    rng: np.random.Generator,
    validation: float = 0.15,
    test: float = 0.2,
    dtype: npt.DTypeLike = np.float32,
) -> Splits:
    """Real handwritten digits, 8 × 8 pixels: the set that scikit-learn brings along.

    1,797 images of 43 writers, 10 classes of about 180; the test part of the UCI set "Optical
    recognition of handwritten digits".

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the split; equal generators give equal parts.
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
        If the fractions leave nothing to train on.

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
    generator = check_rng(rng, "digits")
    kind = check_dtype(dtype, "digits")
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingDependencyError(
            "nn.data.digits: scikit-learn brings this data set and is not installed. Expected the "
            'extra "data". Run: pip install "gradproof[data]".'
        ) from error
    pixels, labels = load_digits(return_X_y=True)
    whole = Split((pixels / 16).astype(kind), labels.astype(np.int64))
    return Splits(*stratified(whole, (validation, test), rng=generator))
