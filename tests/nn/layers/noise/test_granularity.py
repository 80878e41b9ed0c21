"""What one draw is for, of every layer that draws; and what all of them refuse."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, DTypeError, ShapeError
from nn.catalogue import public_modules
from nn.contract import example_of
from nn.layers.noise.drawing import Drawing, Keeping

LAYERS = [kind for kind in public_modules() if issubclass(kind, Drawing)]
KEEPING = [kind for kind in LAYERS if issubclass(kind, Keeping)]
OF_UNITS = [
    kind
    for kind in LAYERS
    if not list(example_of(kind).make(*example_of(kind).args).parameters())
    and kind is not nn.LabelFlip  # whose integers are labels
]
IMAGES = np.ones((6, 5, 4, 3))


def named(kind):
    return kind.__name__


def results(layer, *given):
    """All that a layer gives, as arrays: recurrent ones give states as well."""
    found, waiting = [], [layer(*given)]
    while waiting:
        y = waiting.pop(0)
        if isinstance(y, (tuple, list)):
            waiting[:0] = y
        else:
            found.append(y.detach().numpy())
    return found


def patterns(values, axes):
    """In how many ways the rest looks over these axes."""
    moved = np.moveaxis(values, axes, range(len(axes)))
    rows = moved.reshape(np.prod([values.shape[a] for a in axes], dtype=int), -1)
    return len({row.tobytes() for row in rows})


def test_there_are_such_layers():
    assert {"Dropout", "Dropout2d", "GaussianNoise", "StochasticDepth"} <= set(map(named, LAYERS))
    assert len(KEEPING) >= 6


@pytest.mark.parametrize("kind", [nn.Dropout, nn.AlphaDropout, nn.GaussianDropout])
def test_units_have_masks_of_their_own(kind):
    y = kind(0.5, rng=0)(IMAGES).numpy()
    assert patterns(y, [0]) == 6
    assert patterns(y, [2]) == 4
    assert patterns(y, [3]) == 3


def test_spatial_dropout_has_a_mask_entry_for_each_example_and_channel():
    y = nn.Dropout2d(0.5, rng=0)(IMAGES).numpy()
    assert patterns(y, [2, 3]) == 1
    assert patterns(y, [0]) > 1
    assert patterns(y, [1]) > 1
    y = nn.Dropout1d(0.5, rng=0)(IMAGES[..., 0]).numpy()
    assert patterns(y, [2]) == 1
    assert patterns(y, [0]) > 1


def test_spatial_dropout_without_a_batch_reads_the_first_axis_as_channels():
    for layer, x in (
        (nn.Dropout1d(0.5, rng=1), IMAGES[0, :, :, 0]),
        (nn.Dropout2d(0.5, rng=1), IMAGES[0]),
    ):
        y = layer(x).numpy()
        assert {len(set(channel.ravel())) for channel in y} == {1}
        assert len(set(y.ravel())) == 2


def test_stochastic_depth_has_one_draw_for_the_pass_or_for_each_example():
    whole = nn.StochasticDepth(0.5, rng=0)
    kept = [whole(IMAGES).numpy() for _ in range(20)]
    assert {len(set(y.ravel())) for y in kept} == {1}
    assert {y.ravel()[0] for y in kept} == {0.0, 2.0}
    each = nn.StochasticDepth(0.5, rng=0, per="example")(IMAGES).numpy()
    assert {len(set(row.ravel())) for row in each} == {1}
    assert len(set(each.ravel())) == 2


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Dropout1d(rng=0), (2,)),
        (nn.Dropout1d(rng=0), (2, 3, 4, 5)),
        (nn.Dropout2d(rng=0), (2, 3)),
        (nn.Dropout2d(rng=0).eval(), (2, 3)),
        (nn.Dropout2d(0.0, rng=0), (2, 3, 4, 5, 6)),
        (nn.StochasticDepth(rng=0, per="example"), ()),
    ],
)
def test_a_wrong_rank_is_refused_in_every_mode(layer, shape):
    with pytest.raises(ShapeError, match=r"Expected shape \(.*received \("):
        layer(np.ones(shape))
    assert int(layer.counter) == 0


@pytest.mark.parametrize("kind", KEEPING, ids=named)
@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan, np.inf, "0.5", True, None, [0.5]])
@pytest.mark.parametrize("name", ["p", "keep"])
def test_no_probability_is_refused(kind, name, value):
    if value is None:
        pytest.skip("it was left out")
    args = example_of(kind).args
    with pytest.raises(ConfigError, match=rf"^{kind.__name__}: {name}: expected a finite number"):
        kind(*args, **{name: value}, rng=0)


@pytest.mark.parametrize("kind", KEEPING, ids=named)
def test_p_and_keep_are_one_choice_everywhere(kind):
    args = example_of(kind).args
    with pytest.raises(ConfigError, match=f"^{kind.__name__}: p and keep are one choice"):
        kind(*args, p=0.5, keep=0.5)
    assert kind(*args, keep=0.75, rng=0).p == 0.25


@pytest.mark.parametrize("kind", KEEPING, ids=named)
def test_what_bits_cannot_tell_from_never_is_refused(kind):
    """All would be off, and what is kept be divided by almost nothing: the mean would be lost."""
    args = example_of(kind).args
    with pytest.raises(ConfigError, match=rf"^{kind.__name__}: keep: expected 0, or 2⁻³² or more"):
        kind(*args, keep=1e-11)
    assert kind(*args, keep=2.0**-32, rng=0).keep == 2.0**-32


@pytest.mark.parametrize("kind", [nn.GaussianDropout, nn.AlphaDropout])
def test_where_nothing_would_be_left_all_cannot_be_dropped(kind):
    with pytest.raises(ConfigError, match=r"p: expected a finite number in \[0, 1\)"):
        kind(1.0)
    with pytest.raises(ConfigError, match=r"keep: expected a finite number in \(0, 1\]"):
        kind(keep=0.0)
    assert kind(keep=1.0).p == 0


@pytest.mark.parametrize("kind", OF_UNITS, ids=named)
@pytest.mark.parametrize("training", [True, False])
def test_integers_are_refused_and_nothing_is_drawn(kind, training):
    case = next(example_of(kind).cases())
    layer = case.build().train(training)
    if len(case.inputs()) != 1:
        pytest.skip("it takes more than units")
    for dtype in (np.int64, np.bool_, np.complex128):
        with pytest.raises(
            DTypeError,
            match=rf"not made of floats\. Expected a float dtype; received {np.dtype(dtype)}",
        ):
            layer(case.inputs()[0].astype(dtype))
    assert int(layer.counter) == 0


@pytest.mark.parametrize("kind", LAYERS, ids=named)
def test_float16_stays_finite_and_float16(kind):
    for case in example_of(kind).cases():
        layer = case.build(dtype=np.float16)
        for _ in range(20):
            for y in results(layer, *case.inputs(np.float16)):
                assert y.dtype == np.float16
                assert np.isfinite(y).all()


@pytest.mark.parametrize("kind", OF_UNITS, ids=named)
def test_an_empty_batch_is_empty(kind):
    case = next(example_of(kind).cases())
    given = [a[:0] for a in case.inputs()]
    assert case.build()(*given).shape == (0, *case.build()(*case.inputs()).shape[1:])


@pytest.mark.parametrize("kind", LAYERS, ids=named)
def test_called_twice_it_draws_twice_and_a_copy_draws_the_same(kind):
    case = next(example_of(kind).cases())
    layer, given = case.build(dtype=np.float64), case.inputs(np.float64)
    layer(*given)
    twin = copy.deepcopy(layer)
    draws = [results(layer, *given)[0] for _ in range(8)]
    if kind.__module__.startswith("nn.layers"):  # a small turn of a small picture may be none
        assert len({d.tobytes() for d in draws}) > 1
    np.testing.assert_array_equal([results(twin, *given)[0] for _ in range(8)], draws)


@pytest.mark.parametrize("kind", LAYERS, ids=named)
def test_train_and_eval_inside_of_a_compiled_step_are_seen(kind):
    case = next(example_of(kind).cases())
    layer, given = case.build(dtype=np.float64), case.inputs(np.float64)
    twin = copy.deepcopy(layer)
    compiled = ag.jit(lambda *given: layer(*given), backend="numpy")
    for training in (True, True, False, True):
        layer.train(training)
        expected = results(twin.train(training), *given)
        for found, wanted in zip(results(compiled, *given), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert int(layer.counter) == int(twin.counter)
