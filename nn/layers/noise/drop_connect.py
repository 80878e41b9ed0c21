"""DropConnect: connections switched off at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import ArrayLike, RandomSource
from autograd_core.errors import ConfigError
from autograd_core.options import Choice, Whole

from ... import functional, initializers
from ...contract import Example
from ...initializers.initializer import Initializer
from ...inputs import as_features
from .drawing import SCALE, NoisyLinear, Per, Scale, probabilities

__all__ = ["DropConnect"]

_TESTS: Choice[Literal["mean", "gaussian"]] = Choice(("mean", "gaussian"))


class DropConnect(NoisyLinear):
    """A linear layer, each of whose connections is kept with probability α, anew for every input and pass.

    y = a(x (M W) + b) with M = 1 with probability α, else 0, for each weight. Dropout is the case in
    which all weights of a unit are dropped together.

    Parameters
    ----------
    in_features, out_features : int
        See `Linear`.
    p : float, in [0, 1], optional
        Probability that a connection is *dropped*, 1 − α. Default 0.5.
    keep : float, in [0, 1], optional
        α, instead of ``p``.
    bias : bool
        Whether to add b.
    drop_bias : bool
        Whether biases are dropped, too, as in the paper; the slide drops connections.
    per : {"example", "batch"}
        What one mask is for: each input, as in the paper, or all inputs of a pass. The first takes
        memory for a weight matrix for each input of a batch.
    scale : {"inverted", "test"}
        Where the mean is kept equal. ``"inverted"``: kept weights are divided by α in training.
        ``"test"``, the paper's and the slides': M W in training, α W in evaluation.
    test : {"mean", "gaussian"}
        Evaluation. ``"mean"``: a(x E[M W] + b), as the slides scale. ``"gaussian"``: the paper's mean of
        a over sums that are taken to be normal, with the mean and the variance that masks give
        them; see `nn.functional.moment_matched`.
    activation : callable or Module, optional
        a; the identity if left out. ``"gaussian"`` needs it, as it averages behind it.
    samples : int, from 2
        Z of ``"gaussian"``.
    rng, dtype, weight_init, bias_init
        See `Linear`; ``rng`` draws the first weights, then the key.

    Raises
    ------
    ConfigError
        See `Dropout` and `Linear`; or if ``test="gaussian"`` has no activation.
    ShapeError
        When called with an input whose last axis is not ``in_features``.

    Notes
    -----
    Mean α Σ w x and variance α (1 − α) Σ w² x² of the sums are claim D9. Other libraries have no such
    layer; stochastic depth is sometimes called drop connect.

    References
    ----------
    [Variations on dropout]. Wan, Zeiler, Zhang, LeCun, Fergus (2013), Regularization of neural networks
    using DropConnect.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.DropConnect(3, 2, keep=0.75, rng=0, weight_init=nn.initializers.ones)
    >>> layer.eval()(np.ones((1, 3))).numpy().tolist()
    [[3.0, 3.0]]
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        p: float | None = None,
        *,
        keep: float | None = None,
        bias: bool = True,
        drop_bias: bool = False,
        per: Per = "example",
        scale: Scale = "inverted",
        test: Literal["mean", "gaussian"] = "mean",
        activation: Callable[[Any], Any] | None = None,
        samples: int = 64,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
        weight_init: Initializer = initializers.he_normal,
        bias_init: Initializer = initializers.zeros,
    ) -> None:
        self.p, self.keep = probabilities("DropConnect", p, keep)
        self.scale = SCALE.check("DropConnect: scale", scale)
        self.test = _TESTS.check("DropConnect: test", test)
        self.samples = Whole(2).check("DropConnect: samples", samples)
        if activation is None and test == "gaussian":
            raise ConfigError(
                "DropConnect",
                'test="gaussian" averages behind the activation. Expected activation=, such as '
                "ag.relu; received none. Pass it, and leave out the layer that follows.",
            )
        self.drop_bias = bool(drop_bias)
        super().__init__(in_features, out_features, bias, per, rng, dtype, weight_init, bias_init)
        self.activation = activation

    @classmethod
    def example(cls) -> Example:
        """Three inputs, two outputs; each option, and all connections dropped."""
        return Example(
            cls,
            (3, 2),
            variants=[
                {"keep": 0.8, "scale": "test", "bias": False},
                {
                    "per": "batch",
                    "activation": ag.tanh,
                    "drop_bias": True,
                    "bias_init": initializers.ones,
                    "weight_init": initializers.glorot_uniform,
                },
                {
                    "test": "gaussian",
                    "activation": ag.tanh,
                    "samples": 2,
                    "scale": "test",
                    "drop_bias": True,
                },
                {"p": 1.0},
            ],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute a(x (M W) + b).

        Parameters
        ----------
        x : array_like, shape (…, in_features)

        Returns
        -------
        Tensor, shape (…, out_features)
            In the layer's dtype.
        """
        x = as_features(x, self.in_features, self.dtype, self)
        if self.activation is None:
            return self._sums(x)
        if self.test == "gaussian" and not self.training and 0 < self.keep < 1:
            return functional.moment_matched(*self._moments(x), self.activation, self.samples)
        result: ag.Tensor = self.activation(self._sums(x))
        return result

    def _sums(self, x: Any) -> ag.Tensor:
        weight, bias = self.weight, self.bias
        divisor = self.keep if self.scale == "inverted" and self.keep > 0 else None
        if self.keep == 1 or (not self.training and self.scale == "inverted"):
            return functional.linear(x, weight, bias)
        if not self.training:
            bias = ag.multiply(bias, self.keep) if bias is not None and self.drop_bias else bias
            return functional.linear(x, weight * self.keep, bias)
        draws, role = self._draws(x), "connection mask"
        mask = self._bernoulli((*draws, *weight.shape), self.keep, role)
        if bias is not None and self.drop_bias:
            kept = self._bernoulli((*draws, *bias.shape), self.keep, role)
            bias = functional.dropout(bias, kept, divisor)
        return functional.drop_connect(x, weight, mask, bias, divisor)

    def _moments(self, x: Any) -> tuple[ag.Tensor, ag.Tensor]:
        """Mean and variance of the sums over all masks."""
        mean = self._sums(x)
        share = self.keep * self.p  # of w², of which masks are the variance
        if self.scale == "inverted":
            share /= self.keep**2
        biases = self.bias if self.drop_bias else None
        squares = biases if biases is None else ag.square(biases)
        return mean, share * functional.linear(ag.square(x), ag.square(self.weight), squares)

    def _options(self) -> list[str]:
        options = [f"p={self.p:g}", *super()._options()]
        options += ["drop_bias=True"] if self.drop_bias else []
        options += [] if self.scale == "inverted" else [f'scale="{self.scale}"']
        return options + ([] if self.test == "mean" else [f'test="{self.test}"'])
