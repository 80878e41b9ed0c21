"""functional_call: a module as a function of its state."""

from __future__ import annotations

import copy
import threading

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, DTypeError, ShapeError, StateError

F8 = np.float64
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 2))


def linear():
    return nn.Linear(3, 2, rng=0, dtype=F8)


def smooth():
    return nn.Sequential(
        nn.Linear(3, 4, rng=0, dtype=F8), nn.Tanh(), nn.Linear(4, 2, rng=1, dtype=F8)
    )


def full():
    return nn.Sequential(
        nn.Linear(3, 5, rng=0, dtype=F8), nn.BatchNorm1d(5, dtype=F8), nn.Tanh(), nn.Dropout(0.3, rng=2),
        nn.Linear(5, 2, rng=1, dtype=F8),
    )  # fmt: skip


class Tied(nn.Module):
    """One layer in two places, a parameter of its own, and a count of calls."""

    def __init__(self):
        self.a = nn.Linear(3, 3, rng=0, dtype=F8)
        self.b = self.a
        self.scale = nn.Parameter(np.ones(2))
        self.out = nn.Linear(3, 2, rng=1, dtype=F8)
        self.calls = 0
        self.double = self._double  # a bound method holds the module itself

    def _double(self, x):
        return 2 * self.a(x)

    def forward(self, x):
        self.calls += 1
        return self.out(np.tanh(self.b(np.tanh(self.double(x))))) * self.scale


MODELS = {"linear": linear, "smooth": smooth, "full": full, "tied": Tied}


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]()


def parameters(model):
    return dict(model.named_parameters())


def loss(model, state, x=X, y=Y):
    return nn.functional.mse_loss(nn.functional_call(model, state, x), y)


def snapshot(model):
    tensors = dict(model._named_places())
    return (
        {k: (id(t), t.numpy().tobytes(), t.requires_grad, t.grad) for k, t in tensors.items()},
        {
            id(m): {k: v if k in ("_kinds", "calls") else id(v) for k, v in vars(m).items()}
            for m in model.modules()
        },
    )


def close(a, b):
    assert a.keys() == b.keys()
    for k in a:
        np.testing.assert_allclose(
            np.asarray(a[k].detach()), np.asarray(b[k].detach()), 1e-12, 1e-14
        )


def test_its_gradient_is_that_of_the_module_and_the_module_is_unchanged(model):
    before = snapshot(model)
    found = ag.grad(lambda state: loss(model, state))(parameters(model))
    assert snapshot(model) == before
    own = copy.deepcopy(model)
    nn.functional.mse_loss(own(X), Y).backward()
    close(found, {k: t.grad for k, t in own.named_parameters()})


def test_it_runs_compiled_and_traced_to_the_same_bits(model):
    state, before = parameters(model), snapshot(model)
    compiled = ag.jit(lambda state: ag.value_and_grad(lambda s: loss(model, s))(state))
    for scale in (1.0, 0.5):
        scaled = {k: ag.tensor(scale * t.numpy()) for k, t in state.items()}
        value, gradient = compiled(scaled)
        expected, g = ag.value_and_grad(lambda s: loss(model, s))(scaled)
        np.testing.assert_allclose(float(value), float(expected), 1e-13)
        close(gradient, g)
    assert not ag.trace(lambda state: loss(model, state))(state).writes
    assert snapshot(model) == before


def test_a_compiled_call_sees_a_value_that_the_state_leaves_out_change():
    model = linear()
    step = ag.jit(lambda w: loss(model, {"weight": w}))
    w = np.ones((3, 2))
    first = float(step(w))
    model.bias.assign(model.bias.detach() + 1.0)
    assert float(step(w)) == pytest.approx(float(loss(model, {"weight": w})), rel=1e-13)
    assert float(step(w)) != first


def test_the_hessian_of_a_loss_is_one_line(model):
    name = next(iter(parameters(model)))
    weight = model
    for part in name.split("."):
        weight = getattr(weight, part)
    found = ag.hessian(lambda w: loss(model, {name: w}))(weight).numpy()
    n = int(weight.size)
    found = found.reshape(n, n)
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    value, step = np.array(weight.numpy()), 1e-5
    slope = ag.grad(lambda w: loss(model, {name: w}))
    for k in range(0, n, 4):
        ahead, behind = (value + s * step * np.eye(n)[k].reshape(value.shape) for s in (1, -1))
        numeric = (slope(ahead).numpy() - slope(behind).numpy()).ravel() / (2 * step)
        np.testing.assert_allclose(found[k], numeric, atol=1e-7)


