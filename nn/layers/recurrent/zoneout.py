"""Zoneout: units of a recurrent state that stay as they are, at random, while training."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_core.aliases import ArrayLike, RandomSource
from autograd_core.errors import ConfigError
from autograd_core.options import PROBABILITY
from autograd_core.randomness import source_of

from ...contract import Example
from ...functional.recurrent import each, zoneout
from ..noise.drawing import SCALE, Drawing, Scale
from .gru import GRU
from .lstm import LSTM
from .rnn import RNN, RNNCell
from .sequences import Layer, Recurrent

__all__ = ["Zoneout"]


class Zoneout(Drawing):
    """A recurrent layer whose units keep their last state with probability z, anew at each step.

    h_t = D h_{t-1} + (1 - D) ĥ_t, where ĥ_t is what the layer makes of h_{t-1}, and D = 1 with probability
    z, for each unit, input and step; the cell c of an LSTM likewise, with a rate and masks of its own.

    Parameters
    ----------
    layer : RNN, GRU, LSTM or a cell of these
        What is run: called as it is called itself.
    hidden, cell : float, in [0, 1]
        z of h, and of the c of an LSTM. Default 0.05 and 0.5, the paper's for characters of text.
    scale : {"test", "inverted"}
        Where the expected state is kept equal. ``"test"``, as in the paper: evaluation takes the
        expectation, z h_{t-1} + (1 - z) ĥ_t. ``"inverted"``, as dropout does today: in training, changes
        that are made are divided by 1 - z, h_{t-1} + (1 - D) (ĥ_t - h_{t-1}) / (1 - z), and evaluation
        is the layer as it is.
    rng : numpy.random.Generator or int, optional
        Draws the key, once, here; the masks come from (key, counter). Left out, a fresh seed is drawn,
        which the repr shows.

    Attributes
    ----------
    layer : the layer
    key, counter : Tensor, shapes (2,) and (), uint64
        Buffers: which sequence of masks; the number of the newest one.
    seed : int or None
        The seed that the key was drawn with, if ``rng`` was no generator.

    Raises
    ------
    ConfigError
        If a rate is no probability, or the layer is none of those.

    Notes
    -----
    * The masks of all steps of a layer in one direction are one draw, of shape (time, batch,
      hidden_size), with the role ``"zoneout mask"``. Key and counter are saved with the state, so a
      resumed run draws the same.
    * ĥ of an LSTM is o tanh(ĉ), of the c that it would have: h may move on where c stays.
    * z = 0 draws nothing; z = 1 leaves the state as it was for good.
    * The expectation is that of one step; through several it is an approximation, as for dropout.

    References
    ----------
    Krueger et al. (2016), Zoneout: regularizing RNNs by randomly preserving hidden activations.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Zoneout(nn.GRU(3, 2, rng=0), 0.1, rng=1)
    >>> output, h = layer(np.zeros((7, 5, 3)))
    >>> output.shape, h.shape
    ((7, 5, 2), (1, 5, 2))
    """

    layer: Recurrent

    def __init__(
        self,
        layer: Recurrent,
        hidden: float = 0.05,
        cell: float = 0.5,
        *,
        scale: Scale = "test",
        rng: RandomSource = None,
    ) -> None:
        if not isinstance(layer, Recurrent):
            raise ConfigError(
                "Zoneout: layer",
                f"expected an RNN, GRU or LSTM, or a cell; received {type(layer).__name__}.",
            )
        self.layer = layer
        self.hidden = PROBABILITY.check("Zoneout: hidden", hidden)
        self.cell = PROBABILITY.check("Zoneout: cell", cell)
        self.scale = SCALE.check("Zoneout: scale", scale)
        source = source_of(rng, "Zoneout")
        self.seed = source.seed
        self._keyed(source.generator)

    @classmethod
    def example(cls) -> Example:
        """Each kind of layer, both scalings, none and all; a cell."""
        return Example(
            _example,
            calls=[[(2, 4, 3)]],
            variants=[
                {"scale": "inverted", "kind": GRU},
                {"kind": LSTM},
                ({"kind": RNNCell, "scale": "inverted"}, [(4, 3)]),
                {"hidden": 0.0, "kind": RNN},
                {"hidden": 1.0, "kind": RNN},
            ],
            batch=lambda options: 0 if options.get("kind") is RNNCell else 1,
            undecided=lambda options: (
                "as of the layer" if options.get("kind") in (GRU, LSTM) else ""
            ),
        )

    def forward(self, x: ArrayLike, state: Any = None, lengths: ArrayLike | None = None) -> Any:
        """Run the layer as it is called itself; a cell takes no lengths."""
        given = () if lengths is None and not isinstance(self.layer, Layer) else (lengths,)
        return self.layer(x, state, *given, zoneout=self)

    def around(self, step: Any, inputs: Any, start: Any, time: tuple[Any, ...]) -> tuple[Any, Any]:
        """A step that keeps some of what was, and what it is given: with the masks that are drawn here.

        Parameters
        ----------
        step : callable
            Of a state and what one moment gives, to the next state.
        inputs : Tensor
            What the moments give.
        start : Tensor or tuple of Tensor
            The first state.
        time : tuple of int
            The number of moments, or nothing for one step.
        """
        parts = start if isinstance(start, tuple) else (start,)
        rates = (self.hidden, self.cell)[: len(parts)]
        masks = [self._kept(z, (*time, *part.shape)) for z, part in zip(rates, parts, strict=True)]

        def kept(state: Any, moment: Any) -> Any:
            given, drawn = moment
            fates = iter(zip(rates, drawn, strict=True))
            return each(
                lambda old, new: self._mixed(old, new, *next(fates)), state, step(state, given)
            )

        return kept, (inputs, tuple(masks))

    def _kept(self, rate: float, shape: tuple[Any, ...]) -> Any:
        if not self.training or rate in (0, 1):
            return None
        return self._bernoulli(shape, rate, "zoneout mask")

    def _mixed(self, old: Any, new: Any, rate: float, mask: Any) -> Any:
        if rate == 1:
            return zoneout(old, new, np.array(True))
        if rate == 0 or (mask is None and self.scale == "inverted"):
            return new
        inverted = self.scale == "inverted"
        return zoneout(old, new, rate if mask is None else mask, 1 - rate if inverted else None)

    def extra_repr(self) -> str:
        """Give the rates, and what is not the default."""
        options = [f"hidden={self.hidden:g}"]
        options += [f"cell={self.cell:g}"] if len(self.layer.states) > 1 else []
        options += [] if self.scale == "test" else [f'scale="{self.scale}"']
        return ", ".join([*options, *self._seeded()])


def _example(
    kind: type[Any] = RNN,
    rng: RandomSource = 0,
    dtype: npt.DTypeLike = np.float32,
    hidden: float = 0.3,
    **options: Any,
) -> Zoneout:
    source = source_of(rng, "Zoneout")
    again = source.generator if source.seed is None else source.seed
    return Zoneout(
        kind(3, 2, rng=np.random.default_rng(0), dtype=dtype), hidden, rng=again, **options
    )
