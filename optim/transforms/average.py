"""An average of the weights: a running one, or the mean of those that were met."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Annotated, Any, Literal

import autograd_core as ag
from autograd_core.options import COUNT, Whole

from ..hyperparameters import Fraction
from .transform import Transform

__all__ = ["Average"]


class Average(Transform):
    """w̄ ← w̄ + c_n (w − w̄): an average of the weights, beside their own run.

    With n counting the weights that are averaged, from 1::

        c_n = (1 − ρ) / (1 − ρ^n)    "exponential": EMA, corrected for its start; about 1/(1 − ρ) are remembered
        c_n = 1 / n                  "uniform": the mean of all of them (Polyak and Ruppert)

    The uniform one from some update on, every so many updates, is SWA: ``Average(form="uniform", start=…,
    every=…)``, with a learning rate that swings or stays high.

    Parameters
    ----------
    decay : float, in [0, 1)
        ρ; not looked at by the uniform form.
    form : {"exponential", "uniform"}
        Which c_n.
    start : int, ≥ 0
        So many updates are made before the first that is averaged. Until then w̄ is the weights.
    every : int, ≥ 1
        Of the following updates the first counts, and each of so many.

    Notes
    -----
    Slot: ``average``, an average of weights from the first update on. Training goes on from the weights
    themselves; the average is read by ``optimizer.slots_of(parameter)["Average.average"]``, stands in for
    the weights inside of ``with optim.averaged(optimizer, model):``, and is taken over by
    `optim.take_averages`. Buffers are not averaged: running statistics of batch norm are renewed by a
    pass over data (`nn.estimate_statistics`).

    References
    ----------
    [SGD Convergence]: averaging schemes. Polyak and Juditsky (1992), Acceleration of stochastic approximation by
    averaging. Izmailov et al. (2018), Averaging weights leads to wider optima and better generalization.

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

    examples = (
        {"decay": 0.5},
        {"form": "uniform"},
        {"form": "uniform", "start": 2, "every": 2},
    )

    slots = ("average",)
    decay: Fraction = 0.999
    _: KW_ONLY
    form: Literal["exponential", "uniform"] = "exponential"
    start: Annotated[int, Whole()] = 0
    every: Annotated[int, COUNT] = 1

    @staticmethod
    def update(
        inner: Any,
        theta: Any,
        g: Any,
        average: Any,
        *,
        step: Any,
        decay: Any,
        form: str,
        start: int,
        every: int,
    ) -> tuple[Any, ...]:
        """The update inside, and the average of where it leads."""
        theta = inner(theta, g)
        turn = step if every == 1 and not start else (step - start - 1) / every + 1
        n = turn if every == 1 else ag.floor(turn)
        if start:
            n = ag.maximum(n, 1)  # before the start the average is the weights
        newest = 1 / n if form == "uniform" else (1 - decay) / (1 - decay**n)
        if every > 1:
            newest = ag.where(ag.logical_or(ag.equal(turn, n), ag.less(turn, 1)), newest, 0)
        return theta, average + newest * (theta - average)
