"""Models of any depth, proved rule by rule, and the float code of primitives against its reading."""

from __future__ import annotations

import contextlib
import copy
import time

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import GraphError, ProofError
from autograd_core.symbolic import prove
from gradproof.demo import build


@pytest.fixture
def demo(rng):
    model = build(64, 128, 10, rng)
    x = ag.tensor(rng.normal(size=(32, 64)).astype(np.float32), name="x")
    loss = nn.functional.cross_entropy(model(x), np.arange(32) % 10) + nn.L2(1e-4)(model)
    return model, loss


def test_the_demos_model_is_proved_at_its_full_size(demo):
    model, loss = demo
    start = time.thread_time()
    verdict = prove.graph(model, loss)
    assert time.thread_time() - start < 30
    assert verdict.status == "PROVED"
    assert list(verdict.leaves) == [name for name, _ in model.named_parameters()]
    assert {leaf.method for leaf in verdict.leaves.values()} == {"COMPOSED"}
    assert "relu: x[m, n] = 0" in verdict.excluded
    assert {"affine", "relu", "softmax_cross_entropy"} <= set(verdict.rules)


def test_depth_costs_no_further_patterns(rng):
    def patterns(depth):
        layers = [nn.Linear(4, 4, rng=rng) for _ in range(depth)]
        model = nn.Sequential(*(part for layer in layers for part in (layer, nn.Tanh())))
        return prove.graph(model, (model(np.ones((3, 4), np.float32)) ** 2).mean()).scope.split()[0]

    assert patterns(2) == patterns(20)


def test_a_wrong_rule_is_refuted_where_it_is_used(monkeypatch, rng):
    faulty = copy.copy(ag.REGISTRY["tanh"])
    faulty.vjp = (lambda xp, g, y, x: g - g * y,)
    w, b = (ag.tensor(rng.normal(size=s), requires_grad=True) for s in ((3, 2), (2,)))
    from autograd_core.primitives import apply

    h = apply(faulty, (np.ones((4, 3)) @ w,), {})
    verdict = prove.graph({"w": w, "b": b}, ag.sum(h + b))
    assert {k: v.status for k, v in verdict.leaves.items()} == {"w": "REFUTED", "b": "PROVED"}
    assert verdict.status == "REFUTED"
    assert verdict.witness is not None
    assert "tanh" in verdict.leaves["w"].reason


def test_a_parameter_that_the_loss_does_not_see_is_named(rng):
    w, unused = (ag.tensor(rng.normal(size=2), requires_grad=True) for _ in "ab")
    verdict = prove.graph({"w": w, "unused": unused}, ag.sum(w * w))
    assert verdict.leaves["w"].status == "PROVED"
    assert "does not depend" in verdict.leaves["unused"].reason


def test_what_composition_refuses(rng):
    w = ag.tensor(rng.normal(size=2), requires_grad=True)
    with pytest.raises(ProofError, match="no parameters"):
        prove.graph({}, ag.sum(w))
    with pytest.raises(ProofError, match="scalar"):
        prove.graph({"w": w}, w * 2)
    loss = ag.sum(w * w)
    loss.backward()
    with pytest.raises(GraphError, match="retain_graph"):
        prove.graph({"w": w}, loss)


def test_steps_without_a_reading_are_decided_at_fixed_shapes(rng):
    w = ag.tensor(rng.normal(size=(3, 4)), requires_grad=True)
    spread = ag.pad(w, ((0, 0), (1, 2)))  # of sizes that depend on each other
    verdict = prove.graph({"w": w}, ag.sum(ag.tanh(spread) ** 2))
    assert verdict.status == "PROVED"
    assert verdict.scope.endswith("each at every size but embed: at small fixed shapes")


# What pads an axis: sizes that depend on each other have no names of their own.
TOGETHER = {
    "embed": lambda h: ag.sum(ag.pad(h, ((0, 0), (1, 1), (0, 0))) ** 2),
}
# What merges axes or takes one apart, takes part of an axis, moves along one, or adds to it.
MOVES = {
    "reshape": lambda h: ag.sum(h.reshape(20, 4).reshape(4, 5, 2, 2) ** 2),
    "slice_": lambda h: ag.sum(h[:, 1:3] ** 2),
    "concatenate_": lambda h: ag.sum(ag.concatenate([h, h.sum(1, keepdims=True)], axis=1) ** 2),
    "windows": lambda h: ag.sum(ag.sliding_window_view(h, 2, axis=1) ** 2),
    "flip": lambda h: ag.sum(ag.flip(h, axis=0)[0]),
    "cumsum": lambda h: ag.sum(ag.cumsum(h, axis=1) ** 2),
    "roll_": lambda h: ag.sum(ag.roll(h, 2, axis=0) * ag.roll(h, -1, axis=0)),
}


