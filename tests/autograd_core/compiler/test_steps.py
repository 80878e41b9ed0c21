"""ag.jit, as a user meets it."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.errors import (
    AnomalyError,
    ConfigError,
    DataError,
    GraphError,
    NotDifferentiableError,
    ShapeError,
)

X = np.array([1.0, 2.0])


@ag.jit(backend="numpy")
def doubled(x):
    """Twice ``x``."""
    return 2 * x


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_step_of_the_issue(kit, backend, dtype):
    tolerance = 1e-12 if dtype == np.float64 else 2e-5
    twin = kit.small(dtype)
    other = kit.small(dtype)
    model, opt, criterion = other.model, other.opt, other.criterion
    batches = [kit.batch(kit.small, seed, dtype=dtype) for seed in range(10)]

    @ag.jit(backend=backend)
    def step(x, t):
        opt.zero_grad()
        loss = criterion(model(x), t)
        loss.backward()
        opt.step()
        return loss

    for x, t in batches:
        loss = step(x, t)
        assert abs(loss.item() - twin.step(x, t).item()) < 10 * tolerance
        assert loss.dtype == dtype
        assert loss.requires_grad  # as in eager mode, of a graph that its backward has used up
        np.testing.assert_array_equal(np.asarray(loss), loss.item())
        with pytest.raises(NotDifferentiableError, match=r"compiled step step \(ag.jit\)"):
            loss.backward()
    kit.alike(other, twin, tolerance)
    assert opt.updates == 10
    assert "program step" in str(ag.jit.explain(step))


def test_batch_norm_dropout_and_adam_as_without_compiling(kit, backend):
    a, b = kit.classifier(), kit.classifier()
    step = ag.jit(a.step, backend=backend)
    for seed in range(8):
        x, t = kit.batch(kit.classifier, seed)
        np.testing.assert_allclose(step(x, t).item(), b.step(x, t).item(), rtol=1e-10)
    state, expected = a.state(), b.state()
    for name in ("model.3.counter", "model.3.key", "steps"):
        np.testing.assert_array_equal(state[name], expected[name])
    for name in ("model.1.running_mean", "model.1.running_var", "model.4.weight", "v.2"):
        np.testing.assert_allclose(state[name], expected[name], rtol=1e-9, atol=1e-12)


def test_masks_are_equal_to_the_bit(backend):
    make = [nn.Dropout(0.3, rng=np.random.default_rng(5)) for _ in range(2)]
    step = ag.jit(make[0], backend=backend)
    for _ in range(3):
        x = np.ones((37, 5))
        np.testing.assert_array_equal(step(x).numpy(), make[1](x).numpy())


def test_derivatives_of_functions(backend):
    def f(x):
        return ag.sum(ag.sin(x) * x**3)

    x = np.linspace(0.1, 1, 4)
    np.testing.assert_allclose(
        ag.jit(ag.hessian(f), backend=backend)(x).numpy(), ag.hessian(f)(x).numpy(), rtol=1e-12
    )
    value, gradient = ag.jit(ag.value_and_grad(f), backend=backend)(x)
    expected = ag.value_and_grad(f)(x)
    np.testing.assert_allclose(value.item(), expected[0].item(), rtol=1e-14)
    np.testing.assert_allclose(gradient.numpy(), expected[1].numpy(), rtol=1e-13)


def test_nestings_come_in_and_out(backend):
    def f(data, *, scale=1.0, names=("a",)):
        out = {"sum": data["x"] + data["more"][0], "name": names[0], "none": None, "n": 3}
        return out, [data["more"][1] * scale, (data["x"],)]

    step = ag.jit(f, backend=backend)
    data = {"x": X, "more": [np.ones(2), np.zeros((2, 2), np.float32)]}
    for scale in (1.0, 2.0):
        first, (second, (third,)) = step(data, scale=scale)
        assert first["sum"].tolist() == [2, 3]
        assert (first["name"], first["none"], first["n"]) == ("a", None, 3)
        assert second.dtype == np.float32
        assert second.shape == (2, 2)
        assert third.tolist() == [1, 2]


def test_numbers_and_empty_arrays(backend):
    step = ag.jit(lambda x, y: (x * y, ag.sum(x), x + 1), backend=backend)
    for x in (np.float64(3.0), np.array(3.0), np.zeros(0), np.zeros((0, 3)), np.ones((1, 1))):
        a, b, c = step(x, 2.0)
        np.testing.assert_array_equal(a.numpy(), x * 2)
        assert b.item() == np.sum(x)
        assert c.shape == np.shape(x)
    assert step(2.0, 3.0)[0].item() == 6
    assert step(2.5, 3.0)[0].item() == 7.5


def test_outputs_are_memory_of_their_own(weight, backend):
    constant = np.ones(3)
    step = ag.jit(lambda x: (x, weight, constant, x.reshape(3, 1), weight * 1), backend=backend)
    x = np.zeros(3)
    first = step(x)
    kept = [o.numpy().copy() for o in first]
    x[:] = 9
    constant[:] = 9
    weight.assign([9, 9, 9])
    step(x)
    for o, k in zip(first, kept, strict=True):
        np.testing.assert_array_equal(o.numpy(), k)


def test_gradients_are_consumed_unless_they_are_kept(kit):
    x, t = kit.batch(kit.small)
    a, b, c = kit.small(), kit.small(), kit.small()
    ag.jit(a.step, backend="numpy")(x, t)
    weight = a.model[0].weight
    for read in (lambda: weight.grad, a.opt.step, lambda: ag.sum(weight).backward()):
        with pytest.raises(GraphError, match=r"'0.weight'.*was consumed.*keep_grads=True"):
            read()
    a.opt.zero_grad()
    assert weight.grad is None
    ag.jit(b.step, backend="numpy", keep_grads=True)(x, t)
    c.step(x, t)
    for p, q in zip(b.model.parameters(), c.model.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-12)


def test_gradients_add_up_where_they_are_kept(kit):
    a, b = kit.small(), kit.small()

    def accumulate(twin):
        def step(x, t):
            twin.criterion(twin.model(x), t).backward()

        return step

    step, eager = ag.jit(accumulate(a), backend="numpy", keep_grads=True), accumulate(b)
    for seed in range(4):
        x, t = kit.batch(kit.small, seed)
        step(x, t)
        eager(x, t)
        for p, q in zip(a.model.parameters(), b.model.parameters(), strict=True):
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-12)
    a.opt.step()
    b.opt.step()
    kit.alike(a, b)
    used_up = ag.jit(accumulate(a), backend="numpy")
    a.opt.zero_grad()
    used_up(x, t)
    with pytest.raises(GraphError, match="consumed by a compiled step"):
        used_up(x, t)


def test_gradients_that_were_forgotten_at_the_end(kit):
    twin = kit.small()

    @ag.jit(backend="numpy")
    def step(x, t):
        twin.step(x, t)
        twin.opt.zero_grad()

    assert step(*kit.batch(kit.small)) is None
    assert all(p.grad is None for p in twin.model.parameters())


def test_two_optimizers_and_shared_parameters(backend):
    def make():
        rng = np.random.default_rng(3)
        first, second = (nn.Linear(3, 3, rng=rng, dtype=np.float64) for _ in range(2))
        model = nn.Sequential(first, nn.Tanh(), second, first)
        return (
            model,
            optim.SGD(first.parameters(), lr=0.1),
            optim.Adam(second.parameters(), lr=0.01),
        )

    def step_of(model, one, two):
        def step(x):
            one.zero_grad()
            two.zero_grad()
            loss = ag.mean(ag.square(model(x)))
            loss.backward()
            one.step()
            two.step()
            return loss

        return step

    parts, others = make(), make()
    step, eager = ag.jit(step_of(*parts), backend=backend), step_of(*others)
    for seed in range(4):
        x = np.random.default_rng(seed).normal(size=(7, 3))
        np.testing.assert_allclose(step(x).item(), eager(x).item(), rtol=1e-12)
    for p, q in zip(parts[0].parameters(), others[0].parameters(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-11)


def test_two_steps_in_one(kit):
    a, b = kit.classifier(), kit.classifier()

    def two(twin):
        def step(x, t):
            return twin.step(x, t), twin.step(x, t)

        return step

    step, eager = ag.jit(two(a), backend="numpy"), two(b)
    for seed in range(3):
        x, t = kit.batch(kit.classifier, seed)
        for p, q in zip(step(x, t), eager(x, t), strict=True):
            np.testing.assert_allclose(p.item(), q.item(), rtol=1e-10)
    assert a.opt.updates == 6
    kit.alike(a, b, 1e-9)
    xs, ts = (np.stack([v] * 3) for v in (x, t))
    step.many(xs, ts)
    for _ in range(3):
        eager(x, t)
    kit.alike(a, b, 1e-9)


def test_writes_go_to_the_users_tensors(backend):
    total, count = ag.tensor([0.0, 0.0]), ag.tensor(0)
    swapped = ag.tensor([1.0, 2.0]), ag.tensor([3.0, 4.0])

    @ag.jit(backend=backend)
    def step(x):
        total.assign(total + x)
        count.assign(count + 1)
        a, b = swapped
        kept = a + 0.0
        a.assign(b)
        b.assign(kept)
        return count

    for n in range(1, 4):
        assert step(X).item() == n
        assert total.tolist() == [n, 2 * n]
        assert count.item() == n
        assert swapped[0].tolist() == ([3, 4] if n % 2 else [1, 2])
        assert swapped[1].tolist() == ([1, 2] if n % 2 else [3, 4])


def test_a_target_that_follows_a_parameter_takes_its_new_value(backend):
    online, target = (ag.tensor([1.0, 1.0], requires_grad=r) for r in (True, False))
    old = ag.tensor([0.0, 0.0])

    @ag.jit(backend=backend)
    @ag.no_grad()
    def step(x):
        old.assign(online)
        online.assign(online + x)
        target.assign(online)

    step(X)
    step(X)
    assert old.tolist() == [2, 3]
    assert online.tolist() == target.tolist() == [3, 5]


def test_an_argument_that_is_the_memory_of_a_parameter(backend):
    w = ag.tensor([1.0, 2.0], requires_grad=True)
    view = np.asarray(w._value)

    @ag.jit(backend=backend)
    @ag.no_grad()
    def step(x):
        w.assign(w * 2)
        return x + w

    assert step(view).tolist() == [3, 6]
    assert step(view).tolist() == [6, 12]


def test_a_graph_recorded_before_refuses_its_backward(kit):
    twin = kit.small()
    x, t = kit.batch(kit.small)
    step = ag.jit(twin.step, backend="numpy")
    step(x, t)
    for run in (step, lambda x, t: step.many(x[None], t[None])):
        loss = twin.criterion(twin.model(x), t)
        twin.opt.zero_grad()
        run(x, t)
        with pytest.raises(GraphError, match="was written after"):
            loss.backward()


def test_where_a_gradient_is_to_flow_the_function_is_called(weight):
    step = ag.jit(lambda x: ag.sum(x * x), backend="numpy")
    step(weight).backward()
    np.testing.assert_array_equal(weight.grad.numpy(), 2 * weight.numpy())
    np.testing.assert_array_equal(ag.grad(step)(X).numpy(), 2 * X)
    assert "multiply" in str(ag.trace(step)(X))
    outer = ag.jit(lambda x: step(x) + 1, backend="numpy")
    assert outer(X).item() == 6
    with np.errstate(all="ignore"), ag.detect_anomaly(), pytest.raises(AnomalyError, match="log"):
        ag.jit(lambda x: ag.log(x - 1), backend="numpy")(X)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_is_named_and_nothing_is_written(kit, backend, bad):
    a, b = kit.classifier(), kit.classifier()
    step = ag.jit(a.step, backend=backend)
    x, t = kit.batch(kit.classifier)
    step(x, t)
    b.step(x, t)
    before = a.state()
    x = x.copy()
    x[0, 0] = bad
    with pytest.raises(AnomalyError) as found:
        step(x, t)
    with np.errstate(all="ignore"), pytest.raises(AnomalyError) as expected:
        b.step(x, t)
    assert str(found.value) == str(expected.value)
    after = a.state()
    assert all((before[k] == after[k]).all() for k in before)
    assert a.opt.updates == 1


def test_steps_with_such_gradients_are_skipped_or_made(kit, backend):
    for nonfinite in ("skip", "ignore"):
        a, b = (kit.small(momentum=0.9, nonfinite=nonfinite) for _ in range(2))
        step = ag.jit(a.step, backend=backend)
        for seed in range(5):
            x, t = kit.batch(kit.small, seed)
            if seed == 2:
                x[0] = np.nan
            step(x, t)
            with np.errstate(all="ignore"):
                b.step(x, t)
        kit.alike(a, b)
        assert (a.opt.updates, a.opt.skipped) == (b.opt.updates, b.opt.skipped)
        assert a.opt.skipped == (nonfinite == "skip")


def test_a_skipped_step_counts_for_adams_correction_no_more_than_it_should(kit):
    a, b = (kit.classifier(nonfinite="skip") for _ in range(2))
    step = ag.jit(a.step, backend="numpy")
    x, t = kit.batch(kit.classifier)
    xs, ts = np.stack([x] * 4), np.stack([t] * 4)
    xs[1, 0] = np.inf
    losses = step.many(xs, ts)
    with np.errstate(all="ignore"):
        for k in range(4):
            b.step(xs[k], ts[k])
    assert losses.shape == (4,)
    assert (a.opt.updates, a.opt.skipped) == (3, 1)
    for name in ("v.0", "m.2"):
        np.testing.assert_allclose(a.state()[name], b.state()[name], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("label", [-1, 3, 100])
def test_labels_that_are_no_classes(kit, backend, label):
    twin = kit.classifier()
    step = ag.jit(twin.step, backend=backend)
    x, t = kit.batch(kit.classifier)
    step(x, t)
    before = twin.state()
    for dtype in (np.int64, np.int8):
        bad = t.astype(dtype)
        bad[3] = label
        with pytest.raises(DataError, match=f"labels from 0 to 2 for 3 logits; received {label}"):
            step(x, bad)
    after = twin.state()
    assert all((before[k] == after[k]).all() for k in before)
    step(x, t.astype(np.uint8))


def test_many_steps_in_one_call(kit, backend):
    for kind in (kit.small, kit.classifier):
        a, b = kind(), kind()
        step = ag.jit(a.step, backend=backend)
        batches = [kit.batch(kind, seed) for seed in range(6)]
        xs, ts = (np.stack(column) for column in zip(*batches, strict=True))
        losses = step.many(xs, ts)
        expected = [b.step(x, t).item() for x, t in batches]
        np.testing.assert_allclose(losses.numpy(), expected, rtol=1e-9)
        assert a.opt.updates == 6
        if kind is kit.small:
            kit.alike(a, b, 1e-11)
        step(*batches[0])
        b.step(*batches[0])
        assert a.opt.updates == b.opt.updates == 7


def test_many_steps_of_which_one_fails(kit, backend):
    a, b = kit.small(), kit.small()
    step = ag.jit(a.step, backend=backend)
    x, t = kit.batch(kit.small)
    xs, ts = np.stack([x] * 5), np.stack([t] * 5)
    xs[3, 0] = np.nan
    with pytest.raises(AnomalyError, match="at step 4") as found:
        step.many(xs, ts)
    assert "step 4 of 5 of one call" in found.value.__notes__[0]
    for _ in range(3):
        b.step(x, t)
    kit.alike(a, b)
    assert a.opt.updates == 3


def test_many_of_arguments_that_do_not_fit():
    with pytest.raises(ShapeError, match=r"many: expected arrays with one size.*np.stack"):
        doubled.many(np.ones((2, 3)), np.ones((3, 3)))
    with pytest.raises(ShapeError, match="many"):
        doubled.many(2.0)
    with pytest.raises(ShapeError, match="many"):
        doubled.many(np.ones((0, 3)))


def test_check_compares_and_changes_nothing(kit, backend):
    for kind in (kit.small, kit.classifier):
        for nonfinite in ("raise", "skip"):
            twin = kind(nonfinite=nonfinite)
            step = ag.jit(twin.step, backend=backend, keep_grads=True)
            x, t = kit.batch(kind)
            step(x, t)
            before, scalars = twin.state(), twin.opt.state_dict()["scalars"]
            grads = [p.grad for p in twin.model.parameters()]
            found = ag.jit.check(step, x, t)
            assert found.ok, str(found)
            assert "0.weight" in str(found)
            assert "grad of 0.bias" in str(found)
            after = twin.state()
            assert all((before[k] == after[k]).all() for k in before)
            assert twin.opt.state_dict()["scalars"] == scalars
            assert all(p.grad is g for p, g in zip(twin.model.parameters(), grads, strict=True))


def test_check_sees_what_is_different():
    step = ag.jit(lambda x: (x * 2, ag.equal(x, 1)), backend="numpy")
    step(X)
    runner, run = step._last.runner, step._last.runner.run
    for wrong in (lambda a, b: [a + 1e-6, b], lambda a, b: [a, ~b], lambda a, b: [a[:1], b]):
        runner.run = lambda *args, wrong=wrong: wrong(*run(*args))
        found = ag.jit.check(step, X)
        assert not found.ok
        assert "give DIFFERENT" in str(found)
        assert "more than the tolerance" in str(found)


def normalised(rng, dtype=np.float32, lr=1e-3, **options):
    """Biases before batch norm, whose gradient is 0 but for rounding, and Adam, which blows that up."""
    model = nn.Sequential(
        nn.Linear(6, 16, rng=rng, dtype=dtype),
        nn.BatchNorm1d(16, dtype=dtype),
        nn.ReLU(),
        nn.Linear(16, 3, rng=rng, dtype=dtype),
    )
    opt = optim.Adam(model.parameters(), lr=lr, **options)

    def step(x, t):
        opt.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x), t)
        loss.backward()
        opt.step()
        return loss

    return step, model, opt


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_check_knows_what_is_rounding_alone(backend, dtype):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        step, model, _ = normalised(rng, dtype)
        compiled = ag.jit(step, backend=backend)
        for _ in range(4):
            x, t = rng.normal(size=(24, 6)).astype(dtype), rng.integers(0, 3, 24)
            before = model.state_dict()
            found = ag.jit.check(compiled, x, t)
            assert found.ok, str(found)
            after = model.state_dict()
            assert all((before[k] == after[k]).all() for k in before)
            compiled(x, t)


def planted(fault, lr=1e-3, seed=0):
    """`jit.check` of a step of which one run was spoilt by a function of its leaves by name."""
    rng = np.random.default_rng(seed)
    step, _, _ = normalised(rng, lr=lr)
    compiled = ag.jit(step, backend="numpy")
    x, t = rng.normal(size=(24, 6)).astype(np.float32), rng.integers(0, 3, 24)
    for _ in range(3):
        compiled(x, t)
    entry = compiled._last
    run, leaves = entry.runner.run, {leaf.name: leaf for leaf in entry.written}
    before = {name: np.array(leaf._value) for name, leaf in leaves.items()}

    def spoilt(*args):
        found = run(*args)
        fault(leaves, before)
        return found

    entry.runner.run = spoilt
    return ag.jit.check(compiled, x, t)


def _dropped(name):
    def fault(leaves, before):
        leaves[name]._value[...] = before[name]

    return fault


def _bent(name, share):
    """A part of the change is wrong."""

    def fault(leaves, before):
        data = leaves[name]._value
        data[..., 0] += share * (data - before[name]).max()

    return fault


FAULTS = {
    "a lost update": _dropped("3.weight"),
    "a lost update of rounding": _dropped("0.bias"),
    "a lost slot": _dropped("0.weight.v"),
    "lost statistics": _dropped("1.running_var"),
    "a wrong column": _bent("0.weight", 0.05),
    "a wrong element": _bent("1.gamma", 0.1),
    "a wrong slot": _bent("3.bias.m", 0.05),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("lr", [1e-2, 1e-4, 3e-7])
def test_check_sees_faults_beside_rounding(name, lr):
    """However small the learning rate, beside weights of size 1, of which an ulp is 1e-7."""
    if lr < 1e-6 and name in ("a wrong column", "a wrong element"):
        return  # less than an ulp
    assert planted(lambda leaves, before: None, lr).ok
    found = planted(FAULTS[name], lr)
    assert not found.ok, str(found)


def test_check_prints_tolerances_with_two_digits():
    text = str(ag.jit.check(ag.jit(ag.exp, backend="numpy"), X))
    assert "of 1.0e-09" in text


def test_explain(kit, backend):
    twin = kit.small()
    step = ag.jit(twin.step, backend=backend)
    with pytest.raises(ConfigError, match=r"has not run yet.*Call it once"):
        ag.jit.explain(step)
    step(*kit.batch(kit.small))
    text = str(ag.jit.explain(step))
    for part in ("program step", "write", "SGD.lr = 0.1", "captured in", "passes"):
        assert part in text
    for operation in (ag.jit.check, ag.jit.explain):
        with pytest.raises(ConfigError, match=r"expected what ag.jit gave; received function"):
            operation(twin.criterion.forward.__func__)


def test_what_explain_gives_is_data(kit, backend):
    twin = kit.classifier()
    step = ag.jit(twin.step, backend=backend)
    x, t = kit.batch(kit.classifier)
    step(x, t)
    found = ag.jit.explain(step)
    assert (found.title, found.backend) == ("step", backend)
    assert found.program is step._last.captured.program
    assert len(found.optimized) == found.passes[-1][1]
    assert found.passes[0][1] >= found.passes[-1][1] > 0
    assert found.numbers["Adam.lr"] == twin.opt.lr
    assert found.checks == len(step._last.captured.checks)
    assert 0 < found.barrier < len(found.kernels)
    assert {"capture", "prepare"} <= set(found.seconds)
    assert found.captures == 1
    assert "attributes" in found.guards
    twin.opt.lr = 0.5
    assert ag.jit.explain(step).numbers["Adam.lr"] == 0.5
    assert found.numbers["Adam.lr"] != 0.5
    for k in found.kernels:
        assert k.name
        assert k.steps or k.name == "copy"
        assert k.flops >= 0 <= k.bytes
        assert all(type(n) is int and n > 0 for n in k.loops)
        assert k.threads == 1
    assert found.flops == sum(k.flops for k in found.kernels) > 1000
    assert found.bytes == sum(k.bytes for k in found.kernels) > x.nbytes
    assert found.memory > x.nbytes
    # The product of the first layer, with its sizes and its scope.
    name = "product" if backend == "native" else "affine"
    first = next(k for k in found.kernels if k.name == name)
    weight = twin.model.state_dict()["0.weight"]
    assert first.loops == (len(x), weight.shape[1])
    assert first.scope.endswith("0:Linear")
    assert first.flops >= 2 * len(x) * weight.size
    assert ("define" if backend == "native" else "def step(") in found.source


def test_what_explain_gives_prints_well(kit, backend):
    def named(x):
        with ag.named_scope("<b>&bold"):
            return ag.sum(ag.tanh(x)) * 2

    step = ag.jit(named, backend=backend)
    step(X)
    found = ag.jit.explain(step)
    text, page = str(found), found._repr_html_()
    assert repr(found) == text
    assert "\n" in text
    assert [title for title, _ in found.sections] == [
        line[4:-4] for line in text.splitlines() if line.startswith("--- ")
    ]
    assert "<b>" not in page
    assert "&lt;b&gt;&amp;bold" in page
    assert page.count("<tr>") == 1 + len(found.kernels)
    for tag in ("div", "table", "details", "pre", "td"):
        assert page.count(f"<{tag}>") == page.count(f"</{tag}>") > 0

    class Printer:
        said = ""

        def text(self, said):
            self.said += said

    printer = Printer()
    found._repr_pretty_(printer, False)
    assert printer.said == text


def test_explain_tells_loops_and_threads():
    pytest.importorskip("llvmlite")
    x = np.random.default_rng(0).normal(size=(6, 3))
    loop = ag.jit(lambda x: ag.scan(lambda c, v: (ag.tanh(c + v), c), x[0], x)[1], backend="native")
    loop(x)
    kernels = ag.jit.explain(loop).kernels
    (whole,) = (k for k in kernels if k.name == "loop")
    inside = [k for k in kernels if k.depth == 1]
    assert whole.loops == (6,)
    assert any("tanh" in k.steps for k in inside)
    assert whole.flops == 6 * sum(k.flops for k in inside)
    assert ag.jit.explain(loop).flops == sum(k.flops for k in kernels if k.depth == 0)
    two = ag.jit(lambda x: ag.sum(ag.tanh(x)), backend="native", threads=2)
    two(np.ones((480, 150)))
    found = ag.jit.explain(two)
    if found.threads == 2:  # threads meet by POSIX alone
        assert {k.threads for k in found.kernels} == {1, 2}


def test_python_happens_once():
    seen = []

    @ag.jit(backend="numpy")
    def step(x):
        seen.append(x.shape)
        return x

    step(X)
    step(X)
    assert seen == [(2,)]


def test_threads_wait_for_one_another(kit):
    twin, other = kit.small(), kit.small()
    step = ag.jit(twin.step, backend="numpy")
    x, t = kit.batch(kit.small)
    threads = [threading.Thread(target=lambda: [step(x, t) for _ in range(25)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(100):
        other.step(x, t)
    kit.alike(twin, other)
    assert twin.opt.updates == 100


def test_a_step_of_a_class():
    class Trainer:
        def __init__(self, scale):
            self.scale = scale

        @ag.jit(backend="numpy")
        def __call__(self, x):
            return self.scale * x

    one, two = Trainer(2.0), Trainer(3.0)
    assert one(X).tolist() == [2, 4]
    assert two(X).tolist() == [3, 6]
    assert one(X).tolist() == [2, 4]
    one.scale = 5.0
    assert one(X).tolist() == [5, 10]
    assert Trainer.__call__(two, X).tolist() == [3, 6]


def test_copies_and_pickles():
    assert pickle.loads(pickle.dumps(doubled)) is doubled
    assert copy.copy(doubled)(X).tolist() == [2, 4]
    assert copy.deepcopy(doubled)(X).tolist() == [2, 4]

    class Layer(nn.Module):
        def __init__(self):
            self.weight = ag.tensor([1.0, 2.0], requires_grad=True)
            self.fast = ag.jit(self.slow, backend="numpy")

        def slow(self, x):
            return self.weight * x

        def forward(self, x):
            return self.slow(x)

    layer = Layer()
    assert layer.fast(X).tolist() == [1, 4]
    other = copy.deepcopy(layer)
    other.weight.assign([5.0, 5.0])
    assert other.fast(X).tolist() == [5, 10]  # a method is copied with its object
    assert layer.fast(X).tolist() == [1, 4]
    with pytest.raises(Exception, match="pickle"):
        pickle.dumps(ag.jit(lambda x: x))


def test_a_step_looks_like_its_function():
    assert doubled.__name__ == "doubled"
    assert doubled.__doc__ == "Twice ``x``."
    assert repr(doubled).startswith("<compiled step doubled: ")
    assert doubled.function(X).tolist() == [2, 4]


def test_options_that_are_none():
    with pytest.raises(ConfigError, match=r"backend: expected one of None, .*received 'gpu'"):
        ag.jit(doubled, backend="gpu")
    with pytest.raises(ConfigError, match="threads: expected an integer of 1 or more; received 0"):
        ag.jit(threads=0)
    with pytest.raises(ConfigError, match="expected a function; received int"):
        ag.jit(3)


def test_without_llvmlite(monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *a: None if name == "llvmlite" else found(name, *a),
    )
    assert ag.jit(lambda x: x + 1)(X).tolist() == [2, 3]
    with pytest.raises(ag.MissingDependencyError, match=r"gradproof\[jit\].*backend=\"numpy\""):
        ag.jit(lambda x: x + 1, backend="native")(X)


def test_no_warning_is_given():
    with np.errstate(all="raise"):
        assert ag.jit(lambda x: ag.log(x - 1), backend="numpy")(X)[0].item() == -np.inf


@pytest.mark.parametrize(
    "view", [lambda x: x.T, lambda x: ag.broadcast_to(x, (2,)), lambda x: x.reshape(1)]
)
def test_views_of_a_bare_number(backend, view):
    np.testing.assert_array_equal(
        ag.jit(view, backend=backend)(2.0).data, view(ag.tensor(2.0)).data
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int8])
def test_sigmoid_and_softplus_of_whole_numbers(backend, dtype):
    x = np.array([0, 1, 5], dtype)
    for f, wanted in (
        (ag.sigmoid, 1 / (1 + np.exp(-x.astype(float)))),
        (ag.softplus, np.log1p(np.exp(x.astype(float)))),
    ):
        np.testing.assert_allclose(f(ag.tensor(x)).data, wanted, rtol=2e-3)
        np.testing.assert_allclose(ag.jit(f, backend=backend)(x).data, wanted, rtol=2e-3)


@pytest.mark.parametrize("links", [10, 2_000])
def test_a_long_chain_from_an_argument(backend, links):
    def chain(x):
        v = x
        for _ in range(links):
            v = ag.tanh(v) * x
        return v

    x = np.linspace(0.5, 1.5, 8)
    np.testing.assert_allclose(ag.jit(chain, backend=backend)(x).data, chain(x).data, rtol=1e-12)


def test_what_is_used_twice_at_each_link_is_computed_once(backend):
    """Seen by way of each of its uses, the chain would have 2**100 steps."""

    def chain(x):
        v = x
        for _ in range(100):
            v = (v + v.T) * 0.5
        return v

    x = np.arange(9.0).reshape(3, 3)
    np.testing.assert_allclose(ag.jit(chain, backend=backend)(x).data, (x + x.T) / 2, rtol=1e-12)


def test_memory_of_large_results_is_used_again_once_they_are_dropped(backend):
    step = ag.jit(lambda x: x + 1, backend=backend)
    x = np.zeros(100_000)
    kept, seen = step(x), set()
    for n in range(20):
        y = step(x + n)
        assert y.data[0] == y.data[-1] == n + 1
        seen.add(y.data.ctypes.data)
    assert kept.data[0] == kept.data[-1] == 1
    if backend == "native":
        assert len(seen) < 5
        assert kept.data.ctypes.data not in seen


def test_two_threads_share_sums_over_everything():
    pytest.importorskip("llvmlite")

    def f(x, w):
        y = ag.tanh(x * w)
        return ag.mean(y * ag.exp(-x * x)), ag.max(y), ag.sum(y[:, 0])

    x, w = np.random.default_rng(0).normal(size=(2, 480, 150))
    one, two = (ag.jit(f, backend="native", threads=n) for n in (1, 2))
    for a, b, e in zip(one(x, w), two(x, w), f(ag.tensor(x), ag.tensor(w)), strict=True):
        np.testing.assert_allclose([a.item(), b.item()], e.item(), rtol=1e-12)
    assert "  480×150  " in str(ag.jit.explain(one))
    assert "  16×30×150  " in str(ag.jit.explain(two))  # 16 partial results
    assert "2 threads" in str(ag.jit.explain(two))


def test_a_small_step_stays_on_one_thread():
    pytest.importorskip("llvmlite")
    step = ag.jit(lambda x: x @ x + 1, backend="native", threads=2)
    step(np.eye(4))
    assert "1 thread" in str(ag.jit.explain(step))
