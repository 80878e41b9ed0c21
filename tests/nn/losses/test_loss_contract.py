"""What every loss keeps to, beside what every module does: one that is exported is tested by existing."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import AutogradError
from nn import losses
from nn.contract import example_of

KINDS = [getattr(losses, name) for name in losses.__all__]
CASES = [(kind, case) for kind in KINDS for case in example_of(kind).cases()]
every = pytest.mark.parametrize(
    ("kind", "case"), CASES, ids=[f"{kind.__name__}({case.words})" for kind, case in CASES]
)


def test_there_are_losses_to_test():
    assert {"CrossEntropyLoss", "MSELoss"} <= {kind.__name__ for kind in KINDS}


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_a_scalar_with_the_role_loss_in_its_own_scope(kind, case, dtype):
    outputs, targets = case.inputs(dtype)
    loss = case.build(dtype=dtype)(ag.tensor(outputs, requires_grad=True), targets)
    assert (loss.shape, loss.dtype, loss.role) == ((), dtype, "loss")
    steps = ag.introspect.program(loss).applications
    assert {step.scope for step in steps} == {(kind.__name__,)}


@every
def test_it_is_a_mean_over_the_batch(kind, case):
    """Each example twice changes nothing, and of parts it is the mean, weighted by their sizes."""
    loss, (outputs, targets) = case.build(dtype=np.float64), case.inputs(np.float64)
    whole = loss(outputs, targets).item()
    twice = loss(np.concatenate([outputs] * 2), np.concatenate([targets] * 2)).item()
    np.testing.assert_allclose(twice, whole, rtol=1e-12)
    parts = [(k, loss(outputs[s], targets[s]).item()) for k, s in ((2, np.s_[:2]), (3, np.s_[2:]))]
    np.testing.assert_allclose(sum(k * v for k, v in parts) / 5, whole, rtol=1e-12)


@every
def test_what_does_not_fit_is_refused(kind, case):
    loss, (outputs, targets) = case.build(dtype=np.float64), case.inputs(np.float64)
    for wrong in ((outputs, targets[:-1]), (outputs[:0], targets[:0]), (outputs, targets[None])):
        with pytest.raises(AutogradError, match=r"Expected .*received"):
            loss(*wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_called_with_outputs_and_targets(kind):
    names = list(inspect.signature(kind.forward).parameters)
    assert len(names) == 3
    assert names[2] == "targets"
