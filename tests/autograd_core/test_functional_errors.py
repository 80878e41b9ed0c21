"""Operands that do not fit: each error names the function, what was received, and what fits."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag

E = np.ones
L = ag.linalg
T = ag.tensor(E(3), requires_grad=True)


@pytest.mark.together
@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: ag.sum(E(2), dim=0), ag.DTypeError, "sum: expected 1 operand"),
        (lambda: ag.where(E(2)), ag.DTypeError, "where: expected 3 operands; received 1"),
        (lambda: ag.mean(E(2), dim=0), ag.DTypeError, "mean: .*dim= is axis= here"),
        (lambda: ag.arctan2(E(2), E(3)), ag.ShapeError, r"arctan2: .*do not broadcast"),
        (lambda: ag.hypot(E(2), E(3)), ag.ShapeError, r"hypot: .*do not broadcast"),
        (lambda: ag.mod(E(2), E(3)), ag.ShapeError, r"mod: .*do not broadcast"),
        (lambda: ag.fmod(E(2), E(3)), ag.ShapeError, r"fmod: .*do not broadcast"),
        (lambda: ag.floor_divide(E(2), E(3)), ag.ShapeError, "do not broadcast"),
        (lambda: ag.logical_and(E(2), E(3)), ag.ShapeError, "do not broadcast"),
        (lambda: ag.round(E(2), 0.5), ag.ConfigError, "round: expected an integer .* 0.5"),
        (lambda: ag.argsort(E(2), 1), ag.ShapeError, "argsort: .*axis 1 is out of range"),
        (lambda: ag.sort(E(2), 1), ag.ShapeError, "sort: axis 1 is out of range"),
        (lambda: ag.sort(E(2), "x"), ag.ShapeError, "sort: expected one axis"),
        (lambda: ag.sort(E(())), ag.ShapeError, "sort: axis -1 is out of range for 0"),
        (
            lambda: ag.partition(E(3), 3),
            ag.ShapeError,
            "partition: kth 3 is out of range for size 3",
        ),
        (lambda: ag.partition(E(3), 1.5), ag.ShapeError, "partition: kth 1.5"),
        (lambda: ag.median(E((0, 2))), ag.ShapeError, "median of no elements"),
        (lambda: ag.median(E(2), 2), ag.ShapeError, "median: axis 2"),
        (lambda: ag.prod(E(2), (0, 0)), ag.ShapeError, "prod: .*names one axis twice"),
        (lambda: ag.prod(E(2), 2), ag.ShapeError, "prod: axis 2"),
        (lambda: ag.cumprod(E(2), 2), ag.ShapeError, "cumprod: axis 2"),
        (lambda: ag.diff(E(2), -1), ag.ConfigError, "diff: expected a count n of 0 or more"),
        (lambda: ag.diff(E(2), 1, 3), ag.ShapeError, "diff: axis 3"),
        (lambda: ag.average(E((2, 3)), None, E(3)), ag.ShapeError, "average: weights of shape"),
        (lambda: ag.average(E((2, 3)), 0, E(3)), ag.ShapeError, "average: 3 weights for size 2"),
        (lambda: ag.any(E(2), 1), ag.ShapeError, "axis 1 is out of range"),
        (lambda: ag.all(E(2), 1), ag.ShapeError, "axis 1 is out of range"),
        (lambda: ag.argmin(E((0,))), ag.AutogradError, "argmax"),
        (lambda: ag.vstack([E(2), E(3)]), ag.ShapeError, "vstack: .*differ"),
        (lambda: ag.vstack([]), ag.ShapeError, "nothing to join"),
        (lambda: ag.vstack(3), ag.DTypeError, "vstack: expected a sequence"),
        (lambda: ag.hstack([E((2, 2)), E(3)]), ag.ShapeError, "hstack: "),
        (lambda: ag.dstack([E((2, 2)), E((3, 2))]), ag.ShapeError, "dstack: "),
        (lambda: ag.column_stack([E(2), E(3)]), ag.ShapeError, "column_stack: "),
        (lambda: ag.column_stack("ab"), ag.DTypeError, "column_stack: expected a sequence"),
        (lambda: ag.split(E(5), 2), ag.ShapeError, "split: size 5 .*ag.array_split"),
        (lambda: ag.split(E(5), 0), ag.ShapeError, "split: expected 1 section or more"),
        (lambda: ag.split(E(5), [1.5]), ag.ShapeError, "split: expected a number of sections"),
        (lambda: ag.array_split(E(5), 2, 1), ag.ShapeError, "array_split: axis 1"),
        (lambda: ag.vsplit(E(4), 2), ag.ShapeError, "vsplit: expected 2 dimensions or more"),
        (lambda: ag.dsplit(E((4, 4)), 2), ag.ShapeError, "dsplit: expected 3 dimensions"),
        (lambda: ag.hsplit(E(()), 2), ag.ShapeError, "hsplit: expected 1 dimensions"),
        (lambda: ag.roll(E((2, 3)), (1, 2), (0,) * 3), ag.ShapeError, "roll: 2 shifts for 3 axes"),
        (lambda: ag.roll(E(2), 1, 4), ag.ShapeError, "roll: axis 4"),
        (
            lambda: ag.repeat(E(2), [1, 2, 3]),
            ag.ShapeError,
            "repeat: repeats .* does not fit size 2",
        ),
        (lambda: ag.repeat(E(2), -1), ag.ShapeError, "repeat: "),
        (lambda: ag.repeat(E(2), 1.5), ag.ShapeError, "repeat: "),
        (lambda: ag.tile(E(2), -1), ag.ShapeError, "tile: expected integers of 0 or more"),
        (lambda: ag.tile(E(2), 1.5), ag.ShapeError, "tile: expected integers"),
        (lambda: ag.rot90(E((2, 2)), 1, (0, 0)), ag.ShapeError, "names one axis twice"),
        (lambda: ag.rot90(E((2, 2)), 0.5), ag.ConfigError, "rot90: expected a whole number"),
        (lambda: ag.rollaxis(E((2, 2)), 0, 5), ag.ShapeError, "rollaxis: start 5"),
        (lambda: ag.moveaxis(E((2, 2)), (0, 1), 0), ag.ShapeError, "moveaxis: 2 axes for 1 places"),
        (lambda: ag.expand_dims(E(2), 3), ag.ShapeError, "expand_dims: axis 3"),
        (lambda: ag.broadcast_arrays(E(2), E(3)), ag.ShapeError, "do not broadcast"),
        (lambda: ag.full_like(E(2), E(3)), ag.ShapeError, "broadcast"),
        (
            lambda: ag.pad(E(2), 1, "linear"),
            ag.ConfigError,
            "pad: mode: expected one of .* received 'linear'",
        ),
        (lambda: ag.pad(E(0), 1, "edge"), ag.ShapeError, "pad: axis 0 is empty"),
        (lambda: ag.pad(E(2), (1, 2, 3)), ag.ShapeError, "pad: pad_width"),
        (
            lambda: ag.sliding_window_view(E(3), 4),
            ag.ShapeError,
            "window of size 4 does not fit size 3",
        ),
        (lambda: ag.sliding_window_view(E((3, 3)), 2), ag.ShapeError, "1 window sizes for 2 axes"),
        (lambda: ag.sliding_window_view(E(3), 2, 1), ag.ShapeError, "axis 1 is out of range"),
        (lambda: ag.index_update(E(3), 4, 1.0), ag.ShapeError, "index 4 is out of range"),
        (lambda: ag.index_update(E(3), [0, 1], E(3)), ag.ShapeError, r"values of shape \(3,\)"),
        (lambda: ag.index_update(E(3), 0.5, 1.0), ag.DTypeError, "index of dtype float64"),
        (lambda: ag.diag(E((2, 2, 2))), ag.ShapeError, "diag: expected one or two dimensions"),
        (lambda: ag.diag(E((2, 2)), 0.5), ag.ConfigError, "integer offset"),
        (lambda: ag.diagonal(E(2)), ag.ShapeError, "diagonal: expected two dimensions"),
        (lambda: ag.diagonal(E((2, 2)), 0, 1, 1), ag.ShapeError, "names one axis twice"),
        (lambda: ag.matrix_trace(E(2)), ag.ShapeError, "two dimensions or more"),
        (lambda: ag.tril(E(())), ag.ShapeError, "tril: expected one dimension"),
        (lambda: ag.tril(E((2, 2)), 0.5), ag.ConfigError, "tril: expected an integer k"),
        (lambda: ag.triu(E((2, 2)), 0.5), ag.ConfigError, "triu: expected an integer k"),
        (lambda: ag.inner(E(2), E(3)), ag.ShapeError, "inner: sizes differ: 2 .* and 3"),
        (lambda: ag.vdot(E(2), E(3)), ag.ShapeError, "vdot: sizes differ"),
        (lambda: ag.tensordot(E(2), E(3), 1), ag.ShapeError, "tensordot: sizes differ"),
        (lambda: ag.tensordot(E(2), E(3), 2), ag.ShapeError, "tensordot: 2 axes do not fit"),
        (lambda: ag.tensordot(E(2), E(2), ([0], [])), ag.ShapeError, "1 axes of a for 0 axes of b"),
        (
            lambda: ag.tensordot(E(2), E(2), None),
            ag.ShapeError,
            "expected a number of axes, or a pair",
        ),
        (lambda: ag.cross(E(2), E(2)), ag.ShapeError, "cross: expected vectors of size 3"),
        (lambda: ag.cross(E((2, 3)), E((4, 3))), ag.ShapeError, "do not broadcast"),
        (lambda: ag.einsum("...i,i", E((2, 3)), E(2)), ag.ShapeError, "has sizes 3 and 2"),
        (lambda: ag.einsum("...ij", E(2)), ag.ShapeError, "do not fit an operand"),
        (lambda: ag.einsum("ij,jk", E((2, 2))), ag.ShapeError, "einsum: "),
        (lambda: ag.einsum(E(2)), ag.ShapeError, "expected subscripts as text"),
        (lambda: ag.einsum(E(2), [0.5]), ag.ShapeError, "expected numbers from 0 to 51"),
        (lambda: ag.einsum(E(2), [52]), ag.ShapeError, "expected numbers from 0 to 51"),
        (lambda: ag.einsum(E(2), 0, [0]), ag.ShapeError, "expected numbers from 0 to 51"),
        (lambda: ag.einsum(E(2), [0], [1]), ag.ShapeError, "letters of the operands"),
        (lambda: L.inv(E((2, 3))), ag.ShapeError, "inv: expected square matrices"),
        (lambda: L.inv(np.zeros((2, 2))), ag.LinAlgError, "Singular matrix"),
        (lambda: L.inv(E(2)), ag.ShapeError, "inv: expected square matrices"),
        (lambda: L.det(E((2, 3))), ag.ShapeError, "det: .*expected a square matrix"),
        (lambda: L.slogdet(E((2, 3))), ag.ShapeError, "slogdet: .*square matrix"),
        (lambda: L.solve(E((2, 2)), E(3)), ag.ShapeError, "right-hand side of size 2; received 3"),
        (lambda: L.solve(E((2, 2)), E((3, 1))), ag.ShapeError, "right-hand side of shape"),
        (lambda: L.cholesky(-np.eye(2)), ag.LinAlgError, "cholesky: .*not positive definite"),
        (lambda: L.cholesky(E((2, 3))), ag.ShapeError, "square matrix"),
        (lambda: L.eigh(E((2, 3))), ag.ShapeError, "eigh: expected square matrices"),
        (lambda: L.eigh(np.eye(2), "X"), ag.ConfigError, "UPLO 'L' or 'U'"),
        (lambda: L.svd(E(2)), ag.ShapeError, "svd: .*a matrix"),
        (lambda: L.svd(E((2, 3))), ag.NotDifferentiableError, "full_matrices=False"),
        (lambda: L.qr(E((3, 2)), "complete"), ag.NotDifferentiableError, "mode 'complete'"),
        (lambda: L.pinv(E(2)), ag.ShapeError, "pinv: .*a matrix"),
        (lambda: L.matrix_power(np.eye(2), 0.5), ag.ConfigError, "integer power"),
        (lambda: L.matrix_power(E((2, 3)), 2), ag.ShapeError, "square matrices"),
        (lambda: L.norm(E(2), "fro"), ag.ConfigError, "order 'fro' is not one of vectors"),
        (lambda: L.norm(E((2, 2)), 3), ag.ConfigError, "order 3 is not one of matrices"),
        (lambda: L.norm(E((2, 2, 2)), 1), ag.ShapeError, "one or two axes; received 3"),
        (lambda: np.linalg.eig(ag.tensor(np.eye(2))), ag.NotDifferentiableError, "may be complex"),
        (
            lambda: np.fft.fft(ag.tensor(E(2))),
            ag.DTypeError,
            r"np\.fft\.fft: not supported on a Tensor: its values are complex",
        ),
        (lambda: np.ldexp(ag.tensor(E(2)), 2), ag.DTypeError, "np.ldexp: not supported"),
        (lambda: ag.select([], []), ag.ShapeError, "select: expected as many choices"),
        (lambda: ag.linspace(0, 1, -1), ag.ConfigError, "linspace: expected a count num"),
        (lambda: ag.linspace(0, 1, 2.5), ag.ConfigError, "linspace: expected a count num"),
        (lambda: ag.linspace(E(2), E(3)), ag.ShapeError, "linspace: .*do not broadcast"),
        (lambda: ag.append(E((2, 2)), E(2), 0), ag.ShapeError, "append: .*differ"),
        (lambda: ag.append(E(2), [1.0, [2.0]]), ag.ShapeError, "append: the values do not form"),
        (
            lambda: ag.meshgrid(E(2), indexing="ji"),
            ag.ConfigError,
            "meshgrid: indexing: expected one of 'xy', 'ij'",
        ),
        (lambda: ag.ravel(E(2), "X"), ag.ConfigError, "ravel: order: expected one of 'C', 'F'"),
        (lambda: ag.gradient(E((2, 3)), 1.0, 1.0, 1.0), ag.ShapeError, "3 distances for 2 axes"),
        (lambda: ag.gradient(E(1)), ag.ShapeError, "gradient: size 1 of axis 0 is too small"),
        (lambda: ag.gradient(E(3), E(2)), ag.ShapeError, r"distances of shape \(2,\) do not fit"),
        (lambda: ag.gradient(E(3), edge_order=3), ag.ConfigError, "expected edge_order 1 or 2"),
        (lambda: ag.quantile(E(3), 1.5), ag.ConfigError, r"quantile: expected q in \[0, 1\]"),
        (lambda: ag.percentile(E(3), -1), ag.ConfigError, r"percentile: expected q in \[0, 100\]"),
        (lambda: ag.quantile(E(0), 0.5), ag.ShapeError, "quantile: of no elements"),
        (lambda: ag.trapezoid(E(3), E(2)), ag.ShapeError, "trapezoid: 2 places for size 3"),
        (lambda: ag.fftshift(E(())), ag.ShapeError, "fftshift: expected one dimension"),
        (lambda: ag.convolve(E((2, 2)), E(2)), ag.ShapeError, "convolve: expected vectors"),
        (lambda: ag.correlate(E(0), E(2)), ag.ShapeError, "correlate: expected vectors"),
        (lambda: ag.convolve(E(2), E(2), "all"), ag.ConfigError, "convolve: mode: expected one of"),
        (lambda: ag.signal.convolve(E(2), E((2, 2))), ag.ShapeError, "operands of equal rank"),
        (
            lambda: ag.signal.convolve(E((2, 3)), E((3, 2)), "valid"),
            ag.ShapeError,
            "one operand must lie inside the other",
        ),
        (
            lambda: ag.signal.convolve(E((2, 3)), E(3), axes=([0, 1], [0])),
            ag.ShapeError,
            "as many axes of a as of b",
        ),
        (
            lambda: ag.signal.convolve(E((2, 3)), E(3), axes=([1], [0]), dot_axes=([1], [0])),
            ag.ShapeError,
            "names one axis twice",
        ),
        (lambda: L.block_diag(), ag.ShapeError, "block_diag: expected matrices.*received none"),
        (lambda: L.block_diag(E((1, 1, 1))), ag.ShapeError, "block_diag: expected matrices"),
        (lambda: L.solve_triangular(E((2, 2)), E(2), 2), ag.ConfigError, "expected trans 0, 1"),
        (lambda: L.solve_triangular(E((2, 3)), E(2)), ag.ShapeError, "expected square matrices"),
        (
            lambda: L.solve_triangular(np.zeros((2, 2)), E(2)),
            ag.LinAlgError,
            "solve_triangular: .*Singular matrix",
        ),
        (
            lambda: L.solve_sylvester(E((2, 2)), E((3, 3)), E((2, 2))),
            ag.ShapeError,
            r"expected matrices \(n, n\), \(m, m\) and \(n, m\)",
        ),
        (
            lambda: ag.special.polygamma(-1, E(2)),
            ag.ConfigError,
            "polygamma: expected an integer order n of 0 or more; received -1",
        ),
        (lambda: ag.special.polygamma(0.5, E(2)), ag.ConfigError, "polygamma: .* received 0.5"),
        (lambda: ag.special.multigammaln(E(2), 0), ag.ConfigError, "dimension d of 1 or more"),
        (lambda: ag.special.jv(1), TypeError, "jv: expected 2 operands; received 1"),
        (
            lambda: ag.special.jv(ag.tensor(1.0, requires_grad=True), E(2)),
            ag.NotDifferentiableError,
            r"jv: its derivative in v has no closed form.*pass v.detach\(\)",
        ),
        (
            lambda: ag.stats.norm.pdf(E(2), 0, 1, 2),
            ag.ConfigError,
            "norm.pdf: expected a value and the parameters loc, scale; received 3",
        ),
        (lambda: ag.stats.gamma.cdf(E(2)), ag.ConfigError, "gamma.cdf: .*parameters a, loc"),
        (lambda: ag.stats.t.logpdf(E(2), 3, df=3), ag.ConfigError, r"t.logpdf: .*\['df'\]"),
        (lambda: ag.stats.dirichlet.pdf(E(2), E(3)), ag.ShapeError, "dirichlet.pdf: expected x"),
        (
            lambda: ag.stats.multivariate_normal.logpdf(E(2), E(2), E((3, 3))),
            ag.ShapeError,
            r"multivariate_normal.logpdf: expected x \(…, n\)",
        ),
        (
            lambda: ag.stats.multivariate_normal.pdf(E(2), E(2), np.eye(2), True),
            ag.ConfigError,
            "allow_singular=True is not supported",
        ),
        (lambda: ag.polyval(E((2, 2)), E(2)), ag.ShapeError, "polyval: expected coefficients"),
        (lambda: ag.interp(E(2), E(2), E(3)), ag.ShapeError, "interp: expected xp and fp"),
        (lambda: ag.cov(E((2, 2, 2))), ag.ShapeError, "cov: expected one or two dimensions"),
        (lambda: ag.corrcoef(E((2, 2, 2))), ag.ShapeError, "expected one or two dimensions"),
        (lambda: ag.matvec(E(2), E(2)), ag.ShapeError, "matvec: expected vectors"),
        (lambda: ag.vecmat(E(2), E((3, 2))), ag.ShapeError, "vecmat: .*inner sizes differ"),
        (lambda: ag.vecdot(E(()), E(2)), ag.ShapeError, "vecdot: expected vectors"),
        (lambda: ag.matrix_transpose(E(2)), ag.ShapeError, "expected two dimensions or more"),
        (lambda: ag.delete(E(3), 3), ag.ShapeError, "delete: 3 does not fit size 3"),
        (lambda: ag.sum(E(2), 0, np.float32), ag.ShapeError, "sum: .*True or False for keepdims"),
        (lambda: ag.mean(T, 0, "x"), ag.ShapeError, "mean: .*True or False for keepdims"),
        # NumPy's options that ours have not
        (lambda: np.sum(T, out=E(())), ag.DTypeError, "np.sum: the option out=.*Give the result"),
        (lambda: np.sum(T, where=[True] * 3), ag.DTypeError, "np.sum: .*where=.*ag.where"),
        (lambda: np.max(T, initial=3.0), ag.DTypeError, "np.max: the option initial=3.0"),
        (lambda: np.mean(T, 0, None, E(())), ag.DTypeError, "np.mean: the option out="),
        (lambda: np.var(T, mean=1.0), ag.DTypeError, "np.var: the option mean=1.0"),
        (lambda: np.reshape(T, 3, order="F"), ag.DTypeError, "np.reshape: .*order='F'.*transpose"),
        (lambda: np.take(T, [0], mode="wrap"), ag.DTypeError, "np.take: .*mode='wrap'"),
        (lambda: np.add(T, T, out=E(3)), ag.DTypeError, r"np.add: options \['out'\]"),
        (lambda: np.array([T, T]), ag.NotDifferentiableError, r"become ag.stack\(\[t, u\]\)"),
    ],
)
def test_what_does_not_fit_is_named(call, error, match):
    with pytest.raises(error, match=match) as raised:
        call()
    assert str(raised.value) == f"{raised.value.operation}: {raised.value.reason}"


def test_the_upper_triangle_is_read_where_it_is_asked_for():
    a = np.array([[2.0, 0.5], [99.0, 1.0]])
    w, v = ag.linalg.eigh(a, "U")
    full = np.array([[2.0, 0.5], [0.5, 1.0]])
    np.testing.assert_allclose(v.data @ np.diag(w.data) @ v.data.T, full, atol=1e-14)


def test_memory_given_to_a_composite_is_copied_before_a_graph_holds_it():
    x, weights = ag.tensor(E(3), requires_grad=True), np.array([1.0, 2.0, 3.0])
    y = ag.sum(ag.tensordot(x, weights, 1) * 1.0)
    weights[:] = 0
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [1, 2, 3])


def test_assignment_as_a_function_leaves_the_original_and_takes_both_gradients():
    x, v = ag.tensor(np.arange(4.0), requires_grad=True), ag.tensor([7.0, 8.0], requires_grad=True)
    y = ag.index_update(x, [1, 1], v)
    np.testing.assert_array_equal(y.data, [0, 8, 2, 3])
    ag.sum(y * y).backward()
    np.testing.assert_array_equal(x.grad.data, [0, 0, 4, 6])
    np.testing.assert_array_equal(v.grad.data, [0, 16])


def test_methods_of_arrays_are_methods_of_tensors():
    a = np.arange(1.0, 7).reshape(2, 3)
    t = ag.tensor(a)
    for name, args in [
        ("prod", (1,)), ("cumprod", (0,)), ("all", ()), ("any", (1,)), ("argmin", (1,)), ("argsort", (0,)),
        ("diagonal", ()), ("flatten", ()), ("repeat", (2, 1)), ("round", (1,)), ("trace", ()),
    ]:  # fmt: skip
        np.testing.assert_allclose(np.asarray(getattr(t, name)(*args)), getattr(a, name)(*args))
    np.testing.assert_array_equal((t % 4).data, a % 4)
    np.testing.assert_array_equal((4 % t).data, 4 % a)
    np.testing.assert_array_equal((t // 4).data, a // 4)
    np.testing.assert_array_equal((4 // t).data, 4 // a)


def test_numpys_arguments_are_read_in_numpys_order():
    """The third place of np.sum is the dtype, not keepdims; old names of operands are names, too."""
    t = ag.tensor(np.arange(6, dtype=np.float16).reshape(2, 3), requires_grad=True)
    found = np.sum(t, 0, np.float32)
    assert (found.shape, found.dtype, found.requires_grad) == ((3,), np.float32, True)
    assert np.var(t, 1, None, None, 1).shape == (2,)
    np.testing.assert_allclose(np.var(t, 1, None, None, 1).data, np.var(t.data, 1, ddof=1))
    np.testing.assert_allclose(np.sum(a=t, axis=1).data, [3, 12])
    np.testing.assert_allclose(np.clip(t, 1, 3).data, np.clip(t.data, 1, 3))
    np.testing.assert_allclose(np.sort(t, kind="stable").data, t.data)
    assert np.cumsum(t, 1, np.float64).dtype == np.float64
    assert np.vstack([t, t], dtype=np.float64).dtype == np.float64


def test_a_choice_passes_its_gradient_to_what_is_chosen():
    x, y = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    first, second = np.array([True, False, False]), np.array([True, True, False])
    g = ag.grad(
        lambda x, y, z: ag.sum(ag.select([first, second], [x * x, y * y], z) ** 2), (0, 1, 2)
    )(x, y, np.float64(7.0))
    np.testing.assert_allclose(g[0], [4, 0, 0])
    np.testing.assert_allclose(g[1], [0, 4 * 125, 0])
    np.testing.assert_allclose(g[2], 14)


def test_questions_about_values_are_answered_by_plain_booleans():
    t = ag.tensor([1.0, np.nan], requires_grad=True)
    assert np.allclose(t, t * 1.0, equal_nan=True) is True
    assert np.allclose(t, t) is False
    assert np.array_equal(t, t[:1]) is False
    assert np.iscomplexobj(t) is False
    assert np.isrealobj(t) is True


def test_every_derivative_in_the_exponent_of_zero_is_zero():
    f = lambda b: ag.power(0.0, b)  # noqa: E731
    b = np.float64(0.4)
    assert float(ag.grad(f)(b)) == float(ag.hessian(f)(b)) == 0
    assert float(ag.jvp(f, (b,), (np.float64(1.0),))[1]) == 0


def test_joining_many_takes_linear_time():
    """By counting: a rule is handed at most so many operands, and each value passes few nodes."""
    xs = [ag.tensor([float(n)], requires_grad=True) for n in range(1000)]
    y = ag.concatenate(xs)
    assert len(y._inputs) <= 64
    assert all(len(part._inputs) <= 64 for part in y._inputs)
    ag.sum(y * y).backward()
    assert [x.grad.item() for x in xs] == [2.0 * n for n in range(1000)]


def test_places_and_counts_are_numpys_own_answers():
    t = ag.tensor([[0.0, 2.0], [3.0, 0.0]], requires_grad=True)
    for function in (np.argwhere, np.count_nonzero, np.flatnonzero, np.nonzero):
        np.testing.assert_array_equal(function(t), function(t.data))
    places = np.searchsorted(t[1] * 0 + np.array([1.0, 2.0]), t[0])
    np.testing.assert_array_equal(places, [0, 1])
    assert type(places) is np.ndarray


def test_outside_of_the_samples_interpolation_is_constant():
    x, xp = np.array([-1.0, 0.5, 1.0, 3.0]), np.array([0.0, 1.0, 2.0])
    fp = np.array([1.0, 3.0, 2.0])
    g = ag.grad(lambda x, fp: ag.sum(ag.interp(x, xp, fp)), (0, 1))(x, fp)
    np.testing.assert_allclose(g[0], [0, 2, -1, 0])
    np.testing.assert_allclose(g[1], [1.5, 1.5, 1])
