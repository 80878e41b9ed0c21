"""Recurrent networks: one step of each kind, and any step taken along a sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.options import Choice

__all__ = ["gru_cell", "lstm_cell", "recurrence", "rnn_cell", "zoneout"]

# A state: h, or a tuple such as the (h, c) of an LSTM.
State: TypeAlias = Any
Step: TypeAlias = Callable[[State, Any], State]

_NONLINEARITIES = {"tanh": ag.tanh, "relu": ag.relu}
NONLINEARITY = Choice(tuple(_NONLINEARITIES))
RESET = Choice(("after", "before"))


def rnn_cell(
    x: ArrayLike,
    h: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias_ih: ArrayLike | None = None,
    bias_hh: ArrayLike | None = None,
    nonlinearity: Literal["tanh", "relu"] = "tanh",
) -> ag.Tensor:
    """One step of a plain recurrent network: h' = σ(x Wᵀ + b + h Uᵀ + c).

    Parameters
    ----------
    x : array_like, shape (…, inputs)
    h : array_like, shape (…, hidden)
    weight_ih, weight_hh : array_like, shapes (hidden, inputs) and (hidden, hidden)
        W and U, laid out as PyTorch's.
    bias_ih, bias_hh : array_like, shape (hidden,), optional
        b and c.
    nonlinearity : {"tanh", "relu"}
        σ.

    Returns
    -------
    Tensor, shape (…, hidden)
        The next h.

    References
    ----------
    Elman (1990), Finding structure in time.
    """
    z = driven(x, weight_ih, bias_ih, bias_hh)
    return rnn_step(h, z, ag.matrix_transpose(weight_hh), nonlinearity)


def lstm_cell(
    x: ArrayLike,
    state: tuple[ArrayLike, ArrayLike],
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias_ih: ArrayLike | None = None,
    bias_hh: ArrayLike | None = None,
) -> tuple[ag.Tensor, ag.Tensor]:
    """One step of a long short-term memory: c' = f c + i g, h' = o tanh(c').

    i, f, o = sigmoid and g = tanh of x Wᵀ + b + h Uᵀ + c, of a quarter of the rows each.

    Parameters
    ----------
    x : array_like, shape (…, inputs)
    state : tuple of array_like, shapes (…, hidden)
        h and c.
    weight_ih, weight_hh : array_like, shapes (4 hidden, inputs) and (4 hidden, hidden)
        Rows in PyTorch's order: input gate, forget gate, cell, output gate.
    bias_ih, bias_hh : array_like, shape (4 hidden,), optional

    Returns
    -------
    tuple of Tensor, shapes (…, hidden)
        The next h and c.

    References
    ----------
    Hochreiter and Schmidhuber (1997); the forget gate: Gers, Schmidhuber and Cummins (2000).
    """
    z = driven(x, weight_ih, bias_ih, bias_hh)
    return lstm_step(state, z, ag.matrix_transpose(weight_hh))


def gru_cell(
    x: ArrayLike,
    h: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias_ih: ArrayLike | None = None,
    bias_hh: ArrayLike | None = None,
    reset: Literal["after", "before"] = "after",
) -> ag.Tensor:
    """One step of a gated recurrent unit: h' = (1 - z) n + z h.

    r and z are sigmoid of x Wᵀ + b + h Uᵀ + c, of a third of the rows each. The candidate n is tanh of
    x Wᵀ + b + r (h Uᵀ + c) where the reset stands after the product, and of x Wᵀ + b + (r h) Uᵀ + c where it stands before.

    Parameters
    ----------
    x : array_like, shape (…, inputs)
    h : array_like, shape (…, hidden)
    weight_ih, weight_hh : array_like, shapes (3 hidden, inputs) and (3 hidden, hidden)
        Rows in PyTorch's order: reset gate, update gate, candidate.
    bias_ih, bias_hh : array_like, shape (3 hidden,), optional
    reset : {"after", "before"}
        ``"after"`` the product, as in PyTorch, cuDNN and Keras's ``reset_after=True``; or ``"before"``,
        as in the paper and Keras's ``reset_after=False``.

    Returns
    -------
    Tensor, shape (…, hidden)
        The next h.

    Notes
    -----
    z keeps what was, as in the paper and in PyTorch; in Chung et al. (2014) it is 1 - z that does.

    References
    ----------
    Cho et al. (2014), Learning phrase representations using RNN encoder-decoder.
    """
    z = driven(x, weight_ih, bias_ih)
    return gru_step(h, z, ag.matrix_transpose(weight_hh), bias_hh, reset)


def zoneout(old: ArrayLike, new: ArrayLike, mask: Any, keep: float | None = None) -> ag.Tensor:
    """Keep what was where a mask says so: D old + (1 - D) new.

    Parameters
    ----------
    old, new : array_like of one shape
        A state before and after a step.
    mask : array_like, broadcastable to them
        D: of bool, 1 keeps the old value; or a number, the probability z of that, for the expectation.
    keep : float, optional
        1 - z, to keep the expectation at ``new``: changes that are made are divided by it,
        old + (1 - D) (new - old) / (1 - z). As in inverted dropout, nothing is left for test time.

    Returns
    -------
    Tensor, their shape

    References
    ----------
    Krueger et al. (2016), Zoneout: regularizing RNNs by randomly preserving hidden activations.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.zoneout(np.zeros(2), np.ones(2), np.array([True, False])).numpy().tolist()
    [0.0, 1.0]
    >>> nn.functional.zoneout(np.zeros(2), np.ones(2), 0.25).numpy().tolist()
    [0.75, 0.75]
    """
    if keep is not None:
        new = ag.add(old, ag.subtract(new, old) / keep)
    if isinstance(mask, (ag.Tensor, np.ndarray)) and mask.dtype.kind == "b":
        return ag.where(mask, old, new)
    return ag.add(ag.multiply(mask, old), ag.multiply(1 - mask, new))


def recurrence(
    step: Step,
    inputs: Any,
    state: State,
    present: ArrayLike | None = None,
    reverse: bool = False,
) -> tuple[ag.Tensor, State]:
    """Take a step along a sequence, each on the state that the last one left.

    Parameters
    ----------
    step : callable
        Of a state and what one moment gives, to the next state.
    inputs : array_like of shape (time, …), or tuple of them
        What the moments give.
    state : array_like or tuple of array_like
        The first state. The first of a tuple is the output.
    present : array_like of bool, shape (time, batch), optional
        Where there is anything: elsewhere the state stays as it is, and the output is 0.
    reverse : bool
        From the end; the output at a moment is still that of this moment.

    Returns
    -------
    outputs : Tensor, shape (time, …)
    state : as ``state``
        The last one.
    """

    def taken(state: State, moment: Any) -> tuple[State, Any]:
        given, there = moment
        after = step(state, given)
        if there is not None:
            after = each(lambda a, b: ag.where(there, a, b), after, state)
        return after, after[0] if isinstance(after, tuple) else after

    if present is not None:
        present = ag.expand_dims(present, -1)
    last, outputs = ag.scan(taken, state, (inputs, present), reverse=reverse)
    return outputs if present is None else ag.where(present, outputs, 0), last


def each(function: Any, *states: State) -> State:
    """A function of states, of each of their parts."""
    return tuple(map(function, *states)) if isinstance(states[0], tuple) else function(*states)


# --- a step, once the input has been multiplied: for a sequence, all its moments at once -----------


def driven(x: ArrayLike, weight: ArrayLike, *biases: ArrayLike | None) -> ag.Tensor:
    """x Wᵀ and the biases that there are."""
    given = [b for b in biases if b is not None]
    product = ag.matrix_transpose(weight)
    if not given:
        return ag.matmul(x, product)
    return ag.affine(x, product, given[0] if len(given) == 1 else ag.add(*given))


def rnn_step(h: Any, z: Any, weight: Any, nonlinearity: str) -> ag.Tensor:
    """The next h; ``z`` is what the input gives, with both biases."""
    return _NONLINEARITIES[nonlinearity](z + h @ weight)


def lstm_step(state: Any, z: Any, weight: Any) -> tuple[ag.Tensor, ag.Tensor]:
    """The next h and c; ``z`` is what the input gives, with both biases."""
    h, c = state
    i, f, g, o = ag.split(z + h @ weight, 4, axis=-1)
    c = ag.sigmoid(f) * c + ag.sigmoid(i) * ag.tanh(g)
    return ag.sigmoid(o) * ag.tanh(c), c


def gru_step(h: Any, z: Any, weight: Any, bias: Any, reset: str) -> ag.Tensor:
    """The next h; ``z`` is what the input gives, with its own bias."""
    own = ag.split(z, 3, axis=-1)
    if reset == "after":
        r, u, last = ag.split(_weighted(h, weight, bias), 3, axis=-1)
        candidate = own[2] + ag.sigmoid(own[0] + r) * last
    else:
        weights = ag.split(weight, 3, axis=-1)
        biases = [None] * 3 if bias is None else ag.split(bias, 3)
        r, u = (_weighted(h, *parts) for parts in zip(weights[:2], biases[:2], strict=True))
        candidate = own[2] + _weighted(ag.sigmoid(own[0] + r) * h, weights[2], biases[2])
    u = ag.sigmoid(own[1] + u)
    return (1 - u) * ag.tanh(candidate) + u * h


def _weighted(h: Any, weight: Any, bias: Any) -> Any:
    return h @ weight if bias is None else ag.affine(h, weight, bias)
