"""One cycle: up to a large rate, and down to a very small one."""

from __future__ import annotations

from math import pi
from typing import Annotated, Any

import autograd_core as ag
from autograd_core.options import NON_NEGATIVE, Interval, Whole

from .schedule import Schedule

__all__ = ["OneCycle"]

_FACTOR = Interval(1.0)


class OneCycle(Schedule):
    """η_k = half a wave from η0/d up to η0, and half a wave from there down to η0/(d f).

    Parameters
    ----------
    peak : float, ≥ 0
        η0, the largest number; see `analysis.lr_range_test` for how it is found.
    updates : int, ≥ 2
        n, those of the whole run: the last of them, k = n − 1, is made with η0/(d f), and so are any
        that follow.
    pct_start : float, in (0, 1)
        The share of the updates in which it rises: it is η0 at k = n · pct_start − 1, or right from
        the start if that is not after k = 0.
    div_factor, final_div_factor : float, ≥ 1
        d and f.

    Notes
    -----
    Names, defaults and values are those of PyTorch's ``OneCycleLR``, which also lets the momentum
    fall while the rate rises: ``momentum=`` takes a schedule of its own.

    References
    ----------
    Smith and Topin (2017), Super-convergence: very fast training of neural networks using large
    learning rates.

    Examples
    --------
    >>> cycle = OneCycle(1.0, updates=10)
    >>> [round(float(cycle(k)), 4) for k in (0, 1, 2, 9, 99)]
    [0.04, 0.52, 1.0, 0.0, 0.0]
    """

    examples = (
        {"peak": 0.1, "updates": 10},
        {"peak": 0.1, "updates": 8, "pct_start": 0.55, "div_factor": 4.0, "final_div_factor": 8.0},
        {"peak": 0.1, "updates": 3, "pct_start": 0.2},
    )

    peak: Annotated[float, NON_NEGATIVE]
    updates: Annotated[int, Whole(2)]
    pct_start: Annotated[float, Interval(0.0, 1.0, open_low=True)] = 0.3
    div_factor: Annotated[float, _FACTOR] = 25.0
    final_div_factor: Annotated[float, _FACTOR] = 1e4

    def __call__(self, k: Any) -> Any:
        """The number at ``k``."""
        start, last = self.peak / self.div_factor, self.updates - 1
        top = max(self.pct_start * self.updates - 1, 0.0)
        end = start / self.final_div_factor
        fallen = ag.minimum(ag.maximum(k - top, 0.0), last - top) / (last - top)
        falls = _half_a_wave(self.peak, end, fallen)
        if top == 0:
            return falls
        rises = _half_a_wave(start, self.peak, ag.minimum(k, top) / top)
        return ag.where(k < top, rises, falls)


def _half_a_wave(a: float, b: float, t: Any) -> Any:
    """From a at t = 0 to b at t = 1."""
    wave = (1 + ag.cos(pi * t)) / 2
    return wave * a + (1 - wave) * b
