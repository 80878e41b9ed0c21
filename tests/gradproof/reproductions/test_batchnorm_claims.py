"""What is said of batch norm: each statement is of rows that are run, and can hold and fail."""

from __future__ import annotations

import numpy as np
import pytest

from gradproof.reproducing import named
from gradproof.reproduction import Measured, Results
from gradproof.reproductions.batchnorm import (
    ACCURACY,
    AVERAGED,
    STEEP,
    THROUGHOUT,
    inputs_of_sigmoids,
    network,
)
from gradproof.reproductions.batchnorm_claims import CLAIMS, Setting, Shifted

QUANTITIES = [ACCURACY, THROUGHOUT, AVERAGED, *(f"{STEEP}, layer {k}" for k in (1, 2, 3))]


@pytest.mark.parametrize("about", CLAIMS)
def test_each_statement_is_of_its_rows_and_can_hold_and_fail(about):
    experiment = named("batchnorm-claims").plan(about=about)
    seen = [set() for _ in experiment.statements]
    for seed in range(60):
        rng = np.random.default_rng(seed)
        results = Results(experiment.rows, 3_000)
        for row in experiment.rows:
            results.add(row, 0, Measured({q: rng.uniform(0, 9) for q in QUANTITIES}), 1.0)
        for outcomes, statement in zip(seen, experiment.statements, strict=True):
            outcomes.add(statement.holds(results))
    assert all(outcomes == {True, False} for outcomes in seen)


def test_a_batch_is_shifted_as_a_whole_and_anew_in_training_alone():
    layer, x = Shifted(rng=0), np.zeros((4, 3), np.float32)
    first, second = layer(x).numpy(), layer(x).numpy()
    assert np.ptp(first) == 0
    assert 0 < abs(first[0, 0]) < 2
    assert first[0, 0] != second[0, 0]
    assert not layer.eval()(x).numpy().any()


@pytest.mark.parametrize("batch_norm", [True, False])
def test_what_comes_into_the_sigmoids_is_looked_at_without_a_trace(batch_norm):
    model = network(Setting(batch_norm, dropout=0.5), np.random.default_rng(0))
    before = model.state_dict()
    found = inputs_of_sigmoids(model, np.random.default_rng(1).normal(size=(5, 784)).astype("f4"))
    assert [z.shape for z in found] == [(5, 100)] * 3
    assert model.training
    assert all(np.array_equal(a, before[name]) for name, a in model.state_dict().items())
