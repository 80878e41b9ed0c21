"""Rprop: its procedures as they are published, run beside the rule; where the printed one stands still."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.errors import AnomalyError, ConfigError
from optim import schedules

RIGHT = ["rprop+", "reverse", "irprop-", "irprop+"]
FORMS = [*RIGHT, "printed"]
NO_BOUNDS = {"delta_min": 0.0, "delta_max": 0.0}


def leaf(values, dtype=np.float64):
    return ag.tensor(values, dtype, requires_grad=True)


def quadratics(n, condition, count=9):
    """Coupled positive definite matrices, turned at random, and starts."""
    rng = np.random.default_rng([n, condition])
    turns = (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(count))
    return np.array([q * np.geomspace(1, condition, n) @ q.T for q in turns]), rng.normal(
        size=(count, n)
    )


def slopes(A, w):
    return np.einsum("bij,bj->bi", A, w)


def followed(optimizer, w, A, updates):
    """Weights after every update, of ½ wᵀAw."""
    for _ in range(updates):
        g = slopes(A, w.numpy())
        w.grad = ag.tensor(g, w.dtype)
        optimizer.step(0.5 * np.sum(w.numpy() * g))
        yield w.numpy().copy()


# --- the procedures, weight by weight, as they are written down ------------------------------------


class Weight:
    """One weight, and what its procedure remembers of it."""

    def __init__(self, w, size):
        self.w, self.size, self.previous, self.step, self.old = w, size, 0.0, 0.0, w


def corrected(weight, D, loss, before, alpha, beta, low, high):
    """[Rprop]: return to the old weight, shrink; the direction is taken anew at the next derivative."""
    if np.sign(D) * np.sign(weight.previous) < 0:
        weight.w, weight.size, weight.previous = weight.old, max(beta * weight.size, low), 0.0
        return
    if np.sign(D) * np.sign(weight.previous) > 0:
        weight.size = min(alpha * weight.size, high)
    weight.old = weight.w
    weight.w -= np.sign(D) * weight.size
    weight.previous = D


def reversing(weight, D, loss, before, alpha, beta, low, high):
    """[RProp]: reduce the step and reverse direction."""
    if D * weight.previous > 0:
        weight.size = min(alpha * weight.size, high)
    elif D * weight.previous < 0:
        weight.size = max(beta * weight.size, low)
    weight.w -= np.sign(D) * weight.size
    weight.previous = D


def without_backtracking(weight, D, loss, before, alpha, beta, low, high):
    """Igel and Hüsken's iRprop−, which is PyTorch's."""
    if D * weight.previous > 0:
        weight.size = min(alpha * weight.size, high)
    elif D * weight.previous < 0:
        weight.size, D = max(beta * weight.size, low), 0.0
    weight.w -= np.sign(D) * weight.size
    weight.previous = D


def with_backtracking_if_worse(weight, D, loss, before, alpha, beta, low, high):
    """Igel and Hüsken's iRprop+."""
    if D * weight.previous < 0:
        weight.size = max(beta * weight.size, low)
        if loss > before:
            weight.w -= weight.step
        weight.previous = 0.0
        return
    if D * weight.previous > 0:
        weight.size = min(alpha * weight.size, high)
    weight.step = -np.sign(D) * weight.size
    weight.w += weight.step
    weight.previous = D


PROCEDURES = dict(
    zip(
        RIGHT, [corrected, reversing, without_backtracking, with_backtracking_if_worse], strict=True
    )
)


