"""scan: against the loop that it stands for, in every mode; nestings, programs, errors, speed."""

from __future__ import annotations

import functools
import gc
import weakref

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core import Abstract
from autograd_core.trees import flatten, unflatten


def unrolled(function, init, xs=None, length=None, reverse=False):
    """The loop that `scan` stands for, by indexing and stacking."""
    leaves, structure = flatten(xs)
    n = length if length is not None else len(leaves[0])
    carry, rows = init, [None] * n
    for k in reversed(range(n)) if reverse else range(n):
        x = unflatten(structure, [None if leaf is None else leaf[k] for leaf in leaves])
        carry, rows[k] = function(carry, x)
    ys, nesting = flatten(rows[0])
    columns = zip(*(flatten(r)[0] for r in rows), strict=True)
    stacked = [None if c[0] is None else ag.stack(list(c)) for c in columns] if ys else []
    return carry, unflatten(nesting, stacked)


def close(found, wanted, rtol=1e-10):
    f, w = flatten(found)[0], flatten(wanted)[0]
    assert len(f) == len(w)
    for a, b in zip(f, w, strict=True):
        if b is not None:
            a, b = (np.asarray(t.detach() if isinstance(t, ag.Tensor) else t) for t in (a, b))
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-12)


rng = np.random.default_rng(3)
W, U, H, XS = (rng.normal(size=s) / 2 for s in ((3, 3), (2, 3), (3,), (5, 2)))
A, B = rng.normal(size=(4, 4)) / 2, rng.normal(size=(4, 4))


def rnn(loop, w, u, h, xs, **options):
    def step(h, x):
        h = ag.tanh(h @ w + x @ u)
        return h, {"square": h * h, "none": None}

    h, ys = loop(step, h, xs, **options)
    return ag.sum(h * np.arange(3.0)) + ag.sum(ys["square"])


def nested_carry(loop, a, b, xs):
    """Two carries, of which one only counts; a y that is not used; xs in a nesting."""

    def step(carry, x):
        state, count = carry
        new = ag.sin(state * x["p"]) + a
        return (new, count + 1), (new * count, x["q"] * b)

    (state, _), (ys, _) = loop(step, (a * b, 0), {"p": xs, "q": xs * 2})
    return ag.sum(state) + ag.sum(ys * ys)


def matrices(loop, a, b):
    """Without xs; the carry is a matrix, and what does not change goes through the carry, too."""

    def step(carry, _):
        m, fixed = carry
        return (ag.tanh(m @ fixed) + ag.linalg.solve(fixed + 4 * np.eye(4), m), fixed), ag.matrix_trace(m)  # fmt: skip

    (m, _), traces = loop(step, (a, b), length=4)
    return ag.sum(m * m) + ag.sum(traces)


def newton(loop, a):
    """A derivative inside of the body."""
    f = lambda x: x**3 - a  # noqa: E731
    step = lambda x, _: (x - f(x) / ag.grad(lambda u: ag.sum(f(u)))(x), x)  # noqa: E731
    x, path = loop(step, a, length=6)
    return ag.sum(x) + ag.mean(path)


def inner_loop(loop, w, h):
    """A loop in a loop: powers of w, applied again and again."""

    def step(h, k):
        inner, _ = loop(lambda c, _: (ag.tanh(c @ w) + k, None), h, length=2)
        return inner, ag.sum(inner)

    h, sums = loop(step, h, np.arange(3.0))
    return ag.sum(h * h) + ag.sum(sums)


CASES = {
    "rnn": (rnn, (W, U, H, XS)),
    "reversed": (functools.partial(rnn, reverse=True), (W, U, H, XS)),
    "nested carry": (nested_carry, (np.float64(0.3), np.float64(0.7), rng.normal(size=4))),
    "matrices": (matrices, (A, B)),
    "newton": (newton, (np.array([2.0, 3.0]),)),
    "loop in loop": (inner_loop, (W, H)),
}


@pytest.fixture(params=CASES)
def case(request):
    function, args = CASES[request.param]
    return functools.partial(function, ag.scan), functools.partial(function, unrolled), args


def test_scan_is_the_loop(case):
    scanned, loop, args = case
    close(scanned(*args), loop(*args))


