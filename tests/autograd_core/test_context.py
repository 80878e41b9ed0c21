from __future__ import annotations

import threading

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.context import private


def test_nothing_is_recorded_under_no_grad():
    x = ag.tensor(1.0, requires_grad=True)
    with ag.no_grad():
        y = x * 2
        with ag.enable_grad():
            z = x * 2
    assert y.is_leaf
    assert not y.requires_grad
    assert z.requires_grad


def test_no_grad_belongs_to_its_thread():
    x = ag.tensor(1.0, requires_grad=True)
    seen = []
    with ag.no_grad():
        worker = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        worker.start()
        worker.join()
    assert seen == [True]


def test_scopes_nest_and_reach_the_program():
    def f(x):
        with ag.named_scope("net"), ag.named_scope("0:Linear"):
            return ag.exp(x)

    (step,) = ag.trace(f)(np.ones(2)).applications
    assert step.scope == ("net", "0:Linear")
    with pytest.raises(ag.ConfigError, match="named_scope"), ag.named_scope(""):
        pass


def test_backward_steps_carry_the_scope_of_their_forward():
    def f(x):
        with ag.named_scope("net"):
            y = ag.exp(x)
        return ag.sum(y)

    program = ag.trace(ag.grad(f))(np.ones(2))
    (last,) = [s for s in program if s.primitive.name == "multiply"]
    assert last.scope == ("net",)
    assert last.backward


def test_anomaly_mode_names_the_operation_and_the_line():
    x = ag.tensor([0.0, 1.0], requires_grad=True)
    with ag.detect_anomaly(), np.errstate(all="ignore"):
        with pytest.raises(ag.AnomalyError, match=r"log: the forward.*test_context\.py"):
            ag.log(x)
        with ag.named_scope("head"):
            y = ag.sum(ag.sqrt(x))
        with pytest.raises(ag.AnomalyError, match=r"sqrt: the backward.*in head.*test_context\.py"):
            y.backward()


VIEWS = {
    "reshape": lambda t: t.reshape(3, 2),
    "transpose": lambda t: t.T,
    "slice_": lambda t: t[1:],
    "broadcast_to": lambda t: ag.broadcast_to(t, (5000, 2, 3)),
    "windows": lambda t: ag.windows(t, 1, 2),
    "windows of a view": lambda t: ag.windows(t.T, 0, 2),
}


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("recording", [True, False])
def test_a_view_of_what_needs_no_gradient_is_a_copy_unless_nobody_sees_it(name, recording):
    leaf = ag.tensor(np.arange(6.0).reshape(2, 3))
    with ag.enable_grad() if recording else ag.no_grad():
        seen = VIEWS[name](leaf)
        with private():
            hidden = VIEWS[name](leaf)
    before = seen.numpy().copy()
    assert not np.shares_memory(seen.numpy(), leaf.numpy())
    assert np.shares_memory(hidden.numpy(), leaf.numpy())
    with ag.no_grad():
        leaf += 1
    np.testing.assert_array_equal(seen.numpy(), before)
