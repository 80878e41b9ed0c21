"""Modes of models, and back again."""

from __future__ import annotations

import pytest

import nn
from autograd_core.modes import mode


class Wrapped:
    """A model that does not show its parts."""

    def __init__(self, training):
        self.training = training

    def train(self):
        self.training = True

    def eval(self):
        self.training = False


@pytest.mark.parametrize("asked", [True, False, None])
def test_each_part_gets_its_own_mode_back(asked):
    model = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Dropout(rng=0), nn.Sequential(nn.ReLU()))
    model[2].eval()
    before = [m.training for m in model.modules()]
    inside = []

    def interrupted():
        with mode(model, asked):
            inside.extend(m.training for m in model.modules())
            model.train()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert inside == (before if asked is None else [asked] * len(before))
    assert [m.training for m in model.modules()] == before


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("asked", [True, False, None])
def test_a_model_without_parts_goes_back_by_its_methods(before, asked):
    model = Wrapped(before)
    with mode(model, asked):
        assert model.training == (before if asked is None else asked)
    assert model.training == before


def test_a_function_has_no_mode():
    with mode(len, True):
        pass
