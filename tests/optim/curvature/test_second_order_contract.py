"""What holds of every optimizer of second order: one that stands in the folder is tested by existing."""

import copy
import inspect
import json

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core import storage
from autograd_core.errors import (
    AnomalyError,
    CaptureError,
    ConfigError,
    NotDifferentiableError,
    StateError,
)
from optim.second_order import SecondOrder

KINDS = [getattr(optim, name) for name in optim.curvature.__all__]
CASES = [(kind, example) for kind in KINDS for example in kind.examples]
kinds = pytest.mark.parametrize("kind", KINDS)
cases = pytest.mark.parametrize(
    ("kind", "options"),
    CASES,
    ids=[f"{k.__name__}-{'-'.join(map(str, e.values()))}" for k, e in CASES],
)


def leaf(values, dtype=np.float64):
    return ag.tensor(values, dtype, requires_grad=True)


def curved(w, v):
    """A convex loss of two parameters with its outputs, of which no optimizer finds the minimum at once."""
    z = ag.concatenate([ag.reshape(w, (-1,)) * [1.0, 2.0, 3.0], ag.reshape(v, (-1,)) + w[0]])
    return ag.sum(z * z) / 2 + ag.sum((z - 1) ** 4) / 10, z


class Run:
    """Two parameters with their optimizer and one closure."""

    def __init__(self, kind, options, dtypes=(np.float64, np.float64), **more):
        self.w, self.v = leaf([3.0, -2.0, 1.0], dtypes[0]), leaf([[0.5], [2.0]], dtypes[1])
        self.optimizer = kind([self.w, self.v], **options, **more)

    def loss(self):
        return curved(self.w, self.v)

    def steps(self, count):
        for _ in range(count):
            self.optimizer.step(self.loss)
        return self

    @property
    def values(self):
        return np.concatenate([self.w.numpy().ravel(), self.v.numpy().ravel()]).astype(float)

    @property
    def slope(self):
        return np.abs(
            np.concatenate(
                [g.numpy().ravel() for g in ag.grad(lambda p: curved(*p)[0])([self.w, self.v])]
            )
        ).max()


def test_there_are_some():
    assert {optim.LBFGS, optim.Newton, optim.NewtonCG} <= set(KINDS)
    assert all(kind.examples or kind is optim.GaussNewton for kind in KINDS)


@cases
def test_it_finds_the_minimum(kind, options):
    run = Run(kind, options)
    found = optim.minimize(run.optimizer, run.loss, updates=200, tolerance_grad=1e-8)
    assert found.converged
    assert run.slope < 1e-7
    assert found.value == pytest.approx(run.loss()[0].item(), rel=1e-12)
    assert run.optimizer.evaluations == found.evaluations
    assert run.optimizer.products == found.products
    assert run.optimizer.updates == found.updates


@cases
def test_each_step_of_minimize_is_a_step(kind, options):
    one, other = Run(kind, options).steps(3), Run(kind, options)
    optim.minimize(other.optimizer, other.loss, updates=3, tolerance_grad=0.0)
    np.testing.assert_array_equal(one.values, other.values)
    assert other.optimizer.evaluations <= one.optimizer.evaluations + 1  # where it ends


@pytest.mark.sampled(2)
@cases
def test_compiled_it_is_the_same(kind, options):
    eager, compiled = Run(kind, options).steps(3), Run(kind, options, jit=True).steps(3)
    np.testing.assert_allclose(compiled.values, eager.values, rtol=1e-9)
    assert compiled.optimizer.evaluations == eager.optimizer.evaluations


@cases
def test_its_state_goes_through_a_file_and_on_bit_for_bit(tmp_path, kind, options):
    run = Run(kind, options).steps(2)
    state = run.optimizer.state_dict()
    json.dumps(state["scalars"], allow_nan=False)
    storage.save(tmp_path / "state", state["arrays"], state["scalars"])
    other = Run(kind, options)
    with ag.no_grad():
        other.w.assign(run.w)
        other.v.assign(run.v)
    arrays, scalars = storage.load(tmp_path / "state")
    other.optimizer.load_state_dict({"arrays": arrays, "scalars": scalars})
    copied = copy.deepcopy(run)
    for one in (run, other, copied):
        one.steps(2)
    np.testing.assert_array_equal(run.values, other.values)
    np.testing.assert_array_equal(run.values, copied.values)
    for name, array in run.optimizer.carried.items():
        np.testing.assert_array_equal(array, other.optimizer.carried[name])
    assert other.optimizer.updates == 4