@pytest.mark.parametrize("form", RIGHT)
@pytest.mark.parametrize("bounds", [(1e-6, 50.0), (1e-3, 0.3)])
def test_a_hundred_steps_are_those_of_its_procedure_on_coupled_weights(form, bounds):
    A, start = quadratics(5, 10, 1)
    w = leaf(start)
    weights = [Weight(x, 0.1) for x in start[0]]
    before = 0.0
    for now in followed(optim.Rprop([w], form=form, step_sizes=bounds), w, A, 100):
        at = np.array([weight.w for weight in weights])
        D, loss = A[0] @ at, 0.5 * at @ A[0] @ at
        for weight, d in zip(weights, D, strict=True):
            PROCEDURES[form](weight, d, loss, before, 1.2, 0.5, *bounds)
        before = loss
        np.testing.assert_allclose(now[0], [weight.w for weight in weights], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("bounds", [(0.0, 0.0), (1e-6, 50.0)])
def test_the_printed_form_is_the_printed_procedure(bounds):
    """[Rprop (simplified)], line by line, with its floor and ceiling on the signed step, and without."""
    low, high = bounds[0] or -np.inf, bounds[1] or np.inf
    A, start = quadratics(2, 10, 1)
    v = leaf(start)
    w = start[0].copy()
    previous = A[0] @ w
    delta = np.sign(previous) * 0.1
    optimizer = optim.Rprop([v], form="printed", step_sizes=bounds)
    for now in followed(optimizer, v, A, 30):
        w -= delta
        np.testing.assert_allclose(now[0], w, rtol=1e-12, atol=1e-12)
        D = A[0] @ w
        for i in range(2):
            if np.sign(previous[i]) == np.sign(D[i]):
                delta[i], previous[i] = min(1.2 * delta[i], high), D[i]
            else:
                w[i] += delta[i]
                delta[i] = max(0.5 * delta[i], low)


# --- where they get to -------------------------------------------------------------------------


@pytest.mark.parametrize("condition", [10, 100])
@pytest.mark.parametrize("n", [2, 5, 20])
@pytest.mark.parametrize(
    "options", [*({"form": f} for f in RIGHT), NO_BOUNDS], ids=lambda o: o.get("form", "no bounds")
)
def test_coupled_quadratics_are_descended_with_the_defaults(options, n, condition):
    A, start = quadratics(n, condition)
    w = leaf(start)
    first = np.linalg.norm(slopes(A, start), axis=1)
    least = first.copy()
    for now in followed(optim.Rprop([w], **options), w, A, 20_000):
        least = np.minimum(least, np.linalg.norm(slopes(A, now), axis=1))
        if (least < 1e-3 * first).all():
            break
    assert (least < 1e-3 * first).all()


@pytest.mark.parametrize("bounds", [{}, NO_BOUNDS], ids=["bounds", "no bounds"])
def test_the_printed_form_stands_still_where_the_gradient_is_not_zero(bounds):
    stuck = 0
    for n in (2, 5, 20):
        A, start = quadratics(n, 100)
        w = leaf(start)
        *_, before, after = followed(optim.Rprop([w], form="printed", **bounds), w, A, 1000)
        left = np.linalg.norm(slopes(A, after), axis=1) / np.linalg.norm(slopes(A, start), axis=1)
        stuck += (left > 1e-3).sum()
        if bounds is NO_BOUNDS:  # with them on signed steps, some run away instead
            np.testing.assert_allclose(after, before, atol=1e-12)
    assert stuck == 27


@pytest.mark.parametrize("form", FORMS)
def test_the_slide_s_failure_in_two_weights(form):
    """A = [[4, 1], [1, 1]] from (−2, 3) with steps of 1: X31."""
    A, w = np.array([[[4.0, 1.0], [1.0, 1.0]]]), leaf([[-2.0, 3.0]])
    *_, last = followed(optim.Rprop([w], 1.0, form=form, **NO_BOUNDS), w, A, 200)
    expected = [[22 / 125, -44 / 125]] if form == "printed" else [[0, 0]]
    np.testing.assert_allclose(last, expected, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_a_weight_whose_derivative_is_zero_at_the_start_moves_later(form):
    """½ (w₁ − 1)² + ½ (w₂ − w₁)² from (0, 0): the printed form never moves w₂."""
    w = leaf([0.0, 0.0])
    optimizer = optim.Rprop([w], form=form, **NO_BOUNDS)
    for _ in range(200):
        optimizer.zero_grad()
        loss = 0.5 * (w[0] - 1) ** 2 + 0.5 * (w[1] - w[0]) ** 2
        loss.backward()
        optimizer.step(loss)
    if form == "printed":
        assert w.numpy()[1] == 0
    else:
        np.testing.assert_allclose(w.numpy(), [1, 1], atol=1e-4)


# --- bounds, special values, schedules --------------------------------------------------------------


@pytest.mark.parametrize("form", RIGHT)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_size_stays_between_floor_and_ceiling_and_the_step_is_of_that_size(form, dtype):
    w = leaf(np.zeros(2), dtype)
    optimizer = optim.Rprop([w], 1.0, form=form, delta_min=0.25, delta_max=3.0)
    g, seen, before = np.array([1, -1], dtype), [], w.numpy().copy()
    for k in range(30):
        w.grad = ag.tensor(g if k < 12 else g * (-1) ** k, dtype)
        optimizer.step(0.0)
        seen.append(np.abs(w.numpy() - before))
        sizes = optimizer.slots_of(w)["delta"]
        assert ((sizes >= 0.25) & (sizes <= 3)).all()
        before = w.numpy().copy()
    assert np.all(seen[11] == 3.0)
    assert np.all(sizes == 0.25)
    assert w.dtype == sizes.dtype == dtype


@pytest.mark.parametrize("form", RIGHT)
def test_without_bounds_a_size_goes_where_it_goes(form):
    w = leaf([0.0])
    optimizer = optim.Rprop([w], 1.0, 2.0, 0.5, form=form, **NO_BOUNDS)
    for _ in range(11):
        w.grad = ag.tensor([1.0])
        optimizer.step(0.0)
    assert optimizer.slots_of(w)["delta"] == 2.0**10


@pytest.mark.parametrize("form", RIGHT)
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_at_a_derivative_of_zero_a_weight_stands_and_keeps_its_size(form, zero):
    w = leaf([5.0])
    optimizer = optim.Rprop([w], form=form)
    for g in (1.0, 1.0, zero, zero):
        w.grad = ag.tensor([g])
        optimizer.step(0.0)
    assert w.item() == 5 - 0.1 - 0.12
    assert optimizer.slots_of(w)["delta"] == pytest.approx(0.12)
    w.grad = ag.tensor([-3.0])  # no sign before it: neither grown nor shrunk
    optimizer.step(0.0)
    assert w.item() == pytest.approx(5 - 0.1)


@pytest.mark.parametrize("form", FORMS)
def test_the_size_of_a_derivative_does_not_count(form):
    a, b = leaf([1.0, 2.0]), leaf([1.0, 2.0])
    first, second = optim.Rprop([a], form=form), optim.Rprop([b], form=form, nonfinite="ignore")
    for g in ([1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]):
        a.grad = ag.tensor(g)
        b.grad = ag.tensor(np.array(g) * [5e-324, np.inf])
        first.step(0.0)
        second.step(0.0)
        assert a.tolist() == b.tolist()


@pytest.mark.parametrize("form", FORMS)
def test_nan_stays_in_its_own_weight(form):
    w = leaf([1.0, 2.0])
    optimizer = optim.Rprop([w], form=form, nonfinite="ignore")
    for _ in range(3):
        w.grad = ag.tensor([1.0, np.nan])
        optimizer.step(0.0)
    assert np.isnan(w.numpy()).tolist() == [False, True]


@pytest.mark.parametrize("form", RIGHT)
def test_with_a_decaying_ceiling_steps_die_out_under_noise(form):
    rng = np.random.default_rng(0)
    w = leaf(np.full(20, 3.0))
    ceiling = schedules.Linear(1.0)
    optimizer = optim.Rprop([w], 0.5, form=form, delta_min=0.0, delta_max=ceiling)
    for k in range(1000):
        w.grad = ag.tensor(w.numpy() + rng.normal(size=20))
        before = w.numpy().copy()
        optimizer.step(0.0)
        assert (optimizer.slots_of(w)["delta"] <= 1 / (k + 1) + 1e-15).all()
    # A step back is as long as the one before, whose ceiling was higher.
    assert np.abs(w.numpy() - before).max() <= 1 / 999
    assert np.abs(w.numpy()).max() < 1


def test_the_weight_goes_back_in_the_slides_form_alone():
    """Whether a weight is taken back when the sign changes: after steps of 1 and 2, at 3 past −1."""
    found = {}
    for form in RIGHT:
        w = leaf([3.0])
        optimizer = optim.Rprop([w], 1.0, 2.0, 0.5, form=form)
        for g, loss in ((1.0, 5.0), (1.0, 4.0), (-1.0, 3.0)):
            w.grad = ag.tensor([g])
            optimizer.step(loss)
        found[form] = w.item()
    assert found == {"rprop+": 2.0, "reverse": 1.0, "irprop-": 0.0, "irprop+": 0.0}


def test_irprop_plus_goes_back_if_the_loss_has_risen():
    places = []
    for last in (3.0, 4.0, 4.5):  # the loss before was 4
        w = leaf([3.0])
        optimizer = optim.Rprop([w], 1.0, 2.0, form="irprop+")
        for g, loss in ((1.0, 5.0), (1.0, 4.0), (-1.0, last)):
            w.grad = ag.tensor([g])
            optimizer.step(loss)
        places.append(w.item())
    assert places == [0.0, 0.0, 2.0]


# --- the loss, told to a step ------------------------------------------------------------------------


def test_a_rule_that_compares_losses_is_told_them():
    w = leaf([1.0])
    optimizer = optim.Rprop([w], form="irprop+")
    w.grad = ag.tensor([1.0])
    for wrong, words in [
        (None, r"Rprop.step: its rule compares losses.*Call optimizer.step\(loss\)"),
        (lambda: 1.0, r"expected the loss.*received the function"),
        (ag.tensor([1.0, 2.0]), r"received shape \(2,\). Pass its mean"),
        ("0.3", "received '0.3'"),
    ]:
        with pytest.raises(ConfigError, match=words):
            optimizer.step(wrong)
    assert w.item() == 1
    assert optimizer.updates == 0
    for right in (1.0, 1, np.float32(1), np.array([1.0]), ag.tensor(1.0), ag.tensor([[1.0]])):
        optimizer.step(right)
    assert optimizer.updates == 6


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("jit", [False, True])
def test_a_loss_that_is_not_finite_is_named_or_skipped(bad, jit):
    for nonfinite in ("raise", "skip"):
        w = leaf([1.0])
        optimizer = optim.Rprop([w], form="irprop+", nonfinite=nonfinite)

        def step(x, w=w, optimizer=optimizer):
            optimizer.zero_grad()
            loss = ag.sum(w * 2)
            loss.backward()
            optimizer.step(loss + x)

        run = ag.jit(step, backend="numpy") if jit else step
        run(ag.tensor(0.0))
        before = w.item()
        if nonfinite == "raise":
            with pytest.raises(AnomalyError, match=r"the loss is (nan|inf), at step 2"):
                run(ag.tensor(bad))
        else:
            run(ag.tensor(bad))
            assert optimizer.skipped == 1
        assert w.item() == before
        assert optimizer.updates == 1


def test_fit_tells_the_loss_with_its_penalties():
    told = []

    class Watched(optim.Rprop):
        def step(self, loss=None):
            told.append(float(loss.item()))
            super().step(loss)

    import nn

    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 2))
    model = nn.Linear(2, 1, rng=rng, dtype=np.float64)
    history = optim.fit(
        model, nn.MSELoss(), Watched(model.parameters(), form="irprop+"),
        (x, x @ [[2.0], [-1.0]]), epochs=3, batch_size=32, rng=0, regularizer=nn.L2(0.1),
    )  # fmt: skip
    np.testing.assert_allclose(told, np.add(history["loss"], history["penalty"]))


