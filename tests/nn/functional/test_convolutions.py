"""Convolutions, against the sum that they are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import ConfigError, DTypeError, GraphError, ShapeError
from autograd_core.symbolic import prove
from nn import functional as F

RNG = np.random.default_rng(0)
IMAGE = RNG.normal(size=(2, 4, 5, 6))
X = RNG.normal(size=(2, 4, 7))
W = RNG.normal(size=(4, 4, 3))
B = RNG.normal(size=4)


def summed(x, weight, bias, stride, before, behind, dilation, groups):
    """y[n, o, i] = b[o] + Σ_c Σ_k w[o, c, k] x[n, c, s i + d k − p], one term after the other."""
    n, length = len(x), x.shape[-1]
    out, inner, size = weight.shape
    places = (length + before + behind - dilation * (size - 1) - 1) // stride + 1
    y = np.zeros((n, out, places)) + bias[:, None]
    for o, i, c, k in itertools.product(range(out), range(places), range(inner), range(size)):
        at = stride * i + dilation * k - before
        if 0 <= at < length:
            y[:, o, i] += weight[o, c, k] * x[:, o // (out // groups) * inner + c, at]
    return y


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_it_is_the_sum_over_channels_and_places(stride, groups):
    for size, dilation, padding in itertools.product((1, 2, 3), (1, 2, 3), (0, 1, 4)):
        weight = RNG.normal(size=(4, 4 // groups, size))
        if 7 + 2 * padding < dilation * (size - 1) + 1:
            continue
        expected = summed(X, weight, B, stride, padding, padding, dilation, groups)
        found = F.conv1d(X, weight, B, stride, padding, dilation, groups)
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("size", "dilation"), [(1, 1), (2, 1), (3, 1), (4, 1), (2, 3), (3, 2)])
def test_same_padding_keeps_the_length_with_the_odd_zero_behind(size, dilation):
    weight = RNG.normal(size=(4, 4, size))
    more = dilation * (size - 1)
    expected = summed(X, weight, B, 1, more // 2, more - more // 2, dilation, 1)
    found = F.conv1d(X, weight, B, padding="same", dilation=dilation).numpy()
    assert found.shape == X.shape
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_valid_padding_is_none():
    valid = F.conv1d(X, W, padding="valid").numpy()
    np.testing.assert_array_equal(valid, F.conv1d(X, W).numpy())


def test_one_example_needs_no_batch_and_options_may_be_given_for_each_axis():
    whole = F.conv1d(X, W, B, 2, 1).numpy()
    np.testing.assert_allclose(F.conv1d(X[1], W, B, (2,), [1], (1,)).numpy(), whole[1], rtol=1e-13)


def test_gradients_agree_with_differences_to_second_order_and_are_proved():
    """Everything at once; each option by itself is tried with the layer."""

    def convolved(x, weight, bias):
        return F.conv1d(x, weight, bias, stride=3, padding=2, dilation=2, groups=2)

    x, weight = X[:1, :, :5], W[:, :2]
    ag.gradcheck(convolved, x, weight, B)
    ag.gradgradcheck(convolved, x, weight, B)
    shapes = [t.shape for t in (x, weight, B, convolved(x, weight, B))]
    verdict = prove.backward(
        lambda x, w, b, g: ag.sum(convolved(x, w, b) * g),
        args=[ag.Abstract(shape, np.float64) for shape in shapes],
    )
    assert verdict.status == "PROVED"


def test_it_is_one_program_for_every_batch_and_length():
    n, length = ag.dims("N L")
    program = ag.trace(F.conv1d)(
        ag.Abstract((n, 4, length), np.float64), W, B, padding="same", dilation=2
    )
    for x in (X, RNG.normal(size=(3, 4, 11))):
        expected = F.conv1d(x, W, B, padding="same", dilation=2).numpy()
        np.testing.assert_array_equal(program(x, W, B), expected)


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        ((X, W[0]), {}, ShapeError, r"holds no kernels.*\(out, in / groups, length\).*\(4, 3\)"),
        ((X, W[:3, :2]), {"groups": 2}, ShapeError, "out a multiple of groups=2; received"),
        ((X, W[:, :0]), {}, ShapeError, "not empty"),
        ((X[:, :3], W), {}, ShapeError, r"\(batch, 4, length\).*received \(2, 3, 7\)"),
        ((X, W), {"groups": 2}, ShapeError, r"\(batch, 8, length\)"),
        ((X[0, 0], W), {}, ShapeError, r"does not fit the weight.*received \(7,\)"),
        ((X, W), {"dilation": 4}, ShapeError, "a length of 9 or more.*received 7 and 0 zeros"),
        ((X, W, B[:3]), {}, ShapeError, r"a bias of shape \(4,\); received \(3,\)"),
        ((X.astype(int), W), {}, DTypeError, "expected floats; received int64"),
        ((X, W), {"stride": 0}, ConfigError, "stride: expected an integer of 1 or more"),
        ((X, W), {"stride": (1, 2)}, ConfigError, "or a sequence of 1 such"),
        ((X, W), {"padding": -1}, ConfigError, "padding: expected an integer of 0 or more"),
        ((X, W), {"padding": "full"}, ConfigError, "'same' or 'valid'; received 'full'"),
        ((X, W), {"padding": "same", "stride": 2}, ConfigError, "which a stride does not"),
        ((X, W), {"groups": 0}, ConfigError, "groups: expected an integer of 1 or more"),
    ],
)
def test_what_does_not_fit_is_refused(given, options, error, message):
    with pytest.raises(error, match=f"^conv1d: .*{message}"):
        F.conv1d(*given, **options)


# --- two axes, and transposed -----------------------------------------------------------------------


def spread(weight, length, stride, before, dilation):
    """The matrix of a convolution along one axis and of one kernel: outputs by inputs."""
    size = len(weight)
    places = (length + sum(before) - dilation * (size - 1) - 1) // stride + 1
    matrix = np.zeros((places, length))
    for i, k in itertools.product(range(places), range(size)):
        at = stride * i + dilation * k - before[0]
        if 0 <= at < length:
            matrix[i, at] += weight[k]
    return matrix


def summed_2d(x, weight, bias, stride, before, dilation, groups):
    """As `summed`, over two axes: for each element of a kernel what it is multiplied with."""
    out, inner, *sizes = weight.shape
    units = [
        [spread(np.eye(n)[k], x.shape[2 + a], stride[a], before[a], dilation[a]) for k in range(n)]
        for a, n in enumerate(sizes)
    ]
    y = np.zeros((len(x), out, len(units[0][0]), len(units[1][0]))) + bias[:, None, None]
    for o, c, k, m in np.ndindex(out, inner, *sizes):
        seen = x[:, o // (out // groups) * inner + c]
        y[:, o] += weight[o, c, k, m] * (units[0][k] @ seen @ units[1][m].T)
    return y


TWO = [
    ((1, 1), (1, 1), (0, 0), (1, 1), 1),
    ((3, 3), (1, 1), (1, 1), (1, 1), 1),
    ((2, 3), (2, 1), (1, 0), (1, 2), 2),
    ((3, 2), (3, 2), (2, 1), (2, 1), 4),
    ((5, 1), (1, 7), (0, 2), (1, 3), 1),
    ((2, 2), (4, 5), (3, 4), (3, 2), 2),
    ((1, 1), (3, 2), (0, 0), (1, 1), 4),
]


@pytest.mark.parametrize(("size", "stride", "padding", "dilation", "groups"), TWO)
def test_images_are_the_sum_over_channels_and_places(size, stride, padding, dilation, groups):
    weight = RNG.normal(size=(8, 4 // groups, *size))
    bias, around = RNG.normal(size=8), [(n, n) for n in padding]
    expected = summed_2d(IMAGE, weight, bias, stride, around, dilation, groups)
    found = F.conv2d(IMAGE, weight, bias, stride, padding, dilation, groups)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-13)
    one = F.conv2d(IMAGE[1], weight, bias, stride, padding, dilation, groups)
    np.testing.assert_allclose(one.numpy(), expected[1], rtol=1e-12, atol=1e-13)


def test_same_padding_of_images_puts_the_odd_zeros_behind():
    weight = RNG.normal(size=(3, 4, 2, 4))
    around = [(1, 2), (1, 2)]  # of 3 · 1 and 1 · 3 zeros
    expected = summed_2d(IMAGE, weight, np.zeros(3), (1, 1), around, (3, 1), 1)
    found = F.conv2d(IMAGE, weight, padding="same", dilation=(3, 1))
    assert found.shape == (2, 3, 5, 6)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-13)


TRANSPOSED = [
    (size, stride, padding, more, dilation, groups)
    for size, stride, padding, more, dilation, groups in itertools.product(
        (1, 2, 3), (1, 2, 3), (0, 1), (0, 1, 2), (1, 2, 3), (1, 2)
    )
    if more < max(stride, dilation) and 3 * stride - 2 * padding + dilation * (size - 1) + more >= 0
]


@pytest.mark.parametrize("axes", [1, 2])
def test_a_transposed_convolution_is_the_transpose_of_the_convolution(axes):
    """⟨conv(u), x⟩ = ⟨u, conv_transpose(x)⟩ for all u and x, by the derivative of the former."""
    conv, turned = getattr(F, f"conv{axes}d"), getattr(F, f"conv_transpose{axes}d")
    for size, stride, padding, more, dilation, groups in TRANSPOSED[::axes]:
        sizes, strides = [size, 2][:axes], [stride, 2][:axes]
        x = RNG.normal(size=(2, 4, *[4, 3][:axes]))
        weight = RNG.normal(size=(4, 6 // groups, *sizes))
        added = [more, 0][:axes]
        found = turned(x, weight, None, strides, padding, added, groups, dilation)
        lengths = [
            (n - 1) * s - 2 * padding + dilation * (k - 1) + 1 + m
            for n, s, k, m in zip(x.shape[2:], strides, sizes, added, strict=True)
        ]
        assert found.shape == (2, 6, *lengths)
        u = np.zeros(found.shape)
        back = ag.vjp(lambda u: conv(u, weight, None, strides, padding, dilation, groups), u)  # noqa: B023
        if back[0].shape != x.shape:  # what is added is more than a place of the convolution
            assert more >= stride
            continue
        np.testing.assert_allclose(found.numpy(), back[1](x)[0].numpy(), rtol=1e-12, atol=1e-13)
        bias = RNG.normal(size=6)
        moved = turned(x[0], weight, bias, strides, padding, added, groups, dilation).numpy()
        expected = found.numpy()[0] + bias.reshape(-1, *[1] * axes)
        np.testing.assert_allclose(moved, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: F.conv2d(x, KERNEL.astype(x.dtype), stride=2, padding=1),
        lambda x: F.conv2d(x, KERNEL.astype(x.dtype)),
        lambda x: F.conv2d(x, KERNEL[:, :1].astype(x.dtype), groups=4, dilation=2),
        lambda x: F.conv_transpose2d(x, KERNEL.astype(x.dtype), None, 2, 1, 1),
    ],
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_order_of_memory_and_dtype_gives_the_same(call, dtype):
    x = IMAGE.astype(dtype)
    expected = call(x)
    assert expected.dtype == dtype
    double = call(IMAGE).numpy()
    tolerance = {2: 0.05, 4: 1e-5, 8: 1e-12}[x.itemsize]
    np.testing.assert_allclose(expected.numpy(), double, rtol=tolerance, atol=tolerance)
    for other in (
        x[:, ::-1].copy()[:, ::-1],
        np.asfortranarray(x),
        x.astype(x.dtype.newbyteorder()),
        np.moveaxis(np.moveaxis(x, 0, -1).copy(), -1, 0),
        np.moveaxis(np.moveaxis(x, 1, -1).copy(), -1, 1),
    ):
        np.testing.assert_allclose(
            call(other).numpy(), expected.numpy(), rtol=tolerance, atol=tolerance
        )
    assert call(x[:0]).shape == (0, *expected.shape[1:])
    for n in (0, 1):
        assert ag.grad(lambda x: ag.sum(call(x) ** 2))(x[:n]).shape == (n, 4, 5, 6)


KERNEL = RNG.normal(size=(4, 4, 3, 2))


def test_results_do_not_change_when_operands_are_written():
    """Views on the way share memory with their operands; the result does not."""
    for size in ((1, 1), (3, 2)):
        x, w = ag.tensor(IMAGE), ag.tensor(RNG.normal(size=(4, 4, *size)))
        y = F.conv2d(x, w)
        before = y.numpy().copy()
        with ag.no_grad():
            x += 1
            w *= 2
        np.testing.assert_array_equal(y.numpy(), before)


def test_derivatives_of_every_direction_agree():
    """Forward mode, a batch of single examples, and second derivatives of a transposed convolution."""

    def turned(x, w):
        return F.conv_transpose2d(x, w, None, (2, 1), 1, (1, 0), 2, (1, 2))

    x, w = RNG.normal(size=(1, 4, 2, 3)), RNG.normal(size=(4, 1, 2, 2))
    ag.gradcheck(turned, x, w)
    ag.gradgradcheck(turned, x, w)
    u, v = np.ones_like(x), np.ones_like(w)
    _, found = ag.jvp(F.conv2d, (IMAGE, KERNEL), (0 * IMAGE + 1, 0 * KERNEL + 2))
    expected = F.conv2d(0 * IMAGE + 1, KERNEL).numpy() + F.conv2d(IMAGE, 0 * KERNEL + 2).numpy()
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    _, found = ag.jvp(turned, (x, w), (u, v))
    expected = turned(u, w).numpy() + turned(x, v).numpy()
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    single = ag.vmap(lambda x: F.conv2d(x, KERNEL, padding=1))(IMAGE).numpy()
    np.testing.assert_allclose(single, F.conv2d(IMAGE, KERNEL, padding=1).numpy(), rtol=1e-12)
    kernels = ag.vmap(lambda k: F.conv2d(IMAGE, k, padding=1))(np.stack([KERNEL, -KERNEL]))
    np.testing.assert_allclose(kernels.numpy()[1], -kernels.numpy()[0], rtol=1e-12)


@pytest.mark.parametrize("axes", [1, 2])
def test_transposed_convolutions_are_proved_at_every_size(axes):
    n, *lengths = ag.dims("N H W")[: axes + 1]
    turned = getattr(F, f"conv_transpose{axes}d")
    x = ag.Abstract((n, 2, *lengths), np.float64)
    w = ag.Abstract((2, 3, *[3, 2][:axes]), np.float64)
    call = lambda x, w: turned(x, w, None, 2, 1, 1)  # noqa: E731
    g = ag.Abstract(call(x, w).shape, np.float64)
    verdict = prove.backward(lambda x, w, g: ag.sum(call(x, w) * g), args=[x, w, g])
    assert verdict.status == "PROVED"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.conv2d(IMAGE, W), ShapeError, r"\(out, in / groups, length, length\)"),
        (lambda: F.conv2d(IMAGE, KERNEL, padding=(1, 2, 3)), ConfigError, "a sequence of 2 such"),
        (lambda: F.conv2d(IMAGE, KERNEL, dilation=3), ShapeError, "a length of 7 or more"),
        (lambda: F.conv_transpose1d(X, W[:3]), ShapeError, r"\(batch, 3, length\)"),
        (lambda: F.conv_transpose1d(X, W[:3], groups=2), ShapeError, "in a multiple of groups=2"),
        (
            lambda: F.conv_transpose1d(X, W, output_padding=1),
            ConfigError,
            "output_padding: expected less than stride or dilation, which are 1 and 1",
        ),
        (lambda: F.conv_transpose1d(X[..., :1], W, padding=2), ShapeError, "nothing is left"),
        (lambda: F.conv_transpose1d(X[..., :0], W), ShapeError, "nothing is left"),
        (lambda: F.conv_transpose1d(X, W, B[:3]), ShapeError, r"a bias of shape \(4,\)"),
        (lambda: F.conv_transpose1d(X, W, padding="same"), ConfigError, "padding: expected an"),
    ],
)
def test_what_does_not_fit_two_axes_or_a_transpose_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


WRITTEN = {
    "padded": lambda x, w: F.conv2d(x, w, padding=1),
    "in groups": lambda x, w: F.conv2d(x, w[:, :2], groups=2),
    "one place": lambda x, w: F.conv2d(x, w[:, :, :1, :1]),
    "one place, in groups": lambda x, w: F.conv2d(x, w[:, :2, :1, :1], stride=2, groups=2),
    "transposed": lambda x, w: F.conv_transpose2d(x, w, None, 2),
    "transposed, in groups": lambda x, w: F.conv_transpose2d(x, w, None, 2, groups=2),
}


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("by", [0, 1])
def test_what_is_written_before_the_backward_is_not_read_by_it(name, wrapped, by):
    """The other operand, an array or a leaf: the right gradient, or an error that names the write."""
    operands = [IMAGE.copy(), KERNEL.copy()]
    expected = ag.grad(lambda *given: ag.sum(WRITTEN[name](*given) ** 2), argnums=by)(*operands)
    other = operands[1 - by] if not wrapped else ag.tensor(operands[1 - by])
    given = [other, other]
    given[by] = ag.tensor(operands[by], requires_grad=True)
    loss = ag.sum(WRITTEN[name](*given) ** 2)
    with ag.no_grad():
        other += 1
    said = ""
    try:
        loss.backward()
    except GraphError as error:
        said = str(error)
    if said:
        assert wrapped
        assert "was written after" in said
        return
    np.testing.assert_allclose(given[by].grad.numpy(), expected.numpy(), rtol=1e-12)
