"""What moves elements along an axis, at every size: windows, slices, flips, joins, running sums.

A place is computed, and a delta says which element is there. Rules and forwards that are nearly right
are refuted, and what is proved is run at all small sizes.
"""

import numpy as np
import pytest
import sympy

import autograd_core as ag
import nn
from autograd_core.errors import ProofError
from autograd_core.symbolic import arrays, facts, labels, prove
from autograd_core.symbolic.places import index, never_negative, place_of
from autograd_core.symbolic.polynomials import Budget
from autograd_core.symbolic.sums import IndexedForm

F = nn.functional
WINDOWS, OVERLAP = ag.REGISTRY["windows"], ag.REGISTRY["overlap_add"]


def every(loss, leaves, **options):
    """The verdict at all sizes; nothing is left to small ones."""
    return prove.backward(loss, wrt=leaves, method="INDEXED", **options)


# --- convolutions -----------------------------------------------------------------------------------

CONVOLUTIONS = {
    "plain": ("B,C,L", {}, "L ≥ 3"),
    "padded": ("B,C,L", {"padding": 1}, "L ≥ 1"),
    "same": ("B,C,L", {"padding": "same"}, "L ≥ 1"),
    "dilated": ("B,C,L", {"dilation": 2}, "L ≥ 5"),
    "stride": ("B,C,2*m+1", {"stride": 2}, "m ≥ 1"),
    "all together": ("B,C,3*m+2", {"stride": 3, "padding": 2, "dilation": 2}, "m ≥ 1"),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=[] if n in ("plain", "stride", "same") else [pytest.mark.slow])
        for n in CONVOLUTIONS
    ],
)
def test_convolutions_are_proved_at_every_size(name):
    sizes, options, scope = CONVOLUTIONS[name]
    x, w, b = arrays(f"x:{sizes} w:O,C,3 b:O")
    verdict = every(ag.sum(F.conv1d(x, w, b, **options) ** 2), [x, w, b])
    assert verdict.status == "PROVED", verdict
    assert scope in verdict.scope
    assert verdict.compared > 2
    assert not verdict.domain


@pytest.mark.slow
def test_convolutions_of_two_axes_and_networks_are_proved_at_every_size():
    x, w, v = arrays("x:B,C,L w:O,C,3 v:P,O,2")
    hidden = ag.relu(F.conv1d(x, w, padding=1))
    assert every(ag.sum(F.conv1d(hidden, v) ** 2), [x, w, v]).status == "PROVED"
    image, kernel = arrays("x:B,H,W k:3,2")
    seen = ag.windows(ag.windows(ag.pad(image, [(0, 0), (1, 1), (0, 1)]), 1, 3), 2, 2)
    loss = ag.sum(ag.tanh(ag.sum(seen * kernel, (3, 4))) ** 2)
    verdict = every(loss, [image, kernel])
    assert verdict.status == "PROVED"
    assert "H ≥ 1, W ≥ 1" in verdict.scope


def test_a_layer_is_proved_by_composition_at_every_size():
    layer = nn.Conv1d(2, 3, 3, padding=1, rng=0)
    (x,) = arrays("x:B,2,L")
    assert prove.graph(layer, ag.sum(layer(x) ** 2)).status == "PROVED"


POOLS = {
    "mean": lambda z: ag.mean(z, -1),
    "largest": lambda z: ag.max(z, -1),
    "relu of the mean": lambda z: ag.relu(ag.mean(z, -1)),
    "soft": lambda z: ag.logsumexp(z, -1),
}


@pytest.mark.parametrize(
    "name", ["mean", "largest", *(pytest.param(n, marks=pytest.mark.slow) for n in list(POOLS)[2:])]
)
def test_pools_are_proved_at_every_size(name):
    for sizes, options in (
        ("B,L", {"size": 3}),
        ("B,2*m", {"size": 2, "step": 2}),
        ("B,L", {"size": 2, "dilation": 3}),
    ):
        (z,) = arrays(f"z:{sizes}")
        pooled = POOLS[name](ag.windows(z, 1, **options))
        verdict = every(ag.sum(pooled**2), [z])
        assert verdict.status == "PROVED", (sizes, verdict)


# --- other moves ------------------------------------------------------------------------------------