def test_gradients_are_those_of_the_loop(case):
    scanned, loop, args = case
    every = range(len(args))
    close(ag.grad(scanned, every)(*args), ag.grad(loop, every)(*args))
    for k in every:  # what one operand alone asks for
        close(ag.grad(scanned, k)(*args), ag.grad(loop, k)(*args))


def test_second_and_third_derivatives_are_those_of_the_loop(case):
    scanned, loop, args = case
    for k in range(len(args)):
        close(ag.hessian(scanned, k)(*args), ag.hessian(loop, k)(*args), 1e-8)
        v = args[k] * 1.5
        close(ag.hvp(scanned, k)(*args, v), ag.hvp(loop, k)(*args, v), 1e-8)
    norm = lambda f: lambda *a: ag.sum(ag.square(ag.grad(f)(*a)))  # noqa: E731
    close(ag.grad(norm(norm(scanned)))(*args), ag.grad(norm(norm(loop)))(*args), 1e-7)


def test_gradcheck(case):
    scanned, _, args = case
    assert ag.gradcheck(scanned, *args)
    assert ag.gradgradcheck(scanned, *args)


def test_jvp_and_backward(case):
    scanned, loop, args = case
    directions = tuple(a * 0.5 + 0.1 for a in args)
    close(ag.jvp(scanned, args, directions), ag.jvp(loop, args, directions))
    tensors = [ag.tensor(a, requires_grad=True) for a in args]
    scanned(*tensors).backward()
    close([t.grad for t in tensors], list(ag.grad(loop, range(len(args)))(*args)))


def test_traced_programs_compute_the_same(case):
    scanned, loop, args = case
    every = range(len(args))
    close(ag.trace(scanned)(*args)(*args), loop(*args))
    close(ag.trace(ag.grad(scanned, every))(*args)(*args), ag.grad(loop, every)(*args))
    close(ag.trace(ag.hessian(scanned))(*args)(*args), ag.hessian(loop)(*args), 1e-8)
    program = ag.trace(scanned)(*args)  # recorded without a gradient in sight, differentiated later
    again = program.as_function()
    close(ag.grad(again, every)(*args), ag.grad(loop, every)(*args))
    assert str(program).count("program") >= 2
    close(ag.Replay(program)(*args), [loop(*args)])


def test_compiled_loops_compute_the_same(case):
    scanned, loop, args = case
    every = range(len(args))
    close(ag.jit(scanned)(*args), loop(*args))
    close(ag.jit(ag.grad(scanned, every))(*args), ag.grad(loop, every)(*args))


def test_vmap_of_scan_is_scan_of_each(case):
    scanned, loop, args = case
    batches = [np.stack([a * (1 + k / 10) for k in range(3)]) for a in args]
    for mapped in [*np.eye(len(args), dtype=bool), np.ones(len(args), bool)]:
        axes = [0 if m else None for m in mapped]
        given = [b if m else a for a, b, m in zip(args, batches, mapped, strict=True)]
        rows = [[g[k] if m else g for g, m in zip(given, mapped, strict=True)] for k in range(3)]
        single = [loop(*row).item() for row in rows]
        np.testing.assert_allclose(ag.vmap(scanned, axes)(*given).data, single, rtol=1e-10)
        every = range(len(args))
        grads = ag.vmap(ag.grad(scanned, every), axes)(*given)
        for k in every:
            wanted = np.stack([ag.grad(loop, k)(*row).data for row in rows])
            np.testing.assert_allclose(grads[k].data, wanted, rtol=1e-9, atol=1e-12)
        total = lambda *a, axes=axes: ag.sum(ag.vmap(scanned, axes)(*a))  # noqa: E731
        wanted = lambda *a, mapped=mapped: sum(loop(*(g[k] if m else g for g, m in zip(a, mapped, strict=True))) for k in range(3))  # noqa: E731  # fmt: skip
        close(ag.grad(total, every)(*given), ag.grad(wanted, every)(*given), 1e-9)
        traced = ag.trace(ag.grad(total, every))(*given)(*given)
        close(traced, ag.grad(wanted, every)(*given), 1e-9)


# --- options ------------------------------------------------------------------------------------