def test_a_compiled_step_in_single_precision_compares_losses_as_the_eager_one():
    """A loss in double precision, weights in single: it is rounded in both before it is compared."""
    A = np.diag([1.0, 30.0])
    A[0, 1] = A[1, 0] = 4.0
    runs = []
    for jit in (False, True):
        w = leaf([1.0, 1.0], np.float32)
        optimizer = optim.Rprop([w], form="irprop+")

        def step(w=w, optimizer=optimizer):
            optimizer.zero_grad()
            loss = ag.sum(w * (ag.tensor(A) @ w)) / 2
            loss.backward()
            optimizer.step(loss)

        run = ag.jit(step, backend="numpy") if jit else step
        for _ in range(60):
            run()
        runs.append(w.numpy().copy())
    np.testing.assert_array_equal(*runs)


def test_a_floor_above_the_ceiling_is_refused():
    with pytest.raises(ConfigError, match="Rprop: expected delta_min ≤ delta_max"):
        optim.Rprop([leaf([1.0])], delta_min=2.0, delta_max=1.0)
    optimizer = optim.Rprop([leaf([1.0])])
    with pytest.raises(ConfigError, match="expected delta_min ≤ delta_max"):
        optimizer.delta_max = 1e-9
    assert optimizer.delta_max == 50.0
    optimizer.delta_max = 0.0  # no ceiling
    optimizer.delta_min = 60.0


