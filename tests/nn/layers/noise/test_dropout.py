"""Dropout: the two scalings, masks as a function of (key, counter), exact ends."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError

X = np.random.default_rng(0).normal(size=(40, 5)) + 3


def make(*args, seed=0, **options):
    return nn.Dropout(*args, rng=np.random.default_rng(seed), **options)


def test_the_default_drops_half():
    layer = make()
    assert (layer.p, layer.keep, layer.scale) == (0.5, 0.5, "inverted")


def test_inverted_dropout_divides_in_training_and_is_the_identity_in_evaluation():
    layer = make(0.2)
    y = layer(X).numpy()
    kept = y != 0
    np.testing.assert_allclose(y[kept], X[kept] / 0.8, rtol=1e-15)
    assert 0 < (~kept).sum() < X.size / 2
    np.testing.assert_array_equal(layer.eval()(X).numpy(), X)


def test_the_slides_dropout_multiplies_by_d_in_training_and_by_alpha_at_test():
    layer = make(keep=0.8, scale="test")
    y = layer(X).numpy()
    kept = y != 0
    np.testing.assert_array_equal(y[kept], X[kept])
    np.testing.assert_allclose(layer.eval()(X).numpy(), 0.8 * X, rtol=1e-15)


@pytest.mark.parametrize("scale", ["inverted", "test"])
def test_both_scalings_agree_in_expectation(scale):
    layer = make(keep=0.7, scale=scale)
    ones = np.ones((200, 500))
    mean = layer(ones).numpy().mean()
    expected = layer.eval()(1.0).numpy()
    # 100,000 Bernoulli draws: five standard deviations.
    assert abs(mean - expected) < 5 * np.sqrt(0.7 * 0.3 / ones.size) / 0.7


def test_the_same_key_gives_the_same_mask_under_both_scalings():
    inverted, slides = make(keep=0.7), make(keep=0.7, scale="test")
    np.testing.assert_array_equal(inverted(X).numpy() != 0, slides(X).numpy() != 0)


def test_p_and_keep_are_two_names_for_one_choice():
    np.testing.assert_array_equal(make(0.25)(X).numpy(), make(keep=0.75)(X).numpy())
    assert make(keep=0.75).p == 0.25


def test_each_pass_draws_its_own_mask_and_counts():
    layer = make()
    first, second = layer(X).numpy(), layer(X).numpy()
    assert np.any((first == 0) != (second == 0))
    assert int(layer.counter) == 2
    layer.eval()(X)
    assert int(layer.counter) == 2


def test_each_input_has_its_own_mask():
    mask = make()(np.ones((30, 20))).numpy() != 0
    assert len({row.tobytes() for row in mask}) == 30


def test_the_mask_is_philox_bits_below_the_threshold():
    layer = make(keep=0.3)
    y = layer(np.ones((3, 5))).numpy()
    bits = np.random.Philox(key=layer.key.numpy(), counter=[0, 1, 0, 0]).random_raw(8)
    expected = bits.view(np.uint32)[:15].reshape(3, 5) < 0.3 * 2**32
    np.testing.assert_array_equal(y != 0, expected)


def test_masks_follow_from_the_state():
    layer, other = make(seed=0), make(seed=1)
    layer(X)
    other.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(layer(X).numpy(), other(X).numpy())
    assert set(layer.state_dict()) == {"key", "counter"}


def test_equal_generators_give_equal_masks_and_the_generator_is_used_once():
    rng = np.random.default_rng(3)
    layer = nn.Dropout(rng=rng)
    state = copy.deepcopy(rng.bit_generator.state)
    np.testing.assert_array_equal(layer(X).numpy(), make(seed=3)(X).numpy())
    assert rng.bit_generator.state == state
    assert np.any(nn.Dropout(rng=rng).key.numpy() != layer.key.numpy())


def test_dropped_units_get_no_gradient():
    layer = make(0.5)
    x = ag.tensor(X, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.where(y.detach().numpy() != 0, 2.0, 0.0))


def test_two_passes_can_both_be_differentiated_though_the_counter_moved():
    layer = make()
    x = ag.tensor(X, requires_grad=True)
    first, second = layer(x), layer(x)
    (first.sum() + second.sum()).backward()
    kept = (first.detach().numpy() != 0) * 2.0 + (second.detach().numpy() != 0) * 2.0
    np.testing.assert_array_equal(x.grad.numpy(), kept)


def test_the_mask_is_in_the_graph_with_its_role():
    program = ag.introspect.program(make()(ag.tensor(X, requires_grad=True)))
    (mask,) = [step.result for step in program.applications if step.result.role]
    assert (mask.role, mask.dtype, mask.shape) == ("dropout mask", np.bool_, X.shape)
    names = [step.primitive.name for step in program.applications]
    assert names == ["random_bits", "less", "multiply", "divide"]


def test_the_recorded_graph_replays_the_mask_that_was_drawn():
    layer = make()
    layer(X)
    y = layer(ag.tensor(X, requires_grad=True))
    np.testing.assert_array_equal(ag.introspect.program(y)(), y.detach().numpy())


def test_a_trace_counts_in_the_program_and_not_in_memory():
    layer = make()
    program = ag.trace(layer)(X)
    assert int(layer.counter) == 0
    ((target, value),) = program.writes
    assert target.name == "counter"
    assert program.values(X)[value] == 1
    np.testing.assert_array_equal(program(X), layer(X).numpy())


def test_a_layer_used_twice_in_one_trace_draws_twice():
    layer = make()
    twice = nn.Sequential(layer, layer)
    program = ag.trace(twice)(X)
    np.testing.assert_array_equal(program(X), twice(X).numpy())
    assert int(layer.counter) == 2


def test_p_zero_is_the_input_itself_and_draws_nothing():
    for scale in ("inverted", "test"):
        layer = make(0, scale=scale)
        np.testing.assert_array_equal(layer(X).numpy(), X)
        assert int(layer.counter) == 0
        np.testing.assert_array_equal(layer.eval()(X).numpy(), X)


@pytest.mark.parametrize("scale", ["inverted", "test"])
def test_p_one_is_exactly_zero(scale):
    layer = make(1, scale=scale)
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(layer(X).numpy(), 0 * X)
    expected = X if scale == "inverted" else 0 * X
    np.testing.assert_array_equal(layer.eval()(X).numpy(), expected)


def test_almost_never_dropping_is_not_an_overflow():
    np.testing.assert_array_equal(make(1e-12, scale="test")(X).numpy(), X)


def test_dtype_is_kept():
    for layer in (make(), make(scale="test"), make(0), make().eval(), make(scale="test").eval()):
        assert layer(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"p": 1.1}, r"p: expected a finite number in \[0, 1\]; received 1\.1"),
        ({"p": -0.1}, "p: expected a finite number"),
        ({"p": np.nan}, "p: expected a finite number"),
        ({"p": "0.5"}, "p: expected a finite number"),
        ({"keep": 2}, "keep: expected a finite number"),
        ({"p": 0.5, "keep": 0.5}, r"p and keep are one choice.*received p=0\.5 and keep=0\.5"),
        ({"scale": "train"}, "scale: expected one of 'inverted', 'test'; received 'train'"),
        ({"rng": -1}, r"rng is neither a generator nor a seed.*received -1"),
    ],
)
def test_options_outside_their_range_are_refused(options, message):
    with pytest.raises(ConfigError, match=f"Dropout: .*{message}|Dropout: {message}"):
        nn.Dropout(**{"rng": np.random.default_rng(0), **options})
