"""Recurrent layers: against steps by hand in NumPy, padded and reversed sequences, states, bad input."""

from __future__ import annotations

import re

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, DataError, DTypeError, ShapeError
from autograd_core.symbolic import prove

KINDS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
CELLS = {"RNN": nn.RNNCell, "GRU": nn.GRUCell, "LSTM": nn.LSTMCell}


@pytest.fixture(params=KINDS)
def name(request):
    return request.param


def made(name, *sizes, rng=0, kinds=KINDS, **options):
    """A layer in float64 with all parameters away from 0."""
    layer = kinds[name](*sizes, dtype=np.float64, rng=rng, **options)
    random = np.random.default_rng(5)
    for p in layer.parameters():
        p.assign(random.normal(size=p.shape))
    return layer


def parts(state):
    return list(state) if isinstance(state, tuple) else [state]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_hand(name, x, state, w, u, b, c, own):
    """One step in NumPy, as PyTorch's documentation writes it."""
    h = state[0]
    if name == "RNN":
        z = x @ w.T + b + h @ u.T + c
        return [np.tanh(z) if own == "tanh" else np.maximum(z, 0)]
    if name == "LSTM":
        i, f, g, o = np.split(x @ w.T + b + h @ u.T + c, 4, axis=-1)
        cell = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
        return [sigmoid(o) * np.tanh(cell), cell]
    (xr, xz, xn), (ur, uz, un), (cr, cz, cn) = (
        np.split(a, 3, axis=-1) for a in (x @ w.T + b, u.T, c)
    )
    r, z = sigmoid(xr + h @ ur + cr), sigmoid(xz + h @ uz + cz)
    n = np.tanh(xn + (r * (h @ un + cn) if own == "after" else (r * h) @ un + cn))
    return [(1 - z) * n + z * h]


OWN = {
    "RNN": ("nonlinearity", ["tanh", "relu"]),
    "GRU": ("reset", ["after", "before"]),
    "LSTM": ("forget_bias", [1.0]),
}


@pytest.mark.parametrize(
    ("name", "own"), [(name, value) for name, (_, values) in OWN.items() for value in values]
)
def test_a_cell_is_the_formula_and_a_layer_its_steps(name, own):
    option = {OWN[name][0]: own}
    cell = made(name, 3, 2, kinds=CELLS, **option)
    layer = made(name, 3, 2, **option)
    weights = [p.numpy() for p in cell.parameters()]
    for p, value in zip(layer.parameters(), weights, strict=True):
        p.assign(value)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4, 5, 3))
    state = [rng.normal(size=(5, 2)) for _ in layer.states]
    given = tuple(s[None] for s in state) if len(state) > 1 else state[0][None]
    output, last = layer(x, given)
    for t in range(4):
        once = parts(cell(x[t], tuple(state) if len(state) > 1 else state[0]))
        state = by_hand(name, x[t], state, *weights, own)
        for a, b in zip(once, state, strict=True):
            np.testing.assert_allclose(a.numpy(), b, rtol=1e-13)
        np.testing.assert_allclose(output[t].numpy(), state[0], rtol=1e-12)
    for a, b in zip(parts(last), state, strict=True):
        np.testing.assert_allclose(a.numpy()[0], b, rtol=1e-12)


def test_the_reset_gate_stands_after_the_product_unless_told_otherwise():
    """PyTorch's, cuDNN's and Keras's ``reset_after=True``; the paper's is the other one."""
    rng = np.random.default_rng(0)
    h = rng.normal(size=(1, 2))
    arguments = (rng.normal(size=(1, 3)), rng.normal(size=(6, 3)), rng.normal(size=(6, 2)))
    biases = rng.normal(size=(2, 6))
    x, w, u = arguments
    default = nn.functional.gru_cell(x, h, w, u, *biases).numpy()
    for reset, same in (("after", True), ("before", False)):
        (expected,) = by_hand("GRU", x, [h], w, u, *biases, reset)
        assert np.allclose(default, expected) == same
    assert nn.GRU(3, 2).reset == nn.GRUCell(3, 2).reset == "after"


def test_first_biases_are_zero_but_for_the_forget_gate(name):
    layer = KINDS[name](3, 2, num_layers=2, bidirectional=True, rng=0)
    biases = {k: p.numpy() for k, p in layer.named_parameters() if "bias" in k}
    assert len(biases) == 8
    for key, values in biases.items():
        expected = np.zeros(layer.gates * 2)
        if name == "LSTM" and "bias_ih" in key:
            expected[2:4] = 1
        np.testing.assert_array_equal(values, expected)
    if name == "LSTM":
        other = nn.LSTM(3, 2, forget_bias=-2.0, bias_init=nn.initializers.ones, rng=0)
        assert other.bias_ih_l0.numpy().tolist() == [1, 1, -2, -2, 1, 1, 1, 1]
        assert other.bias_hh_l0.numpy().tolist() == [1] * 8


