"""summary: rows, shapes, costs and memory, against counts by hand and against the recorded program."""

from __future__ import annotations

import re

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import AutogradError, ConfigError
from autograd_core.trees import flatten
from nn.catalogue import public_modules
from nn.contract import example_of
from nn.summaries import _bytes


class Tower(nn.Module):
    """Two lists with layers of the same names, one layer that is never called, one that is called twice."""

    def __init__(self):
        self.up = nn.ModuleList([nn.Linear(3, 4, rng=0), nn.Linear(4, 5, rng=1)])
        self.down = nn.ModuleList([nn.Linear(5, 4, rng=2), nn.Linear(4, 3, rng=3)])
        self.spare = nn.Linear(7, 7, rng=4)
        self.squash = nn.Tanh()

    def forward(self, x):
        for layer in (*self.up, *self.down):
            x = self.squash(layer(x))
        return x


class Reaching(nn.Module):
    """Calls a layer past the block that it is in."""

    def __init__(self):
        self.block = nn.Sequential({"inner": nn.Linear(3, 2, rng=0)})

    def forward(self, x):
        return self.block.inner(x)


def test_a_table_is_printed():
    model = nn.Sequential(nn.Linear(784, 100, rng=0), nn.Sigmoid(), nn.Linear(100, 10, rng=1))
    assert str(nn.summary(model, (60, 784))).splitlines() == [
        "layer         output    parameters      FLOPs  kept for backward",
        "----------------------------------------------------------------",
        "Sequential    (60,10)       79,510  9,618,600            23.4 kB",
        "  0: Linear   (60,100)      78,500  9,414,000                0 B",
        "  1: Sigmoid  (60,100)           0     84,000            23.4 kB",
        "  2: Linear   (60,10)        1,010    120,600                0 B",
        "----------------------------------------------------------------",
        "79,510 parameters",
    ]


def test_shapes_arrays_and_abstract_arrays_are_inputs_alike():
    model = nn.Linear(3, 2, rng=0)
    found = {
        str(nn.summary(model, given))
        for given in (
            (5, 3), np.zeros((5, 3), np.float32), ag.tensor(np.zeros((5, 3), np.float32)),
            ag.Abstract((5, 3), np.float32), np.zeros((5, 3), np.float32).tolist(),
        )
    }  # fmt: skip
    assert len(found) <= 2  # a list is of doubles: the cast is an operation


def test_layers_of_lists_have_rows_of_their_own_and_those_not_called_stand_in_their_place():
    found = nn.summary(Tower(), (8, 3))
    names = [row.name for row in found.rows]
    assert names == ["", "up.0", "squash", "up.1", "down.0", "down.1", "spare"]
    by_name = {row.name: row for row in found.rows}
    assert by_name["up.0"].shapes == ((8, 4),)
    assert by_name["up.0"].parameters == 3 * 4 + 4
    assert by_name["down.0"].shapes == ((8, 4),)
    assert by_name["squash"].shapes == ((8, 4), (8, 5), (8, 3))
    assert by_name["squash"].flops == 14 * 8 * (4 + 5 + 4 + 3)
    assert by_name["spare"].shapes == ()
    assert re.search(r"^  spare: Linear +– +56 +0 +0 B$", str(found), re.MULTILINE)
    assert found.parameters == Tower().parameter_count()


class Nested(nn.Module):
    """A list in a dict, beside a layer of the same name in a chain."""

    def __init__(self):
        self.a = nn.Sequential(nn.Linear(3, 3, rng=0))
        lists = nn.ModuleDict({"x": nn.ModuleList([nn.Linear(3, 3, rng=1)]), "y": nn.Tanh()})
        self.b = lists

    def forward(self, x):
        return self.b["y"](self.b["x"][0](self.a(x)))


def test_layers_of_lists_in_dicts_have_their_whole_names():
    found = nn.summary(Nested(), (2, 3))
    assert [row.name for row in found.rows] == ["", "a", "a.0", "b.x.0", "b.y"]
    assert [line.split("  (")[0].rstrip() for line in str(found).splitlines()[2:7]] == [
        "Nested", "  a: Sequential", "    0: Linear", "  b.x.0: Linear", "  b.y: Tanh",
    ]  # fmt: skip


