"""Noise on the weights of any module."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import RandomSource
from autograd_core.errors import ConfigError
from autograd_core.options import NON_NEGATIVE
from autograd_core.randomness import source_of

from ...contract import Example
from ...module import Module
from ...substitution import functional_call
from ..linear import Linear
from .drawing import Drawing

__all__ = ["WeightNoise"]


class WeightNoise(Drawing):
    """A module, run with normal noise on its weights in training: θ + ε with ε ~ N(0, σ²).

    One draw for all inputs of a pass, anew for every pass. In evaluation it is the module.

    Parameters
    ----------
    module : Module
        Whose parameters are disturbed; itself, it stays as it is.
    std : float, ≥ 0
        σ, the same for all.
    biases : bool
        Whether parameters of fewer than two axes have noise, too.
    rng : numpy.random.Generator or int, optional
        See `Dropout`.

    Raises
    ------
    ConfigError
        If ``module`` is no Module or has nothing to disturb, σ is negative, or ``rng`` is neither a
        generator nor a seed.

    Notes
    -----
    Gradients are those at the disturbed weights, and go to the weights. A linear layer on x with noise on
    its weights has normal noise of variance σ² ‖x‖² on its outputs.

    References
    ----------
    [Data augmentation with Noise]: "adding noise to the weights". Graves (2011), Practical variational
    inference for neural networks, for "adaptive" noise of this kind.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.WeightNoise(nn.Linear(4, 1, rng=0), 0.5, rng=1)
    >>> x = np.ones((1, 4))
    >>> spread = np.std([layer(x).detach().numpy() for _ in range(2000)])
    >>> (
    ...     bool(abs(spread - 1.0) < 0.1),
    ...     bool(layer.eval()(x).detach().numpy() == layer.module(x).detach().numpy()),
    ... )
    (True, True)
    """

    module: Module

    def __init__(
        self, module: Module, std: float, *, biases: bool = False, rng: RandomSource = None
    ) -> None:
        if not isinstance(module, Module):
            raise ConfigError(
                "WeightNoise",
                f"expected a Module to disturb; received {type(module).__name__}. Pass the module, "
                "then σ.",
            )
        self.std = NON_NEGATIVE.check("WeightNoise: std", std)
        self.biases = bool(biases)
        self.module = module
        if not self._disturbed():
            raise ConfigError(
                "WeightNoise",
                f"{type(module).__name__} has no weights to disturb. Expected a module with a parameter "
                "of two axes or more, or biases=True.",
            )
        source = source_of(rng, "WeightNoise")
        self.seed = source.seed
        self._keyed(source.generator)

    @classmethod
    def example(cls) -> Example:
        """A linear layer with noise on its weights, and on its biases, too; none."""

        def make(
            rng: RandomSource = None,
            dtype: npt.DTypeLike = np.float32,
            std: float = 0.5,
            biases: bool = False,
        ) -> WeightNoise:
            source = source_of(rng, "WeightNoise")
            again = source.generator if source.seed is None else source.seed
            return cls(
                Linear(3, 2, rng=np.random.default_rng(0), dtype=dtype),
                std,
                biases=biases,
                rng=again,
            )

        return Example(make, variants=[{"biases": True}, {"std": 0.0}])

    def _disturbed(self) -> dict[str, ag.Tensor]:
        named = self.module.named_parameters()
        return {name: p for name, p in named if self.biases or p.ndim >= 2}

    def forward(self, *inputs: Any, **options: Any) -> ag.Tensor:
        """Call the module on what it takes, with other weights."""
        if not self.training or self.std == 0:
            return self.module(*inputs, **options)
        noisy = {
            name: p + self.std * self._normal(p.shape, p.dtype)
            for name, p in self._disturbed().items()
        }
        output, after = functional_call(self.module, noisy, inputs, options, buffers=True)
        for name, buffer in self.module.named_buffers():
            if after[name] is not buffer:  # running statistics, counters
                buffer.assign(after[name])
        return output

    def extra_repr(self) -> str:
        """Give σ, and what is not the default."""
        options = [f"std={self.std:g}", *(["biases=True"] if self.biases else [])]
        return ", ".join([*options, *self._seeded()])