MOVES = {
    "differences": lambda z: (z[1:] - z[:-1]) ** 2,
    "curvature": lambda z: abs(z[2:] - 2 * z[1:-1] + ag.windows(z, 0, 3)[:, 0]),
    "flip": lambda z: z * ag.flip(z) ** 2,
    "roll": lambda z: ag.roll(z, 2) * z,
    "pad": lambda z: ag.tanh(ag.pad(z, (1, 2))) ** 2,
    "join": lambda z: ag.concatenate([z, z**2, z[:1]]) ** 2,
    "cumsum": lambda z: ag.tanh(ag.cumsum(z, 0)),
    "from the end": lambda z: z[-1:] * z[:1],
}


@pytest.mark.parametrize("name", MOVES)
def test_what_moves_elements_is_proved_at_every_size(name):
    (z,) = arrays("z:N")
    verdict = every(ag.sum(MOVES[name](z)), [z])
    assert verdict.status == "PROVED", verdict
    assert verdict.compared > 2


SAME = {
    "flip and back": (lambda z: ag.flip(ag.flip(z)), lambda z: z),
    "sum of a flip": (lambda z: ag.sum(ag.flip(z)), ag.sum),
    "the other end": (lambda z: ag.sum(ag.flip(z) * z**2), lambda z: ag.sum(z * ag.flip(z) ** 2)),
    "pad and slice": (lambda z: ag.pad(z, 2)[2:-2], lambda z: z),
    "windows": (lambda z: ag.windows(z, 0, 3)[:, 1], lambda z: z[1:-1]),
    "places": (lambda z: ag.windows(z, 0, 3)[2:, 0], lambda z: ag.windows(z[2:], 0, 3)[:, 0]),
    "windows of windows": (
        lambda z: ag.windows(ag.windows(z, 0, 3), 0, 2)[:, 1, 1],
        lambda z: z[2:-1],
    ),
    "telescope": (lambda z: ag.sum(z[1:] - z[:-1]), lambda z: z[-1:][0] - z[0]),
}
DIFFERENT = {
    "a flip": (ag.flip, lambda z: z),
    "one off": (lambda z: ag.pad(z, 2)[1:-3], lambda z: z),
    "behind": (lambda z: ag.windows(z, 0, 3)[:, 0], lambda z: z[1:-1]),
    "the last is lost": (lambda z: ag.concatenate([z[:-1], 0 * z[:1]]), lambda z: z),
    "around": (lambda z: ag.roll(z, 1)[1:], lambda z: z[1:]),
    "at the ends alone": (
        lambda z: ag.sum(ag.windows(ag.pad(z, 1), 0, 3), 1),
        lambda z: z + ag.roll(z, 1) + ag.roll(z, -1),
    ),
    "running sums": (lambda z: ag.cumsum(z, 0), lambda z: ag.flip(ag.cumsum(ag.flip(z), 0))),
}


@pytest.mark.parametrize("name", SAME)
def test_what_is_the_same_is_proved(name):
    (z,) = arrays("z:N")
    one, other = SAME[name]
    verdict = prove.equal(one(z), other(z) * 1)
    if name == "telescope":  # what is left of two sums over parts of an axis is not known
        assert verdict.status in ("PROVED", "UNDECIDED")
    else:
        assert verdict.status == "PROVED", verdict


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_is_not_is_refuted(name):
    (z,) = arrays("z:N")
    one, other = DIFFERENT[name]
    assert prove.equal(one(z), other(z) * 1).status == "REFUTED"


# --- mutants ----------------------------------------------------------------------------------------


def shifted(xp, g, y, x, axis, size, **_):
    """One place further on, and round the end."""
    return xp.roll_(xp.overlap_add(g, axis=axis), shift=1, axis=axis)


def dropped(xp, g, y, x, axis, size, **_):
    """The first element of each window alone: nothing overlaps."""
    first = g[..., :1] * size
    zeros = 0 * g[..., 1:]
    return xp.overlap_add(xp.concatenate_(first, zeros, axis=g.ndim - 1), axis=axis)


def backwards(xp, g, y, x, axis, size, **_):
    return xp.overlap_add(xp.flip(g, axis=(len(g.shape) - 1,)), axis=axis)


def spread_out(xp, g, y, x, axis, size, **_):
    """The mean of a window's cotangents at each of its places."""
    mean = xp.sum(g, axis=(len(g.shape) - 1,), keepdims=True) / size
    return xp.overlap_add(mean + 0 * g, axis=axis)


def short_of_one(xp, g, y, x, axis, size, **_):
    """Right but for the first element, which gets nothing."""
    right = xp.overlap_add(g, axis=axis)
    return xp.concatenate_(0 * right[:1], right[1:], axis=0)


MUTANTS = [shifted, dropped, backwards, spread_out, short_of_one]


