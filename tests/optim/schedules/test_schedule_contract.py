"""What holds of every schedule: one that stands in the folder is tested by existing."""

from __future__ import annotations

import copy
import importlib.util
import json
import pickle

import numpy as np
import pytest
import sympy

import autograd_core as ag
import optim
from autograd_core.errors import ConfigError, StateError
from autograd_core.symbolic.atoms import Floor, Step as Step_
from autograd_core.symbolic.equations import OnSymbols
from optim import schedules
from optim.contract import every_schedule
from optim.declared import from_json, to_json
from optim.schedules import Constant, Exponential, Joined, Linear, Ramp, Step

BACKENDS = ["numpy"] + ["native"] * (importlib.util.find_spec("llvmlite") is not None)
KINDS = every_schedule()
EXAMPLES = [kind(**options) for kind in KINDS for options in kind.examples]
examples = pytest.mark.parametrize("schedule", EXAMPLES, ids=repr)
COUNTS = range(12)


def test_there_are_some():
    assert {Linear, Step, Joined} <= set(KINDS)
    assert all(kind.examples for kind in KINDS)


@examples
def test_numbers_tensors_arrays_and_programs_give_the_same(schedule):
    expected = [float(schedule(k)) for k in COUNTS]
    assert all(np.isfinite(expected))
    assert len({float(schedule(float(k))) for k in (2, 2.0)}) == 1
    np.testing.assert_allclose(
        [schedule(ag.tensor(float(k))).item() for k in COUNTS], expected, rtol=1e-15
    )
    np.testing.assert_allclose(
        np.broadcast_to(schedule(np.arange(12.0)), (12,)), expected, rtol=1e-15
    )
    program = ag.trace(schedule)(0.5)
    np.testing.assert_allclose([float(program(float(k))) for k in COUNTS], expected, rtol=1e-15)


@examples
def test_its_values_on_symbols_are_its_values(schedule):
    k = sympy.Symbol("k", integer=True, nonnegative=True)
    (found,) = OnSymbols(schedule, exact=True)(k)
    # sympy's own, which decide at what is no fraction too, log 4 / log 2 for one.
    found = found.replace(Floor, sympy.floor).replace(Step_, lambda u: sympy.Heaviside(u, 0))
    for n in COUNTS:
        np.testing.assert_allclose(float(found.subs(k, n)), float(schedule(n)), rtol=1e-13)