@kinds
def test_a_state_that_does_not_fit_changes_nothing(kind):
    run, other = Run(kind, {}), Run(kind, {}).steps(1)
    state = other.optimizer.state_dict()
    before = {name: array.copy() for name, array in run.optimizer.carried.items()}
    for name in run.optimizer.carried:
        bad = {**state["arrays"], f"memory.{name}": np.zeros(99)}
        with pytest.raises(StateError, match=f"memory.{name}"):
            run.optimizer.load_state_dict({"arrays": bad, "scalars": state["scalars"]})
        bad.pop(f"memory.{name}")
        with pytest.raises(StateError, match=f"missing: memory.{name}"):
            run.optimizer.load_state_dict({"arrays": bad, "scalars": state["scalars"]})
    for name, array in run.optimizer.carried.items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.sampled(2)
@cases
def test_a_frozen_parameter_stays_and_may_be_thawed(kind, options):
    run = Run(kind, options).steps(1)
    run.v.requires_grad_(False)
    before = run.v.numpy().copy()
    value = run.loss()[0].item()
    run.steps(2)
    np.testing.assert_array_equal(run.v.numpy(), before)
    assert run.loss()[0].item() < value
    run.v.requires_grad_(True)
    optim.minimize(run.optimizer, run.loss, updates=300)
    assert run.slope < 1e-6


@pytest.mark.sampled(2)
@cases
def test_a_parameter_that_the_loss_does_not_use_stays(kind, options):
    run, unused = Run(kind, options), leaf([7.0, 8.0])
    optimizer = kind([run.w, unused, run.v], **options)
    plain = Run(kind, options).steps(3)
    for _ in range(3):
        optimizer.step(run.loss)
    np.testing.assert_array_equal(unused.numpy(), [7.0, 8.0])
    np.testing.assert_allclose(run.values, plain.values, rtol=1e-9)


@pytest.mark.sampled(2)
@cases
def test_maximizing_a_loss_is_minimizing_it_turned_round(kind, options):
    run, other = Run(kind, options, maximize=True), Run(kind, options).steps(3)

    def turned():
        loss, outputs = run.loss()
        return -loss, outputs

    for _ in range(3):
        run.optimizer.step(turned)
    np.testing.assert_array_equal(run.values, other.values)


@pytest.mark.sampled(2)
@cases
def test_groups_and_dtypes_are_one_vector(kind, options):
    plain = Run(kind, options).steps(3)
    run = Run(kind, options, (np.float64, np.float32))
    run.optimizer = kind([{"params": [run.w]}, {"params": [run.v]}], **options)
    run.steps(3)
    assert run.v.dtype == np.float32
    np.testing.assert_allclose(run.values, plain.values, atol=1e-4)
    with pytest.raises(ConfigError, match="group 1 has hyperparameters of its own"):
        kind([{"params": [run.w]}, {"params": [run.v], "lr": 0.25}], **options)


@pytest.mark.sampled(2)
@cases
def test_single_precision_converges_to_its_own_rounding(kind, options):
    run = Run(kind, options, (np.float32, np.float32))
    found = optim.minimize(run.optimizer, run.loss, updates=200, tolerance_grad=1e-5)
    assert run.slope < 1e-3
    assert found.updates < 200
    assert run.w.dtype == np.float32


@pytest.mark.sampled(2)
@cases
def test_a_closure_in_pytorchs_manner_gives_the_same(kind, options):
    run, other = Run(kind, options).steps(2), Run(kind, options)

    def closure():
        other.optimizer.zero_grad()
        loss, outputs = other.loss()
        loss.backward()
        return loss, outputs

    for _ in range(2):
        found, _ = other.optimizer.step(closure)
        assert not found.requires_grad
    np.testing.assert_array_equal(run.values, other.values)
    assert other.w.grad is None


