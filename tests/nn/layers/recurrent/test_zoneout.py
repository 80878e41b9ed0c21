"""Zoneout: its masks, its expectation, and a run that is saved and resumed."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError

KINDS = [nn.RNN, nn.GRU, nn.LSTM]
X = np.random.default_rng(0).normal(size=(6, 3, 4))


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


def made(kind, *rates, **options):
    layer = kind(4, 5, rng=0, dtype=np.float64)
    return nn.Zoneout(layer, *rates, rng=1, **options)


def parts(state):
    return list(state) if isinstance(state, tuple) else [state]


@pytest.mark.parametrize("scale", ["test", "inverted"])
def test_each_unit_is_either_what_it_was_or_what_it_would_be(kind, scale):
    """By the masks that the layer draws, replayed step by step with the cell in NumPy's hands."""
    zone = made(kind, 0.3, 0.6, scale=scale)
    rates = (0.3, 0.6)[: len(zone.layer.states)]
    masks = []
    output, last = zone(X)
    counter = zone.counter.numpy().copy()
    assert counter == len(rates)
    for n, rate in enumerate(rates):
        bits = ag.random_bits(zone.key, np.uint64(n + 1), shape=(6, 3, 5)).numpy()
        masks.append(bits < round(rate * 2**32))
        assert 0.1 < masks[-1].mean() / rate < 2
    state = tuple(np.zeros((1, 3, 5)) for _ in rates)
    for t in range(6):
        _, would = zone.layer(X[t : t + 1], state if len(rates) > 1 else state[0])
        state = tuple(
            np.where(
                mask[t],
                old,
                new.numpy() if scale == "test" else old + (new.numpy() - old) / (1 - z),
            )
            for mask, old, new, z in zip(masks, state, parts(would), rates, strict=True)
        )
        np.testing.assert_allclose(output.numpy()[t], state[0][0], rtol=1e-12)
    for a, b in zip(parts(last), state, strict=True):
        np.testing.assert_allclose(a.numpy(), b, rtol=1e-12)


def test_evaluation_is_the_expectation_of_a_step(kind):
    """Masks of many copies of one input, against what evaluation says of it."""
    many = np.repeat(X[:1, :1], 20_000, axis=1)
    start = [np.full((1, 20_000, 5), 0.5) for _ in made(kind).layer.states]
    given = tuple(start) if len(start) > 1 else start[0]
    for scale in ("test", "inverted"):
        zone = made(kind, 0.3, 0.6, scale=scale)
        _, drawn = zone(many, given)
        _, mean = zone.eval()(many, given)
        for a, b in zip(parts(drawn), parts(mean), strict=True):
            np.testing.assert_allclose(a.numpy().mean(axis=1)[0], b.numpy()[0, 0], atol=0.02)


def test_none_is_the_layer_itself_and_all_leaves_the_first_state(kind):
    layer = made(kind, 0.0, 0.0)
    np.testing.assert_array_equal(layer(X)[0].numpy(), layer.layer(X)[0].numpy())
    assert layer.counter.item() == 0
    for scale in ("test", "inverted"):
        for mode in (True, False):
            output, last = made(kind, 1.0, 1.0, scale=scale).train(mode)(X)
            assert not output.numpy().any()
            assert not any(part.numpy().any() for part in parts(last))


def test_the_rate_of_the_cell_is_not_that_of_the_hidden_state():
    still = nn.Zoneout(nn.LSTM(4, 5, rng=0), 0.0, 1.0, rng=0)
    output, (h, c) = still(X)
    assert not c.numpy().any()
    assert h.numpy().all()
    assert output.numpy().all()


def test_a_saved_run_draws_the_same_masks_when_it_is_resumed(kind, tmp_path):
    first, second = made(kind, 0.3), nn.Zoneout(kind(4, 5, rng=9, dtype=np.float64), 0.3, rng=8)
    for _ in range(3):
        first(X)
    first.save(tmp_path / "state")
    second.load(tmp_path / "state")
    for _ in range(2):
        np.testing.assert_array_equal(first(X)[0].numpy(), second(X)[0].numpy())
    assert first.counter.item() == second.counter.item() == 5 * len(first.layer.states)


def test_a_compiled_step_draws_what_an_eager_one_does(kind):
    eager, compiled = made(kind, 0.3), made(kind, 0.3)
    step = ag.jit(lambda x: compiled(x)[0])
    outputs = []
    for _ in range(3):
        expected = eager(X)[0].numpy()
        np.testing.assert_allclose(step(X).numpy(), expected, rtol=1e-12, atol=1e-14)
        outputs.append(expected)
    assert not np.allclose(outputs[0], outputs[1])
    assert compiled.counter.item() == eager.counter.item() == 3 * len(eager.layer.states)
    compiled.eval()
    np.testing.assert_allclose(step(X).numpy(), eager.eval()(X)[0].numpy(), rtol=1e-12)


def test_masks_are_nodes_with_a_role_in_every_direction_and_layer(kind):
    zone = nn.Zoneout(kind(4, 5, num_layers=2, bidirectional=True, rng=0), 0.3, 0.6, rng=0)
    program = ag.trace(zone)(X)
    masks = [s.result for s in program.applications if s.result.role == "zoneout mask"]
    assert [m.shape for m in masks] == [(6, 3, 5)] * 4 * len(zone.layer.states)


def test_padding_and_cells():
    lengths = np.array([2, 0, 6])
    zone = made(nn.GRU, 0.3)
    output, last = zone(X, lengths=lengths)
    assert not output.numpy()[2:, 0].any()
    assert not output.numpy()[:, 1].any()
    np.testing.assert_array_equal(last.numpy()[0, 0], output.numpy()[1, 0])
    cell = nn.Zoneout(nn.LSTMCell(4, 5, rng=0), 0.5, 0.5, rng=0)
    h, c = cell(X[0])
    assert ((h.numpy() == 0).any(), (c.numpy() == 0).any()) == (True, True)
    h, c = cell.eval()(X[0], (h, c))
    assert h.shape == c.shape == (3, 5)


def test_bad_options_are_refused():
    layer = nn.LSTM(4, 5, rng=0)
    for arguments, options, words in (
        ((layer, 1.5), {}, "Zoneout: hidden: expected"),
        ((layer, 0.5, -0.1), {}, "Zoneout: cell: expected"),
        ((layer, float("nan")), {}, "Zoneout: hidden: expected"),
        ((nn.Linear(4, 5, rng=0),), {}, "expected an RNN, GRU or LSTM, or a cell; received Linear"),
        ((layer,), {"scale": "train"}, "Zoneout: scale: expected"),
    ):
        with pytest.raises(ConfigError, match=words):
            nn.Zoneout(*arguments, **options)
