"""Shakeout: weights of random units enlarged, those of others reversed."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import ArrayLike, RandomSource
from autograd_core.options import FRACTION, NON_NEGATIVE, Choice

from ... import functional, initializers
from ...contract import Example
from ...initializers.initializer import Initializer
from ...inputs import as_features
from .drawing import NoisyLinear, Per, probabilities

__all__ = ["Shakeout"]

_FORMS: Choice[Literal["published", "printed"]] = Choice(("published", "printed"))
_OF: Choice[Literal["units", "weights"]] = Choice(("units", "weights"))


class Shakeout(NoisyLinear):
    """A linear layer whose weights are enlarged with probability 1 − τ, and otherwise set to −c sign(w).

    With s = sign(w) and a = 1/(1 − τ), a weight becomes a w + (a − 1) c s, or −c s: its mean is w, its
    variance τ/(1 − τ) (|w| + c)², so that squares, sizes and the number of weights are penalized.

    Parameters
    ----------
    in_features, out_features : int
        See `Linear`.
    p : float, in [0, 1), optional
        τ. Default 0.5.
    keep : float, in (0, 1], optional
        1 − τ, instead of ``p``.
    c : float, ≥ 0
        How far weights are moved; 0 gives inverted dropout of the inputs.
    of : {"units", "weights"}
        What one draw is for: all weights that leave an input unit, as in the paper, or each
        weight, as on the slide ("weights of randomly selected weights").
    per : {"example", "batch"}
        Whether each input has draws of its own, as in the paper, or all of a pass have the same.
        ``of="weights"`` with ``"example"`` takes memory for a weight matrix for each input.
    form : {"published", "printed"}
        The paper's operator; or the slide's, whose mean is not w (erratum X16), to show that.
    bias, rng, dtype, weight_init, bias_init
        See `Linear`; ``rng`` draws the first weights, then the key.

    Raises
    ------
    ConfigError
        See `Dropout` and `Linear`; or for τ = 1, a negative c, or a name that is none.
    ShapeError
        When called with an input whose last axis is not ``in_features``.

    Notes
    -----
    The noise has the weights as its mean, so nothing is scaled at test time: evaluation is `Linear`.
    With ``form="printed"`` it is, too, and is not the mean. sign(0) = 0, and its derivative is 0.

    References
    ----------
    [Variations on dropout]. Kang, Li, Tao (2016), Shakeout: a new regularized deep neural network
    training scheme.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Shakeout(1, 1, c=0.25, rng=0, weight_init=nn.initializers.ones)
    >>> sorted(set(layer(np.ones((50, 1))).detach().numpy().ravel().tolist()))
    [-0.25, 2.25]
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        p: float | None = None,
        *,
        keep: float | None = None,
        c: float = 0.1,
        of: Literal["units", "weights"] = "units",
        per: Per = "example",
        form: Literal["published", "printed"] = "published",
        bias: bool = True,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
        weight_init: Initializer = initializers.he_normal,
        bias_init: Initializer = initializers.zeros,
    ) -> None:
        self.p, self.keep = probabilities("Shakeout", p, keep, FRACTION)
        self.c = NON_NEGATIVE.check("Shakeout: c", c)
        self.of = _OF.check("Shakeout: of", of)
        self.form = _FORMS.check("Shakeout: form", form)
        super().__init__(in_features, out_features, bias, per, rng, dtype, weight_init, bias_init)

    @classmethod
    def example(cls) -> Example:
        """Three inputs, two outputs; each option, and no noise."""
        return Example(
            cls,
            (3, 2),
            variants=[
                {"keep": 0.8, "c": 0.5, "bias": False, "of": "weights"},
                {"of": "weights", "per": "batch", "bias_init": initializers.ones},
                {"form": "printed", "weight_init": initializers.glorot_uniform},
                {"p": 0.0},
            ],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute x W + b with the weights as they are shaken.

        Parameters
        ----------
        x : array_like, shape (…, in_features)

        Returns
        -------
        Tensor, shape (…, out_features)
            In the layer's dtype.
        """
        x = as_features(x, self.in_features, self.dtype, self)
        if not self.training or self.keep == 1:
            return functional.linear(x, self.weight, self.bias)
        kept, dropped = functional.shakeout(self.weight, self.keep, self.c, self.form)
        draws, role = self._draws(x), "connection mask"
        if self.of == "weights":
            mask = self._bernoulli((*draws, *self.weight.shape), self.keep, role)
            return functional.connected(x, ag.where(mask, kept, dropped), self.bias)
        mask = self._bernoulli((*draws, self.in_features), self.keep)
        on = ag.multiply(x, mask)
        return functional.linear(on, kept, self.bias) + functional.linear(x - on, dropped)

    def _options(self) -> list[str]:
        options = [f"p={self.p:g}", f"c={self.c:g}"]
        options += [] if self.of == "units" else [f'of="{self.of}"']
        options += super()._options()
        return options + ([] if self.form == "published" else [f'form="{self.form}"'])
