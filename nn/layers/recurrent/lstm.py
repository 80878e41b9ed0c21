"""Long short-term memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import RandomSource
from autograd_core.options import Interval

from ... import initializers
from ...contract import Example
from ...functional.recurrent import lstm_step
from ...initializers.initializer import Initializer
from .sequences import ORTHOGONAL, Cell, Layer, Recurrent, example_of_layer

__all__ = ["LSTM", "LSTMCell"]


_REAL = Interval()


class _Memory(Recurrent):
    """c' = f c + i g, h' = o tanh(c')."""

    gates = 4
    states = ("h", "c")

    def _step(self, state: Any, z: Any, weight: Any, bias: Any) -> tuple[ag.Tensor, ag.Tensor]:
        return lstm_step(state, z, weight)

    def _remember(self, forget_bias: float) -> None:
        """Set the first bias of every forget gate."""
        value = _REAL.check(f"{type(self).__name__}: forget_bias", forget_bias)
        for name, bias in list(self.named_parameters()):
            if "bias_ih" in name:
                first = bias.detach().numpy().copy()
                first[self.hidden_size : 2 * self.hidden_size] = value
                bias.assign(first)


class LSTMCell(_Memory, Cell):
    """One step of a long short-term memory.

    c' = f c + i g and h' = o tanh(c'), with gates i, f, o and a candidate g: see `nn.functional.lstm_cell`.

    Parameters
    ----------
    input_size, hidden_size : int
        Sizes of x and h; from 1.
    bias : bool
        Whether there are b and c.
    forget_bias : float
        First value of ``bias_ih`` at the forget gate; ``bias_hh`` has ``bias_init``'s. Default 1: a memory keeps
        what it has until it learns to forget.
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
    weight_ih, weight_hh : Tensor, shapes (4 · hidden_size, input_size), (4 · hidden_size, hidden_size)
        Rows in PyTorch's order: input gate, forget gate, candidate, output gate.
    bias_ih, bias_hh : Tensor, shape (4 · hidden_size,), or None
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
    * A forget gate's bias of 1 is also Keras's default; Jozefowicz et al. recommend 1 or 2.
    * PyTorch draws all parameters from U(-1/√hidden, 1/√hidden); Keras draws as here, and has
      one bias in place of two.

    References
    ----------
    Hochreiter and Schmidhuber (1997), Long short-term memory; the forget gate: Gers, Schmidhuber and
    Cummins (2000); its bias: Jozefowicz, Zaremba and Sutskever (2015), An empirical exploration of
    recurrent network architectures.

    Examples
    --------
    >>> import numpy as np, nn
    >>> cell = nn.LSTMCell(3, 2, rng=0)
    >>> h, c = cell(np.zeros((5, 3)))
    >>> h.shape, c.shape, cell.parameter_count()
    ((5, 2), (5, 2), 56)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        forget_bias: float = 1.0,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
        weight_init: Initializer = initializers.glorot_uniform,
        recurrent_init: Initializer = ORTHOGONAL,
        bias_init: Initializer = initializers.zeros,
    ) -> None:
        make, _ = self._set_up(
            input_size, hidden_size, bias, rng, dtype, weight_init, recurrent_init, bias_init
        )
        make("", self.input_size)
        self._remember(forget_bias)

    @classmethod
    def example(cls) -> Example:
        """From zeros and from a given state, and every option."""
        return Example(
            cls,
            (3, 2),
            calls=[[(5, 3)], [(5, 3), [(5, 2), (5, 2)]]],
            variants=[
                {"bias": False},
                {"forget_bias": 2.0},
                {
                    "weight_init": initializers.he_normal,
                    "recurrent_init": initializers.he_uniform,
                    "bias_init": initializers.ones,
                },
            ],
        )


class LSTM(_Memory, Layer):
    """Long short-term memory over whole sequences.

    c' = f c + i g and h' = o tanh(c'), with gates i, f, o and a candidate g: see `nn.functional.lstm_cell`.

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
    forget_bias : float
        First value of ``bias_ih`` at the forget gate; ``bias_hh`` has ``bias_init``'s. Default 1: a memory keeps
        what it has until it learns to forget.
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
        As those of `LSTMCell`, with PyTorch's names: its state dicts can be loaded.
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
    * A forget gate's bias of 1 is also Keras's default; Jozefowicz et al. recommend 1 or 2.
    * PyTorch draws all parameters from U(-1/√hidden, 1/√hidden); Keras draws as here, and has
      one bias in place of two.
    * A layer is one `scan` in each direction: time to record it and the size of its program do not grow
      with the sequence. What the input gives is one product for all moments.
    * Sequences of different lengths are padded to one, and told apart by ``lengths=``; PyTorch packs
      them, and refuses a length of 0.

    References
    ----------
    Hochreiter and Schmidhuber (1997), Long short-term memory; the forget gate: Gers, Schmidhuber and
    Cummins (2000); its bias: Jozefowicz, Zaremba and Sutskever (2015), An empirical exploration of
    recurrent network architectures.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.LSTM(3, 2, bidirectional=True, rng=0)
    >>> output, (h, c) = layer(np.zeros((7, 5, 3)), lengths=[7, 3, 1, 4, 0])
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
        forget_bias: float = 1.0,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
        weight_init: Initializer = initializers.glorot_uniform,
        recurrent_init: Initializer = ORTHOGONAL,
        bias_init: Initializer = initializers.zeros,
    ) -> None:
        make, generator = self._set_up(
            input_size, hidden_size, bias, rng, dtype, weight_init, recurrent_init, bias_init
        )
        self._build(num_layers, batch_first, dropout, bidirectional, make, generator)
        self._remember(forget_bias)

    @classmethod
    def example(cls) -> Example:
        """Every option; a first state, sequences of several lengths, one sequence alone."""
        return example_of_layer(cls, {"forget_bias": 2.0}, undecided=True)
