"""Whole training steps: compiled beside eager, a step and a hundred; masks bit by bit; threads."""

import copy
import itertools

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

pytest.importorskip("llvmlite")

SIZES = (12, 20, 16, 5)


def network(dtype, seed=0, dropout=0.3):
    rng = np.random.default_rng(seed)
    layers = []
    for i, (n, m) in enumerate(itertools.pairwise(SIZES)):
        layers.append(nn.Linear(n, m, rng=rng, dtype=dtype))
        if i < len(SIZES) - 2:
            layers += [nn.BatchNorm1d(m, dtype=dtype), nn.Tanh()]
            layers += [nn.Dropout(dropout, rng=rng)] if dropout else []
    return nn.Sequential(*layers)


def training(model, optimizer):
    criterion = nn.CrossEntropyLoss()

    def step(x, t):
        optimizer.zero_grad()
        loss = criterion(model(x), t)
        loss.backward()
        optimizer.step()
        return loss

    return step


OPTIMIZERS = {
    "sgd": lambda ps: optim.SGD(ps, lr=0.05),
    "momentum": lambda ps: optim.SGD(ps, lr=0.05, momentum=0.9, weight_decay=1e-3),
    "nesterov": lambda ps: optim.SGD(ps, lr=0.05, momentum=0.9, nesterov=True),
    "adam": lambda ps: optim.Adam(ps, lr=1e-2),
    "adamw": lambda ps: optim.Adam(ps, lr=1e-2, weight_decay=1e-2, decoupled=True),
    "careless": lambda ps: optim.SGD(ps, lr=0.05, momentum=0.9, nonfinite="ignore"),
}


def batches(count, dtype, seed=1):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield rng.normal(size=(16, SIZES[0])).astype(dtype), rng.integers(SIZES[-1], size=16)


def state(model, optimizer):
    found = dict(model.state_dict())
    found.update({f"slot {k}": v for k, v in optimizer.state_dict()["arrays"].items()})
    return found


def both(dtype, which, **options):
    model = network(dtype)
    twin = copy.deepcopy(model)
    optimizers = [OPTIMIZERS[which](m.parameters()) for m in (model, twin)]
    compiled = ag.jit(training(model, optimizers[0]), backend="native", **options)
    return compiled, training(twin, optimizers[1]), (model, optimizers[0]), (twin, optimizers[1])


def far(a, b):
    """The largest difference of two states, each over the largest number of its array.

    Biases before batch norm have a gradient of 0 up to rounding, which Adam makes much of: they count as 0.01.
    """
    worst = 0.0
    for name, x in a.items():
        y = b[name]
        assert x.dtype == y.dtype
        if x.dtype.kind == "f":
            size = max(np.abs(y).max(initial=0.0), 1e-2)
            worst = max(worst, float(np.abs(x - y).max(initial=0.0) / size))
        else:
            np.testing.assert_array_equal(x, y)
    return worst


@pytest.mark.parametrize("which", OPTIMIZERS)
def test_float64_agrees_for_a_step_and_for_a_hundred(which):
    compiled, eager, ours, theirs = both(np.float64, which)
    for n, (x, t) in enumerate(batches(100, np.float64)):
        loss, wanted = float(compiled(x, t)), float(eager(x, t))
        assert loss == pytest.approx(wanted, rel=1e-9)
        if n == 0:
            assert far(state(*ours), state(*theirs)) < 1e-12
    assert far(state(*ours), state(*theirs)) < 1e-9


@pytest.mark.parametrize("which", ["sgd", "adam", "careless"])
def test_float32_is_as_near_to_float64_as_eager_is(which):
    """Over many seeds, since a single rounding error may be anything."""
    ours_far, theirs_far = [], []
    for seed in range(6):
        x, t = next(batches(1, np.float32, seed))
        results = {}
        for name, dtype, compiled in (
            ("exact", np.float64, False), ("eager", np.float32, False), ("jit", np.float32, True),
        ):  # fmt: skip
            model = network(dtype, seed)
            model.load_state_dict({
                k: v.astype(dtype) if v.dtype.kind == "f" else v
                for k, v in network(np.float32, seed).state_dict().items()
            })  # fmt: skip
            optimizer = OPTIMIZERS[which](model.parameters())
            step = training(model, optimizer)
            (ag.jit(step, backend="native") if compiled else step)(x.astype(dtype), t)
            results[name] = {k: v.astype(np.float64) for k, v in model.state_dict().items()}
        ours_far.append(far(results["jit"], results["exact"]))
        theirs_far.append(far(results["eager"], results["exact"]))
    assert np.mean(ours_far) <= 2 * np.mean(theirs_far)


