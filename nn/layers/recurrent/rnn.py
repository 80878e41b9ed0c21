"""Plain recurrent networks."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import RandomSource

from ... import initializers
from ...contract import Example
from ...functional.recurrent import NONLINEARITY, rnn_step
from ...initializers.initializer import Initializer
from .sequences import ORTHOGONAL, Cell, Layer, Recurrent, example_of_layer

__all__ = ["RNN", "RNNCell"]


class _Plain(Recurrent):
    """h' = σ(z + h Uᵀ)."""

    gates = 1
    nonlinearity: str

    def _step(self, h: Any, z: Any, weight: Any, bias: Any) -> ag.Tensor:
        return rnn_step(h, z, weight, self.nonlinearity)

    def _options(self) -> list[str]:
        return [] if self.nonlinearity == "tanh" else [f'nonlinearity="{self.nonlinearity}"']


class RNNCell(_Plain, Cell):
    """One step of a plain recurrent network.

    h' = σ(x Wᵀ + b + h Uᵀ + c), with W ``weight_ih``, U ``weight_hh``, b ``bias_ih`` and c ``bias_hh``.

    Parameters
    ----------
    input_size, hidden_size : int
        Sizes of x and h; from 1.
    bias : bool
        Whether there are b and c.
    nonlinearity : {"tanh", "relu"}
        σ.
    rng : numpy.random.Generator or int, optional
        Source of the first weights: a generator, or a seed. Left out, a fresh seed is drawn,
        which the repr shows.
    dtype : dtype
        Of the parameters and of the computation; a float dtype.
    weight_init, recurrent_init, bias_init : Initializer
        First values of weights for the input, for the state, and of both biases; called for each gate
        with a shape (in, out) or (out,). Default: `glorot_uniform`, `orthogonal()`, `zeros`.

    Attributes
    ----------
    weight_ih, weight_hh : Tensor, shapes (hidden_size, input_size), (hidden_size, hidden_size)
        Laid out as PyTorch's.
    bias_ih, bias_hh : Tensor, shape (hidden_size,), or None
    seed : int or None
        The seed that the first weights were drawn with, if ``rng`` was no generator.

    Raises
    ------
    ConfigError, DTypeError
        If an option is none of those.
    ShapeError
        When called with an input or a state of another shape.

    Notes
    -----
    * PyTorch draws all parameters from U(-1/√hidden, 1/√hidden); Keras draws as here, and has
      one bias in place of two.

    References
    ----------
    Elman (1990), Finding structure in time.

    Examples
    --------
    >>> import numpy as np, nn
    >>> cell = nn.RNNCell(3, 2, rng=0)
    >>> cell(np.zeros((5, 3))).shape, cell.parameter_count()
    ((5, 2), 14)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        *,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
        weight_init: Initializer = initializers.glorot_uniform,
        recurrent_init: Initializer = ORTHOGONAL,
        bias_init: Initializer = initializers.zeros,
    ) -> None:
        make, _ = self._set_up(
            input_size, hidden_size, bias, rng, dtype, weight_init, recurrent_init, bias_init
        )
        self.nonlinearity = NONLINEARITY.check(f"{type(self).__name__}: nonlinearity", nonlinearity)
        make("", self.input_size)

    @classmethod
    def example(cls) -> Example:
        """From zeros and from a given state, and every option."""
        return Example(
            cls,
            (3, 2),
            calls=[[(5, 3)], [(5, 3), (5, 2)]],
            variants=[
                {"bias": False},
                {"nonlinearity": "relu"},
                {
                    "weight_init": initializers.he_normal,
                    "recurrent_init": initializers.he_uniform,
                    "bias_init": initializers.ones,
                },
            ],
        )


class RNN(_Plain, Layer):
    """A plain recurrent network over whole sequences.

    h' = σ(x Wᵀ + b + h Uᵀ + c), with W ``weight_ih``, U ``weight_hh``, b ``bias_ih`` and c ``bias_hh``.

    Parameters
    ----------
    input_size, hidden_size : int
        Sizes of x and h; from 1.
    num_layers : int
        Each takes the outputs of the one before.
    nonlinearity : {"tanh", "relu"}
        σ.
    bias : bool
        Whether there are b and c.
    batch_first : bool
        Whether axes are (batch, time, …) in input and output, and not (time, batch, …). States are
        (layers, batch, hidden_size) always.
    dropout : float, in [0, 1]
        Of the outputs of each layer but the last (`nn.Dropout`, inverted).
    bidirectional : bool
        Whether there is a second cell in each layer, which goes from the end to the start; outputs of
        both stand side by side, the forward one first.
    rng : numpy.random.Generator or int, optional
        Source of the first weights, and of the masks: a generator, or a seed. Left out, a fresh seed is drawn,
        which the repr shows.
    dtype : dtype
        Of the parameters and of the computation; a float dtype.
    weight_init, recurrent_init, bias_init : Initializer
        First values of weights for the input, for the state, and of both biases; called for each gate
        with a shape (in, out) or (out,). Default: `glorot_uniform`, `orthogonal()`, `zeros`.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_ih_l0_reverse, … : Tensor
        As those of `RNNCell`, with PyTorch's names: its state dicts can be loaded.
    seed : int or None
        The seed that the first weights were drawn with, if ``rng`` was no generator.

    Raises
    ------
    ConfigError, DTypeError
        If an option is none of those, or dropout is asked for and there is one layer.
    ShapeError, DataError
        When called with an input, a state or lengths that do not fit.

    Notes
    -----
    * PyTorch draws all parameters from U(-1/√hidden, 1/√hidden); Keras draws as here, and has
      one bias in place of two.
    * A layer is one `scan` in each direction: time to record it and the size of its program do not grow
      with the sequence. What the input gives is one product for all moments.
    * Sequences of different lengths are padded to one, and told apart by ``lengths=``; PyTorch packs
      them, and refuses a length of 0.

    References
    ----------
    Elman (1990), Finding structure in time.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.RNN(3, 2, bidirectional=True, rng=0)
    >>> output, h = layer(np.zeros((7, 5, 3)), lengths=[7, 3, 1, 4, 0])
    >>> output.shape, h.shape
    ((7, 5, 4), (2, 5, 2))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
        weight_init: Initializer = initializers.glorot_uniform,
        recurrent_init: Initializer = ORTHOGONAL,
        bias_init: Initializer = initializers.zeros,
    ) -> None:
        make, generator = self._set_up(
            input_size, hidden_size, bias, rng, dtype, weight_init, recurrent_init, bias_init
        )
        self.nonlinearity = NONLINEARITY.check(f"{type(self).__name__}: nonlinearity", nonlinearity)
        self._build(num_layers, batch_first, dropout, bidirectional, make, generator)

    @classmethod
    def example(cls) -> Example:
        """Every option; a first state, sequences of several lengths, one sequence alone."""
        return example_of_layer(cls, {"nonlinearity": "relu"})