def test_a_linear_models_hessian_is_known():
    found = ag.hessian(lambda w: loss(linear(), {"weight": w}))(np.zeros((3, 2))).numpy()
    expected = np.einsum("bi,bj,kl->ikjl", X, X, np.eye(2)) * 2 / Y.size
    np.testing.assert_allclose(found, expected, atol=1e-14)


@pytest.mark.parametrize("kind", ["linear", "smooth", "tied"])
def test_gradients_of_single_examples(kind):
    model = MODELS[kind]()
    state, before = parameters(model), snapshot(model)
    slope = ag.grad(lambda s, x, y: loss(model, s, x[None], y[None]))
    for each in (ag.vmap(slope, (None, 0, 0)), ag.jit(ag.vmap(slope, (None, 0, 0)))):
        found = each(state, X, Y)
        for b in range(len(X)):
            close({k: v[b] for k, v in found.items()}, slope(state, X[b], Y[b]))
    assert snapshot(model) == before


def test_an_ensemble_is_a_batch_of_states():
    model = full()
    states = {
        k: np.stack([v + 0.1 * k2 for k2 in range(3)])
        for k, v in ((k, t.numpy()) for k, t in parameters(model).items())
    }
    found = ag.vmap(lambda s: nn.functional_call(model, s, X))(states).numpy()
    for k in range(3):
        one = nn.functional_call(model, {n: v[k] for n, v in states.items()}, X)
        np.testing.assert_allclose(found[k], one.numpy(), 1e-12)


def test_learning_to_learn_differentiates_through_a_step_of_descent(model):
    state = parameters(model)

    def after_a_step(state):
        slopes = ag.grad(lambda s: loss(model, s, X[:3], Y[:3]))(state)
        fast = {k: v - 0.1 * slopes[k] for k, v in state.items()}
        return loss(model, fast, X[3:], Y[3:])

    found = ag.grad(after_a_step)(state)
    close(ag.jit(ag.grad(after_a_step))(state), found)
    name = next(iter(state))
    value, step = np.array(state[name].numpy()), 1e-6
    bump = step * (np.arange(value.size).reshape(value.shape) == 1)
    ahead, behind = (float(after_a_step({**state, name: value + s * bump})) for s in (1, -1))
    assert (ahead - behind) / (2 * step) == pytest.approx(found[name].numpy().ravel()[1], abs=1e-7)


@pytest.mark.parametrize("compiled", [False, True])
def test_buffers_are_returned_when_asked_for_and_go_on_from_there(compiled):
    model = full()
    state, before = parameters(model), snapshot(model)

    def call(buffers):
        return nn.functional_call(model, {**state, **buffers}, X, buffers=True)

    call = ag.jit(call) if compiled else call
    own, buffers = copy.deepcopy(model), dict(model.named_buffers())
    for _ in range(3):  # as three passes of the module itself
        output, buffers = call(buffers)
        expected = own(X).detach().numpy()
        np.testing.assert_allclose(
            output.detach().numpy(), expected, 1e-13 * compiled, 1e-15 * compiled
        )
        assert buffers.keys() == dict(own.named_buffers()).keys()
        for name, value in own.named_buffers():
            np.testing.assert_allclose(buffers[name].numpy(), value.numpy(), 1e-13 * compiled)
    assert snapshot(model) == before


def test_one_state_draws_one_mask():
    model = nn.Dropout(rng=0)
    first = nn.functional_call(model, {}, np.ones(50)).numpy()
    assert np.array_equal(first, nn.functional_call(model, {}, np.ones(50)).numpy())
    other = nn.functional_call(model, {"counter": np.uint64(7)}, np.ones(50)).numpy()
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("compiled", [False, True])
def test_nothing_is_left_changed_after_an_exception(compiled):
    class Fails(nn.Module):
        def __init__(self):
            self.inner = full()
            self.mood = "good"

        def forward(self, x):
            self.mood = "bad"
            self.inner(x)
            raise ZeroDivisionError

    model = Fails()
    before = snapshot(model)
    call = lambda: nn.functional_call(model, {"inner.0.bias": np.ones(5)}, X)  # noqa: E731
    with pytest.raises(ZeroDivisionError):
        (ag.jit(call) if compiled else call)()
    assert snapshot(model) == before
    assert model.mood == "good"
    np.testing.assert_array_equal(model.inner[0].bias.numpy(), np.zeros(5))


def test_a_forward_that_looks_at_values_sees_the_given_ones():
    class Looks(nn.Module):
        def __init__(self):
            self.w = nn.Parameter([1.0, 2.0])
            self.register_buffer("b", np.zeros(2))

        def forward(self, x):
            return float(self.b.numpy()[0]), self.w.detach().numpy().tolist(), self.b.tolist()

    seen = nn.functional_call(Looks(), {"w": [5.0, 6.0], "b": np.array([7.0, 8.0])}, X)
    assert seen == (7.0, [5.0, 6.0], [7.0, 8.0])


