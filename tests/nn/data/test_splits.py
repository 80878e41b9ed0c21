"""Stratified splits."""

from __future__ import annotations

import numpy as np
import pytest

from autograd_core.errors import ConfigError, DataError, DTypeError
from nn.data import Split, random_split, stratified

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


@pytest.mark.parametrize("split", [stratified, random_split])
def test_one_fraction_needs_no_list(split):
    one, other = split(WHOLE, 0.2, rng=0), split(WHOLE, [0.2], rng=0)
    assert all(np.array_equal(a.inputs, b.inputs) for a, b in zip(one, other, strict=True))
    for wrong in (2, 1.0, -0.1, "0.2", None, [30, 10]):
        with pytest.raises(
            ConfigError, match=rf"{split.__name__}: the fractions .*such as \[0\.2\]"
        ):
            split(WHOLE, wrong, rng=0)


def test_targets_that_are_no_labels_are_for_a_random_split():
    inputs = np.ones((100, 2))
    for targets in (np.linspace(0, 1, 100), np.ones((100, 1), int), np.eye(4)[[0] * 100]):
        with pytest.raises(DTypeError, match=r"stratified: .*nn\.data\.random_split"):
            stratified((inputs, targets), 0.2, rng=0)
        train, test = random_split((inputs, targets), 0.2, rng=0)
        assert (len(train.inputs), len(test.targets)) == (80, 20)
    kept, rest = stratified((inputs, np.arange(100) % 2 == 0), 0.2, rng=0)
    assert (kept.targets.sum(), rest.targets.sum()) == (40, 10)


def test_a_random_split_deals_everything_out_once():
    parts = random_split(WHOLE, [0.15, 0.2], rng=0)
    assert [len(part.inputs) for part in parts] == [46, 10, 14]
    inputs = np.concatenate([part.inputs for part in parts])
    targets = np.concatenate([part.targets for part in parts])
    assert sorted(inputs.ravel()) == list(range(70))
    np.testing.assert_array_equal(targets, LABELS[inputs.ravel().astype(int)])
    assert np.any(np.diff(inputs.ravel()) < 0)


@pytest.mark.parametrize("split", [stratified, random_split])
def test_data_are_a_pair_of_equal_length(split):
    for wrong in (np.ones(3), (np.ones(3),), (np.ones(3), np.ones(3), np.ones(3)), {"a": 1}):
        with pytest.raises(DataError, match=rf"{split.__name__}: expected a pair"):
            split(wrong, 0.2, rng=0)
    with pytest.raises(DataError, match=r"as many inputs as targets.*\(3,\) and \(2,\)"):
        split((np.ones(3), np.ones(2, int)), 0.2, rng=0)


def test_parts_say_what_they_are():
    parts = stratified(WHOLE, 0.2, rng=5)
    assert repr(parts) == (
        f"Parts(inputs {parts[0].inputs.shape} float64, targets {parts[0].targets.shape} int64; "
        f"inputs {parts[1].inputs.shape} float64, targets {parts[1].targets.shape} int64; rng=5)"
    )