@pytest.mark.parametrize("name", [*TOGETHER, *MOVES])
def test_steps_that_move_elements_are_decided_in_their_patterns(name, rng):
    w = ag.tensor(rng.normal(size=(4, 4)), requires_grad=True)
    loss = (TOGETHER | MOVES)[name](ag.tanh(rng.normal(size=(5, 4, 4)) @ w))
    verdict = prove.graph({"w": w}, loss)
    assert verdict.status == "PROVED"
    assert any(step.primitive.name == name for step in ag.introspect.program(loss))
    but = f" but {name}: at small fixed shapes" if name in TOGETHER else ""
    assert verdict.scope.endswith(f"each at every size{but}")


def test_a_slice_that_ends_early_is_not_of_the_pattern_of_one_that_does_not(rng):
    """x[0:4:2] of three elements has two, as it has of five; the proof is for four or more."""
    whole, short = (ag.tensor(rng.normal(size=n), requires_grad=True, name="w") for n in (5, 3))
    for w, everywhere in ((whole, True), (short, False), (whole, True)):
        verdict = prove.graph({"w": w}, ag.sum(ag.tanh(w)[0:4:2] ** 2))
        assert verdict.status == "PROVED"
        assert ("fixed" not in verdict.scope) == everywhere, verdict.scope


def test_joins_of_equal_parts_are_decided_at_every_size(rng):
    w = ag.tensor(rng.normal(size=(4, 4)), requires_grad=True)
    h = ag.tanh(rng.normal(size=(5, 4, 4)) @ w)
    verdict = prove.graph({"w": w}, ag.sum(ag.concatenate([h, h * 2], axis=1) ** 2))
    assert verdict.status == "PROVED"
    assert verdict.scope.endswith("each at every size")


def test_factors_of_a_matrix_that_is_computed_are_decided_by_composition(rng):
    x = ag.tensor(rng.normal(size=(4, 3)), requires_grad=True)
    w, v = ag.eigh(x.T @ x)
    verdict = prove.graph({"x": x}, ag.sum(ag.log(w) * ag.sum(v * v * v, axis=0)))
    assert verdict.status == "PROVED"
    assert verdict.scope.endswith("but eigh: at small fixed shapes")
    assert "eigh: eigenvalues are distinct; they may be in any order" in map(str, verdict.facts)


# --- float code ---------------------------------------------------------------------------------

# The forms that avoid overflow or poles.
STABLE = ["affine", "matmul_still", "relu", "sigmoid", "softplus", "squared_distance"]
# Those of which Python takes one of several branches, and which all real numbers take.
BRANCHING = {"logsumexp": "", "softmax_cross_entropy": "", "xdivy": ", off "}


@pytest.mark.parametrize("name", STABLE)
def test_float_code_computes_what_it_is_read_as(name):
    verdict = prove.forward(name)
    assert verdict.status == "PROVED", str(verdict)
    assert any("on floats it is within" in fact for fact in map(str, verdict.facts))


@pytest.mark.parametrize("name", BRANCHING)
def test_a_branch_that_all_real_numbers_take_is_proved_to_be_one(name):
    verdict = prove.forward(name)
    assert verdict.status == "PROVED", str(verdict)
    read = "all real numbers take the branch that was read" + BRANCHING[name]
    assert any(fact.startswith(read) for fact in map(str, verdict.facts))


@pytest.mark.parametrize("part", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 3))])
def test_no_float_code_is_refuted(part):
    found = {}
    for name in list(ag.REGISTRY)[part::4]:
        with contextlib.suppress(ProofError):
            found.setdefault(prove.forward(name, seconds=5).status, []).append(name)
    # Of factors, only what they multiply to is read; `still` is not what it is read as where a
    # cotangent is 0, which is what it is for.
    assert set(found.pop("UNDECIDED", ())) <= {"eigh", "qr", "still", "svd"}
    # One call of NumPy is not proved of itself.
    assert all(ag.REGISTRY[name].ufunc is None for name in found.pop("PROVED", ()))
    assert found.keys() == {"COMPARED"}
    assert len(found["COMPARED"]) > 20


def test_both_ways_of_logsumexp_are_its_meaning(rng):
    """Short rows are folded as columns, long ones as they are."""
    for columns in (4, 40):
        x = ag.tensor(rng.normal(size=(3, columns)), requires_grad=True, name="x")
        computed = ag.REGISTRY["logsumexp"].forward(x, axis=(1,), keepdims=False)
        assert "max" in str(ag.introspect.program(computed, wrt=[x]))  # the code itself ran
        assert prove.equal(computed, ag.log(ag.sum(ag.exp(x), axis=1)), wrt=[x]).status == "PROVED"


def test_wrong_float_code_is_refuted():
    faulty = copy.copy(ag.REGISTRY["softplus"])
    faulty.forward = lambda x: np.maximum(x, 0) + np.log1p(np.exp(-2 * np.abs(x)))
    verdict = prove.forward(faulty)
    assert verdict.status == "REFUTED"
    assert verdict.witness is not None
