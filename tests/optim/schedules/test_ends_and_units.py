"""What the conventions say of schedules: the unit, the last step, restarts, a rate below zero, a resumed run."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.errors import ConfigError
from optim.contract import every_schedule
from optim.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseSqrt,
    Linear,
    OneCycle,
    Polynomial,
    Power,
    Quadratic,
    Ramp,
    Schedule,
    Step,
    WarmRestarts,
    WarmUp,
)


def leaf():
    return ag.tensor([0.0], requires_grad=True)


def rates(optimizer, w, updates):
    """What each of so many steps along a slope of 1 subtracts."""
    seen = []
    for _ in range(updates):
        before = w.item()
        optimizer.zero_grad()
        ag.sum(w).backward()
        optimizer.step()
        seen.append(before - w.item())
    return seen


# --- unit ----------------------------------------------------------------------------------------


def test_the_slides_forms_count_updates_from_0():
    for kind, formula in (
        (Linear, lambda k: 0.8 / (k + 1)),
        (Quadratic, lambda k: 0.8 / (k + 1) ** 2),
        (lambda eta: Exponential(eta, beta=0.25), lambda k: 0.8 * math.exp(-0.25 * k)),
        (lambda eta: Power(eta, 0.75), lambda k: 0.8 / (k + 1) ** 0.75),
        (InverseSqrt, lambda k: 0.8 / math.sqrt(k + 1)),
    ):
        w = leaf()
        found = rates(optim.SGD([w], lr=kind(0.8)), w, 5)
        np.testing.assert_allclose(found, [formula(k) for k in range(5)], rtol=1e-14)


def test_the_slides_procedure_raises_its_count_before_use_and_begins_one_later():
    """j = 0; Do: j = j + 1; W = W − η_j ∇: under linear decay the first step has η_1 = η0/2."""
    w = leaf()
    late = Constant(0.0).then(Linear(0.8), at=1)  # not this: it still begins with η_0
    assert float(late(1)) == 0.8

    class FromOne(Schedule):
        def __call__(self, k):
            return Linear(0.8)(k + 1)

    np.testing.assert_allclose(rates(optim.SGD([w], lr=FromOne()), w, 3), [0.4, 0.8 / 3, 0.2])
    np.testing.assert_allclose(rates(optim.SGD([w], lr=Linear(0.8)), w, 2), [0.8, 0.4])


@pytest.mark.parametrize(
    "schedule",
    [kind(**options) for kind in every_schedule() for options in kind.examples],
    ids=repr,
)
def test_in_epochs_it_changes_with_the_epoch_alone(schedule):
    by_epoch = schedule.epochs(3)
    assert [float(by_epoch(k)) for k in range(12)] == [float(schedule(k // 3)) for k in range(12)]


# --- ends ----------------------------------------------------------------------------------------

ENDS = [  # a schedule, its first number, the k from which on it is its last one, and that
    (Ramp(0.3, 0.1, updates=7), 0.3, 7, 0.1),
    (Cosine(0.3, updates=7, final=0.1), 0.3, 7, 0.1),
    (Polynomial(0.3, updates=7, power=1.7, final=0.1), 0.3, 7, 0.1),
    (Polynomial(0.7, updates=7), 0.7, 7, 0.0),
    (OneCycle(0.3, updates=7), 0.3 / 25, 6, 0.3 / 25 / 1e4),
    (WarmUp(Constant(0.1), updates=7, start=0.3), 0.3, 7, 0.1),
    (Constant(0.3).then(Constant(0.1), at=7), 0.3, 7, 0.1),
]


@pytest.mark.parametrize(("schedule", "first", "at", "last"), ENDS, ids=[repr(e[0]) for e in ENDS])
def test_from_its_end_on_it_is_exactly_what_it_ends_with(schedule, first, at, last):
    assert float(schedule(0)) == first
    assert float(schedule(at - 1)) != last
    assert {float(schedule(k)) for k in (at, at + 1, 10 * at, 10**9, 1e15, 1e300)} == {last}


def test_those_without_an_end_come_near_0_and_stay_above():
    for schedule in (Linear(0.1), Quadratic(0.1), Power(0.1, 0.6), InverseSqrt(0.1, warmup=5)):
        values = [float(schedule(10.0**n)) for n in range(2, 100)]
        assert values == sorted(values, reverse=True)
        assert values[-1] > 0
    assert float(Exponential(0.1, beta=0.05)(1e6)) == 0.0


@pytest.mark.parametrize("multiply", [1, 2, 3, 10])
@pytest.mark.parametrize("updates", [1, 3, 7, 10])
def test_a_restart_is_at_its_update_however_late(multiply, updates):
    schedule = WarmRestarts(0.3, updates, multiply=multiply, final=0.1)
    begin, length = 0, updates
    for _ in range(40):
        assert float(schedule(begin)) == 0.3
        for t in {1, length // 2, length - 1} - {0, length}:
            wave = (1 + math.cos(math.pi * t / length)) / 2
            near = {"rel": 1e-12} if begin < 2**40 else {"rel": 0.05}
            assert float(schedule(begin + t)) == pytest.approx(0.1 + 0.2 * wave, **near)
        begin, length = begin + length, length * multiply
        if begin * multiply > 2**52:  # beyond which a double is no count
            break


# --- below zero ----------------------------------------------------------------------------------


class Falls(Schedule):
    """Below zero from k = 101 on."""

    def __call__(self, k):
        return 0.1 - 0.001 * k


class Pole(Schedule):
    def __call__(self, k):
        return 1 / k


class Waves(Schedule):
    def __call__(self, k):
        return ag.cos(0.01 * k)


@pytest.mark.parametrize(
    ("schedule", "k"),
    [
        (Falls(), 101),
        (Pole(), 0),
        (Waves(), 158),
        (2.0 * Falls(), 101),
        (Falls().epochs(10), 1010),
        (Falls().epochs(5000), 505_000),
        (WarmUp(Falls(), updates=20_000), 20_101),
        (Constant(0.1).then(Falls(), at=50_000), 50_101),
    ],
    ids=repr,
)
def test_a_schedule_that_goes_below_zero_is_refused_with_the_update(schedule, k):
    w = leaf()
    with pytest.raises(
        ConfigError, match=r"SGD: lr: .* at k = \d+: expected a finite number in \[0"
    ) as e:
        optim.SGD([w], lr=schedule)
    told = int(str(e.value).partition(" at k = ")[2].partition(":")[0])
    assert k <= told <= 1.04 * k + 8  # far out they are tried at some k only
    optimizer = optim.SGD([w], lr=0.5)
    with pytest.raises(ConfigError):
        optimizer.lr = schedule
    assert optimizer.lr == 0.5


def test_what_is_never_reached_is_not_refused():
    optim.SGD([leaf()], lr=Falls().then(Constant(0.1), at=100))


# --- going on, sharing ---------------------------------------------------------------------------

SOME = [
    WarmUp(Cosine(0.4, updates=5), updates=3).epochs(4),
    WarmRestarts(0.4, 2, multiply=2).epochs(3),
    0.5 * Step(0.4, every=2).epochs(4),
    OneCycle(0.4, updates=20),
]


@pytest.mark.parametrize("schedule", SOME, ids=repr)
@pytest.mark.parametrize("cut", [1, 6, 11])
@pytest.mark.parametrize("jit", [False, True], ids=["eager", "compiled"])
def test_resumed_within_an_epoch_it_is_the_uninterrupted_run(schedule, cut, jit):
    def run(optimizer, w, updates):
        def step():
            optimizer.zero_grad()
            ag.sum(w * w).backward()
            optimizer.step()

        call = ag.jit(step, backend="numpy") if jit else step
        for _ in range(updates):
            call()

    def made():
        w = ag.tensor([1.0, -2.0], requires_grad=True)
        return optim.SGD([w], lr=schedule, momentum=0.5), w

    whole, w = made()
    run(whole, w, 17)
    first, u = made()
    run(first, u, cut)
    v = ag.tensor(u.numpy().copy(), requires_grad=True)
    later = optim.SGD([v], lr=7.0)
    later.momentum = 0.5
    later.load_state_dict(first.state_dict())
    assert later.lr == schedule
    run(later, v, 17 - cut)
    assert v.tolist() == w.tolist()


def test_one_object_in_two_groups_is_counted_for_each_parameter_by_itself():
    schedule = Linear(1.0)
    w, u = leaf(), leaf()
    optimizer = optim.SGD([{"params": [w]}, {"params": [u]}], lr=schedule)
    for n in range(4):
        optimizer.zero_grad()
        ag.sum(w + u if n % 2 else w).backward()
        optimizer.step()
    np.testing.assert_allclose([w.item(), u.item()], [-25 / 12, -3 / 2])
    assert all(group["lr"] is schedule for group in optimizer.param_groups)


@pytest.mark.parametrize("k", [0, 3, 3.0, np.int64(3), True, 10**12])
def test_any_number_is_a_count(k):
    for kind in every_schedule():
        for options in kind.examples:
            schedule = kind(**options)
            assert float(schedule(k)) == float(schedule(float(k)))


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_large_integers_do_not_overflow(dtype):
    counts = np.array([0, 7, 46_341, np.iinfo(dtype).max - 1], dtype)
    for kind in every_schedule():
        for options in kind.examples:
            schedule = kind(**options)
            expected = [float(schedule(float(k))) for k in counts]
            np.testing.assert_allclose(np.broadcast_to(schedule(counts), 4), expected, rtol=1e-6)