@pytest.mark.parametrize("batch_first", [False, True])
def test_a_padded_sequence_is_that_sequence_alone(name, batch_first):
    layer = made(name, 3, 2, num_layers=2, bidirectional=True, batch_first=batch_first)
    lengths = np.array([4, 0, 2, 1])
    rng = np.random.default_rng(3)
    x = rng.normal(size=(4, 4, 3))
    state = [rng.normal(size=(4, 4, 2)) for _ in layer.states]
    for n, length in enumerate(lengths):
        x[length:, n] = np.nan  # not read
    given = tuple(state) if len(state) > 1 else state[0]
    padded = ag.tensor(np.swapaxes(x, 0, 1) if batch_first else x, requires_grad=True)
    output, last = layer(padded, given, lengths)
    ag.sum(output * output).backward()
    assert np.isfinite(padded.grad.numpy()).all()
    assert all(np.isfinite(p.grad.numpy()).all() for p in layer.parameters())
    output = output.detach().numpy()
    output = np.swapaxes(output, 0, 1) if batch_first else output
    for n, length in enumerate(lengths):
        assert not output[length:, n].any()
        own = [s[:, n] for s in state]
        alone, final = layer(x[:length, n], tuple(own) if len(own) > 1 else own[0])
        np.testing.assert_allclose(
            output[:length, n], alone.detach().numpy(), rtol=1e-12, atol=1e-15
        )
        for a, b in zip(parts(last), parts(final), strict=True):
            np.testing.assert_allclose(a.detach().numpy()[:, n], b.detach().numpy(), rtol=1e-12)


def test_the_reverse_direction_begins_at_the_end_and_stands_behind_the_forward_one(name):
    both = made(name, 3, 2, bidirectional=True)
    one = made(name, 3, 2)
    x = np.random.default_rng(4).normal(size=(5, 2, 3))
    output, last = both(x)
    for part, (ending, turned) in enumerate((("", x), ("_reverse", x[::-1]))):
        for key, p in one.named_parameters():
            p.assign(getattr(both, key + ending).numpy())
        expected, final = one(turned)
        expected = expected.numpy()[::-1] if part else expected.numpy()
        np.testing.assert_allclose(
            output.numpy()[..., 2 * part : 2 * part + 2], expected, rtol=1e-12
        )
        for a, b in zip(parts(last), parts(final), strict=True):
            np.testing.assert_allclose(a.numpy()[part], b.numpy()[0], rtol=1e-12)


def test_dropout_stands_between_layers_and_only_there(name):
    layer = made(name, 3, 2, num_layers=2, dropout=1.0)
    x = np.random.default_rng(0).normal(size=(3, 2, 3))
    output, last = layer(x)
    silent, _ = layer(np.zeros_like(x))
    np.testing.assert_array_equal(output.numpy(), silent.numpy())  # the second layer hears nothing
    assert (parts(last)[0].numpy()[0] != 0).all()
    assert not np.allclose(layer.eval()(x)[0].numpy(), output.numpy())


@pytest.mark.parametrize("shape", [(0, 2, 3), (3, 0, 3), (1, 1, 3), (0, 3), (1, 3)])
def test_empty_and_short_sequences_have_their_shapes(name, shape):
    layer = made(name, 3, 2, bidirectional=True)
    output, last = layer(np.ones(shape))
    assert output.shape == (*shape[:-1], 4)
    assert all(part.shape == (2, *shape[1:-1], 2) for part in parts(last))
    if shape[0] == 0:
        assert not any(part.numpy().any() for part in parts(last))
    assert [p.grad for p in layer.parameters()] == [None] * 8
    (ag.sum(output) + sum(ag.sum(part) for part in parts(last))).backward()


def test_lengths_and_states_may_be_captured_and_are_checked_at_every_run(name):
    layer = made(name, 3, 2)
    step = ag.jit(lambda x, lengths: layer(x, lengths=lengths)[0])
    x = np.random.default_rng(0).normal(size=(4, 2, 3))
    for lengths in (np.array([4, 1]), np.array([0, 3])):
        expected = layer(x, lengths=lengths)[0].numpy()
        np.testing.assert_allclose(step(x, lengths).numpy(), expected, rtol=1e-12, atol=1e-15)
    with pytest.raises(
        DataError, match=r"lengths: a length.*expected numbers from 0 to 4; received 5"
    ):
        step(x, np.array([5, 1]))


