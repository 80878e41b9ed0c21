"""Conv1d: what is particular to the layer; what it computes stands with `functional.conv1d`."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, DTypeError, ShapeError

X = np.random.default_rng(0).normal(size=(5, 4, 12))


def make(*sizes, **options):
    return nn.Conv1d(*sizes, **{"rng": 0, "dtype": np.float64, **options})


@pytest.mark.parametrize(
    ("size", "options", "places"),
    [
        (3, {}, 10),
        (3, {"padding": "same"}, 12),
        (4, {"padding": "same", "dilation": 3}, 12),
        (3, {"stride": 2, "padding": 1}, 6),
        (2, {"stride": 5, "padding": 4, "dilation": 3}, 4),
        (12, {}, 1),
        ((3,), {"stride": (2,), "padding": (1,), "dilation": (2,)}, 5),
    ],
)
def test_sizes_are_those_of_the_formula(size, options, places):
    layer = make(4, 6, size, **options)
    assert layer(X).shape == (5, 6, places)
    assert layer(X[0]).shape == (6, places)


def test_it_is_the_function_of_its_parameters():
    options = {"stride": 3, "padding": 2, "dilation": 2, "groups": 2}
    layer = make(4, 6, 3, **options, bias_init=nn.initializers.ones)
    assert {name: p.shape for name, p in layer.named_parameters()} == {
        "weight": (6, 2, 3),
        "bias": (6,),
    }
    expected = nn.functional.conv1d(X, layer.weight, np.ones(6), **options)
    np.testing.assert_allclose(layer(X).detach().numpy(), expected.detach().numpy(), rtol=1e-13)


def test_a_kernel_of_one_is_linear_at_every_place():
    layer = make(4, 6, 1)
    expected = np.einsum("bcl,oc->bol", X, layer.weight.numpy()[:, :, 0])
    np.testing.assert_allclose(layer(X).detach().numpy(), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_fans_are_the_connections_that_there_are(groups):
    """Counted by what moves: inputs of one output in the middle, outputs of one input there."""
    layer = make(4, 8, 3, padding="same", groups=groups, bias=False)
    sizes = []

    def spy(shape, *, rng, dtype):
        sizes.append(nn.initializers.fans(shape))
        return nn.initializers.ones(shape, dtype=dtype)

    make(4, 8, 3, groups=groups, weight_init=spy)
    impulses = np.zeros((4, 4, 12))
    impulses[range(4), range(4), 6] = 1
    moved = np.count_nonzero(layer(impulses).detach().numpy(), axis=(1, 2))
    seen = sum(
        np.count_nonzero(layer(np.roll(impulses, s, 2)).detach().numpy()[:, 0, 6])
        for s in (-1, 0, 1)
    )
    assert set(sizes) == {(seen, moved[0])}
    assert len(sizes) == groups
    assert (moved == moved[0]).all()


def test_the_first_values_are_those_of_its_groups_one_after_the_other():
    rng = np.random.default_rng(3)
    kernels = [nn.initializers.he_normal((3, 2, 5), rng=rng, dtype=np.float64) for _ in range(2)]
    layer = make(4, 6, 5, groups=2, rng=3)
    np.testing.assert_array_equal(layer.weight.numpy(), np.concatenate(kernels))
    assert layer.bias.numpy().tolist() == [0.0] * 6


def test_the_text_says_what_is_not_the_default():
    assert repr(make(4, 6, 3, dtype=np.float32)) == "Conv1d(4, 6, 3, rng=0)"
    text = repr(make(4, 6, (3,), 2, 1, 2, 2, False, rng=np.random.default_rng(0)))
    assert text == (
        "Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2, bias=False, dtype=float64)"
    )
    assert "padding='same'" in repr(make(4, 6, 3, padding="same"))


@pytest.mark.parametrize(
    ("sizes", "options", "error", "message"),
    [
        ((0, 6, 3), {}, ConfigError, "in_channels: expected an integer of 1 or more; received 0"),
        ((4, 6.0, 3), {}, ConfigError, "out_channels: expected an integer of 1 or more"),
        ((4, 6, 0), {}, ConfigError, "kernel_size: expected an integer of 1 or more"),
        ((4, 6, (3, 3)), {}, ConfigError, "kernel_size: expected .*or a sequence of 1 such"),
        ((4, 6, 3), {"stride": 0}, ConfigError, "stride: expected an integer of 1 or more"),
        ((4, 6, 3), {"padding": "reflect"}, ConfigError, "padding: expected .*'same' or 'valid'"),
        ((4, 6, 3), {"padding": "same", "stride": 2}, ConfigError, "Expected stride=1 with it"),
        ((4, 6, 3), {"dilation": -1}, ConfigError, "dilation: expected an integer of 1 or more"),
        ((4, 6, 3), {"groups": 4}, ConfigError, "groups: expected a divisor of .*=4 and .*=6"),
        ((4, 6, 3), {"dtype": int}, DTypeError, "dtype: expected a float dtype"),
        (
            (4, 6, 3),
            {"weight_init": lambda shape, **_: np.ones(3)},
            ShapeError,
            r"weight_init: expected an array of shape \(6, 4, 3\); received \(3,\)",
        ),
    ],
)
def test_options_outside_their_range_are_refused(sizes, options, error, message):
    with pytest.raises(error, match=f"^Conv1d: .*{message}"):
        make(*sizes, **options)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (
            X[:, :3],
            ShapeError,
            r"^Conv1d\(4, 6, 3.*Expected shape \(batch, 4, length\).*\(5, 3, 12",
        ),
        (X.transpose(0, 2, 1), ShapeError, "Transpose it: channels come first"),
        (X[0, 0], ShapeError, "or without the batch; received"),
        (X[:, :, :2], ShapeError, "the kernel is longer than the input. Expected a length of 3"),
        (X.astype(complex), DTypeError, "not made of real numbers"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(x, error, message):
    with pytest.raises(error, match=message):
        make(4, 6, 3)(x)


@pytest.mark.parametrize(
    ("make", "seen"),
    [
        (lambda **o: nn.Conv2d(64, 32, (3, 5), **o), 64 * 15),
        (lambda **o: nn.Conv2d(64, 128, 7, groups=64, **o), 49),
        (lambda **o: nn.ConvTranspose2d(64, 32, (3, 5), **o), 64 * 15),
        (lambda **o: nn.ConvTranspose1d(64, 128, 7, groups=16, **o), 4 * 7),
    ],
    ids=["plain", "depthwise", "transposed", "transposed in groups"],
)
def test_first_kernels_are_drawn_by_what_an_output_sums_over(make, seen):
    """He's variance, 2 / fan-in, with the fan-in counted by what moves the middle of an output."""
    layer = make(rng=0, dtype=np.float64)
    assert layer.weight.numpy().var() == pytest.approx(2 / seen, rel=0.1)
    axes = layer.weight.ndim - 2
    layer.weight.assign(np.ones(layer.weight.shape))
    summed = layer(np.ones((64, *[15] * axes))).detach().numpy()
    assert summed.max() == seen


