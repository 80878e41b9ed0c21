"""Whiteout: normal noise on connections, the more the smaller their weight."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import ArrayLike, RandomSource
from autograd_core.options import NON_NEGATIVE, Choice, Interval

from ... import functional, initializers
from ...contract import Example
from ...initializers.initializer import Initializer
from ...inputs import as_features
from .drawing import NoisyLinear, Per

__all__ = ["Whiteout"]

_FORMS: Choice[Literal["additive", "multiplicative"]] = Choice(("additive", "multiplicative"))
_GAMMA = Interval(0.0, 2.0, open_high=False)


class Whiteout(NoisyLinear):
    """A linear layer with normal noise on the signal of each connection, of variance σ² |w|^(−γ) + λ.

    y = Σ_i w_i (x_i + e_i) + b, or Σ_i w_i x_i (1 + e_i) + b, with e_i ~ N(0, σ² |w_i|^(−γ) + λ) for each
    connection: in the mean of a squared error a penalty σ² |w|^(2−γ) + λ w², times x² in the second
    form.

    Parameters
    ----------
    in_features, out_features : int
        See `Linear`.
    std : float, ≥ 0
        σ.
    gamma : float, in [0, 2]
        γ. 0: the same noise on all connections (L2); 1: an elastic net; towards 2, the number of
        weights.
    lam : float, ≥ 0
        λ.
    form : {"additive", "multiplicative"}
        "Add or multiply."
    per : {"example", "batch"}
        Whether each input has noise of its own, as in the paper, or all of a pass have the same. The
        first takes memory for a weight matrix for each input of a batch.
    bias, rng, dtype, weight_init, bias_init
        See `Linear`; ``rng`` draws the first weights, then the key.

    Raises
    ------
    ConfigError
        See `Linear`; or if an option is outside its range.
    ShapeError
        When called with an input whose last axis is not ``in_features``.

    Notes
    -----
    The noise has mean 0, so nothing is scaled at test time: evaluation is `Linear`. Gradients go
    through the size of the noise, as it is part of what is computed; that of a weight of exactly 0 has no slope.

    References
    ----------
    [Variations on dropout]. Li and Liu (2016), Whiteout: Gaussian adaptive noise regularization in
    deep neural networks.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Whiteout(1, 1, std=0.5, rng=0, weight_init=nn.initializers.ones)
    >>> y = layer(np.ones((100_000, 1))).detach().numpy()
    >>> abs(y.mean() - 1) < 0.01, abs(y.std() - 0.5) < 0.01
    (np.True_, np.True_)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        std: float = 0.1,
        *,
        gamma: float = 1.0,
        lam: float = 0.0,
        form: Literal["additive", "multiplicative"] = "additive",
        per: Per = "example",
        bias: bool = True,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
        weight_init: Initializer = initializers.he_normal,
        bias_init: Initializer = initializers.zeros,
    ) -> None:
        self.std = NON_NEGATIVE.check("Whiteout: std", std)
        self.gamma = _GAMMA.check("Whiteout: gamma", gamma)
        self.lam = NON_NEGATIVE.check("Whiteout: lam", lam)
        self.form = _FORMS.check("Whiteout: form", form)
        super().__init__(in_features, out_features, bias, per, rng, dtype, weight_init, bias_init)

    @classmethod
    def example(cls) -> Example:
        """Three inputs, two outputs; each option, and no noise."""

        def make(
            *sizes: int,
            rng: RandomSource = None,
            dtype: npt.DTypeLike = np.float32,
            weight_init: Initializer = initializers.ones,
            **options: Any,
        ) -> Whiteout:
            """With weights away from 0, where differences meet a kink."""
            return cls(*sizes, rng=rng, dtype=dtype, weight_init=weight_init, **options)

        return Example(
            make,
            (3, 2),
            variants=[
                {"std": 0.5, "gamma": 0.5, "lam": 0.25, "bias": False},
                {"form": "multiplicative", "per": "batch", "bias_init": initializers.ones},
                {"std": 0.0},
            ],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute x W + b with noise on the way.

        Parameters
        ----------
        x : array_like, shape (…, in_features)

        Returns
        -------
        Tensor, shape (…, out_features)
            In the layer's dtype.
        """
        x = as_features(x, self.in_features, self.dtype, self)
        if not self.training or self.std == self.lam == 0:
            return functional.linear(x, self.weight, self.bias)
        spread = functional.whiteout_spread(self.weight, self.std, self.gamma, self.lam)
        noise = spread * self._normal((*self._draws(x), *self.weight.shape), self.dtype)
        if self.form == "multiplicative":
            return functional.connected(x, self.weight + noise, self.bias)
        return functional.linear(x, self.weight, self.bias) + ag.sum(noise, axis=-2)

    def _options(self) -> list[str]:
        options = [f"std={self.std:g}", f"gamma={self.gamma:g}", f"lam={self.lam:g}"]
        options += [] if self.form == "additive" else [f'form="{self.form}"']
        return options + super()._options()
