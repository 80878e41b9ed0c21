"""Stratified splits."""

from __future__ import annotations

import numpy as np
import pytest

from autograd_core.errors import ConfigError
from nn.data import Split, stratified

LABELS = np.repeat([0, 1, 2], [40, 20, 10])
WHOLE = Split(np.arange(70.0).reshape(70, 1), LABELS)


def test_every_class_has_its_share_in_every_part():
    parts = stratified(WHOLE, (0.1, 0.2), rng=np.random.default_rng(0))
    counts = [np.bincount(part.targets).tolist() for part in parts]
    assert counts == [[28, 14, 7], [4, 2, 1], [8, 4, 2]]


def test_the_parts_are_the_whole_and_inputs_stay_with_their_targets():
    parts = stratified(WHOLE, (0.1, 0.2), rng=np.random.default_rng(0))
    inputs = np.concatenate([part.inputs for part in parts])
    targets = np.concatenate([part.targets for part in parts])
    assert sorted(inputs.ravel()) == list(range(70))
    np.testing.assert_array_equal(targets, LABELS[inputs.ravel().astype(int)])


def test_the_order_is_drawn():
    (train,) = stratified(WHOLE, (), rng=np.random.default_rng(0))
    assert np.any(np.diff(train.targets) < 0)
    again, other = (stratified(WHOLE, (), rng=np.random.default_rng(s))[0] for s in (0, 1))
    np.testing.assert_array_equal(train.inputs, again.inputs)
    assert np.any(train.inputs != other.inputs)


def test_a_part_may_be_empty():
    train, nothing = stratified(WHOLE, (0,), rng=np.random.default_rng(0))
    assert (len(train.inputs), nothing.inputs.shape, nothing.targets.shape) == (70, (0, 1), (0,))


@pytest.mark.parametrize("fractions", [(0.5, 0.5), (1.0,), (-0.1,), (np.nan,)])
def test_fractions_leave_something_to_train_on(fractions):
    with pytest.raises(ConfigError, match="fractions leave nothing to train on"):
        stratified(WHOLE, fractions, rng=np.random.default_rng(0))