def test_vmap_over_sequences_is_the_batch(name):
    layer = made(name, 3, 2)
    x = np.random.default_rng(0).normal(size=(4, 5, 3))
    mapped = ag.vmap(lambda one: layer(one)[0], in_axes=1, out_axes=1)(x)
    np.testing.assert_allclose(mapped.numpy(), layer(x)[0].numpy(), rtol=1e-12)


def test_weights_written_between_calls_count_in_the_next(name):
    layer = made(name, 3, 2)
    step = ag.jit(lambda x: layer(x)[0])
    x = np.ones((3, 2, 3))
    before = step(x).numpy()
    layer.weight_hh_l0.assign(2 * layer.weight_hh_l0.numpy())
    np.testing.assert_allclose(step(x).numpy(), layer(x)[0].numpy(), rtol=1e-12)
    assert not np.allclose(step(x).numpy(), before)


def test_whole_numbers_are_computed_in_the_dtype_of_the_layer(name):
    layer = KINDS[name](3, 2, rng=0)
    output, last = layer(np.ones((3, 2, 3), int))
    assert {output.dtype, *(part.dtype for part in parts(last))} == {np.dtype(np.float32)}


BAD = [
    ((np.zeros((2, 2, 4)),), {}, ShapeError, "the input does not fit"),
    ((np.zeros((2, 2, 2, 3)),), {}, ShapeError, "the input is no sequence"),
    ((np.zeros(3),), {}, ShapeError, "the input is no sequence"),
    ((np.zeros((2, 2, 3), complex),), {}, DTypeError, "real"),
    ((np.zeros((2, 2, 3)),), {"lengths": [1]}, ShapeError, r"shape \(2,\); received \(1,\)"),
    ((np.zeros((2, 2, 3)),), {"lengths": [1.0, 1.0]}, DTypeError, "a length is no integer"),
    ((np.zeros((2, 2, 3)),), {"lengths": [-1, 1]}, DataError, "from 0 to 2; received -1"),
    ((np.zeros((2, 3)),), {"lengths": [3]}, DataError, "from 0 to 2; received 3"),
]


@pytest.mark.parametrize(("given", "options", "error", "words"), BAD)
def test_bad_input_is_refused_by_name(name, given, options, error, words):
    with pytest.raises(error, match=words):
        KINDS[name](3, 2, rng=0)(*given, **options)


def test_a_state_that_does_not_fit_is_refused():
    x = np.zeros((2, 5, 3))
    for layer, state, words in (
        (
            nn.RNN(3, 2, rng=0),
            np.zeros((2, 5, 2)),
            r"(layers, batch, hidden_size) = (1, 5, 2); received (2, 5, 2)",
        ),
        (nn.LSTM(3, 2, rng=0), np.zeros((1, 5, 2)), "Expected (h, c), each of shape"),
        (nn.LSTM(3, 2, rng=0), (np.zeros((1, 5, 2)),) * 3, "Expected (h, c), each of shape"),
        (
            nn.LSTM(3, 2, rng=0),
            (np.zeros((1, 5, 2)), np.zeros((1, 4, 2))),
            "the state c does not fit",
        ),
        (nn.GRU(3, 2, rng=0), np.zeros((1, 5, 3)), "received (1, 5, 3)"),
    ):
        with pytest.raises(ShapeError, match=re.escape(words)):
            layer(x, state)
    with pytest.raises(ShapeError, match="expected one moment"):
        nn.RNNCell(3, 2, rng=0)(x)


def test_options_outside_their_range_are_refused(name):
    for options, words in (
        ({"num_layers": 0}, "num_layers: expected"),
        ({"dropout": 1.5, "num_layers": 2}, "dropout: expected"),
        ({"dropout": 0.5}, "dropout: it stands between layers, and there is one"),
        ({OWN[name][0]: "sideways"}, f"{OWN[name][0]}: expected"),
        ({"bidirectional": "yes"}, "bidirectional: expected"),
    ):
        with pytest.raises(ConfigError, match=words):
            KINDS[name](3, 2, **options)


def test_two_steps_are_proved_end_to_end_at_a_fixed_shape(name):
    layer = made(name, 2, 2, bias=False)
    names = [key for key, _ in layer.named_parameters()]

    def loss(x, g, *weights):
        output, _ = nn.functional_call(layer, dict(zip(names, weights, strict=True)), (x,))
        return ag.sum(output * g)

    shapes = [(2, 1, 2), (2, 1, 2), *(p.shape for p in layer.parameters())]
    arrays = [ag.Abstract(shape, np.float64) for shape in shapes]
    verdict = prove.backward(loss, wrt=(0, 2, 3), args=arrays, seconds=20)
    assert verdict.status == "PROVED"
