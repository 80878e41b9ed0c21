"""Gradients written in named intermediates: what is named, what is short, what is true."""

import numpy as np
import pytest
import sympy

import autograd_core as ag
import nn
from autograd_core.abstract import Abstract
from autograd_core.symbolic import arrays, dims, facts, prove, scalar
from autograd_core.symbolic.formulas import closed_forms, languages, readings
from autograd_core.symbolic.formulas.tidying import collected, cost, tidied
from autograd_core.symbolic.places import index, indices_in
from autograd_core.transforms import value_and_grad

B, C = dims("B C")


def form(loss, wrt, name, given=()):
    verdict = prove.backward(loss, wrt=wrt, given=given, method="INDEXED")
    assert verdict.status == "PROVED"
    return verdict.derivation.form(name)


def names(found):
    return [let.symbol.name for let in found.lets]


def test_batch_norm_has_the_form_of_the_lecture():
    z, gamma, beta, g = arrays("z:B,D gamma:D beta:D G:B,D")
    eps = scalar("eps", positive=True)
    loss = (nn.functional.batch_norm(z, gamma, beta, eps=eps) * g).sum()
    found = form(loss, [z, gamma, beta, eps], "z")
    assert names(found) == ["mean", "variance", "s", "u"]
    b, d = found.indices
    at = {let.symbol.name: sympy.IndexedBase(let.symbol) for let in found.lets}
    arrays_ = {symbol.name: sympy.IndexedBase(symbol) for symbol in found.arrays}
    (size,) = (s for s in found.value.free_symbols if s.name == "B")
    (k,) = {limit[0] for s in found.value.atoms(sympy.Sum) for limit in s.limits}
    G, u = arrays_["G"], at["u"]

    def total(e):
        return sympy.Sum(e, (k, 0, size - 1))

    expected = (size * G[b, d] - total(G[k, d]) - u[b, d] * total(G[k, d] * u[k, d])) * arrays_[
        "gamma"
    ][d]
    assert found.value == expected / (size * at["s"][d])


def test_an_intermediate_without_a_name_gets_a_letter():
    z, gamma, g = arrays("z:B,D gamma:D G:B,D")
    u = (z - z.mean(axis=0)) / ag.sqrt(ag.var(z, axis=0) + 1e-5)
    found = form((u * gamma * g).sum(), [z, gamma], "z")
    assert {"s", "u"} <= set(names(found))
    assert cost(found.value) < 60


def test_cross_entropy_is_p_minus_y_where_labels_sum_to_one():
    z, y = arrays("z:B,C y:B,C")
    loss = -ag.sum(y * ag.log_softmax(z, axis=1)) / B
    general = form(loss, [z, y], "z")
    assert names(general) == ["p"]
    assert general.value.has(sympy.Sum)
    short = form(loss, [z, y], "z", given=[facts.sums_to_one(y, axis=1)])
    b, c = short.indices
    p = sympy.IndexedBase(short.lets[0].symbol)
    (label,) = (s for s in short.arrays if s.name == "y")
    (size,) = (s for s in short.value.free_symbols if s.name == "B")
    assert short.value == (p[b, c] - sympy.IndexedBase(label)[b, c]) / size


def test_a_softmax_that_was_named_keeps_its_name():
    z, y = arrays("z:B,C y:B,C")
    q = ag.mark(ag.softmax(z, axis=1), name="q")
    assert names(form(-ag.sum(y * ag.log(q)), [z, y], "z")) == ["q"]