def test_no_iterations():
    h, ys = ag.scan(lambda h, x: (h * x[0], ag.sum(x)), 2.0, np.ones((0, 3)))
    assert (h.item(), ys.shape) == (2, (0,))
    f = lambda a, xs: ag.sum(ag.scan(lambda h, x: (ag.sin(h * x), h), a, xs)[0])  # noqa: E731
    found = ag.grad(f, (0, 1))(np.float64(3.0), np.ones(0))
    assert (found[0].item(), found[1].shape) == (1, (0,))


def test_xs_may_be_missing_and_ys_too():
    last, ys = ag.scan(lambda c, x: (c + 1, x), np.int64(0), length=7)
    assert (last.item(), last.dtype, ys) == (7, np.int64, None)
    carry, ys = ag.scan(lambda c, x: (c, x * 2), None, np.arange(3.0))
    assert carry is None
    assert ys.tolist() == [0, 2, 4]


def test_python_numbers_take_the_dtype_of_what_they_meet():
    xs = np.ones(3, np.float32)
    total, _ = ag.scan(lambda c, x: (c + x, None), 0.0, xs)
    assert total.dtype == np.float32
    total, _ = ag.scan(lambda c, x: (c + x, None), 0, xs)
    assert total.dtype == np.float32
    count, _ = ag.scan(lambda c, x: (c + 1, None), 0, xs)
    assert count.dtype == np.int64
    program = ag.trace(lambda h, xs: ag.scan(lambda c, x: (c * x, None), h, xs)[0])(2.0, xs)
    assert program(2.0, xs).dtype == np.float32


def test_single_precision_is_kept_in_gradients():
    args = [np.asarray(a, np.float32) for a in (W, U, H, XS)]
    f = functools.partial(rnn, ag.scan)
    for g, wanted in zip(ag.grad(f, range(4))(*args), ag.grad(f, range(4))(W, U, H, XS), strict=True):  # fmt: skip
        assert g.dtype == np.float32
        np.testing.assert_allclose(g.data, wanted.data, rtol=2e-4, atol=1e-5)


def test_integers_may_be_carried_and_gathered():
    table = rng.normal(size=(5, 3))

    def walk(loop, table):
        step = lambda k, x: ((k * 2 + 1) % 5, table[k] * x)  # noqa: E731
        return ag.sum(ag.square(loop(step, np.int64(1), np.arange(4.0))[1]))

    close(ag.grad(lambda t: walk(ag.scan, t))(table), ag.grad(lambda t: walk(unrolled, t))(table))


def test_what_does_not_change_is_computed_once():
    program = ag.trace(lambda w, h: ag.scan(lambda h, _: (h @ ag.exp(w), None), h, length=3)[0])(
        W, H
    )
    (loop,) = [s for s in program if s.primitive.name == "scan"]
    assert [s.primitive.name for s in loop.params["body"]] == ["matmul"]
    assert [s.primitive.name for s in program].count("exp") == 1


def test_the_program_does_not_grow_with_the_length():
    f = lambda h, xs: ag.sum(ag.scan(lambda h, x: (ag.tanh(h * x), None), h, xs)[0])  # noqa: E731
    lengths = [len(ag.trace(ag.grad(f))(np.ones(2), np.ones((n, 2)))) for n in (3, 300)]
    assert lengths[0] == lengths[1] < 20


def test_cotangents_of_matrices_are_products_after_the_loop():
    """Not sums of as many matrices as there are iterations; vectors are added up on the way."""

    def f(w, bias, h, xs):
        step = lambda h, x: (ag.tanh(h @ w + ag.affine(x, w, bias)), None)  # noqa: E731
        return ag.sum(ag.scan(step, h, xs)[0])

    for h in (H, A[:, :3]):
        xs = rng.normal(size=(6, *h.shape))
        program = ag.trace(ag.grad(f, (0, 1)))(W, H, h, xs)
        pulled = [s for s in program if s.primitive.name == "scan"][-1]
        sums = pulled.params["body"].inputs[pulled.params["consts"] :][: pulled.params["carries"]]
        assert [v.shape for v in sums] == [h.shape, (3,)]
        loop = lambda w, bias, h, xs: ag.sum(functools.reduce(lambda h, x: ag.tanh(h @ w + ag.affine(x, w, bias)), [xs[k] for k in range(6)], h))  # noqa: E731  # fmt: skip
        close(list(program(W, H, h, xs)), list(ag.grad(loop, (0, 1))(W, H, h, xs)))


