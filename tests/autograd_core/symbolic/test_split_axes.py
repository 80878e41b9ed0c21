"""Axes that are split, merged, cut into blocks and joined, at every size: as the engine runs them."""

import itertools
import math

import numpy as np
import pytest
import sympy

import autograd_core as ag
from autograd_core.errors import ConfigError, ProofError
from autograd_core.symbolic import arrays, dims, facts, labels, prove, scalar, to_latex
from autograd_core.symbolic.atoms import Step, Vanishes
from autograd_core.symbolic.indexed import Indexed, IndexedSymbols, Split, inputs_of
from autograd_core.symbolic.places import indices_in, label_of, size_of

B, G, K, H, D, T = dims("B G K H D T")
SIZES = ((1, 1, 1), (2, 3, 1), (1, 2, 3), (3, 2, 2))


def every(loss, wrt, **options):
    verdict = prove.backward(loss, wrt=wrt, method="INDEXED", **options)
    return {leaf.status for leaf in verdict.leaves.values()} == {"PROVED"}


# --- what it is for -------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", ["B,G*K", "5,12"])
def test_group_norm_by_reshape(sizes):
    names = sizes.split(",")
    x, gamma, beta, g = arrays(f"x:{sizes} gamma:{names[1]} beta:{names[1]} g:{sizes}")
    eps = scalar("eps", positive=True)
    b, c = x.shape
    groups = G if sizes == "B,G*K" else 3
    u = ag.reshape(x, (b, groups, c // groups))
    u = (u - ag.mean(u, 2, keepdims=True)) / ag.sqrt(ag.var(u, 2, keepdims=True) + eps)
    loss = ag.sum((ag.reshape(u, (b, c)) * gamma + beta) * g)
    assert every(loss, [x, gamma, beta, g, eps])


def test_gates_are_blocks_of_one_product():
    x, w = arrays("x:B,D W:D,3*H")
    z = x @ w
    assert every(ag.sum(z[:, :H] * ag.tanh(z[:, 2 * H :])), [x, w])
    a, b, _ = ag.split(z, 3, axis=1)
    assert prove.equal(a * b, z[:, H : 2 * H] * z[:, :H], method="INDEXED").status == "PROVED"


@pytest.mark.slow
def test_an_lstm_cell_of_one_product():
    x, h, c, w, u = arrays("x:B,D h:B,H c:B,H W:D,4*H U:H,4*H")
    i, f, o, z = ag.split(x @ w + h @ u, 4, axis=1)
    c = ag.sigmoid(f) * c + ag.sigmoid(i) * ag.tanh(z)
    assert every(ag.sum(ag.sigmoid(o) * ag.tanh(c)), [x, h, w, u])


def test_the_batch_and_time_are_one_axis_of_examples():
    x, w = arrays("x:B,T,D W:D,K")
    (y,) = labels("y:B*T")
    z = ag.log_softmax(ag.reshape(x, (B * T, D)) @ w, axis=1)
    assert every(-ag.mean(ag.take_along_axis(z, ag.expand_dims(y, 1), axis=1)), [x, w])


@pytest.mark.slow
def test_attention_of_several_heads():
    x, wq, wk, wv, wo = arrays("x:B,T,D Wq:D,H*K Wk:D,H*K Wv:D,H*K Wo:H*K,D")
    q, k, v = (ag.transpose(ag.reshape(x @ w, (B, T, H, K)), (0, 2, 1, 3)) for w in (wq, wk, wv))
    a = ag.softmax(q @ ag.transpose(k, (0, 1, 3, 2)), axis=3) @ v
    o = ag.reshape(ag.transpose(a, (0, 2, 1, 3)), (B, T, H * K)) @ wo
    assert every(ag.sum(o**2), [x, wq, wk, wv, wo])


def test_joins_of_equal_parts():
    x, y, w = arrays("x:B,H y:B,H W:2*H,K")
    joined = ag.concatenate([x, y], axis=1) @ w
    assert every(ag.sum(ag.tanh(joined)), [x, y, w])
    verdict = prove.equal(joined, x @ w[:H] + y @ w[H:], method="INDEXED")
    assert verdict.status == "PROVED"
    swapped = prove.equal(joined, y @ w[:H] + x @ w[H:])
    assert swapped.status == "REFUTED"
    assert every(ag.sum(ag.stack([x, y, x * y]) ** 3), [x, y])


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reshape", "concatenate_"])
def test_a_rule_that_puts_elements_elsewhere_is_refuted(planted, name):
    x, y, w = arrays("x:G,K y:G,K w:2*G*K")
    joined = ag.concatenate([x, y], axis=1)
    program = ag.introspect.program(ag.sum(ag.reshape(joined, -1) * w), wrt=[x, y, w])
    assert prove.backward(program, wrt=[0, 1, 2], method="INDEXED").status == "PROVED"

    def turned(xp, g, y, x, shape):
        return xp.reshape(
            xp.transpose(xp.reshape(g, shape=x.shape[::-1]), axes=None), shape=x.shape
        )

    def swapped(xp, asked, g, y, *xs, axis):
        right = ag.REGISTRY["concatenate_"].vjp
        found = right(xp, (0, 1), g, y, *xs, axis=axis)
        return {i: found[1 - i] for i in asked}

    faulty = planted(program, name, *([turned] if name == "reshape" else [swapped]))
    verdict = prove.backward(faulty, wrt=[0, 1])
    assert verdict.status == "REFUTED"


def test_an_axis_is_split_in_one_way_or_not_read():
    (x,) = arrays("x:B,G*K")
    turned = ag.reshape(ag.transpose(ag.reshape(x, (B, G, K)), (0, 2, 1)), (B, K * G))
    assert prove.equal(turned, x * 1).status == "REFUTED"  # for G = K, too
    with pytest.raises(ProofError, match="G x K are read as K x G"):
        prove.equal(turned, x * 1, method="INDEXED")
    back = ag.reshape(ag.transpose(ag.reshape(turned, (B, K, G)), (0, 2, 1)), (B, G * K))
    assert prove.equal(back, x * 1, method="INDEXED").status == "PROVED"


def test_what_does_not_end_with_a_factor_is_refused_by_name():
    (x,) = arrays("x:B,4*H")
    (y,) = labels("y:B")
    (z,) = arrays("z:2,12")
    blocks = ag.sum(ag.reshape(x, (B, 4, H))[:, 0] ** 2)
    for loss, leaf, message in (
        (ag.sum(x[:, H : 3 * H] ** 2) * blocks, x, "along an axis that is split"),
        (ag.sum(x[:, 1]) * blocks, x, "the place 1 of an axis that is split"),
        (ag.sum(ag.take_along_axis(x, y[:, None], 1)) * blocks, x, "indexed by a label"),
        (ag.sum(ag.concatenate([x, x[:, :H]], 1) ** 2), x, "along an axis that is split"),
        (ag.sum(ag.windows(x, 1, 3) ** 2) * blocks, x, "along an axis that is split"),
        (ag.sum(ag.roll(x, 3, 1) ** 2) * blocks, x, "along an axis that is split"),
        (ag.sum(ag.reshape(z, (3, 8)) ** 2), z, "are read as 3 x 8"),
        (ag.sum(ag.reshape(z, (2, 3, 4)) ** 2) * ag.sum(ag.reshape(z, (2, 2, 6))[:, 0]), z, "2 x 2 x 6"),
    ):  # fmt: skip
        with pytest.raises(ProofError, match=message):
            prove.backward(loss, wrt=[leaf], method="INDEXED")
    given = [facts.sums_to_one(x, axis=1)]
    with pytest.raises(ProofError, match="an axis that is split or merged"):
        prove.equal(blocks, blocks, wrt=[x], given=given, method="INDEXED")
    with pytest.raises(ProofError, match="merges or splits axes"):
        to_latex(blocks)


def test_factors_may_have_factors():
    (x,) = arrays("x:B,4*H")
    halves, quarters = ag.reshape(x, (B, 2, 2 * H)), ag.reshape(x, (B, 4, H))
    assert every(ag.sum(halves[:, 1] ** 2) * ag.sum(quarters[:, 1] * x[:, : 2 * H][:, :H]), [x])
    same = ag.sum(quarters, 2)[:, 2], ag.sum(x[:, 2 * H :][:, :H], 1)
    assert prove.equal(*same, method="INDEXED").status == "PROVED"


def test_sizes_may_be_products():
    (x,) = arrays("x:B,2*G*K,3*4")
    assert x.shape == (B, 2 * G * K, 12)
    for text in ("x:B*", "x:B,*G", "x:G**K", "x:G*0"):
        with pytest.raises(ConfigError):
            arrays(text)


# --- random programs, against what the engine computes --------------------------------------------


class Moved:
    """An array and the factors of its axes."""

    def __init__(self, value, axes):
        self.value, self.axes = value, axes
        assert tuple(map(math.prod, axes)) == tuple(value.shape)


def regrouped(draw, a):
    """The same factors in other axes."""
    factors = [f for axis in a.axes for f in axis]
    cuts = [0, *(n for n in range(1, len(factors)) if draw.random() < 0.6), len(factors)]
    axes = [tuple(factors[i:j]) for i, j in itertools.pairwise(cuts)]
    return Moved(ag.reshape(a.value, tuple(map(math.prod, axes))), axes)


def turned(draw, a):
    order = [int(n) for n in draw.permutation(len(a.axes))]
    return Moved(ag.transpose(a.value, order), [a.axes[n] for n in order])


def joined(draw, a):
    n = int(draw.integers(len(a.axes)))
    parts = [a.value, a.value * a.value, ag.tanh(a.value)][: draw.integers(2, 4)]
    axes = [((len(parts), *axis) if i == n else axis) for i, axis in enumerate(a.axes)]
    return Moved(ag.concatenate(parts, n), axes)


def cut(draw, a):
    """A block, or the first element."""
    n = int(draw.integers(len(a.axes)))
    first, *rest = a.axes[n] or (1,)
    held = math.prod(rest)
    at = int(draw.integers(first)) if isinstance(first, int) else 0
    part = a.value[(*(slice(None),) * n, slice(at * held, (at + 1) * held))]
    return Moved(part, [tuple(rest) if i == n else axis for i, axis in enumerate(a.axes)])


def folded(draw, a):
    n = int(draw.integers(len(a.axes)))
    fold = (ag.sum, ag.mean, ag.max)[draw.integers(3)]
    return Moved(a.value - fold(a.value, n, keepdims=True), a.axes)


def mixed(draw, a):
    """With a contraction over one axis."""
    n = int(draw.integers(len(a.axes)))
    left, rest = "abcdef"[: len(a.axes)], "uvwxyz"[: len(a.axes)]
    right = "".join(left[i] if i == n else rest[i] for i in range(len(a.axes)))
    out = "".join(c for c in left if c != left[n])
    found = ag.einsum(f"{left},{right}->{out}", a.value, a.value)
    return Moved(found, [axis for i, axis in enumerate(a.axes) if i != n])


def bent(draw, a):
    return Moved((ag.tanh, ag.relu, ag.square)[draw.integers(3)](a.value), a.axes)


def picked(draw, a):
    """At the place of the largest, along an axis."""
    n = int(draw.integers(len(a.axes)))
    place = ag.argmax(a.value, n, keepdims=True)
    found = ag.take_along_axis(a.value, place, n)
    return Moved(found, [() if i == n else axis for i, axis in enumerate(a.axes)])


def element(draw, a):
    """At a number, along an axis whose size is one; else as it stands."""
    n = int(draw.integers(len(a.axes)))
    size = math.prod(a.axes[n])
    if not isinstance(size, int):
        return a
    found = a.value[(*(slice(None),) * n, int(draw.integers(size)))]
    return Moved(found, [axis for i, axis in enumerate(a.axes) if i != n])


MOVES = (
    regrouped,
    regrouped,
    regrouped,
    turned,
    turned,
    joined,
    cut,
    element,
    folded,
    mixed,
    bent,
    picked,
)


def program_of(seed):
    """Of arrays x (B, G K), z (B, G, K), w (G K) and u (B, 12)."""

    def made(x, z, w, u):
        draw = np.random.default_rng(seed)
        pool = [
            Moved(x, [(B,), (G, K)]), Moved(z, [(B,), (G,), (K,)]), Moved(w, [(G, K)]),
            Moved(u, [(B,), (2, 3, 2)]),
        ]  # fmt: skip
        for _ in range(draw.integers(4, 10)):
            a = pool[-1] if draw.random() < 0.7 else pool[draw.integers(len(pool))]
            if not a.axes or sum(map(len, a.axes)) > 5:
                a = pool[draw.integers(4)]
            found = MOVES[draw.integers(len(MOVES))](draw, a)
            like = [b for b in pool if b.value.shape == found.value.shape]
            if like and draw.random() < 0.7:  # perhaps of the same factors in another order
                found = Moved(found.value * like[0].value, found.axes)
            pool.append(found)
        return pool[-1].value

    return made


def total(seed):
    made = program_of(seed)
    return lambda *leaves: ag.sum(ag.tanh(made(*leaves)))


class Told(IndexedSymbols):
    """Symbols that tell what the labels of largest elements are."""

    def __init__(self, factors):
        super().__init__(factors)
        self.largest = {}

    def place(self, x, folded, kept):
        """Note what a label is of."""
        found = super().place(x, folded, kept)
        for n, label in enumerate(found):
            self.largest.setdefault(label_of(label), (x, folded, getattr(label, "indices", ()), n))
        return found


def read(program):
    """What the program is read as: symbols, inputs and outputs; None where it is refused."""
    factors = {}
    while True:
        symbols = Told(factors)
        named = inputs_of(program, symbols)
        evaluator = Indexed(symbols)
        try:
            values = program.fold(evaluator, *named.values())
        except ProofError:
            return None
        except Split as found:
            split = found
        else:
            outputs = [evaluator.value(values[o]) for o in program.outputs]
            return symbols, list(named.values()), outputs
        assert split.size not in factors
        assert sympy.Mul(*split.factors) == split.size
        factors[split.size] = split.factors


class Values:
    """Expressions at values of arrays and sizes: an array with an axis for each free index."""

    def __init__(self, symbols, sizes, held):
        self.symbols, self.sizes, self.held = symbols, sizes, held
        self.memo, self.counts = {}, {}

    def size(self, i):
        if i not in self.counts:
            self.counts[i] = int(size_of(i).subs(self.sizes))
        return self.counts[i]

    def over(self, e, indices):
        """As an array over these indices."""
        own, found = self(e)
        assert set(own) <= set(indices), (own, indices)
        rows = np.asarray(found).transpose([own.index(i) for i in indices if i in own])
        slots = tuple(slice(None) if i in own else None for i in indices)
        return np.broadcast_to(rows[slots], [self.size(i) for i in indices])

    def __call__(self, e):
        """Free indices, and the values over them."""
        if e not in self.memo:
            own = tuple(sorted(indices_in(e), key=str))
            self.memo[e] = own, self.found(e, own)
        return self.memo[e]

    def found(self, e, own):
        """Values over the indices that are free."""
        if e.is_Number:
            return float(e)
        if e in self.sizes:
            return float(self.sizes[e])
        if isinstance(e, sympy.Sum):
            inside = (*own, *e.variables)
            return self.over(e.function, inside).sum(axis=tuple(range(len(own), len(inside))))
        if e in own:
            return np.arange(self.size(e))
        if isinstance(e, (sympy.Indexed, sympy.Symbol)):
            places = [self.over(t, own).astype(int) for t in getattr(e, "indices", ())]
            return self.array(label_of(e))[tuple(places)]
        parts = [self.over(a, own) for a in e.args]
        if isinstance(e, sympy.KroneckerDelta):
            return (parts[0] == parts[1]).astype(float)
        return _OF[e.func](*parts)

    def array(self, label):
        """The values of an array of symbols."""
        if label not in self.held:
            x, folded, kept, n = self.symbols.largest[label]
            rows = self.over(x, (*kept, *folded))
            flat = rows.reshape(*rows.shape[: len(kept)], -1).argmax(-1)
            self.held[label] = np.unravel_index(flat, rows.shape[len(kept) :])[n]
        return self.held[label]


_OF = {
    sympy.Add: lambda *parts: sum(parts),
    sympy.Mul: lambda *parts: math.prod(parts),
    sympy.Pow: lambda u, n: u**n,
    sympy.tanh: np.tanh,
    Step: lambda u: (u > 0) * 1.0,
    Vanishes: lambda u: (np.abs(u) < 1e-12) * 1.0,
}
LEAVES = [ag.Abstract(s) for s in ((B, G * K), (B, G, K), (G * K,), (B, 12))]


def compared(program, found, draw):
    """The outputs as they are read, beside what the engine computes."""
    symbols, inputs, outputs = found
    for sizes in SIZES:
        names = dict(zip("BGK", sizes, strict=True))
        small = program.at(names)
        given = [draw.uniform(-2, 2, v.shape) for v in small.inputs]
        wanted = small.values(*given)
        values = {sympy.Symbol(n, integer=True, positive=True): v for n, v in names.items()}
        held = {
            label_of(a.body): rows.reshape([int(size_of(i).subs(values)) for i in a.flat])
            for a, rows in zip(inputs, given, strict=True)
        }
        at = Values(symbols, values, held)
        for array, there in zip(outputs, small.outputs, strict=True):
            rows = at.over(array.body, array.flat).reshape(there.shape)
            np.testing.assert_allclose(rows, wanted[there], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(s, marks=pytest.mark.slow) for s in range(1, 40))]
)
def test_random_programs_and_gradients_are_read_as_the_engine_runs_them(seed):
    draw = np.random.default_rng(seed)
    count = 0
    for n in range(12):
        program = ag.trace(program_of((seed, n)))(*LEAVES)
        by_all = ag.grad(total((seed, n)), argnums=(0, 1, 2, 3), unreachable="zero")
        gradient = ag.trace(by_all)(*LEAVES)
        for p in (program, gradient):
            found = read(p)
            if found is not None:
                compared(p, found, draw)
                count += 1
    assert count >= 12