def test_what_a_loop_keeps_is_counted():
    """Of a plain recurrent layer the states: of each moment the one before it, and what tanh gave."""
    found = nn.summary(nn.RNN(3, 4, rng=0), (7, 5, 3))
    assert found.kept == 2 * 7 * 5 * 4 * 4


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "0.977 kB"),
        (1014 * 1024, "0.99 MB"),
        (5 * 2**40, "5,120 GB"),
    ],
)
def test_bytes_are_said_in_units(count, words):
    assert _bytes(count) == words


def test_a_layer_that_is_called_past_its_parent_is_found():
    found = nn.summary(Reaching(), (8, 3))
    assert [(row.name, row.parameters) for row in found.rows][:2] == [("", 8), ("inner", 8)]


def test_scopes_of_the_user_are_rows():
    class Scoped(nn.Module):
        def forward(self, x):
            with ag.named_scope("twice"):
                return ag.multiply(x, 2)

    found = nn.summary(Scoped(), (4, 3))
    assert [(row.name, row.kind, row.flops) for row in found.rows][1] == ("twice", "twice", 12)


def test_frozen_parameters_are_told_apart_and_keep_nothing():
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Tanh(), nn.Linear(4, 2, rng=1))
    whole = nn.summary(model, (8, 3))
    assert whole.kept == 8 * 4 * 4  # tanh's output: what its own rule and the second product read
    model[0].requires_grad_(False)
    part = nn.summary(model, (8, 3))
    assert (part.parameters, part.trainable) == (26, 10)
    assert "26 parameters, 16 of them frozen" in str(part)
    model.requires_grad_(False)
    assert nn.summary(model, (8, 3)).kept == 0


def test_nothing_is_changed_and_large_inputs_cost_nothing():
    model = nn.Sequential(
        nn.Linear(1000, 1000, rng=0), nn.BatchNorm1d(1000), nn.Dropout(0.5, rng=0)
    )
    state = model.state_dict()
    found = nn.summary(model, (10**9, 1000))
    assert found.rows[1].flops == 10**9 * 1000 * 2001
    for name, values in model.state_dict().items():
        np.testing.assert_array_equal(values, state[name])


def test_evaluation_is_summed_up_as_it_is():
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Dropout(0.5, rng=0))
    training = nn.summary(model, (8, 3))
    evaluation = nn.summary(model.eval(), (8, 3))
    assert evaluation.flops < training.flops
    assert [row.name for row in evaluation.rows] == ["", "0", "1"]


CALLED = [kind for kind in public_modules() if example_of(kind).calls]


@pytest.mark.parametrize("kind", CALLED, ids=lambda kind: kind.__name__)
def test_every_module_has_a_summary_whose_parts_add_up(kind):
    case = next(iter(example_of(kind).cases()))
    module = case.build()
    inputs = case.inputs()
    if any(isinstance(x, list) for x in inputs):
        pytest.skip("it is called with lists of arrays")
    found = nn.summary(module, *inputs)
    assert found.rows[0].name == ""
    outputs = module(*inputs)
    shapes = {tuple(t.shape) for t in flatten(outputs)[0]}
    assert shapes <= set(found.rows[0].shapes)
    assert found.parameters == module.parameter_count()
    below = [row for row in found.rows if row.name and "." not in row.name and row.shapes]
    assert sum(row.flops for row in below) <= found.flops
    assert sum(row.kept for row in below) <= found.kept


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.summary((3, 4), nn.Tanh()), ConfigError, "expected a Module first"),
        (lambda: nn.summary(nn.Tanh()), ConfigError, "expected what the model is called with"),
        (
            lambda: nn.summary(nn.Linear(3, 2), (5, 4)),
            AutogradError,
            r"Expected shape \(batch, 3\)",
        ),
        (
            lambda: nn.summary(nn.Linear(3, 2), ag.Abstract((ag.dims("B")[0], 3), np.float32)),
            ConfigError,
            "expected sizes that are numbers",
        ),
        (lambda: nn.summary(nn.Linear(3, 2), (-5, 3)), ConfigError, "summary: shape: expected"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()