@pytest.mark.parametrize("rule", MUTANTS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("sizes", ["N", "6"])
def test_wrong_rules_of_windows_are_refuted(rule, sizes, monkeypatch):
    (z,) = arrays(f"z:{sizes}")
    (w,) = arrays("w:3")
    monkeypatch.setattr(WINDOWS, "vjp", (rule,))
    verdict = prove.backward(ag.sum((ag.windows(z, 0, 3) @ w) ** 2), wrt=[z, w])
    assert verdict.leaves["z"].status == "REFUTED", verdict
    assert verdict.leaves["w"].status == "PROVED"


def one_short(xp, g, y, x, axis, **_):
    seen = xp.windows(g, axis=axis, size=x.shape[-1])
    return xp.roll_(seen, shift=1, axis=axis)


@pytest.mark.parametrize("sizes", ["N", "4"])
def test_wrong_rules_of_what_is_added_up_are_refuted(sizes, monkeypatch):
    (z,) = arrays(f"z:{sizes},3")
    monkeypatch.setattr(OVERLAP, "vjp", (one_short,))
    loss = ag.sum(OVERLAP.function(z, axis=0) ** 2)
    assert prove.backward(loss, wrt=[z]).status == "REFUTED"


@pytest.mark.parametrize("name", ["windows", "overlap_add"])
@pytest.mark.parametrize(
    ("param", "kept"), [("step", "dilation"), ("dilation", "step")], ids=["step", "dilation"]
)
@pytest.mark.parametrize("sizes", ["4*m", "8"])
def test_windows_another_step_apart_are_refuted(name, param, kept, sizes, monkeypatch):
    """The rule takes windows, or their elements, next to one another that stand two apart."""
    p, options = ag.REGISTRY[name], {"axis": 0, "step": 2, "dilation": 2}
    right = p.vjp[0]

    def wrong(xp, g, y, x, **params):
        if params["step"] != 2:
            return right(xp, g, y, x, **params)
        if name == "overlap_add":
            seen = xp.windows(g, axis=0, size=2, **{param: 1, kept: 2})
            return seen[: x.shape[0]]
        back = xp.overlap_add(g, axis=0, **{param: 1, kept: 2})
        short = x.shape[0] - back.shape[0]
        return xp.concatenate_(back, 0 * x[:short], axis=0)

    def loss(z):
        seen = ag.windows(z, size=2, **options)
        if name == "windows":
            return ag.sum(seen**2)
        whole = p.function(seen, length=z.shape[0], **options)
        return ag.sum(whole**2)

    (z,) = arrays(f"z:{sizes}")
    assert prove.backward(loss(z), wrt=[z]).status == "PROVED"
    monkeypatch.setattr(p, "vjp", (wrong,))
    assert prove.backward(loss(z), wrt=[z]).status == "REFUTED"


def test_a_wrong_stride_is_refuted(monkeypatch):
    """The slice of every second place, pulled back to every place from the first on."""
    slices = ag.REGISTRY["slice_"]
    (right,) = slices.vjp

    def wrong(xp, g, y, x, index):
        if ("slice", None, None, 2) not in index.entries:
            return right(xp, g, y, x, index)
        rest = 0 * x[: x.shape[0] - g.shape[0]]
        return xp.concatenate_(g, rest, axis=0)

    (z,) = arrays("z:2*m")
    monkeypatch.setattr(slices, "vjp", (wrong,))
    assert prove.backward(ag.sum(z[::2] ** 2), wrt=[z]).status == "REFUTED"


# --- what is not known ------------------------------------------------------------------------------


def test_a_window_that_does_not_fit_is_no_fault_of_the_prover():
    """Small sizes at which nothing fits are not looked at."""
    (z,) = arrays("z:2*G")
    halves = ag.sum(ag.reshape(z, (2, z.shape[0] // 2))[0])
    verdict = prove.backward(ag.sum(ag.windows(z, 0, 5) ** 2) * halves, wrt=[z])
    assert verdict.status == "UNDECIDED"
    assert "along an axis that is split or merged" in verdict.reason
    assert verdict.reason.endswith("at G = 4: PROVED")
    assert "G ≥ 3" in verdict.scope


def test_strides_that_do_not_divide_are_refused_by_name():
    (z,) = arrays("z:N")
    with pytest.raises(ag.ShapeError, match="not known"):
        z[::2]


def test_formulas_of_what_is_moved_are_refused_by_name():
    (z,) = arrays("z:N")
    verdict = every(ag.sum(ag.windows(z, 0, 3) ** 2), [z])
    for form in (verdict.latex, verdict.numpy):
        with pytest.raises(ProofError, match="no formula is written"):
            form("z")


def test_facts_are_of_whole_axes():
    """The sum of all but the first element is not 1, nor that along a diagonal."""
    (y,) = arrays("y:N")
    given = [facts.sums_to_one(y, axis=0)]
    assert prove.equal(ag.sum(y), 1 + 0 * y[0], wrt=[y], given=given).status == "PROVED"
    for part in (y[1:], y[:-1], ag.windows(y, 0, 2)[:, 1]):
        assert prove.equal(ag.sum(part), 1 + 0 * y[0], wrt=[y], given=given).status == "REFUTED"


def test_labels_move_with_their_arrays():
    z, y = *arrays("z:B,C"), *labels("y:B")
    picked = ag.take_along_axis(z[1:], y[1:][:, None], 1)
    assert every(ag.sum(picked**2), [z]).status == "PROVED"
    other = ag.take_along_axis(z[1:], y[:-1][:, None], 1)
    assert prove.equal(ag.sum(picked), ag.sum(other), wrt=[z]).status != "PROVED"


# --- places -----------------------------------------------------------------------------------------

N, M = (sympy.Symbol(name, integer=True, positive=True) for name in "NM")


def test_sizes_are_compared_by_their_form():
    assert never_negative(N - 1)
    assert never_negative(N * M + N - 2)
    assert not never_negative(N - 2)
    assert never_negative(N - 2, [N - 2])
    assert never_negative(2 * N - 5, [N - 3])
    assert not never_negative(N - M)
    assert never_negative(N - M + 1, [N - M])


def test_places_are_whole_multiples_of_indices():
    i, j = index("i", N), index("j", sympy.Integer(3))
    assert place_of(2 * (i + 1) - j).terms == {i: 2, j: -1}
    assert place_of(i / 2) is None
    assert place_of(i * j) is None
    assert place_of(N * i) is None
    assert place_of(sympy.Symbol("x", real=True) + i) is None
    assert place_of(N - 1 - i).solved(i) == N - 1
    assert place_of(2 * i - j).solved(i) is None


@pytest.mark.parametrize("seed", range(12))
def test_sums_over_deltas_of_places_are_what_they_are(seed):
    """Random deltas of places under sums, at every small size, against their normal forms."""
    rng = np.random.default_rng(seed)
    i, j, p = index("i", N), index("j", sympy.Integer(int(rng.integers(1, 4)))), index("p", N + 2)
    x, w, v = (sympy.IndexedBase(sympy.Symbol(name, real=True)) for name in "xwv")

    def drawn():
        a, b, c = (int(rng.integers(-2, 3)) for _ in range(3))
        return a * i + b * j + c + rng.choice([0, 1]) * (N - 1)

    delta = sympy.KroneckerDelta(p, drawn()) * sympy.KroneckerDelta(drawn(), drawn())
    body = delta * x[i] * w[j] * (v[p] + 1)
    total = sympy.Sum(body, *((k, 0, k.size - 1) for k in rng.permutation([i, j, p])))
    form = IndexedForm(Budget(20, 20_000))
    normal = form.expression(form.form(total))
    for n in (1, 2, 3, 5):
        values = {s: rng.normal(size=n + 8) for s in (x, w, v)}
        sides = [_value(e, n, values) for e in (total, normal)]
        assert np.isclose(*sides), (total, normal, n)


def _value(e, n, values):
    """An expression at a size, by going through all of its sums."""
    if isinstance(e, sympy.Sum):
        ((k, _, end), *others) = reversed(e.limits)
        inner = sympy.Sum(e.function, *reversed(others)) if others else e.function
        count = int(end.xreplace({N: sympy.Integer(n)})) + 1
        return sum(_value(inner.xreplace({k: sympy.Integer(a)}), n, values) for a in range(count))
    if isinstance(e, sympy.Indexed):
        (at,) = (int(t.xreplace({N: sympy.Integer(n)})) for t in e.indices)
        return values[e.base][at] if at >= 0 else 0.0
    if isinstance(e, sympy.KroneckerDelta):
        a, b = (t.xreplace({N: sympy.Integer(n)}) for t in e.args[:2])
        return float(a == b)
    if e.is_Add or e.is_Mul:
        parts = [_value(a, n, values) for a in e.args]
        return sum(parts) if e.is_Add else np.prod(parts)
    if e.is_Pow:
        return _value(e.base, n, values) ** int(e.exp)
    return float(e.xreplace({N: sympy.Integer(n)}))