@pytest.mark.sampled(3)
@examples
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("backend", ["eager", *BACKENDS])
def test_an_optimizer_follows_it(schedule, dtype, backend):
    """By descent on a slope of 1; two parameters, of which one has half as many updates."""
    w, u = (ag.tensor(np.zeros(2, dtype), requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([w, u], lr=schedule)

    def step(both):
        optimizer.zero_grad()
        ag.sum(w + u if both else w).backward()
        optimizer.step()

    call = step if backend == "eager" else ag.jit(step, backend=backend)
    for n in COUNTS:
        call(n % 2 == 0)
    for t, updates in ((w, 12), (u, 6)):
        assert t.dtype == dtype
        total = -sum(float(schedule(k)) for k in range(updates))
        np.testing.assert_allclose(
            t.numpy(), [total] * 2, rtol=1e-12 if dtype == np.float64 else 1e-5
        )


@examples
def test_it_is_written_compared_and_copied_by_what_it_says(schedule):
    assert from_json(json.loads(json.dumps(to_json(schedule)))) == schedule
    for other in (copy.deepcopy(schedule), pickle.loads(pickle.dumps(schedule))):
        assert other == schedule
        assert hash(other) == hash(schedule)
    assert eval(repr(schedule), vars(schedules).copy()) == schedule
    assert schedule != Constant(0.123)
    with pytest.raises(AttributeError, match="does not change"):
        schedule.initial = 3.0


@pytest.mark.parametrize("kind", KINDS)
def test_its_docstring_says_formula_and_source(kind):
    if kind.__module__ != "optim.schedules.schedule":
        assert "η_k =" in kind.__doc__.partition("\n")[0]
        assert "References" in kind.__doc__
        assert "Examples" in kind.__doc__
        assert all(name in kind.__doc__ for name in kind.hyperparameters)


# --- put together ------------------------------------------------------------------------------------


def test_the_second_of_two_begins_with_its_own_zero():
    both = Ramp(0.0, 1.0, updates=4).then(Linear(1.0), at=4)
    assert [float(both(k)) for k in range(7)] == [0, 0.25, 0.5, 0.75, 1, 0.5, 1 / 3]
    three = both.then(Constant(7.0), at=6)
    assert [float(three(k)) for k in (4, 5, 6, 100)] == [1, 0.5, 7, 7]


def test_scaled_and_in_epochs():
    halved = 0.5 * Linear(1.0) * 0.5
    assert [float(halved(k)) for k in (0, 1)] == [0.25, 0.125]
    assert [float(Linear(1.0).epochs(3)(k)) for k in range(7)] == [1, 1, 1, 0.5, 0.5, 0.5, 1 / 3]


def test_any_number_of_a_rule_may_follow_one_in_each_group():
    w, u = (ag.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = optim.SGD(
        [{"params": [w], "lr": Linear(1.0)}, {"params": [u], "momentum": Constant(0.5)}], lr=0.25
    )
    for _ in range(2):
        optimizer.zero_grad()
        (w + u).backward(np.ones(1))
        optimizer.step()
    assert w.tolist() == [1 - 1 - 0.5]
    assert u.tolist() == [1 - 0.25 - 0.375]
    first, second = optimizer.param_groups
    assert first["lr"] == Linear(1.0)
    assert (first.now("lr"), second.now("lr")) == (1 / 3, 0.25)
    assert first.now("nesterov") is False
    optimizer.param_groups[0]["lr"] *= 0.5
    assert first.now("lr") == 1 / 6


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_may_be_set_and_taken_away_between_compiled_steps(backend):
    w = ag.tensor([0.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0)

    def step():
        optimizer.zero_grad()
        ag.sum(w).backward()
        optimizer.step()

    call = ag.jit(step, backend=backend)
    seen = []
    for rate in (1.0, Linear(1.0), None, Linear(1.0) * 0.5, 0.25, Linear(1.0)):
        if rate is not None:
            optimizer.lr = rate
        call()
        seen.append(w.item())
    np.testing.assert_allclose(-np.diff([0.0, *seen]), [1, 1 / 2, 1 / 3, 1 / 8, 1 / 4, 1 / 6])


def test_in_a_rule_that_sees_all_it_counts_the_most_frequent():
    w, u = (ag.tensor([0.0], requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([w, u], lr=Linear(1.0), transforms=[optim.ClipByNorm(100.0)])
    for n in range(3):
        optimizer.zero_grad()
        (w + u if n == 2 else w + 0 * u.detach()).backward(np.ones(1))
        optimizer.step()
    # The clipping sees all; the descent inside of it goes by each parameter's own count.
    np.testing.assert_allclose(w.numpy(), [-1 - 1 / 2 - 1 / 3])
    np.testing.assert_allclose(u.numpy(), [-1.0])


# --- refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (lambda: optim.SGD([leaf()], 0.1, momentum=Constant(1.0)), r"momentum: Constant\(value=1.0\) at k = 0: expected"),
        (lambda: optim.SGD([leaf()], 0.1, momentum=Ramp(0.0, 2.0, 50)), "momentum: Ramp.* at k = 25: expected"),
        (lambda: optim.SGD([leaf()], 0.1, momentum=Constant(0.5).then(Constant(1.0), 7)), "momentum: Joined.* at k = 7: expected"),
        (lambda: optim.Adam([leaf()], eps=Exponential(1.0, 0.1)), "eps: Exponential.* at k = 7[0-9]{3}: expected"),
        (lambda: optim.SGD([leaf()], 0.1, nesterov=Constant(1.0)), "nesterov: expected one of"),
        (lambda: optim.SGD([leaf()], lambda k: 0.1), "SGD: lr: expected a finite number in .*, or a schedule such as"),
        (lambda: optim.SGD([leaf()], Linear), "lr: expected a finite number .*or a schedule such as .*subclass of"),
        (lambda: Linear(-1.0), "Linear: initial: expected a finite number in"),
        (lambda: Linear(Constant(1.0)), "Linear: initial: expected a number, not the schedule"),
        (lambda: Step(0.1, every=0), "Step: every: expected an integer of 1 or more; received 0"),
        (lambda: Linear(0.1).then(0.1, at=3), "Joined: second: expected a Schedule; received 0.1"),
    ],
)  # fmt: skip
def test_what_it_cannot_be_is_refused(schedule, message):
    with pytest.raises(ConfigError, match=message):
        schedule()


def leaf():
    return ag.tensor([1.0], requires_grad=True)


class Branches(optim.Schedule):
    def __call__(self, k):
        return 0.1 if k < 10 else 0.01


class Looks(optim.Schedule):
    def __call__(self, k):
        return float(k) + 1


@pytest.mark.parametrize("kind", [Branches, Looks])
def test_one_that_is_no_formula_is_refused_when_it_is_given(kind):
    with pytest.raises(
        ConfigError, match=rf"SGD: lr: {kind.__name__}\(\): expected a formula.*ag.where"
    ):
        optim.SGD([leaf()], lr=kind())


def test_missing_and_unknown_arguments_are_named():
    with pytest.raises(TypeError, match="Linear: missing a required argument: 'initial'"):
        Linear()
    with pytest.raises(TypeError, match="Linear: got an unexpected keyword argument 'rate'"):
        Linear(0.1, rate=2)


def test_a_file_that_names_an_unknown_one_is_refused():
    optimizer = optim.SGD([leaf()], lr=Linear(0.1))
    state = optimizer.state_dict()
    state["scalars"]["groups"][0]["lr"]["is"] = "Cubic"
    with pytest.raises(StateError, match=r"no class 'Cubic' here.*Import what defines it first"):
        optimizer.load_state_dict(state)
    assert optimizer.lr == Linear(0.1)