@kinds
def test_where_nothing_descends_nothing_moves(kind):
    run = Run(kind, {})
    optim.minimize(run.optimizer, run.loss, updates=300, tolerance_grad=1e-12)
    before = run.values
    run.steps(1)
    np.testing.assert_allclose(run.values, before, atol=1e-7)
    still = leaf([0.0, 0.0])
    optimizer = kind([still])
    optimizer.step(lambda: (ag.sum(still * still), still * 1))  # a gradient of 0
    np.testing.assert_array_equal(still.numpy(), [0.0, 0.0])


@kinds
@pytest.mark.parametrize("jit", [False, True])
def test_all_evaluations_of_a_step_see_one_mask_and_buffers_are_written_once(kind, jit):
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(12, 3)), rng.normal(size=(12, 1))
    model = nn.Sequential(
        nn.Linear(3, 4, rng=0, dtype=np.float64), nn.BatchNorm1d(4, dtype=np.float64), nn.Tanh(),
        nn.Dropout(0.5, rng=1), nn.Linear(4, 1, rng=2, dtype=np.float64),
    )  # fmt: skip
    plain = copy.deepcopy(model)
    seen, penalty = [], nn.L2(1e-2)

    def loss(x, t):
        z = model(x)
        if not jit:
            seen.append(model[3].state_dict())
        return nn.MSELoss()(z, t) + penalty(model), z

    options = {
        optim.Newton: {"indefinite": "absolute", "line_search": "backtracking"},
        optim.DiagonalNewton: {"line_search": "backtracking"},
    }.get(kind, {})
    optimizer = kind(model.parameters(), jit=jit, **options)
    value, outputs = optimizer.step(loss, x, t)
    expected = plain(x)  # an ordinary forward at the weights before
    np.testing.assert_allclose(outputs.numpy(), expected.numpy(), rtol=1e-12)
    for name, buffer in plain.named_buffers():
        np.testing.assert_allclose(
            dict(model.named_buffers())[name].numpy(), buffer.numpy(), rtol=1e-12
        )
    assert optimizer.evaluations + optimizer.products > 1
    assert len({str(s) for s in seen}) <= 1
    second, _ = optimizer.step(loss, x, t)
    assert second.item() != value.item()


@kinds
def test_weights_that_are_changed_by_hand_are_where_the_next_step_begins(kind):
    run = Run(kind, {}).steps(2)
    with ag.no_grad():
        run.w.assign([1.0, 1.0, -1.0])
    expected = run.loss()[0].item()
    found, _ = run.optimizer.step(run.loss)
    assert found.item() == pytest.approx(expected, rel=1e-12)
    assert run.loss()[0].item() < expected


@kinds
def test_a_start_that_is_not_finite_is_refused_or_skipped(kind):
    run = Run(kind, {})
    with ag.no_grad():
        run.w.assign([np.nan, 1.0, 1.0])
    with pytest.raises(AnomalyError, match="the loss is nan where step 1 begins"):
        run.steps(1)
    run.optimizer.nonfinite = "skip"
    run.steps(2)
    assert (run.optimizer.skipped, run.optimizer.updates) == (2, 0)
    np.testing.assert_array_equal(run.v.numpy(), [[0.5], [2.0]])
    assert optim.minimize(run.optimizer, run.loss).stopped_by == "not finite"
    w = leaf([0.0])
    with pytest.raises(AnomalyError, match="gradient of parameter 0"):
        kind([w]).step(lambda: (ag.sum(ag.sqrt(w)), w * 1))
    with pytest.raises(ConfigError, match='expected "raise" or "skip"'):
        run.optimizer.nonfinite = "ignore"


@kinds
def test_what_is_no_loss_is_named(kind):
    run = Run(kind, {})
    before = run.values
    with pytest.raises(ConfigError, match="expected a closure"):
        run.optimizer.step()
    for bad in (
        lambda: 2.0,
        lambda: None,
        lambda: run.w * 1,
        lambda: np.float64(1.0),
        lambda: ag.sum(ag.tensor([1, 2])),
        lambda: (),
    ):
        with pytest.raises(ConfigError, match="returns the loss, a tensor of one element"):
            run.optimizer.step(bad)
    with pytest.raises(NotDifferentiableError, match="would cut the gradient"):
        run.optimizer.step(lambda: run.loss()[0].item())
    with pytest.raises(ConfigError, match="depends on none of the 2 parameters"):
        run.optimizer.step(lambda: ag.sum(ag.tensor([1.0, 2.0])))
    before_the_closure = run.w * 2
    with pytest.raises(ConfigError, match="depends on none of the 2 parameters"):
        run.optimizer.step(lambda: ag.sum(before_the_closure**2))
    with pytest.raises(ConfigError, match="the closure writes a parameter"):
        run.optimizer.step(lambda: (run.w.assign(np.ones(3)), run.loss())[1])
    for t in (run.w, run.v):
        t.requires_grad_(False)
    with pytest.raises(ConfigError, match="every parameter is frozen"):
        run.optimizer.step(run.loss)
    for capturing in (
        ag.jit(lambda: run.optimizer.step(run.loss)),
        ag.trace(lambda: run.optimizer.step(run.loss)),
    ):
        with pytest.raises(CaptureError, match=r"inside of a compiled step or a trace"):
            capturing()
    np.testing.assert_array_equal(run.values, before)