@pytest.mark.parametrize("before", FORMS)
@pytest.mark.parametrize("after", RIGHT)
def test_a_form_may_be_changed_in_the_middle(before, after):
    A, start = quadratics(5, 10, 1)
    w = leaf(start)
    optimizer = optim.Rprop([w], form=before)
    list(followed(optimizer, w, A, 7))
    optimizer.form = after
    *_, last = followed(optimizer, w, A, 200)
    assert (optimizer.slots_of(w)["delta"] > 0).all()
    np.testing.assert_allclose(last, 0, atol=1e-2)


def test_pytorch_s_names():
    optimizer = optim.Rprop([leaf([1.0])], 0.01, etas=(0.4, 1.3), step_sizes=(1e-3, 2.0))
    assert (optimizer.beta, optimizer.alpha) == (0.4, 1.3)
    assert (optimizer.delta_min, optimizer.delta_max) == (1e-3, 2.0)


def test_a_parameter_frozen_in_the_middle_begins_where_it_left():
    A, start = quadratics(2, 10, 1)
    w, v = leaf(start), leaf([4.0])
    optimizer = optim.Rprop([w, v])
    for k in range(9):
        v.requires_grad_(not 3 <= k < 6)
        w.grad = ag.tensor(slopes(A, w.numpy()))
        v.grad = ag.tensor([1.0]) if v.requires_grad else None
        optimizer.step()
    sizes = 0.1 * 1.2 ** np.arange(6)
    assert v.item() == pytest.approx(4 - sizes.sum())