def test_results_have_memory_of_their_own():
    x = ag.tensor(np.ones(2))
    last, ys = ag.scan(lambda c, _: (c, c), x, length=2)
    with ag.no_grad():
        x += 1
    assert last.data.max() == 1
    assert ys.data.max() == 1


def test_sizes_may_be_symbolic():
    T, D = ag.dims("T D")

    def f(w, h, xs):
        h, ys = ag.scan(lambda h, x: (ag.tanh(h * w + x), ag.sum(h * x)), h, xs)
        return ag.sum(h) + ag.sum(ys)

    program = ag.trace(ag.grad(f, (0, 1, 2)))(Abstract((D,)), Abstract((D,)), Abstract((T, D)))
    args = H, W[0], rng.normal(size=(6, 3))
    close(list(program(*args)), list(ag.grad(f, (0, 1, 2))(*args)))
    fixed = program.at({"T": 6, "D": 3})
    close(list(fixed(*args)), list(ag.grad(f, (0, 1, 2))(*args)))
    (N,) = ag.dims("N")
    counted = ag.trace(lambda n, x: ag.scan(lambda c, _: (c * x, None), x, length=N)[0])(
        Abstract((N,)), np.float64(1)
    )
    assert counted(np.ones(4), np.float64(2)) == 32


def test_layers_in_the_body_are_trained():
    cell = nn.Linear(5, 3, rng=np.random.default_rng(0))
    xs = np.ones((4, 2), np.float32)

    def step(h, x):
        h = ag.tanh(cell(ag.concatenate([h, x])))
        return h, h

    _, ys = ag.scan(step, np.zeros(3, np.float32), xs)
    ag.sum(ys * ys).backward()
    found = [p.grad.data for p in cell.parameters()]
    for p in cell.parameters():
        p.grad = None
    _, ys = unrolled(step, np.zeros(3, np.float32), xs)
    ag.sum(ys * ys).backward()
    for f, p in zip(found, cell.parameters(), strict=True):
        np.testing.assert_allclose(f, p.grad.data, rtol=1e-5)


def test_no_grad_keeps_nothing():
    w = ag.tensor(W, requires_grad=True)
    with ag.no_grad():
        h, ys = ag.scan(lambda h, x: (h @ w, h), H, length=3)
    assert not h.requires_grad
    assert h.is_leaf
    assert not ys.requires_grad


def test_random_bits_are_drawn_by_a_carried_counter():
    key = np.array([1, 2], np.uint64)
    step = lambda c, _: (c + np.uint64(1), ag.random_bits(key, c, shape=(4,)))  # noqa: E731
    _, bits = ag.scan(step, np.uint64(5), length=3)
    for k in range(3):
        assert (bits.data[k] == ag.random_bits(key, np.uint64(5 + k), shape=(4,)).data).all()


def test_a_loop_leaves_nothing_behind():
    body = []

    def run():
        f = functools.partial(rnn, ag.scan)
        ag.grad(f)(W, U, H, XS)
        t = ag.tensor(W, requires_grad=True)
        loss = f(t, U, H, XS)
        program = ag.introspect.program(loss)
        body.extend(weakref.ref(s.params["body"]) for s in program if s.primitive.name == "scan")
        loss.backward()

    run()
    gc.collect()
    assert body
    assert all(r() is None for r in body)


# --- errors -------------------------------------------------------------------------------------

