"""What a data set is here: inputs and targets in equal order, as plain arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from autograd_core.aliases import Array
from autograd_core.errors import ConfigError

__all__ = ["Split", "stratified"]


class Split(NamedTuple):
    """One part of a data set; unpacks as ``inputs, targets``.

    Attributes
    ----------
    inputs : ndarray, shape (N, …)
    targets : ndarray, shape (N,) or (N, …)
    """

    inputs: Array
    targets: Array


def stratified(
    data: Split, fractions: tuple[float, ...], *, rng: np.random.Generator
) -> tuple[Split, ...]:
    """Deal ``data`` out at random so that every class has its share in every part.

    Parameters
    ----------
    data : Split
        With integer class labels as targets.
    fractions : tuple of float
        Of each part after the first, which takes the rest; each in [0, 1), the sum below 1. Within
        a class, counts are rounded half to even.
    rng : numpy.random.Generator
        Source of the draw; equal generators give equal parts.

    Returns
    -------
    tuple of Split
        ``1 + len(fractions)`` parts, each in random order; copies.

    Raises
    ------
    ConfigError
        If the fractions are not as said.
    """
    if not all(0 <= f < 1 for f in fractions) or sum(fractions) >= 1:
        raise ConfigError(
            "split: the fractions leave nothing to train on. Expected each in [0, 1) and a sum "
            f"below 1; received {fractions}."
        )
    parts: list[list[Array]] = [[] for _ in range(1 + len(fractions))]
    for label in np.unique(data.targets):
        members = rng.permutation(np.flatnonzero(data.targets == label))
        start = 0
        for part, fraction in zip(parts[1:], fractions, strict=True):
            stop = start + round(fraction * len(members))
            part.append(members[start:stop])
            start = stop
        parts[0].append(members[start:])
    none = np.zeros(0, np.intp)
    orders = [rng.permutation(np.concatenate([none, *part])) for part in parts]
    return tuple(Split(data.inputs[order], data.targets[order]) for order in orders)
