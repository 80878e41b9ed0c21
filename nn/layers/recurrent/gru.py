"""Gated recurrent units."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import RandomSource

from ... import initializers
from ...contract import Example
from ...functional.recurrent import RESET, gru_step
from ...initializers.initializer import Initializer
from .sequences import ORTHOGONAL, Cell, Layer, Recurrent, example_of_layer

__all__ = ["GRU", "GRUCell"]


class _Gated(Recurrent):
    """h' = (1 - z) n + z h."""

    gates = 3
    apart = True
    reset: str

    def _step(self, h: Any, z: Any, weight: Any, bias: Any) -> ag.Tensor:
        return gru_step(h, z, weight, bias, self.reset)

    def _options(self) -> list[str]:
        return [] if self.reset == "after" else [f'reset="{self.reset}"']


class GRUCell(_Gated, Cell):
    """One step of a gated recurrent unit.

    h' = (1 - z) n + z h, with a reset gate r, an update gate z and a candidate n: see `nn.functional.gru_cell`.

    Parameters
    ----------
    input_size, hidden_size : int
        Sizes of x and h; from 1.
    bias : bool
        Whether there are b and c.
    reset : {"after", "before"}
        Where the reset gate stands: ``"after"`` the product, n = tanh(x W + b + r (h U + c)), as in
        PyTorch, cuDNN and Keras's ``reset_after=True``; or ``"before"``, n = tanh(x W + b + (r h) U + c),
        as in the paper and Keras's ``reset_after=False``.
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
    weight_ih, weight_hh : Tensor, shapes (3 · hidden_size, input_size), (3 · hidden_size, hidden_size)
        Rows in PyTorch's order: reset gate, update gate, candidate.
    bias_ih, bias_hh : Tensor, shape (3 · hidden_size,), or None
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
    * z keeps what was, as in the paper and in PyTorch; in Chung et al. (2014) it is 1 - z that does.
    * PyTorch draws all parameters from U(-1/√hidden, 1/√hidden); Keras draws as here, and has
      one bias in place of two.

    References
    ----------
    Cho et al. (2014), Learning phrase representations using RNN encoder-decoder.

    Examples
    --------
    >>> import numpy as np, nn
    >>> cell = nn.GRUCell(3, 2, rng=0)
    >>> cell(np.zeros((5, 3))).shape, cell.parameter_count()
    ((5, 2), 42)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        reset: Literal["after", "before"] = "after",
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
        weight_init: Initializer = initializers.glorot_uniform,
        recurrent_init: Initializer = ORTHOGONAL,
        bias_init: Initializer = initializers.zeros,
    ) -> None:
        make, _ = self._set_up(
            input_size, hidden_size, bias, rng, dtype, weight_init, recurrent_init, bias_init
        )
        self.reset = RESET.check(f"{type(self).__name__}: reset", reset)
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
                {"reset": "before"},
                {"reset": "before", "bias": False},
                {
                    "weight_init": initializers.he_normal,
                    "recurrent_init": initializers.he_uniform,
                    "bias_init": initializers.ones,
                },
            ],
        )


class GRU(_Gated, Layer):
    """Gated recurrent units over whole sequences.

    h' = (1 - z) n + z h, with a reset gate r, an update gate z and a candidate n: see `nn.functional.gru_cell`.

    Parameters
    ----------
    input_size, hidden_size : int
        Sizes of x and h; from 1.
    num_layers : int
        Each takes the outputs of the one before.
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
    reset : {"after", "before"}
        Where the reset gate stands: see `GRUCell`.
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
        As those of `GRUCell`, with PyTorch's names: its state dicts can be loaded.
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
    * z keeps what was, as in the paper and in PyTorch; in Chung et al. (2014) it is 1 - z that does.
    * PyTorch draws all parameters from U(-1/√hidden, 1/√hidden); Keras draws as here, and has
      one bias in place of two.
    * A layer is one `scan` in each direction: time to record it and the size of its program do not grow
      with the sequence. What the input gives is one product for all moments.
    * Sequences of different lengths are padded to one, and told apart by ``lengths=``; PyTorch packs
      them, and refuses a length of 0.

    References
    ----------
    Cho et al. (2014), Learning phrase representations using RNN encoder-decoder.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.GRU(3, 2, bidirectional=True, rng=0)
    >>> output, h = layer(np.zeros((7, 5, 3)), lengths=[7, 3, 1, 4, 0])
    >>> output.shape, h.shape
    ((7, 5, 4), (2, 5, 2))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        reset: Literal["after", "before"] = "after",
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
        weight_init: Initializer = initializers.glorot_uniform,
        recurrent_init: Initializer = ORTHOGONAL,
        bias_init: Initializer = initializers.zeros,
    ) -> None:
        make, generator = self._set_up(
            input_size, hidden_size, bias, rng, dtype, weight_init, recurrent_init, bias_init
        )
        self.reset = RESET.check(f"{type(self).__name__}: reset", reset)
        self._build(num_layers, batch_first, dropout, bidirectional, make, generator)

    @classmethod
    def example(cls) -> Example:
        """Every option; a first state, sequences of several lengths, one sequence alone."""
        return example_of_layer(cls, {"reset": "before"}, undecided=True)
