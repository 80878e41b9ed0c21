"""What finds optimizers, schedules and transforms, and varies them, for their contracts."""

from __future__ import annotations

import contextlib
import itertools
import sys

import pytest

import optim
from autograd_core.errors import ConfigError
from optim import contract
from optim.hyperparameters import Choice, Term
from optim.schedules import Constant, Joined

FILES = {
    "optimizers": (
        contract.every_optimizer,
        (
            "from optim import Optimizer\nfrom optim.hyperparameters import NonNegative\n"
            "__all__ = ['Dropped']\nclass Dropped(Optimizer):\n    lr: NonNegative\n"
            "    @staticmethod\n    def update(theta, g, *, step, lr):\n        return (theta - lr * g,)\n"
        ),
    ),
    "schedules": (
        contract.every_schedule,
        (
            "from optim import Schedule\n__all__ = ['Dropped']\nclass Dropped(Schedule):\n"
            "    def __call__(self, k):\n        return 1 / (k + 2)\n"
        ),
    ),
    "transforms": (
        contract.every_transform,
        (
            "from optim import Transform\n__all__ = ['Dropped']\nclass Dropped(Transform):\n    @staticmethod\n"
            "    def update(inner, theta, g, *, step):\n        return (inner(theta, -g),)\n"
        ),
    ),
}


@pytest.mark.parametrize("folder", FILES)
def test_a_file_that_is_dropped_into_its_folder_is_found(folder, tmp_path, monkeypatch):
    every, text = FILES[folder]
    package = getattr(optim, folder)
    before = every()
    (tmp_path / "dropped.py").write_text(text)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    name = f"optim.{folder}.dropped"
    try:
        found = [kind for kind in every() if kind not in before]
        assert [kind.__name__ for kind in found] == ["Dropped"]
        assert found[0].__module__ == name
    finally:
        sys.modules.pop(name, None)
        vars(package).pop("dropped", None)


@pytest.mark.parametrize(
    "kind", [kind for kind in contract.every_optimizer() if "update" in vars(kind)]
)
def test_any_two_choices_that_go_together_meet(kind):
    """Of all that can be chosen, terms there and not among it; taken by brute force here."""
    varied = {
        name: allowed.values if isinstance(allowed, Choice) else (0.0, 0.1)
        for name, allowed in kind.hyperparameters.items()
        if isinstance(allowed, (Choice, Term)) and name not in optim.Optimizer.hyperparameters
    }
    first = kind._given((), kind.examples[0])

    def pairs(options):
        on = {n: bool(options[n]) if 0.0 in varied[n] else options[n] for n in varied}
        return set(itertools.combinations(on.items(), 2))

    met = set().union(*map(pairs, contract.variants(kind)))
    for values in itertools.product(*varied.values()):
        options = {**first, **dict(zip(varied, values, strict=True))}
        with contextlib.suppress(ConfigError):
            kind.check(options)
            assert pairs(options) <= met


def test_examples_come_first_and_schedules_last():
    found = contract.variants(optim.SGD)
    assert found[-1]["lr"] == Joined(Constant(0.1), Constant(0.05), 3)
    assert all(isinstance(found[-1][n], Joined) for n in ("lr", "momentum", "weight_decay"))
    assert found[: len(optim.SGD.examples)] == [optim.SGD._given((), e) for e in optim.SGD.examples]
