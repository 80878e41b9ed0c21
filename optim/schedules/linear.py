"""Linear decay as the slides have it: one over the count."""

from __future__ import annotations

from typing import Annotated, Any

from autograd_core.options import NON_NEGATIVE

from .schedule import Schedule

__all__ = ["Linear"]


class Linear(Schedule):
    """η_k = η0 / (k + 1): the slides' linear decay; Σ η_k = ∞ and Σ η_k² < ∞.

    Parameters
    ----------
    initial : float, ≥ 0
        η0, the number at k = 0.

    Notes
    -----
    Σ η_k diverges and Σ η_k² converges, as [When does SGD work] asks for. A straight line down is
    `Ramp`. The slides' procedure raises its count before use, and so begins with η0/2: that is
    ``Linear(η0)`` one update later.

    References
    ----------
    [Decaying learning rate], [Incremental Update: Stochastic Gradient Descent].

    Examples
    --------
    >>> [Linear(0.1)(k) for k in (0, 1, 3)]
    [0.1, 0.05, 0.025]
    """

    examples = ({"initial": 0.1},)

    initial: Annotated[float, NON_NEGATIVE]

    def __call__(self, k: Any) -> Any:
        """The number at ``k``."""
        return self.initial / (k + 1)