def test_threads_do_not_meet():
    model, results = linear(), {}
    barrier = threading.Barrier(3)

    class Waits(nn.Module):
        def __init__(self):
            self.inner = model

        def forward(self, x):
            barrier.wait(20)
            y = self.inner(x)
            barrier.wait(20)
            return y + self.inner(x)

    shared = Waits()

    def run(k):
        state = {"inner.bias": np.full(2, float(k)), "inner.weight": np.zeros((3, 2))}
        results[k] = nn.functional_call(shared, state, X).numpy()

    threads = [threading.Thread(target=run, args=(k,)) for k in range(3)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    for k in range(3):
        np.testing.assert_array_equal(results[k], np.full((6, 2), 2.0 * k))


def test_arguments_are_passed_as_pytorch_does():
    class Two(nn.Module):
        def __init__(self):
            self.w = nn.Parameter([1.0])

        def forward(self, x, y, scale=1.0):
            return (x + y) * self.w * scale

    call = nn.functional_call
    state = {"w": [3.0]}
    assert call(Two(), state, (1.0, 2.0)).tolist() == [9.0]
    assert call(Two(), state, (1.0, 2.0), {"scale": 2.0}).tolist() == [18.0]
    assert call(Two(), state, 1.0, {"y": 0.0}).tolist() == [3.0]


def test_values_are_cast_to_the_dtype_of_the_model():
    model = nn.Linear(3, 2, rng=0)  # float32
    state = {"weight": np.ones((3, 2)), "bias": np.zeros(2, int)}
    output = nn.functional_call(model, state, X)
    assert output.dtype == np.float32
    slopes = ag.grad(lambda w: ag.sum(nn.functional_call(model, {"weight": w}, X)))(np.ones((3, 2)))
    assert slopes.dtype == np.float64


@pytest.mark.parametrize(
    ("state", "kind", "message"),
    [
        ({"wait": 1.0, "bios": 2.0}, StateError, r"no parameters or buffers of these names:\n  wait\n  bios\nExpected names among weight, bias"),
        ({"weight": np.ones((2, 3))}, ShapeError, r"weight has the wrong shape\. Expected \(3, 2\); received \(2, 3\)"),
        ([np.ones((3, 2))], StateError, r"expected the state as a mapping .*received list"),
        (None, StateError, "received NoneType"),
    ],
)  # fmt: skip
def test_a_state_that_does_not_fit_is_refused_by_name(state, kind, message):
    with pytest.raises(kind, match=f"functional_call: .*{message}"):
        nn.functional_call(linear(), state, X)


def test_other_faults_are_named():
    with pytest.raises(ConfigError, match="functional_call: expected a Module; received dict"):
        nn.functional_call({}, linear(), X)
    with pytest.raises(
        DTypeError, match=r"key has the wrong dtype\. Expected uint64; received float64"
    ):
        nn.functional_call(nn.Dropout(rng=0), {"key": np.ones(2)}, X)


def test_a_shared_tensor_is_given_under_any_of_its_names_and_once():
    model = Tied()
    w = np.eye(3)
    one, other = (nn.functional_call(model, {name: w}, X) for name in ("a.weight", "b.weight"))
    np.testing.assert_array_equal(one.detach().numpy(), other.detach().numpy())
    nn.functional_call(model, {"a.weight": w, "b.weight": w}, X)
    with pytest.raises(StateError, match=r"a\.weight and b\.weight are one shared tensor"):
        nn.functional_call(model, {"a.weight": w, "b.weight": 2 * w}, X)


def test_a_loss_of_it_can_be_checked_by_differences():
    model = smooth()
    ag.gradcheck(lambda w: loss(model, {"0.weight": w}), np.array(model[0].weight.numpy()))


def test_it_works_in_a_scan():
    cell = nn.Linear(3, 3, rng=0, dtype=F8)
    state = parameters(cell)

    def unrolled(state):
        h = ag.tensor(np.zeros(3))
        for x in X:
            h = np.tanh(nn.functional_call(cell, state, h) + x)
        return ag.sum(h)

    def scanned(state):
        h, _ = ag.scan(
            lambda h, x: (np.tanh(nn.functional_call(cell, state, h) + x), h), ag.tensor(np.zeros(3)), X
        )  # fmt: skip
        return ag.sum(h)

    close(ag.grad(scanned)(state), ag.grad(unrolled)(state))
