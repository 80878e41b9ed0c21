"""What every hard constraint keeps to: one that is exported is tested by existing."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from nn import constraints
from nn.constraints.constraint import Constraint

KINDS = [
    kind
    for kind in (getattr(constraints, name) for name in constraints.__all__)
    if isinstance(kind, type) and issubclass(kind, Constraint)
]
CASES = [(kind, options) for kind in KINDS for options in kind.examples]
every = pytest.mark.parametrize(
    ("kind", "options"), CASES, ids=[f"{k.__name__}({', '.join(o)})" for k, o in CASES]
)
POINTS = [
    np.random.default_rng(k).normal(scale=scale, size=shape)
    for k, (scale, shape) in enumerate([(1, (4, 3)), (20, (3, 2)), (0.01, (3, 3)), (1, (2, 3, 2))])
]
POINTS += [np.zeros((2, 2)), np.ones((2, 3)), np.eye(3)]


def model(dtype=np.float64):
    rng = np.random.default_rng(0)
    return nn.Sequential(
        nn.Linear(3, 4, rng=rng, dtype=dtype), nn.Tanh(), nn.Linear(4, 2, rng=rng, dtype=dtype)
    )


def scale_of(w):
    return 1e-9 * max(1.0, np.abs(w).max())


def test_there_are_constraints_to_test():
    assert {"MaxNorm", "L2Ball", "L1Ball", "Simplex", "AtMost"} <= {k.__name__ for k in KINDS}


@every
def test_a_projection_is_in_the_set_and_is_its_own(kind, options):
    constraint = kind(**options)
    for w in POINTS[:2] if kind is nn.AtMost else POINTS:
        there = constraint.project(w).numpy()
        assert there.shape == w.shape
        assert constraint.excess(there).item() <= scale_of(w)
        again = constraint.project(there).numpy()
        np.testing.assert_allclose(again, there, atol=scale_of(w), rtol=1e-9)


@every
def test_no_point_of_the_set_is_nearer(kind, options):
    """⟨w − p, q − p⟩ ≤ 0 for the projections q of other points: what a projection onto a convex set is."""
    constraint = kind(**options)
    rng = np.random.default_rng(9)
    points, others = (1, 2) if kind is nn.AtMost else (4, 12)  # which is a search each time
    for w in POINTS[:points]:
        p = constraint.project(w).numpy()
        for _ in range(others):
            q = constraint.project(rng.normal(scale=rng.choice([0.1, 1, 9]), size=w.shape)).numpy()
            slack = 1e-7 * (1 + np.linalg.norm(w - p)) * (1 + np.linalg.norm(q - p))
            assert np.sum((w - p) * (q - p)) <= slack


@every
def test_it_keeps_a_model_there_in_every_dtype_and_leaves_biases_and_what_is_frozen(kind, options):
    for dtype in (np.float64, np.float32):
        network = model(dtype)
        constraint = kind(**options)
        network[2].requires_grad_(False)
        before = network.state_dict()
        constraint(network)
        assert constraint.violation(network) <= (1e-6 if dtype == np.float64 else 1e-3)
        for name in ("0.bias", "2.weight", "2.bias"):
            np.testing.assert_array_equal(network.state_dict()[name], before[name])
        assert network[0].weight.dtype == dtype
        network.requires_grad_(False)
        constraint(network)
        constraint(network.parameters())
        assert constraint.violation(network) == 0


@every
def test_training_under_it_stays_there_and_compiled_it_is_the_same(kind, options):
    if kind is nn.AtMost:
        pytest.skip("a search is no part of a compiled step; see test_general.py")
    rng = np.random.default_rng(1)
    data = rng.normal(size=(32, 3)), rng.normal(size=(32, 2))
    states = []
    for jit in (False, True):
        network = model()
        optimizer = optim.SGD(network.parameters(), lr=0.3, momentum=0.5)
        optim.fit(
            network, nn.MSELoss(), optimizer, data, epochs=2, batch_size=16, rng=0,
            constraint=kind(**options), verbose=0, jit=jit,
        )  # fmt: skip
        assert kind(**options).violation(network) <= 1e-12
        states.append(network.state_dict())
    for name, value in states[0].items():
        np.testing.assert_allclose(states[1][name], value, rtol=1e-10, atol=1e-12)


@every
def test_it_is_traced_mapped_and_differentiated(kind, options):
    if kind is nn.AtMost:
        pytest.skip("a search is not traced")
    constraint = kind(**options)
    w = POINTS[0]
    due = constraint.project(w).numpy()
    np.testing.assert_allclose(ag.trace(constraint.project)(w)(w), due, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(ag.jit(constraint.project)(w).numpy(), due, rtol=1e-12, atol=1e-15)
    stacked = np.stack([w, 2 * w])
    found = ag.vmap(constraint.project)(stacked).numpy()
    np.testing.assert_allclose(found[0], due, rtol=1e-12, atol=1e-15)
    ag.gradcheck(constraint.project, w)


@every
def test_a_shared_parameter_is_projected_once_and_gives_what_one_does(kind, options):
    layer, alone = (nn.Linear(3, 3, rng=0, dtype=np.float64) for _ in range(2))
    kind(**options)(nn.Sequential(layer, nn.Tanh(), layer))
    kind(**options)(alone)
    np.testing.assert_array_equal(layer.weight.numpy(), alone.weight.numpy())


@every
def test_what_is_no_parameter_is_refused(kind, options):
    constraint = kind(**options)
    buffer = nn.BatchNorm1d(3).running_mean
    for wrong in ([np.ones(3)], [], nn.ReLU(), [ag.tensor(np.ones(3))], [buffer]):
        with pytest.raises(ag.errors.ConfigError, match=r"xpected .*received"):
            constraint(wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_documented_with_an_example_and_its_options_are_in_its_repr(kind):
    assert ">>> " in inspect.getdoc(kind)
    assert repr(kind(**kind.examples[0])).startswith(f"{kind.__name__}(")