def test_masks_are_eager_s_bit_by_bit():
    rng = np.random.default_rng(0)
    layers = [nn.Dropout(0.4, rng=rng), nn.Dropout(0.1, rng=rng)]
    twins = copy.deepcopy(layers)
    ones = np.ones((33, 17), np.float32)
    compiled = ag.jit(lambda x: tuple(layer(x) for layer in layers), backend="native")
    for _ in range(3):
        for got, twin in zip(compiled(ones), twins, strict=True):
            np.testing.assert_array_equal(got.numpy(), twin(ones).numpy())


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_more_than_rounding(threads):
    rng = np.random.default_rng(0)
    wide = nn.Sequential(
        nn.Linear(70, 300, rng=rng), nn.BatchNorm1d(300), nn.ReLU(), nn.Dropout(0.5, rng=rng),
        nn.Linear(300, 290, rng=rng), nn.Tanh(), nn.Linear(290, 11, rng=rng),
    )  # fmt: skip
    twin = copy.deepcopy(wide)
    ours, theirs = (optim.SGD(m.parameters(), lr=0.01, momentum=0.9) for m in (wide, twin))
    compiled = ag.jit(training(wide, ours), backend="native", threads=threads)
    alone = ag.jit(training(twin, theirs), backend="native")
    for _ in range(4):
        x, t = rng.normal(size=(130, 70)).astype(np.float32), rng.integers(11, size=130)
        assert float(compiled(x, t)) == pytest.approx(float(alone(x, t)), rel=1e-5)
    assert far(state(wide, ours), state(twin, theirs)) < 1e-4


def test_many_steps_are_those_one_by_one():
    compiled, _, ours, _ = both(np.float64, "adam")
    alone, _, theirs, _ = both(np.float64, "adam")
    given = list(batches(7, np.float64))
    losses = compiled.many(np.stack([x for x, _ in given]), np.stack([t for _, t in given]))
    wanted = [float(alone(x, t)) for x, t in given]
    np.testing.assert_allclose(losses.numpy(), wanted, rtol=1e-12)
    again = compiled.many(np.stack([x for x, _ in given]), np.stack([t for _, t in given]))
    wanted = [float(alone(x, t)) for x, t in given]
    np.testing.assert_allclose(again.numpy(), wanted, rtol=1e-12)
    assert far(state(*ours), state(*theirs)) < 1e-12


def test_a_step_that_fails_among_many_keeps_those_before_it():
    compiled, eager, ours, theirs = both(np.float64, "adam")
    given = list(batches(5, np.float64))
    xs, ts = np.stack([x for x, _ in given]), np.stack([t for _, t in given])
    ts[3, 0] = SIZES[-1]
    with pytest.raises(ag.DataError, match="a label is no class") as caught:
        compiled.many(xs, ts)
    assert "step 4 of 5" in caught.value.__notes__[0]
    for x, t in given[:3]:
        eager(x, t)
    assert far(state(*ours), state(*theirs)) < 1e-11


@pytest.mark.parametrize("level", ["avx2", "baseline"])
def test_lesser_machines_compute_the_same(level, monkeypatch):
    from autograd_core.compiler.native import runner

    compiled, eager, ours, theirs = both(np.float64, "adam")
    machine = runner.host(level)
    monkeypatch.setattr(runner, "host", lambda: machine)
    for x, t in batches(3, np.float64):
        compiled(x, t)
        eager(x, t)
    assert far(state(*ours), state(*theirs)) < 1e-11
    assert f"vectors of {machine.width} bytes" in str(ag.jit.explain(compiled))


def test_a_convolution_is_a_matrix_product():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(4, 3, 9, 8)), rng.normal(size=(5, 3, 3, 2))

    def convolved(x, w):
        windows = ag.ops.windows(ag.ops.windows(x, 2, 3), 3, 2)
        return ag.sum(ag.square(ag.einsum("bchwij,ocij->bohw", windows, w)))

    compiled = ag.jit(ag.value_and_grad(convolved, (0, 1)), backend="native")
    value, slopes = compiled(x, w)
    wanted, expected = ag.value_and_grad(convolved, (0, 1))(x, w)
    np.testing.assert_allclose(value.numpy(), wanted.numpy(), rtol=1e-12)
    for got, want in zip(slopes, expected, strict=True):
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-11, atol=1e-11)
    kernels = str(ag.jit.explain(compiled))
    assert "(5×18)·(18×196)" in kernels
