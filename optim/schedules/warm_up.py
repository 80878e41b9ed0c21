"""A warm-up before another schedule."""

from __future__ import annotations

from typing import Annotated, Any

import autograd_core as ag
from autograd_core.options import COUNT, NON_NEGATIVE

from .schedule import Constant, Schedule

__all__ = ["WarmUp"]


class WarmUp(Schedule):
    """η_k = a + (b − a) k/n before k = n, b the first number of a schedule; from there on that one.

    Parameters
    ----------
    schedule : Schedule
        What follows; its own k = 0 is at k = n.
    updates : int, ≥ 1
        n.
    start : float, ≥ 0
        a, the number at k = 0. With 0 the first update changes nothing.

    Notes
    -----
    PyTorch's ``LinearLR(start_factor=⅓)`` begins with a = b/3, and counts what follows from its own
    0 in ``SequentialLR`` as here, not so in ``ChainedScheduler``.

    References
    ----------
    Goyal et al. (2017), Accurate, large minibatch SGD: training ImageNet in 1 hour.

    Examples
    --------
    >>> from optim.schedules import Cosine
    >>> warm = WarmUp(Cosine(0.4, updates=4), updates=2)
    >>> [round(float(warm(k)), 2) for k in range(7)]
    [0.0, 0.2, 0.4, 0.34, 0.2, 0.06, 0.0]
    """

    examples = (
        {"schedule": Constant(0.1), "updates": 4},
        {"schedule": Constant(0.1), "updates": 3, "start": 0.2},
    )

    schedule: Schedule
    updates: Annotated[int, COUNT]
    start: Annotated[float, NON_NEGATIVE] = 0.0

    def __call__(self, k: Any) -> Any:
        """The number at ``k``."""
        then = self.schedule(ag.maximum(k - self.updates, 0))  # its first number until k = n
        share = ag.minimum(k, self.updates) / self.updates
        return (1 - share) * self.start + share * then

    def turns(self) -> tuple[int, ...]:
        """Its end, and those of what follows."""
        return (self.updates, *(self.updates + k for k in self.schedule.turns()))
