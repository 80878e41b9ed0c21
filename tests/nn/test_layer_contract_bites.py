"""The contract of layers can fail: on layers that are wrong, each in its own way."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn.contract import Example, example_of

_spec = importlib.util.spec_from_file_location(
    "contract_of_layers", Path(__file__).with_name("test_layer_contract.py")
)
contract = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(contract)


class Counting(nn.Module):
    """Its results depend on how often it was called, which its state does not say."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return ag.multiply(x, self.calls)


class Cutting(nn.Module):
    """Leaves the tape on the way."""

    def forward(self, x):
        return ag.multiply(x, ag.stop_gradient(ag.tanh(x)))


class Looking(nn.Module):
    """Does something else for some data."""

    def forward(self, x):
        return ag.multiply(x, 2 if float(ag.sum(x).detach()) > 0 else 3)


class Doubling(nn.Module):
    """Computes in double precision whatever it is given."""

    def forward(self, x):
        return ag.cast(x, np.float64) * 2.0


class Moving(nn.Module):
    """Changes its state in evaluation."""

    def __init__(self):
        self.register_buffer("mean", np.zeros(()))

    def forward(self, x):
        self.mean.assign(self.mean * 0.9 + ag.mean(ag.cast(ag.stop_gradient(x), np.float64)))
        return ag.multiply(x, 1.0)


class Turning(nn.Module):
    """Does not keep the batch where it was."""

    def forward(self, x):
        return ag.transpose(x) * 1.0


class Unseeded(nn.Module):
    """Draws its first values from nowhere."""

    def __init__(self, *, rng=None):
        self.scale = ag.tensor(np.random.default_rng().normal(size=3), requires_grad=True)

    def forward(self, x):
        return x * self.scale


class Frozen(nn.Module):
    """Fixes the batch at the size that it saw first."""

    def forward(self, x):
        self.rows = getattr(self, "rows", 5)
        return ag.reshape(x, (self.rows, 3)) * 1.0


class Plain(nn.Module):
    """Gives an array of NumPy's where it was given one."""

    def forward(self, x):
        return x * 2.0


class Silent(nn.Module):
    """Has an option of which its example does not speak."""

    def __init__(self, scale=1.0):
        self.scale = scale

    @classmethod
    def example(cls):
        return Example(cls)

    def forward(self, x):
        return ag.multiply(x, self.scale)


class Switching(nn.Module):
    """Is something else in evaluation, though nothing was kept for it."""

    def forward(self, x):
        return ag.multiply(x, 2 if self.training else 3)


class Forgotten(nn.Module):
    """Keeps an average that evaluation does not go by."""

    def __init__(self):
        self.register_buffer("mean", np.zeros(()))

    def forward(self, x):
        if self.training:
            self.mean.assign(ag.mean(ag.cast(ag.stop_gradient(x), np.float64)))
        return ag.multiply(x, 2.0)


class Stuck(nn.Module):
    """Draws the same in each pass."""

    def __init__(self, *, rng=None):
        self.register_buffer("key", np.zeros(2, np.uint64))
        self.register_buffer("counter", np.zeros((), np.uint64))

    def forward(self, x):
        bits = ag.random_bits(self.key, self.counter, shape=x.shape)
        return ag.multiply(x, ag.cast(ag.less(bits, 2**31), x.dtype))


class Right(nn.Module):
    """Nothing is wrong with this one.

    >>> Right()
    Right()
    """

    def forward(self, x):
        """Compute 2 tanh x."""
        return ag.tanh(x) * 2.0


WRONG = [
    (Counting, "a_state_carries_all"),
    (Counting, "evaluation_changes_no_state"),
    (Cutting, "gradients_agree"),
    (Looking, "traced_for_every_batch"),
    (Doubling, "dtype_of_layer_and_input"),
    (Moving, "evaluation_changes_no_state"),
    (Turning, "batch_stays"),
    (Unseeded, "deterministic_under_equal"),
    (Unseeded, "dtype_of_layer_and_input"),
    (Frozen, "traced_for_every_batch"),
    (Plain, "deterministic_under_equal"),
    (Silent, "reaches_every_option"),
    (Silent, "documented"),
    (Switching, "training_differs_from_evaluation"),
    (Forgotten, "training_differs_from_evaluation"),
    (Stuck, "draws_anew_in_each_pass"),
]


def run(monkeypatch, kind, words, tmp_path):
    """The tests whose name has these words, on one class, in both modes."""
    (case, *_) = example_of(kind).cases()
    monkeypatch.setattr(contract, "CASES", {kind.__name__: (kind, case)})
    contract.program_of.cache_clear()
    contract.verdict.cache_clear()
    given = {"case": case, "plain": case, "kind": kind, "tmp_path": tmp_path, "dtype": np.float32}
    tests = [f for name, f in vars(contract).items() if name.startswith("test_") and words in name]
    assert tests
    for test in tests:
        names = list(inspect.signature(test).parameters)
        for mode in (True, False) if "mode" in names else (True,):
            for backend in ("numpy", "native") if "backend" in names else ("",):
                values = {**given, "mode": mode, "backend": backend}
                try:
                    test(**{name: values[name] for name in names})
                except pytest.skip.Exception:
                    continue


@pytest.mark.parametrize(("kind", "words"), WRONG)
def test_what_is_wrong_is_found(monkeypatch, tmp_path, kind, words):
    with pytest.raises((AssertionError, ag.AutogradError, ValueError, TypeError)):
        run(monkeypatch, kind, words, tmp_path)


def test_what_is_right_passes(monkeypatch, tmp_path):
    leave = ("there_are", "no_primitive", "said_to_be_undecided")
    for name in [n for n in vars(contract) if n.startswith("test_")]:
        if not any(words in name for words in leave):
            run(monkeypatch, Right, name, tmp_path)
