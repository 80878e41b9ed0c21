"""Pooling, against loops over windows."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import ConfigError, DTypeError, ShapeError
from autograd_core.symbolic import prove
from nn import functional as F

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3, 7))
IMAGE = RNG.normal(size=(2, 3, 6, 7))


def seen(length, size, step, padding, dilation, ceil):
    """For each window of an axis the places of the input in it, and how many of padding."""
    round_ = math.ceil if ceil else math.floor
    number = round_((length + 2 * padding - dilation * (size - 1) - 1) / step) + 1
    if ceil and (number - 1) * step >= length + padding:
        number -= 1
    for i in range(number):
        places = [i * step - padding + dilation * j for j in range(size)]
        inside = [p for p in places if 0 <= p < length]
        padded = [p for p in places if -padding <= p < length + padding]
        yield inside, len(padded) - len(inside)


def windows_of(shape, sizes, steps, paddings, dilations, ceil):
    axes = zip(shape, sizes, steps, paddings, dilations, strict=True)
    return [list(seen(*axis, ceil)) for axis in axes]


def looped(x, windows, value):
    """``value(elements of a window, how many are padding)`` at each place of the last axes."""
    axes = len(windows)
    y = np.zeros((*x.shape[:-axes], *map(len, windows)))
    for at in np.ndindex(y.shape):
        places = [w[i] for w, i in zip(windows, at[-axes:], strict=True)]
        elements = x[at[:-axes]][np.ix_(*(inside for inside, _ in places))]
        padded = math.prod(len(inside) + beyond for inside, beyond in places) - elements.size
        y[at] = value(elements, padded)
    return y


OPTIONS = [
    (size, stride, padding, dilation, ceil)
    for size, stride, padding, dilation, ceil in itertools.product(
        (1, 2, 3), (None, 1, 2, 3), (0, 1), (1, 2), (False, True)
    )
    if 2 * padding <= size
]


@pytest.mark.parametrize("axes", [1, 2])
def test_pools_are_those_of_their_windows(axes):
    """Every option with every other; sizes, steps and padding of two axes apart."""
    x = X if axes == 1 else IMAGE[:1, :2]
    for size, stride, padding, dilation, ceil in OPTIONS:
        sizes, paddings, dilations = ([size, 3][:axes], [padding, 1][:axes], [dilation, 1][:axes])
        steps = sizes if stride is None else [stride, 2][:axes]
        given = None if stride is None else steps
        shape = x.shape[-axes:]
        name = f"max_pool{axes}d"
        windows = windows_of(shape, sizes, steps, paddings, dilations, ceil)
        expected = looped(x, windows, lambda e, _: e.max())
        found = getattr(F, name)(x, sizes, given, paddings, dilations, ceil)
        np.testing.assert_array_equal(found.numpy(), expected)
        if dilation > 1:
            continue
        for counted in (True, False):
            mean = looped(x, windows, lambda e, n: e.sum() / (e.size + n * counted))  # noqa: B023
            found = getattr(F, f"avg_pool{axes}d")(x, sizes, given, paddings, ceil, counted)
            np.testing.assert_allclose(found.numpy(), mean, rtol=1e-12, atol=1e-14)
    if axes == 2:
        total = looped(
            x, windows_of((6, 7), (2, 3), (2, 3), (1, 0), (1, 1), True), lambda e, _: e.sum()
        )
        found = F.avg_pool2d(x, (2, 3), padding=(1, 0), ceil_mode=True, divisor_override=5)
        np.testing.assert_allclose(found.numpy(), total / 5, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("axes", [1, 2])
def test_adaptive_parts_are_from_floor_to_ceiling(axes):
    x = X if axes == 1 else IMAGE
    for numbers in itertools.product((1, 2, 3, 5, 6, 7, 9), repeat=axes):
        parts = [
            [(list(range(i * n // k, -(-(i + 1) * n // k))), 0) for i in range(k)]
            for n, k in zip(x.shape[-axes:], numbers, strict=True)
        ]
        found = getattr(F, f"adaptive_avg_pool{axes}d")(x, numbers).numpy()
        expected = looped(x, parts, lambda e, _: e.mean())
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    if axes == 2:
        kept = F.adaptive_avg_pool2d(x, (None, 3)).numpy()
        np.testing.assert_array_equal(kept, F.adaptive_avg_pool2d(x, (6, 3)).numpy())
        whole = F.adaptive_avg_pool2d(x, None)
        np.testing.assert_array_equal(whole.numpy(), x)
        assert not np.shares_memory(whole.numpy(), x)


def test_places_that_tie_share_the_derivative():
    """In one window; along the height first, and then along the width."""
    slope = ag.grad(lambda x: ag.sum(F.max_pool1d(x, 4)))
    assert slope(np.array([[1.0, 3.0, 3.0, 2.0]])).numpy().tolist() == [[0.0, 0.5, 0.5, 0.0]]
    slope = ag.grad(lambda x: ag.sum(F.max_pool2d(x, 2)))
    for image, shares in (
        ([[1.0, 1.0], [1.0, 1.0]], [[0.25, 0.25], [0.25, 0.25]]),
        ([[1.0, 1.0], [0.0, 1.0]], [[0.5, 0.25], [0.0, 0.25]]),
        ([[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.0], [0.0, 0.5]]),
        ([[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 0.0]]),
    ):
        assert slope(np.array([image])).numpy().tolist() == [shares]


def test_a_share_is_a_subgradient_wherever_values_tie():
    """The largest value rises by no less than the shares say, in every direction."""
    images = RNG.integers(0, 2, (200, 1, 1, 5, 6)).astype(float)
    pooled = ag.jit(lambda x: ag.sum(F.max_pool2d(x, 3, 2, 1)))
    slope = ag.jit(ag.grad(lambda x: ag.sum(F.max_pool2d(x, 3, 2, 1))))
    for image in images:
        direction = RNG.normal(size=image.shape)
        rise = pooled(image + direction).numpy() - pooled(image).numpy()
        assert rise >= np.sum(slope(image).numpy() * direction) - 1e-12


def test_what_lies_beyond_the_ends_is_no_candidate():
    x = -np.ones((1, 1, 3, 3))
    np.testing.assert_array_equal(F.max_pool2d(x, 3, 1, 1).numpy(), x)
    x[0, 0, 1, 1] = np.nan
    assert np.isnan(F.max_pool2d(x, 3, 1, 1).numpy()).all()
    x[...] = -np.inf
    np.testing.assert_array_equal(F.max_pool2d(x, 3, 1, 1).numpy(), x)


def test_values_without_bound_stay_in_their_windows():
    x = np.array([[1.0, np.inf, 2.0, 3.0, 4.0]])
    assert F.avg_pool1d(x, 2, padding=1).numpy().tolist() == [[0.5, np.inf, 3.5]]
    assert F.adaptive_avg_pool1d(x, 2).numpy().tolist() == [[np.inf, 3.0]]


@pytest.mark.parametrize(
    "pool",
    [
        lambda x: F.max_pool2d(x, 3, 2, 1),
        lambda x: F.max_pool2d(x, 2),
        lambda x: F.avg_pool2d(x, 3, 2, 1, True, False),
        lambda x: F.adaptive_avg_pool2d(x, (2, 3)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_order_of_memory_and_dtype_gives_the_same(pool, dtype):
    x = RNG.normal(size=(3, 4, 6, 7)).astype(dtype)
    expected = pool(x)
    assert expected.dtype == dtype
    others = [
        x[:, ::-1].copy()[:, ::-1],
        np.asfortranarray(x),
        x.astype(x.dtype.newbyteorder()),
        np.moveaxis(np.moveaxis(x, 0, -1).copy(), -1, 0),
    ]
    for other in others:
        np.testing.assert_allclose(pool(other).numpy(), expected.numpy(), rtol=1e-3)
    empty = pool(x[:0])
    assert empty.shape == (0, *expected.shape[1:])
    np.testing.assert_array_equal(pool(x[1]).numpy(), pool(x[1:2]).numpy()[0])


def test_pools_of_an_image_are_proved_at_every_size():
    n, h, w = ag.dims("N H W")
    x = ag.Abstract((n, 2, 2 * h, 2 * w), np.float64)
    for pool in (lambda x: F.max_pool2d(x, 2), lambda x: F.avg_pool2d(x, 2)):
        g = ag.Abstract(pool(x).shape, np.float64)
        verdict = prove.backward(lambda x, g: ag.sum(pool(x) * g), args=[x, g])  # noqa: B023
        assert verdict.status == "PROVED"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.max_pool1d(X, 0), ConfigError, "kernel_size: expected an integer of 1 or more"),
        (lambda: F.max_pool1d(X, 2, 0), ConfigError, "stride: expected an integer of 1 or more"),
        (lambda: F.max_pool1d(X, 3, padding=2), ConfigError, "at most half of kernel_size=3"),
        (lambda: F.max_pool1d(X, 2, padding=-1), ConfigError, "padding: expected an integer of 0"),
        (lambda: F.max_pool1d(X, (2, 2)), ConfigError, "or a sequence of 1 such"),
        (lambda: F.max_pool1d(X, 8), ShapeError, "longer than the input.*8 or more.*received 7"),
        (lambda: F.max_pool1d(X[0, 0], 2), ShapeError, r"\(batch, channels, length\).*\(7,\)"),
        (lambda: F.max_pool1d(X.astype(int), 2), DTypeError, "expected floats; received int64"),
        (lambda: F.avg_pool2d(IMAGE, 2, divisor_override=0), ConfigError, "divisor_override"),
        (lambda: F.avg_pool2d(IMAGE[0, 0], 2), ShapeError, "without the batch; received"),
        (lambda: F.adaptive_avg_pool1d(X, 0), ConfigError, "output_size: expected an integer of 1"),
        (lambda: F.adaptive_avg_pool1d(X, None), ConfigError, "output_size: expected an integer"),
        (lambda: F.adaptive_avg_pool2d(IMAGE[:, :, :0], 2), ShapeError, "an axis is empty"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("regions", ["random", "pseudorandom"])
@pytest.mark.parametrize("overlapping", [True, False])
def test_fractional_regions_have_two_neighbouring_sizes_and_cover_the_axis(regions, overlapping):
    for length, parts in itertools.product(range(2, 12), range(1, 11)):
        total = length - overlapping
        if parts > total:
            continue
        for bits in (
            RNG.integers(0, 2**32, parts, np.uint32),
            np.full(parts, 2**32 - 1, np.uint32),
        ):
            edges = F.fractional_edges(bits, length, parts, regions, overlapping).numpy()
            assert edges.shape == (parts + 1,)
            assert edges[0] == 0
            assert edges[-1] == total
            assert set(np.diff(edges)) == {total // parts, -(-total // parts)}
            by_tensor = F.fractional_edges(ag.tensor(bits), length, parts, regions, overlapping)
            np.testing.assert_array_equal(by_tensor.numpy(), edges)


def test_all_orders_of_steps_are_drawn_about_equally_often():
    """Two long steps of five: ten orders."""
    drawn = RNG.integers(0, 2**32, (4000, 5), np.uint32)
    edges = ag.jit(ag.vmap(lambda bits: F.fractional_edges(bits, 7, 5, "random", False)))(drawn)
    orders, counts = np.unique(np.diff(edges.numpy(), axis=1), axis=0, return_counts=True)
    assert len(orders) == 10
    assert abs(counts - 400).max() < 100  # five deviations


@pytest.mark.parametrize("overlapping", [True, False])
def test_fractional_pools_are_those_of_their_regions(overlapping):
    ends = (6 - overlapping, 7 - overlapping)
    for rows, columns in (([0, 2, 3, ends[0]], [0, 1, 4, ends[1]]), ([0, ends[0]], [2, 3])):
        parts = [
            [(list(range(a, b + overlapping)), 0) for a, b in itertools.pairwise(edges)]
            for edges in (rows, columns)
        ]
        found = F.fractional_max_pool2d(IMAGE, rows, columns, overlapping).numpy()
        np.testing.assert_array_equal(found, looped(IMAGE, parts, lambda e, _: e.max()))
    for rows in ([0, 2, 2], [0, 7], [-1, 3]):
        with pytest.raises(ConfigError, match="edges: expected to rise from 0"):
            F.fractional_max_pool2d(IMAGE, rows, [0, 3])
