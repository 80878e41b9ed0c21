"""What every loss keeps to, beside what every module does: one that is exported is tested by existing."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import AutogradError, ConfigError
from nn import losses
from nn.contract import example_of

KINDS = [getattr(losses, name) for name in losses.__all__]
CASES = [(kind, case) for kind in KINDS for case in example_of(kind).cases()]
every = pytest.mark.parametrize(
    ("kind", "case"), CASES, ids=[f"{kind.__name__}({case.words})" for kind, case in CASES]
)
# Those that are a mean of what the instances cost: neither weights nor places to be ignored.
PLAIN = [
    (kind, case)
    for kind, case in CASES
    if case.batched and not {"weight", "ignore_index"} & case.options.keys()
]


def reducing(case, reduction):
    """The loss of a case with another reduction."""
    return case.example.make(**{**case.options, "reduction": reduction})


def test_there_are_losses_to_test():
    names = {kind.__name__ for kind in KINDS}
    assert {"CrossEntropyLoss", "MSELoss", "BCEWithLogitsLoss", "KLDivLoss", "HingeLoss"} <= names


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_has_the_role_loss_in_its_own_scope(kind, case, dtype):
    outputs, targets = case.inputs(dtype)
    module = case.build(dtype=dtype)
    loss = module(ag.tensor(outputs, requires_grad=True), targets)
    assert (loss.dtype, loss.role) == (dtype, "loss")
    assert (loss.shape == ()) == (module.reduction != "none")
    steps = ag.introspect.program(loss).applications
    assert {step.scope for step in steps} == {(kind.__name__,)}


@every
def test_the_sum_is_that_of_what_each_costs_and_the_mean_a_share_of_it(kind, case):
    outputs, targets = case.inputs(np.float64)
    each = reducing(case, "none")(outputs, targets).numpy()
    total = reducing(case, "sum")(outputs, targets).item()
    np.testing.assert_allclose(total, each.sum(), rtol=1e-12)
    assert each.shape[0] == len(outputs)
    for name in ("mean", "batchmean"):
        try:
            loss = reducing(case, name)
        except ConfigError:
            assert (name, kind.__name__ == "KLDivLoss") == ("batchmean", False)
            continue
        if "ignore_index" in case.options or "weight" in case.options:
            assert loss(outputs, targets).item() > 0
        else:
            count = len(outputs) if name == "batchmean" else each.size
            np.testing.assert_allclose(loss(outputs, targets).item(), total / count, rtol=1e-12)


@pytest.mark.parametrize(
    ("kind", "case"),
    PLAIN,
    ids=lambda v: getattr(v, "words", v.__name__ if isinstance(v, type) else ""),
)
def test_it_is_a_mean_over_the_batch(kind, case):
    """Each example twice changes nothing, and of parts it is the mean, weighted by their sizes."""
    if case.options.get("reduction") in ("sum", "none"):
        pytest.skip("it is no mean")
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


@every
def test_values_that_are_no_targets_are_refused_eagerly_and_at_every_run_of_a_compiled_step(
    kind, case
):
    """Labels that are no class, probabilities that are none, nan: where a loss says what they may be."""
    loss, (outputs, targets) = case.build(dtype=np.float64), case.inputs(np.float64)
    if kind.__name__ in ("MSELoss", "SquaredErrorLoss", "L1Loss", "HuberLoss", "SmoothL1Loss"):
        pytest.skip("a quantity may be any number")
    wrong = targets.copy()
    compiled = ag.jit(loss)
    due = loss(outputs, targets).numpy()
    np.testing.assert_allclose(compiled(outputs, targets).numpy(), due, rtol=1e-12)
    values = (-7, 9) if wrong.dtype.kind == "i" else (1.5, 9.0, np.nan)
    for value in values:
        wrong[0] = value
        for call in (loss, compiled):
            with pytest.raises(AutogradError, match=r"xpected .*received"):
                call(outputs, wrong)
    np.testing.assert_allclose(compiled(outputs, targets).numpy(), due, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_reduction_that_there_is_not_is_refused_when_it_is_made(kind):
    with pytest.raises(ConfigError, match=rf"{kind.__name__}: reduction: expected one of .*'max'"):
        kind(reduction="max")


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_called_with_outputs_and_targets(kind):
    names = list(inspect.signature(kind.forward).parameters)
    assert len(names) == 3
    assert names[2] == "targets"
