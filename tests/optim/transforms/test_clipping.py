"""Clipping of every kind: which norm is meant, extreme gradients, in fit by one argument, steps that are no numbers."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.errors import AnomalyError, ConfigError
from optim.schedules import Linear

BACKENDS = [None, "numpy"] + ["native"] * (importlib.util.find_spec("llvmlite") is not None)
NORMS = [optim.ClipByNorm, optim.ClipParameterByNorm, optim.ClipAdaptively]


def clipped(transform, *gradients, weights=None, dtype=np.float64):
    """What descent at η = 1 subtracts, of these gradients."""
    weights = [np.zeros(np.shape(g)) for g in gradients] if weights is None else weights
    params = [ag.tensor(np.asarray(w, dtype), requires_grad=True) for w in weights]
    optimizer = optim.SGD(params, lr=1.0, transforms=[transform], nonfinite="ignore")
    for t, g in zip(params, gradients, strict=True):
        t.grad = ag.tensor(np.asarray(g, dtype))
    before = [t.numpy().copy() for t in params]
    optimizer.step()
    return [b - t.numpy() for b, t in zip(before, params, strict=True)]


# --- which norm ----------------------------------------------------------------------------------


def test_the_norm_is_of_everything_of_each_parameter_or_of_each_unit():
    a, b = np.array([3.0, 0.0]), np.array([[4.0]])
    x, y = clipped(optim.ClipByNorm(1.0), a, b)
    np.testing.assert_allclose([*x, *y[0]], [0.6, 0.0, 0.8])
    x, y = clipped(optim.ClipParameterByNorm(1.0), a, b)
    np.testing.assert_allclose([*x, *y[0]], [1.0, 0.0, 1.0])
    matrix, weights = np.array([[3.0, 0.1], [4.0, 0.0]]), np.array([[6.0, 3.0], [8.0, 4.0]])
    (found,) = clipped(optim.ClipAdaptively(0.1), matrix, weights=[weights])
    np.testing.assert_allclose(
        found, [[0.6, 0.1], [0.8, 0.0]]
    )  # by columns, whose norms are 10 and 5


@pytest.mark.parametrize("shape", [(), (4,), (3, 4), (2, 3, 4), (2, 3, 4, 5)])
def test_adaptive_clipping_is_the_papers_formula_unit_by_unit(shape):
    rng = np.random.default_rng(3)
    g, w = rng.normal(size=shape) * 2, rng.normal(size=shape) / 50
    (found,) = clipped(optim.ClipAdaptively(0.5, eps=0.05), g, weights=[w])
    axes = (0,) if len(shape) == 2 else tuple(range(1, len(shape))) if len(shape) > 2 else None
    size = lambda x: np.sqrt(np.sum(x * x, axis=axes, keepdims=True))  # noqa: E731
    factor = np.minimum(1, 0.5 * np.maximum(size(w), 0.05) / size(g))
    np.testing.assert_allclose(found, g * factor, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("kind", NORMS)
def test_what_is_within_the_limit_stays_to_the_last_bit(kind):
    g = np.random.default_rng(1).normal(size=7)
    np.testing.assert_array_equal(clipped(kind(1e6), g)[0], g)
    assert not clipped(kind(0.1), np.zeros(3))[0].any()
    a, b = clipped(kind(1e300), [1e-300, 0.0], np.zeros((0, 3)))
    np.testing.assert_array_equal(a, [1e-300, 0.0])
    assert b.shape == (0, 3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("kind", NORMS)
def test_no_square_overflows(kind, dtype):
    large = np.finfo(dtype).max
    options = {"eps": 1.0} if kind is optim.ClipAdaptively else {}
    (found,) = clipped(kind(5.0, **options), [large, -large, 0.0], dtype=dtype)
    expected = np.array([1, -1, 0]) * 5 / np.sqrt(2)
    np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(dtype).eps)
    if kind is optim.ClipAdaptively and dtype != np.float16:  # of weights neither
        w = np.array([3.0, 4.0]) * (large / 16)
        (found,) = clipped(kind(0.25), [large / 2, 0.0], weights=[w], dtype=dtype)
        np.testing.assert_allclose(found[0] / large, 0.25 * 5 / 16, rtol=1e-2)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("kind", [*NORMS, optim.ClipByValue])
def test_an_infinite_gradient_is_named_whatever_clips(kind, value):
    w = ag.tensor([1.0, 2.0], requires_grad=True, name="w")
    optimizer = optim.SGD([w], lr=1.0, transforms=[kind(1.0)])
    w.grad = ag.tensor([value, 1.0])
    with pytest.raises(AnomalyError, match=r"parameter 0 \('w'\).* is not finite in 1 of 2"):
        optimizer.step()
    assert w.tolist() == [1.0, 2.0]


def test_by_norm_keeps_the_direction_of_what_it_measures_and_by_value_turns():
    a, b = np.array([30.0, 1.0]), np.array([0.5])
    for transform, kept in (
        (optim.ClipByNorm(5.0), (True, True)),
        (optim.ClipParameterByNorm(5.0), (True, False)),
        (optim.ClipByValue(5.0), (False, False)),
    ):
        x, y = clipped(transform, a, b)
        assert np.isclose(x[1] / x[0], 1 / 30) == kept[0]
        assert np.isclose(y[0] / x[0], 0.5 / 30) == kept[1]


# --- in fit --------------------------------------------------------------------------------------


def data(scale=1.0):
    x = np.random.default_rng(0).normal(size=(24, 3))
    return x, scale * (x @ np.array([[1.0], [-2.0], [0.5]]))


def trained(clip=None, transforms=(), scale=1.0, jit=False, **options):
    model = nn.Linear(3, 1, rng=0, dtype=np.float64)
    optimizer = optim.SGD(model.parameters(), lr=0.01, transforms=transforms)
    given = {"epochs": 2, **options} if clip is None else {"epochs": 2, "clip": clip, **options}
    optim.fit(
        model, nn.MSELoss(), optimizer, data(scale), batch_size=8, rng=1, verbose=0, jit=jit, **given
    )  # fmt: skip
    return [t.numpy().copy() for t in model.parameters()], optimizer


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize(
    ("clip", "transforms"),
    [
        (0.5, [optim.ClipByNorm(0.5)]),
        (1, [optim.ClipByNorm(1.0)]),
        (optim.ClipByValue(0.1), [optim.ClipByValue(0.1)]),
        (optim.ClipParameterByNorm(Linear(1.0)), [optim.ClipParameterByNorm(Linear(1.0))]),
        ([optim.ClipByValue(0.3), optim.ClipByNorm(0.4)], [optim.ClipByValue(0.3), optim.ClipByNorm(0.4)]),
    ],
)  # fmt: skip
def test_one_argument_of_fit_is_the_transform(clip, transforms, jit):
    own = [optim.WeightDecay(0.1)]
    ours, optimizer = trained(clip, own, scale=100.0, jit=jit)
    theirs, _ = trained(None, [*transforms, *own], scale=100.0, jit=jit)
    without, _ = trained(None, own, scale=100.0, jit=jit)
    for a, b, c in zip(ours, theirs, without, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.allclose(a, c)
    assert optimizer.transforms == tuple(own)  # as it was, when the run is over


def test_after_an_error_the_optimizer_is_as_it_was_and_a_run_goes_on(tmp_path):
    whole, _ = trained(0.5, scale=100.0)

    class Fails(optim.Callback):
        def on_batch_end(self, run):
            if run.epoch == 2:
                raise RuntimeError("on purpose")

    model = nn.Linear(3, 1, rng=0, dtype=np.float64)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    with pytest.raises(RuntimeError, match="on purpose"):
        optim.fit(
            model, nn.MSELoss(), optimizer, data(), epochs=2, batch_size=8, clip=0.5, callbacks=Fails()
        )  # fmt: skip
    assert optimizer.transforms == ()
    trained(0.5, scale=100.0, checkpoint=tmp_path / "run", epochs=1)
    found, _ = trained(0.5, scale=100.0, resume=tmp_path / "run")
    for a, b in zip(found, whole, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (0.0, r"fit: clip: expected a finite number in \(0, inf\)"),
        (-1.0, "fit: clip: expected a finite number"),
        (float("inf"), "fit: clip: expected a finite number"),
        (True, "fit: clip: expected"),
        ("norm", "fit: clip: expected a number, the largest norm of all gradients together, or a transform such as optim.ClipByValue"),
        (optim.ClipByNorm, "fit: clip: expected a number.*received <class"),
        ([optim.ClipByNorm(1.0), 2.0], "fit: clip: expected a number.*received"),
    ],
)  # fmt: skip
def test_what_clips_nothing_is_refused(clip, message):
    with pytest.raises(ConfigError, match=message):
        trained(clip)


# --- steps that are no numbers -------------------------------------------------------------------


def spoiled():
    """Examples of which one has a target that makes loss and gradient infinite."""
    x, y = data()
    y = y.copy()
    y[5] = 1e200  # finite, its square is not
    return x, y


@pytest.mark.parametrize("jit", [False, True])
def test_in_fit_a_step_is_skipped_if_that_is_chosen_counted_and_told(jit):
    model = nn.Linear(3, 1, rng=0, dtype=np.float64)
    optimizer = optim.SGD(model.parameters(), lr=0.01, nonfinite="skip")
    with np.errstate(over="ignore"):
        history = optim.fit(
            model, nn.MSELoss(), optimizer, spoiled(), epochs=2, batch_size=8, rng=1, verbose=0, jit=jit
        )  # fmt: skip
    assert (optimizer.updates, optimizer.skipped) == (4, 2)
    assert history["skipped"] == [1, 1]
    assert np.isfinite(history["loss"]).all()
    assert all(np.isfinite(t.numpy()).all() for t in model.parameters())


@pytest.mark.parametrize("jit", [False, True])
def test_in_fit_it_is_refused_by_default(jit):
    model = nn.Linear(3, 1, rng=0, dtype=np.float64)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    with (
        np.errstate(over="ignore"),
        pytest.raises(AnomalyError, match="loss is inf in epoch 1, batch"),
    ):
        optim.fit(
            model, nn.MSELoss(), optimizer, spoiled(), epochs=2, batch_size=8, rng=1, verbose=0, jit=jit
        )  # fmt: skip


def test_an_epoch_without_any_update_is_an_error():
    model = nn.Linear(3, 1, rng=0, dtype=np.float64)
    optimizer = optim.SGD(model.parameters(), lr=0.01, nonfinite="skip")
    x, y = data()
    with (
        np.errstate(over="ignore"),
        pytest.raises(AnomalyError, match="none of the 3 updates of an epoch was made"),
    ):
        optim.fit(
            model, nn.MSELoss(), optimizer, (x, y + 1e200), epochs=2, batch_size=8, rng=1, verbose=0
        )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("transform", [(), [optim.ClipByNorm(1.0)], [optim.ClipByValue(1.0)]])
def test_a_skipped_step_changes_nothing_and_is_counted(backend, transform):
    w = ag.tensor([1.0, -2.0], requires_grad=True)
    optimizer = optim.Adam([w], lr=Linear(0.1), nonfinite="skip", transforms=transform)

    def step(x):
        optimizer.zero_grad()
        ag.sum(w * x).backward()
        optimizer.step()

    call = step if backend is None else ag.jit(step, backend=backend)
    call(np.array([1.0, 2.0]))
    before, slots = w.tolist(), {n: a.copy() for n, a in optimizer.slots_of(w).items()}
    for bad in (np.nan, np.inf, -np.inf):
        call(np.array([bad, 1.0]))
    assert w.tolist() == before
    assert all((optimizer.slots_of(w)[n] == a).all() for n, a in slots.items())
    assert (optimizer.updates, optimizer.skipped) == (1, 3)
    assert optimizer.param_groups[0].now("lr") == 0.05
    call(np.array([1.0, 2.0]))
    assert optimizer.updates == 2