ADD = lambda c, x: (c + x, None)  # noqa: E731


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: ag.scan(3, 0.0), ag.ConfigError, r"scan: expected a function first; received int"),
        (lambda: ag.scan(ADD, 0.0), ag.ConfigError, r"neither xs nor length"),
        (lambda: ag.scan(ADD, 0.0, length=-1), ag.ConfigError, r"length of 0 or more; received -1"),
        (lambda: ag.scan(ADD, 0.0, length=2.5), ag.ConfigError, r"length of 0 or more; received 2\.5"),
        (lambda: ag.scan(ADD, 0.0, np.ones(3), length=4), ag.ShapeError, r"shape \(3,\), and so 3 steps\. Expected 4"),
        (lambda: ag.scan(ADD, 0.0, (np.ones(3), np.ones(4))), ag.ShapeError, r"leaf 1 of xs .* 4 steps\. Expected 3"),
        (lambda: ag.scan(ADD, 0.0, 3.0), ag.ShapeError, r"shape \(\), without an axis.*a list is a nesting"),
        (lambda: ag.scan(ADD, 0.0, [1.0, 2.0]), ag.ShapeError, r"pass np\.asarray"),
        (lambda: ag.scan(lambda c, x: c + x, np.ones(3), np.ones(3)), ag.ConfigError, r"returned Tensor\. Expected a pair"),
        (lambda: ag.scan(lambda c, x: (c, x, x), 0.0, np.ones(3)), ag.ConfigError, r"returned tuple of 3\. Expected a pair"),
        (lambda: ag.scan(lambda c, x: ((c, x), None), 0.0, np.ones(3)), ag.ConfigError, r"carry changed its nesting"),
        (lambda: ag.scan(lambda c, x: (None, None), 0.0, np.ones(3)), ag.ConfigError, r"changed from float64\[\] to None"),
        (lambda: ag.scan(ADD, np.zeros(()), np.ones((3, 2))), ag.ShapeError, r"the carry changed from float64\[\] to float64\[2\].*np\.zeros\(\(2,\)\)"),
        (lambda: ag.scan(lambda c, x: ((c[0], c[1] * x), None), (np.ones(2), np.ones(1)), np.ones((3, 2))), ag.ShapeError, r"leaf 1 of the carry changed from float64\[1\] to float64\[2\]"),
        (lambda: ag.scan(ADD, np.zeros((), int), np.ones(3)), ag.DTypeError, r"changed from int64\[\] to float64\[\].*0\.0 rather than"),
        (lambda: ag.scan(ADD, np.zeros((), np.float32), np.ones(3)), ag.DTypeError, r"\.astype\(np\.float32\)"),
        (lambda: ag.scan(lambda c, x: (c if c > 0 else -c, None), 0.0, np.ones(3)), ag.CaptureError, r"scan of lambda: bool.*ag\.where.*outside of scan"),
        (lambda: ag.scan(lambda c, x: (c + x.item(), None), 0.0, np.ones(3)), ag.CaptureError, r"scan of lambda: Tensor\.item"),
        (lambda: ag.scan(lambda c, x: (c, "y"), 0.0, np.ones(3)), ag.DTypeError, r"returned str\. Expected tensors"),
        (lambda: ag.scan(ADD, "c", np.ones(3)), ag.DTypeError, r"scan of lambda"),
        (lambda: ag.scan(ADD, 0.0, np.array([1j])), ag.DTypeError, r"complex"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_assigning_in_the_body_is_refused():
    total = ag.tensor(0.0, name="total")
    layer = nn.Dropout(0.5, rng=np.random.default_rng(0))

    def step(c, x):
        total.assign(total + 1)
        return c + x, None

    with pytest.raises(ag.ConfigError, match=r"assigned to the tensor 'total'.*part of the carry"):
        ag.scan(step, 0.0, np.ones(3))
    with pytest.raises(ag.ConfigError, match=r"part of the carry"):
        ag.scan(lambda c, x: (layer(c), None), np.ones(3), length=2)
    assert total.item() == 0


def test_errors_of_an_iteration_say_which_one():
    xs = np.stack([np.eye(2), np.zeros((2, 2))])
    with pytest.raises(ag.LinAlgError, match=r"at iteration 1: .*ingular"):
        ag.scan(lambda c, a: (ag.linalg.solve(a, c), None), np.ones(2), xs)


def test_operands_that_do_not_fit_the_body_are_named():
    program = ag.trace(lambda h, xs: ag.scan(ADD, h, xs)[0])(np.ones(2), np.ones((3, 2)))
    (step,) = [s for s in program if s.primitive.name == "scan"]
    scan = step.primitive.function
    with pytest.raises(
        ag.ShapeError, match=r"operand 1 has shape \(4, 2\); the body takes \(3, 2\)"
    ):
        scan(np.ones(2), np.ones((4, 2)), **step.params)
    with pytest.raises(ag.ShapeError, match=r"the body takes 2 operands; received 1"):
        scan(np.ones(2), **step.params)
    with pytest.raises(ag.DTypeError, match=r"operand 0 has dtype float32\. Expected float64"):
        scan(np.ones(2, np.float32), np.ones((3, 2)), **step.params)
