"""What a mask has put aside changes nothing through products: contractions, and chains to second order.

A masked element's cotangent is a zero that wins over what it meets, as an operand of a sum of products
and as a factor of what a first walk has recorded. Each value is compared with that of the same function
at harmless values in the masked places: eagerly, in native code and by the NumPy backend.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.kinds import Contract, Elementwise
from autograd_core.primitives import REGISTRY

INF, NAN = np.inf, np.nan
BAD = [0.0, NAN, INF, -INF, 1e300, 5e-324]
BACKENDS = ["native", "numpy"]


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


def waves(shape, first=0.0):
    return np.cos(first + 3.0 * np.arange(np.prod(shape, dtype=int)).reshape(shape))


def derivatives(function, count):
    """First derivatives of a sum, and those of their sums with weights."""
    numbers = tuple(range(count))

    def first(*xs):
        return ag.grad(lambda *xs: ag.sum(function(*xs)), numbers, unreachable="zero")(*xs)

    def both(*xs):
        def total(*xs):
            return sum(ag.sum(g * waves(g.shape, k)) for k, g in enumerate(first(*xs)))

        return [*first(*xs), *ag.grad(total, numbers, unreachable="zero")(*xs)]

    return both


# --- contractions -----------------------------------------------------------------------------------

KEPT = np.array([0, 1, 3])  # columns that are taken

# Of a (4, 3) and b (3, 5): each row of the result depends on a row of a, each column on one of b.
SPELLINGS = {
    "@": lambda a, b: a @ b,
    "affine": lambda a, b: ag.affine(a, b, np.ones(5)),
    "affine of a row": lambda a, b: ag.stack(
        [ag.affine(a[i], b, np.ones(5)) for i in range(a.shape[0])]
    ),
    "einsum": lambda a, b: ag.einsum("ij,jk->ik", a, b),
    "einsum, turned": lambda a, b: ag.einsum("jk,ij->ki", b, a).T,
    "einsum of three": lambda a, b: ag.einsum("ij,j,jk->ik", a, np.array([1.0, 2.0, 0.5]), b),
    "einsum without a sum": lambda a, b: ag.sum(ag.einsum("ij,jk->ijk", a, b), 1),
    "einsum of a diagonal": lambda a, b: ag.einsum(
        "iijk->ik", a[:, None, :, None] * np.ones((1, a.shape[0], 1, 1)) * b
    ),
    "tensordot": lambda a, b: ag.tensordot(a, b, 1),
    "inner": lambda a, b: ag.inner(a, b.T),
    "vectors": lambda a, b: ag.stack(
        [ag.stack([a[i] @ b[:, k] for k in range(b.shape[1])]) for i in range(a.shape[0])]
    ),
    "a matrix and a vector": lambda a, b: ag.stack(
        [a @ b[:, k] for k in range(b.shape[1])], axis=1
    ),
    "a vector and a matrix": lambda a, b: ag.stack([a[i] @ b for i in range(a.shape[0])]),
    "stacks": lambda a, b: (a[:, None, :] @ b)[:, 0],
    "vdot": lambda a, b: ag.stack(
        [ag.stack([ag.vdot(a[i], b[:, k]) for k in range(b.shape[1])]) for i in range(a.shape[0])]
    ),
    "outer": lambda a, b: ag.outer(a[:, 0], b[0]) + ag.outer(a[:, 1], b[2]),
    "kron": lambda a, b: ag.kron(a[:, :1], b[:1]),
    "element by element": lambda a, b: ag.einsum("ik,ik->ik", a[:, :1] * b[:1], a[:, 1:2] * b[1:2]),
    "convolve": lambda a, b: ag.stack(
        [
            ag.stack([ag.convolve(a[i], b[:, k])[2] for k in range(b.shape[1])])
            for i in range(a.shape[0])
        ]
    ),
    "squared": lambda a, b: (a @ b) ** 2,
    "two": lambda a, b: ag.tanh(a @ b[:, KEPT]) @ b,
    "quotient": lambda a, b: (a / (a * a + 1.0)) @ b,
    "vmap": lambda a, b: ag.vmap(lambda row: row @ b)(a),
    "vmap of einsum": lambda a, b: ag.vmap(lambda row: ag.einsum("j,jk->k", row, b))(a),
    "scan": lambda a, b: ag.scan(lambda c, _: (ag.tanh(c @ b[:, KEPT]), None), a, length=2)[0] @ b,
    "scan of rows": lambda a, b: ag.scan(
        lambda c, row: (c, ag.sin(row @ b)), np.zeros(()), a
    )[1],
    "jit": lambda a, b: ag.jit(lambda a, b: ag.sin(a @ b))(a, b),
}  # fmt: skip
FEW = {"@", "einsum of three", "einsum without a sum"}


def test_every_contraction_has_a_spelling_here():
    ours = {
        n
        for n, p in REGISTRY.items()
        if isinstance(p.kind, Contract)
        and p.differentiable
        and str(p.function.__module__).startswith("autograd_core.")
    }
    # `squared_distance` is guarded as a whole, and `overlap_add` multiplies nothing.
    assert ours == {
        "affine", "einsum_", "einsum_still", "matmul", "matmul_still", "overlap_add",
        "squared_distance",
    }  # fmt: skip


def cases(side, value):
    """Operands with what is masked as it is, and harmless; and the mask."""
    a, b = waves((4, 3), 0.3), waves((3, 5), 0.7)
    harmless = a.copy(), b.copy()
    rows, columns = np.array([True, False, True, False]), np.ones(5, bool)
    a[1], a[3, 1] = value, value
    harmless[0][1], harmless[0][3] = 0.5, 0.25
    if side == "columns":
        rows, columns = np.ones(4, bool), np.array([True, True, False, True, False])
        a, harmless = waves((4, 3), 0.3), (waves((4, 3), 0.3), harmless[1])
        b[:, 2], b[1, 4] = value, value
        harmless[1][:, 2], harmless[1][:, 4] = 0.5, 0.25
    return (a, b), harmless, rows[:, None] & columns


def compare(found, expected):
    for k, (g, e) in enumerate(zip(found, expected, strict=True)):
        e = np.asarray(e)
        np.testing.assert_allclose(
            np.asarray(g), e, rtol=1e-9, atol=1e-11 * (1 + np.abs(e).max()), err_msg=str(k)
        )


@pytest.mark.parametrize("side", ["rows", "columns"])
@pytest.mark.parametrize("name", SPELLINGS)
def test_a_part_that_is_not_taken_changes_nothing_in_a_contraction(name, side):
    for value in BAD:
        given, harmless, keep = cases(side, value)
        run = derivatives(lambda a, b, keep=keep: ag.where(keep, SPELLINGS[name](a, b), 0.0), 2)
        compare(run(*given), run(*harmless))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "name", [n if n in FEW else pytest.param(n, marks=pytest.mark.slow) for n in SPELLINGS]
)
def test_nor_where_it_is_compiled(name, backend):
    for side in ("rows", "columns"):
        keep = cases(side, 0.0)[2]
        run = derivatives(lambda a, b, keep=keep: ag.where(keep, SPELLINGS[name](a, b), 0.0), 2)
        step = ag.jit(run, backend=backend)
        for value in BAD:
            given, harmless, _ = cases(side, value)
            compare(step(*given), run(*harmless))


def test_a_training_step_on_rows_that_are_missing():
    """The gradients of the weights of a layer, from labels and rows of which some are nan."""
    x, y = waves((6, 4)), waves((6, 2))
    x[2], y[2], x[4, 1] = NAN, NAN, INF
    known = np.isfinite(x).all(1)

    def step(x, y, known):
        def loss(w, b):
            error = ag.sum((ag.relu(ag.affine(x, w, b)) - y) ** 2, 1)
            return ag.sum(ag.where(known, error, 0.0)) / 4

        return ag.grad(loss, (0, 1))(waves((4, 2), 0.2), waves((2,)))

    expected = step(x[known], y[known], np.ones(4, bool))
    for run in (step, *(ag.jit(step, backend=b) for b in BACKENDS)):
        compare(run(x, y, known), expected)


def test_a_nan_that_no_mask_hides_is_not_hidden_in_a_contraction():
    a, b = waves((3, 4)), waves((4, 2))
    a[1, 2] = NAN
    keep = np.array([True, True, False])[:, None]
    for run in (f := lambda b: ag.grad(lambda b: ag.sum(ag.where(keep, a @ b, 0.0)))(b),
                *(ag.jit(f, backend=k) for k in BACKENDS)):  # fmt: skip
        np.testing.assert_array_equal(np.isnan(np.asarray(run(b))), np.arange(4)[:, None] == [2, 2])
    # A zero of the other operand is no mask.
    g = np.array([[NAN, 1.0], [1.0, 1.0]])
    _, pull = ag.vjp(lambda a: a @ np.array([[0.0, 2.0], [1.0, 1.0]]).T, np.ones((2, 2)))
    assert np.isnan(np.asarray(pull(g)[0])[0]).all()


@pytest.mark.parametrize("zeros", [(0,), (1,), (0, 1)])
def test_each_term_in_which_a_zero_wins_is_left_out_and_no_other(zeros):
    rng = np.random.default_rng(3)
    for shape in [(3, 4, 5), (1, 1, 1), (2, 7, 1)]:
        a, b = (rng.normal(size=shape[k : k + 2]) for k in (0, 1))
        for x in (a, b):
            x[rng.random(x.shape) < 0.3] = 0
            for value in (NAN, INF, -INF):
                x[rng.random(x.shape) < 0.1] = value
        terms = a[:, :, None] * b
        for i, x in ((0, a[:, :, None]), (1, b[None])):
            terms = np.where((x == 0) & (i in zeros), 0, terms)
        found = REGISTRY["matmul_still"].forward(a, b, zeros=zeros)
        np.testing.assert_allclose(found, terms.sum(1))
        again = REGISTRY["einsum_still"].forward(a, b, subscripts="ij,jk->ik", zeros=zeros)
        np.testing.assert_allclose(again, terms.sum(1))


# --- chains to second order -------------------------------------------------------------------------

EXTREME = np.array([0.0, -0.0, 1e200, -1e200, 1e-200, 5e-324, 1e308, INF, -INF, NAN, -1.0])
PARAMS = {"cast": {"dtype": np.float64}, "polygamma": {"n": 1}}
ELEMENTWISE = [
    name
    for name, p in REGISTRY.items()
    if isinstance(p.kind, Elementwise)
    and p.differentiable
    and 0 < p.arity < 3
    and str(p.function.__module__).startswith("autograd_core.")
]
# u is the primitive's value at x, or at another function of it.
CHAINS = {
    "a product of it": lambda f, x: f(x) * f(x) * x * x,
    "a power of it": lambda f, x: f(x) ** 3 * x,
    "of a power": lambda f, x: f(x * x * x) / x,
    "of itself": lambda f, x: f(f(x) * x),
}


def chained(name, chain):
    p, params = REGISTRY[name], PARAMS.get(name, {})

    def function(x):
        return p.function(*(x + 0.25 * k for k in range(p.arity)), **params)

    return lambda x: CHAINS[chain](function, x)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_chain_that_is_not_taken_has_no_second_derivative(name):
    low, high = REGISTRY[name].domain
    x = np.append(EXTREME, low + (high - low) * 0.6)
    keep = np.arange(x.size) == x.size - 1
    for chain in CHAINS:
        function = chained(name, chain)
        run = derivatives(lambda x, f=function: ag.where(keep, f(x), 3.0 * x), 1)
        first, second = map(np.asarray, run(x))
        np.testing.assert_array_equal(first[:-1], 3.0)
        np.testing.assert_array_equal(second[:-1], 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_nor_where_the_chain_is_compiled(name, backend):
    low, high = REGISTRY[name].domain
    x = np.append(EXTREME, low + (high - low) * 0.6)
    keep = np.arange(x.size) == x.size - 1
    for chain in CHAINS:
        function = chained(name, chain)
        run = derivatives(lambda x, f=function: ag.where(keep, f(x), 3.0 * x), 1)
        first, second = map(np.asarray, ag.jit(run, backend=backend)(x))
        np.testing.assert_array_equal(first[:-1], 3.0)
        np.testing.assert_array_equal(second[:-1], 0.0)


ONE = [ag.exp, ag.log, ag.sqrt, ag.sin, ag.tanh, ag.square, lambda x: 1 / x, lambda x: x**1.5,
       ag.softplus, ag.expm1, lambda x: ag.logsumexp(ag.stack([x, 2 * x]), 0),
       lambda x: ag.prod(ag.stack([x, x + 1]), 0), lambda x: ag.norm(ag.stack([x, 2 * x]), 0),
       lambda x: ag.cumsum(x[:, None] * np.ones((1, 3)), 1)[:, 1]]  # fmt: skip
TWO = [lambda a, b: a * b, lambda a, b: a / b, lambda a, b: a + b, ag.hypot, ag.arctan2,
       lambda a, b: ag.einsum("i,i->i", a, b), ag.logaddexp, ag.maximum,
       lambda a, b: abs(a) ** b]  # fmt: skip


def test_chains_drawn_at_random():
    rng = np.random.default_rng(5)
    x = np.append(EXTREME, [0.7, 1.3])
    keep = np.arange(x.size) >= EXTREME.size
    for _ in range(25):
        steps = [
            (rng.random() < 0.6, rng.integers(len(ONE)), rng.integers(len(TWO)), rng.integers(1, 4))
            for _ in range(rng.integers(2, 5))
        ]

        def function(x, steps=steps):
            values = [x, x + 0.5]
            for single, one, two, back in steps:
                v = values[-1]
                values.append(
                    ONE[one](v) if single else TWO[two](v, values[-min(back, len(values))])
                )
            return values[-1]

        run = derivatives(lambda x, f=function: ag.where(keep, f(x), 3.0 * x), 1)
        first, second = map(np.asarray, run(x))
        np.testing.assert_array_equal(first[~keep], 3.0, err_msg=str(steps))
        np.testing.assert_array_equal(second[~keep], 0.0, err_msg=str(steps))


# --- zeros by coincidence ---------------------------------------------------------------------------

GOOD = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]])
MATRICES = {
    "det": ag.linalg.det,
    "slogdet": lambda a: ag.slogdet(a)[1],
    "solve": lambda a: ag.sum(ag.solve(a, waves((3, 1)), singular="nan"), (-2, -1)),
    "eigenvalues": lambda a: ag.linalg.eigvalsh(a)[..., 0],
    "singular values": lambda a: ag.linalg.svdvals(a)[..., 1],
    "qr": lambda a: ag.linalg.qr(a)[1][..., 0, 1],
    "pinv": lambda a: ag.linalg.pinv(a)[..., 0, 1],
    "cholesky": lambda a: ag.linalg.cholesky(a)[..., 1, 0],
    "a contraction": lambda a: ag.sum(ag.einsum("...ij,...jk->...ik", a, a), (-2, -1)),
}


@pytest.mark.parametrize("name", MATRICES)
def test_a_zero_by_coincidence_keeps_the_second_derivative_of_a_matrix(name):
    """A square at its minimum: the cotangent of what is squared is 0, its derivative is not."""
    function = MATRICES[name]
    stack = np.array([GOOD, np.eye(3)])
    least = np.asarray(function(GOOD))

    def square(t):
        return ag.where(np.array([True, False]), (function(t * stack) - least) ** 2, 0.0)

    found = ag.hessian(lambda t: ag.sum(square(t)))(1.0)
    slope = np.asarray(ag.grad(lambda t: function(t * GOOD))(1.0))
    np.testing.assert_allclose(np.asarray(found), 2 * slope**2, rtol=1e-9, atol=1e-12)


def test_pairs_of_masks_inside_and_outside():
    """A mask inside of a product and one around it: each hides what it hides."""
    a, b = waves((3, 4)), waves((4, 3))
    for value, (inner, outer) in itertools.product(
        [NAN, INF, 1e200], itertools.product([0, 1], repeat=2)
    ):
        bad = a.copy()
        bad[1] = value
        kept = np.array([True, False, True])[:, None]

        def function(a, b, inner=inner, outer=outer, kept=kept):
            y = a * a * a
            y = ag.where(kept, y, 1.0) if inner else y
            y = y @ b
            return ag.where(kept, y, 0.0) if outer else y

        if not inner and not outer:
            continue
        compare(
            derivatives(function, 2)(bad, b), derivatives(function, 2)(np.where(kept, a, 1.0), b)
        )