@pytest.mark.parametrize("make", [nn.Conv2d, nn.ConvTranspose2d])
def test_after_a_weight_was_assigned_the_next_call_has_it(make):
    layer = make(4, 3, 2, rng=0, dtype=np.float64)
    image = np.random.default_rng(0).normal(size=(2, 4, 5, 5))
    compiled = ag.jit(lambda x: layer(x))
    first = layer(image).detach().numpy()
    for scale, expected in ((1.0, first), (2.0, 2 * first)):
        layer.weight.assign(layer.weight.numpy() * scale)
        np.testing.assert_allclose(layer(image).detach().numpy(), expected, rtol=1e-12)
        np.testing.assert_allclose(compiled(image).detach().numpy(), expected, rtol=1e-12)


def test_layers_of_images_are_their_functions_and_say_their_options():
    image = np.random.default_rng(0).normal(size=(2, 4, 5, 6))
    layer = nn.Conv2d(4, 6, (2, 3), (1, 2), 1, 2, 2, rng=0, dtype=np.float64)
    assert repr(layer) == (
        "Conv2d(4, 6, (2, 3), stride=(1, 2), padding=1, dilation=2, groups=2, dtype=float64, rng=0)"
    )
    expected = nn.functional.conv2d(image, layer.weight, layer.bias, (1, 2), 1, 2, 2)
    np.testing.assert_array_equal(layer(image).detach().numpy(), expected.detach().numpy())
    turned = nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, 2, True, 2, rng=0)
    assert repr(turned) == (
        "ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, dilation=2, groups=2, rng=0)"
    )
    assert turned.weight.shape == (4, 3, 3, 3)
    expected = nn.functional.conv_transpose2d(
        image.astype(np.float32), turned.weight, turned.bias, 2, 1, 1, 2, 2
    )
    np.testing.assert_array_equal(turned(image).detach().numpy(), expected.detach().numpy())
    with pytest.raises(ConfigError, match=r"^ConvTranspose2d: output_padding: expected less than"):
        nn.ConvTranspose2d(4, 6, 3, 2, 1, 2)