@kinds
def test_every_hyperparameter_is_an_argument_with_a_checked_range(kind):
    arguments = inspect.signature(kind).parameters
    assert {"params", "transforms", "nonfinite", "maximize", "jit", *kind.hyperparameters} <= set(
        arguments
    )
    told = kind.__doc__.partition("Parameters\n")[2].partition("Raises\n")[0]
    for name in arguments:
        assert name in told, name
    for name in (*kind.hyperparameters, "maximize", "jit"):
        with pytest.raises(ConfigError, match=f"{kind.__name__}: {name}: expected"):
            kind([leaf([1.0])], **{name: "nonsense"})
    assert "[" in kind.__doc__
    assert "References" in kind.__doc__


@kinds
def test_an_average_around_it_and_a_schedule_in_it(kind):
    run = Run(kind, {"lr": optim.schedules.Linear(1.0)}, transforms=[optim.Average(0.5)])
    points = []
    for _ in range(3):
        run.steps(1)
        points.append(run.w.numpy().copy())
    weights = 0.5 ** np.array([3.0, 2.0, 1.0])
    np.testing.assert_allclose(
        run.optimizer.slots_of(run.w)["Average.average"],
        (weights / weights.sum()) @ np.array(points),
        rtol=1e-12,
    )


def bowls():
    """50 coupled positive definite quadratics."""
    for k in range(50):
        rng = np.random.default_rng(k)
        n, condition = (2, 5, 20)[k % 3], (10, 100)[k % 2]
        q, _ = np.linalg.qr(rng.normal(size=(n, n)))
        yield (q * np.geomspace(1, condition, n)) @ q.T, rng.normal(size=n)


# η for which it converges on all of them; the largest eigenvalue of D⁻¹A is 4.1 at the most.
ETA = {optim.DiagonalNewton: {"lr": 0.4}}


@pytest.mark.slow
@kinds
def test_it_arrives_on_fifty_random_quadratics(kind):
    for a, start in bowls():
        w = leaf(start)
        first = np.abs(a @ start).max()

        def bowl(a=a, w=w):
            z = w * 1
            return ag.sum(z * (a @ z)) / 2, z

        found = optim.minimize(
            kind([w], **ETA.get(kind, {})),
            bowl,
            updates=20_000,
            tolerance_grad=1e-3 * first,
        )
        assert found.stopped_by == "gradient"
        assert np.abs(a @ w.numpy()).max() <= 1e-3 * first


def test_all_are_of_one_family():
    assert all(issubclass(kind, SecondOrder) for kind in KINDS)


@kinds
@pytest.mark.parametrize("jit", [False, True])
def test_gradients_that_a_closure_leaves_are_those_of_its_loss(kind, jit):
    run = Run(kind, {}, jit=jit)

    def twice():  # as much as it returns, in two parts
        run.optimizer.zero_grad()
        loss, outputs = run.loss()
        parts = loss / 2, loss - loss / 2
        for part in parts:
            part.backward(retain_graph=True)
        return loss, outputs

    def more():
        found = twice()
        ag.sum(run.w**4).backward()
        return found

    def clipped():
        found = twice()
        run.w.grad = run.w.grad / 10
        return found

    run.optimizer.step(twice)
    before = run.values
    for closure in (more, clipped):
        with pytest.raises(ConfigError, match="are not those of the loss that it returns"):
            run.optimizer.step(closure)
    np.testing.assert_array_equal(run.values, before)
