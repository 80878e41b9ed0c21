"""A running average of the weights."""

from __future__ import annotations

from typing import Any

from ..hyperparameters import Fraction
from .transform import Transform

__all__ = ["Average"]


class Average(Transform):
    """w̄_k = ρ w̄_{k−1} + (1 − ρ) w_k over the weights' own run, corrected for its start at zero.

    Parameters
    ----------
    decay : float, in [0, 1)
        ρ: about 1/(1 − ρ) updates are remembered.

    Notes
    -----
    Slot: ``average``, with the weight (1 − ρ)/(1 − ρ^k) for the newest, so that it is an average of
    w_1 … w_k from the first update on. Training goes on from the weights themselves; the average is
    read by ``optimizer.slots_of(parameter)["Average.average"]`` and assigned where it is wanted.

    References
    ----------
    Polyak and Juditsky (1992), Acceleration of stochastic approximation by averaging.

    Examples
    --------
    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([0.0], requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=1.0, transforms=[optim.Average(0.5)])
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w * 3.0).sum().backward()
    ...     optimizer.step()
    >>> optimizer.slots_of(w)["Average.average"]  # (½·½·(−3) + ½·(−6)) / (1 − ½²)
    array([-5.])
    """

    examples = ({"decay": 0.5},)

    slots = ("average",)
    decay: Fraction = 0.999

    @staticmethod
    def update(
        inner: Any, theta: Any, g: Any, average: Any, *, step: Any, decay: Any
    ) -> tuple[Any, ...]:
        """The update inside, and the average of where it leads."""
        theta = inner(theta, g)
        newest = (1 - decay) / (1 - decay**step)
        return theta, average + newest * (theta - average)
