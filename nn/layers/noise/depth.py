"""Stochastic depth: whole branches switched off."""

from __future__ import annotations

from typing import Any

from autograd_core.aliases import RandomSource
from autograd_core.errors import ShapeError

from ...contract import Example
from .drawing import PER, Per, Scale
from .dropout import Dropout

__all__ = ["StochasticDepth"]


class StochasticDepth(Dropout):
    """All of the input is kept with probability α and otherwise 0: at the end of a residual branch.

    x + D f(x): with D = 0 the branch is skipped, so that in training the network is as deep as many
    branches are on, and in evaluation as deep as it is.

    Parameters
    ----------
    p, keep, rng
        See `Dropout`. Huang et al. let the probability to keep fall with depth, from 1 to 0.5:
        α_l = 1 − l/L · (1 − α_L) for branch l of L.
    scale : {"inverted", "test"}
        ``"inverted"``: D/α in training, and evaluation leaves the input as it is. ``"test"``, Huang et
        al.'s and the slides': D alone, and evaluation multiplies by α.
    per : {"batch", "example"}
        What one D is for: all examples of a pass, as in the paper, or each example.

    Raises
    ------
    ConfigError
        See `Dropout`; or if ``per`` is no such name.
    ShapeError
        When called with a scalar and ``per="example"``.

    Notes
    -----
    torchvision's of the same name has ``mode="batch"`` or ``"row"``, and is inverted. The branch is
    computed also where it is off: a recorded program has the same steps in every pass.

    References
    ----------
    [Regularization], "stochastic depth"; Huang et al. (2016), Deep networks with stochastic depth.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.StochasticDepth(0.5, per="example", rng=0)
    >>> y = layer(np.ones((100, 3))).numpy()
    >>> sorted(set(map(tuple, y.tolist())))
    [(0.0, 0.0, 0.0), (2.0, 2.0, 2.0)]
    """

    def __init__(
        self,
        p: float | None = None,
        *,
        keep: float | None = None,
        rng: RandomSource = None,
        scale: Scale = "inverted",
        per: Per = "batch",
    ) -> None:
        super().__init__(p, keep=keep, rng=rng, scale=scale)
        self.per = PER.check("StochasticDepth: per", per)

    @classmethod
    def example(cls) -> Example:
        """Half of the passes, and of the examples; both places where it is scaled; all and none."""
        return Example(
            cls,
            calls=[[(5, 3)], [(5, 2, 3)]],
            variants=[
                {"per": "example"},
                {"keep": 0.8, "scale": "test"},
                {"p": 0.0},
                {"p": 1.0},
            ],
        )

    def _mask_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.per == "batch":
            return (1,) * len(shape)
        if not shape:
            raise ShapeError(
                str(self),
                'per="example" needs an axis of examples. Expected shape (batch, …); received ().',
            )
        return (shape[0], *(1,) * (len(shape) - 1))

    def _options(self) -> list[str]:
        return super()._options() + ([] if self.per == "batch" else [f'per="{self.per}"'])