def test_two_layers_with_batch_norm_stop_at_the_cotangents():
    model = nn.Sequential(
        nn.Linear(2, 3, rng=np.random.default_rng(0)),
        nn.BatchNorm1d(3),
        nn.Tanh(),
        nn.Linear(3, 3, rng=np.random.default_rng(1)),
        nn.BatchNorm1d(3),
        nn.Linear(3, 2, rng=np.random.default_rng(2)),
    )
    loss = (model(ag.tensor(np.random.default_rng(3).normal(size=(4, 2)))) ** 2).mean()
    leaves = dict(model.named_parameters())
    program = ag.introspect.program(loss, wrt=list(leaves.values()))
    numbers = tuple(range(len(leaves)))
    combined = ag.trace(value_and_grad(program.as_function(), numbers))(
        *(Abstract(v.shape, v.dtype) for v in program.inputs)
    )
    found = languages.Derivation(program, combined, {n: i for i, n in enumerate(leaves)}).form(
        "0.weight"
    )
    assert {"u_1", "u_4", "mean_1", "g_1", "g_2", "g_3"} <= set(names(found))  # qualified by layer
    assert cost(found.value) < 15
    assert all(cost(let.value) < 110 for let in found.lets)
    met = set()
    for let in found.lets:  # each after what it is made of
        assert not (let.value.free_symbols & {later.symbol for later in found.lets} - met)
        met.add(let.symbol)


def test_a_reading_that_is_not_equal_is_dropped(monkeypatch):
    """The check is what makes a formula true: with a wrong rewriting, the backward's own stays."""
    wrong = lambda e, below=False: 2 * e if below else collected(e)  # noqa: E731
    monkeypatch.setattr(readings, "collected", wrong)
    z, gamma, g = arrays("z:B,D gamma:D G:B,D")
    loss = (nn.functional.batch_norm(z, gamma) * g).sum()
    found = form(loss, [z, gamma], "gamma")
    (let,) = (let for let in found.lets if let.symbol.name == "u")
    (total,) = found.value.atoms(sympy.Sum)
    assert found.value == total
    assert let.symbol in total.free_symbols


def test_random_masks_are_given_not_defined():
    layer = nn.Dropout(0.5, rng=np.random.default_rng(0))
    data = ag.tensor(np.ones((2, 3)), requires_grad=True, name="data")
    verdict = prove.backward((layer(data) ** 2).sum(), wrt=[data])
    found = verdict.derivation.form("data")
    assert "mask" in {s.name for s in found.arrays}
    assert "mask" not in names(found)


def test_a_gradient_that_was_stopped_along_a_kept_axis():
    (x,) = arrays("x:B,C")
    held = ag.stop_gradient(x.mean(axis=1, keepdims=True))
    found = form(((x - held) ** 2).sum(), [x], "x")
    assert names(found) == ["S"]
    assert cost(found.value) < 20


def test_arrays_without_a_name_are_data_and_labels():
    z = ag.tensor(np.zeros((2, 3)), requires_grad=True, name="z")
    data = np.array([[0.5, 1.0, 2.0]])
    verdict = prove.backward(nn.functional.cross_entropy(z * data, np.array([2, 0])), wrt=[z])
    assert [s.name for s in verdict.derivation.form("z").arrays] == ["z", "x", "labels"]


def test_tidying_keeps_the_value():
    n = sympy.Symbol("n", integer=True, positive=True)
    i, j = index("i", n), index("j", n)
    x, a = sympy.IndexedBase("x"), sympy.Symbol("a")
    whole = (i, 0, n - 1), (j, 0, n - 1)
    assert tidied(sympy.Sum(a * x[i], whole[0])) == a * sympy.Sum(x[i], whole[0])
    assert tidied(sympy.Sum(a, whole[0])) == n * a
    assert tidied(sympy.Sum(sympy.KroneckerDelta(i, j) * x[i], whole[0])) == x[j]
    # What one index leaves outside may hold the next.
    nested = tidied(sympy.Sum(x[j] * x[i], *whole))
    assert indices_in(nested) == set()
    assert sympy.expand(nested.subs(n, 2).doit() - (x[0] + x[1]) ** 2) == 0


def test_a_primitive_without_a_formula_is_named():
    x = ag.tensor(np.ones(3), requires_grad=True, name="x")
    verdict = prove.backward((ag.cumsum(x) ** 2).sum(), wrt=[x])
    with pytest.raises(ag.ProofError, match="cumsum"):
        verdict.latex("x")
    assert closed_forms.value(ag.introspect.program(ag.sum(x), wrt=[x])).lets == ()
