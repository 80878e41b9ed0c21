"""Pooling layers: what is particular to them; what they compute stands with their functions."""

from __future__ import annotations

import numpy as np
import pytest

import nn
from autograd_core.errors import ConfigError, DTypeError, ShapeError

X = np.random.default_rng(0).normal(size=(2, 3, 6, 7)).astype(np.float32)

LAYERS = [
    (nn.MaxPool2d(2), nn.functional.max_pool2d, (2,), "MaxPool2d(2)"),
    (
        nn.MaxPool2d((2, 3), 1, 1, (1, 2), True),
        nn.functional.max_pool2d,
        ((2, 3), 1, 1, (1, 2), True),
        "MaxPool2d((2, 3), stride=1, padding=1, dilation=(1, 2), ceil_mode=True)",
    ),
    (
        nn.AvgPool2d(3, 2, 1, True, False),
        nn.functional.avg_pool2d,
        (3, 2, 1, True, False),
        "AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)",
    ),
    (
        nn.AvgPool2d(3, divisor_override=4),
        nn.functional.avg_pool2d,
        (3, None, 0, False, True, 4),
        "AvgPool2d(3, divisor_override=4)",
    ),
    (
        nn.AdaptiveAvgPool2d((2, None)),
        nn.functional.adaptive_avg_pool2d,
        ((2, None),),
        "AdaptiveAvgPool2d((2, None))",
    ),
    (nn.AdaptiveAvgPool2d(1), nn.functional.adaptive_avg_pool2d, (1,), "AdaptiveAvgPool2d(1)"),
]


@pytest.mark.parametrize(
    ("layer", "function", "options", "text"), LAYERS, ids=[row[-1] for row in LAYERS]
)
def test_it_is_the_function_with_its_options_and_says_them(layer, function, options, text):
    np.testing.assert_array_equal(layer(X).numpy(), function(X, *options).numpy())
    assert repr(layer) == text
    assert not list(layer.parameters())


def test_layers_of_sequences_are_the_functions_with_their_options():
    x = X[0]
    for layer, found in (
        (nn.MaxPool1d(3, 2, 1, 1, True), nn.functional.max_pool1d(x, 3, 2, 1, 1, True)),
        (nn.AvgPool1d(3, 2, 1, True, False), nn.functional.avg_pool1d(x, 3, 2, 1, True, False)),
        (nn.AdaptiveAvgPool1d(4), nn.functional.adaptive_avg_pool1d(x, 4)),
    ):
        np.testing.assert_array_equal(layer(x).numpy(), found.numpy())


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.MaxPool2d(0), ConfigError, "MaxPool2d: kernel_size: expected an integer of 1"),
        (
            lambda: nn.MaxPool2d(2, padding=2),
            ConfigError,
            "MaxPool2d: padding: expected at most half",
        ),
        (lambda: nn.AvgPool2d((1, 2, 3)), ConfigError, "AvgPool2d: kernel_size: .*of 2 such"),
        (lambda: nn.AvgPool2d(2, divisor_override=-1), ConfigError, "AvgPool2d: divisor_override"),
        (lambda: nn.AdaptiveAvgPool2d(0.5), ConfigError, "AdaptiveAvgPool2d: output_size"),
        (lambda: nn.MaxPool2d(2)(X.astype(int)), DTypeError, "MaxPool2d.*not made of floats"),
        (lambda: nn.MaxPool1d(2)(X), ShapeError, r"expected shape \(batch, channels, length\)"),
    ],
)
def test_what_does_not_fit_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_regions_are_drawn_in_training_and_fixed_in_evaluation():
    layer = nn.FractionalMaxPool2d((4, 5), rng=0)
    passes = [layer(X).numpy() for _ in range(8)]
    assert {y.shape for y in passes} == {(2, 3, 4, 5)}
    assert any(not np.array_equal(y, passes[0]) for y in passes)
    again = nn.FractionalMaxPool2d((4, 5), rng=0)
    np.testing.assert_array_equal([again(X).numpy() for _ in range(8)], passes)
    state = layer.state_dict()
    following = layer(X).numpy()
    layer.load_state_dict(state)
    np.testing.assert_array_equal(layer(X).numpy(), following)
    still = layer.eval()(X).numpy()
    np.testing.assert_array_equal(layer(X).numpy(), still)
    half = np.array([2**31], np.uint32)
    edges = [nn.functional.fractional_edges(half, n, k) for n, k in ((6, 4), (7, 5))]
    np.testing.assert_array_equal(nn.functional.fractional_max_pool2d(X, *edges).numpy(), still)


def test_a_ratio_is_rounded_down_and_the_text_says_what_is_not_the_default():
    layer = nn.FractionalMaxPool2d(output_ratio=(0.5, 0.75), overlapping=False, rng=3)
    assert layer(X).shape == (2, 3, 3, 5)
    assert repr(layer) == (
        "FractionalMaxPool2d(output_ratio=(0.5, 0.75), overlapping=False, rng=3)"
    )
    assert repr(nn.FractionalMaxPool2d(2, regions="random", rng=3)) == (
        'FractionalMaxPool2d(output_size=2, regions="random", rng=3)'
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.FractionalMaxPool2d(), "expected either output_size or output_ratio"),
        (lambda: nn.FractionalMaxPool2d(2, 0.5), "expected either output_size or output_ratio"),
        (
            lambda: nn.FractionalMaxPool2d(output_ratio=1.0),
            "output_ratio: expected a finite number",
        ),
        (lambda: nn.FractionalMaxPool2d(2, regions="fixed"), "regions: expected"),
        (lambda: nn.FractionalMaxPool2d(6, rng=0)(X), "the image is too small. Expected 7"),
    ],
)
def test_fractions_outside_their_range_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
