"""InputNorm: fitted on training data, saved with the model."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import CaptureError, ConfigError, DataError, ShapeError, StateError
from nn.layers.normalization.statistics import Moments

RNG = np.random.default_rng(0)
DATA = RNG.normal(2.0, 3.0, size=(50, 4))
IMAGES = RNG.normal(2.0, 3.0, size=(20, 3, 4, 2))


def layer(shape=4, axis=-1, **options):
    return nn.InputNorm(shape, axis, **{"dtype": np.float64, **options})


def values(t):
    return t.detach().numpy()


@pytest.mark.parametrize(
    ("shape", "axis", "data", "averaged"),
    [
        (4, -1, DATA, (0,)),
        (3, 1, IMAGES, (0, 2, 3)),
        (2, -1, IMAGES, (0, 1, 2)),
        ((4, 2), (2, 3), IMAGES, (0, 1)),
        ((3, 4, 2), (1, 2, 3), IMAGES, (0,)),
        ((3, 2), (1, -1), IMAGES, (0, 2)),
        ((), (), IMAGES, (0, 1, 2, 3)),
    ],
)
def test_the_training_data_gets_mean_0_and_variance_1_for_each_place_of_the_axes(
    shape, axis, data, averaged
):
    norm = layer(shape, axis).adapt(data)
    assert norm.mean.shape == (shape if isinstance(shape, tuple) else (shape,))
    u = values(norm(data))
    np.testing.assert_allclose(u.mean(averaged), 0, atol=1e-13)
    np.testing.assert_allclose(u.var(averaged), 1, rtol=1e-12)
    expected = (data - data.mean(averaged, keepdims=True)) / data.std(averaged, keepdims=True)
    np.testing.assert_allclose(u, expected, rtol=1e-11, atol=1e-13)


def test_eps_is_inside_the_root_and_training_is_as_evaluation():
    norm = layer(eps=2.0).adapt(DATA)
    expected = (DATA - DATA.mean(0)) / np.sqrt(DATA.var(0) + 2)
    for mode in (True, False):
        np.testing.assert_allclose(values(norm.train(mode)(DATA)), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "batches",
    [
        [DATA[:7], DATA[7:8], DATA[8:8], DATA[8:]],
        (DATA[i : i + 9] for i in range(0, 50, 9)),
        [ag.tensor(DATA[:20]), DATA[20:]],
        map(lambda i: DATA[i : i + 1], range(50)),  # noqa: C417
    ],
)
def test_data_may_come_in_batches_of_any_sizes(batches):
    norm, whole = layer().adapt(batches), layer().adapt(DATA)
    np.testing.assert_allclose(norm.mean.numpy(), DATA.mean(0), rtol=1e-13)
    np.testing.assert_allclose(norm.variance.numpy(), whole.variance.numpy(), rtol=1e-12)


def test_long_data_is_merged_from_parts():
    data = RNG.normal(size=(10_000, 2))
    norm = layer(2).adapt(data)
    np.testing.assert_allclose(norm.mean.numpy(), data.mean(0), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(norm.variance.numpy(), data.var(0), rtol=1e-12)


def test_what_is_large_against_its_spread_keeps_its_digits():
    """Far from 0 a sum of squares has no digits left for the variance, and a float32 none for x."""
    data = 1.7e9 + RNG.normal(scale=0.5, size=(3000, 1))
    norm = nn.InputNorm(1).adapt([data[:100], data[100:]])
    # Of data moved to 0 by something exact.
    near = data - 1.7e9
    np.testing.assert_allclose(norm.variance.numpy(), near.var(0), rtol=1e-9)
    found = values(norm(data))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, (near - near.mean(0)) / near.std(0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("value", [0.1, 1e30, -1 / 3, 0.0, 12345.678])
def test_what_never_changes_becomes_0_and_keeps_its_distance(value):
    data = DATA.copy()
    data[:, 2] = value
    norm = layer().adapt([data[:7], data[7:]])
    assert norm.constant.numpy().tolist() == [False, False, True, False]
    assert repr(norm) == "InputNorm(4, dtype=float64, 1 constant)"
    assert (values(norm(data))[:, 2] == 0).all()
    moved = np.array([[0.0, 0.0, value + 5, 0.0]])
    np.testing.assert_allclose(values(norm(moved))[0, 2], (value + 5) - value)


def test_before_adapt_it_is_refused_eager_and_compiled_and_in_a_model():
    norm = layer()
    for use in (norm, ag.jit(norm), nn.Sequential(norm).eval(), ag.trace(norm)):
        with pytest.raises(StateError, match=r"InputNorm\(4.*no statistics.*first call adapt"):
            use(DATA)
    # Statistics that are given for one call are some.
    given = {"mean": np.zeros(4), "variance": np.full(4, 4.0)}
    np.testing.assert_array_equal(values(nn.functional_call(norm, given, (DATA,))), DATA / 2)


def test_it_is_saved_with_the_model(tmp_path):
    def model(seed):
        return nn.Sequential(layer(), nn.Linear(4, 2, rng=seed, dtype=np.float64))

    first, second = model(0), model(1)
    first[0].adapt(DATA)
    first.save(tmp_path / "model")
    second.load(tmp_path / "model")
    np.testing.assert_array_equal(values(second(DATA)), values(first(DATA)))


def test_it_may_be_adapted_anew():
    norm = layer().adapt(DATA)
    compiled = ag.jit(norm)
    compiled(DATA)
    norm.adapt(DATA * 10)
    np.testing.assert_allclose(values(compiled(DATA * 10)).std(0), 1, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.bool_, np.float16, np.float32])
def test_the_data_may_be_of_any_real_dtype(dtype):
    data = RNG.integers(0, 2, size=(30, 4)).astype(dtype)
    norm = layer().adapt(data)
    np.testing.assert_allclose(values(norm(data)).std(0), 1, rtol=1e-12)
    assert nn.InputNorm(4).adapt(data)(data).dtype == np.float32


def test_nested_lists_of_numbers_are_data():
    assert layer(2).adapt([[1.0, 2.0], [3.0, 4.0]]).mean.numpy().tolist() == [2.0, 3.0]


BAD = {
    "NaN": (np.where(np.arange(200).reshape(50, 4) == 50, np.nan, DATA), DataError, r"1 values.*\(12, 2\)"),
    "inf": ([DATA, DATA * np.inf], DataError, "batch 1.*NaN or infinite"),
    "too large": (DATA * 1e200, DataError, "squares of distances .* have no float64"),
    "other features": (DATA[:, :3], ShapeError, r"axis \(-1,\) has size \(4,\); received \(50, 3\)"),
    "no batch axis": (DATA[0], ShapeError, "Expected a batch"),
    "nothing": (DATA[:0], ShapeError, "no values have no variance"),
    "no batches": (iter(()), ShapeError, "no values have no variance"),
    "one row": (DATA[:1], ShapeError, "one value has no variance.*Pass all training data"),
    "with targets": ((DATA, DATA), ConfigError, "a tuple of 2. Pass the inputs alone"),
    "second batch": ([DATA, DATA[:, :2]], ShapeError, "does not fit"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_data_is_refused_and_changes_nothing(name):
    data, error, message = BAD[name]
    norm = layer().adapt(DATA)
    before = norm.state_dict()
    with pytest.raises(error, match=message):
        norm.adapt(data)
    for key, kept in norm.state_dict().items():
        np.testing.assert_array_equal(kept, before[key])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": 0}, "shape: expected an integer of 1 or more"),
        ({"axis": 0}, "axis: expected an axis for each of the 1 sizes of shape, and not 0"),
        ({"axis": (1, 2)}, "axis: expected an axis"),
        ({"axis": "rows"}, "axis: expected an axis"),
        ({"eps": -1.0}, "eps: expected a finite number"),
    ],
)
def test_options_outside_their_range_are_refused(options, message):
    with pytest.raises(ConfigError, match=f"InputNorm: {message}"):
        nn.InputNorm(**{"shape": 4, **options})


def test_it_is_not_adapted_inside_of_a_compiled_step():
    norm = layer()
    with pytest.raises(CaptureError, match="outside of a compiled step"):
        ag.jit(lambda x: norm.adapt(x)(x))(DATA)


def test_it_is_batch_norm_over_the_training_set_as_one_batch():
    batch = nn.BatchNorm1d(4, eps=0.3, dtype=np.float64)
    np.testing.assert_allclose(
        values(layer(eps=0.3).adapt(DATA)(DATA)), values(batch(DATA)), rtol=1e-12, atol=1e-14
    )


def test_moments_of_any_parts_are_those_of_the_whole():
    """However it is cut, and far from 0."""
    data = 1e6 + RNG.normal(size=(60, 2))
    for _ in range(20):
        cuts = np.sort(RNG.integers(0, 61, size=RNG.integers(0, 8)))
        moments = Moments((2,))
        for part in np.split(data, cuts):
            moments.add(part, (0,), "test")
        mean, variance, _ = moments.taken("test")
        np.testing.assert_allclose(mean, data.mean(0), rtol=1e-14)
        np.testing.assert_allclose(variance, (data - 1e6).var(0), rtol=1e-9)
