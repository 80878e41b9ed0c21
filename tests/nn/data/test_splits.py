"""Stratified splits."""

from __future__ import annotations

import numpy as np
import pytest

from autograd_core.errors import ConfigError, DataError, DTypeError
from nn.data import DataSet, Split, k_fold, random_split, stratified

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


SPLITS = {
    "stratified": lambda data: stratified(data, 0.5, rng=0),
    "random_split": lambda data: random_split(data, 0.5, rng=0),
    "k_fold": lambda data: k_fold(data, 2, rng=0),
}


@pytest.mark.parametrize("name", SPLITS)
def test_what_is_empty_or_not_finite_is_no_data(name):
    x, labels = np.ones((6, 2)), np.array([0, 1] * 3)
    with pytest.raises(DataError, match=rf"{name}: the data set is empty"):
        SPLITS[name]((x[:0], labels[:0]))
    for bad in (np.nan, np.inf, -np.inf):
        for dtype in (np.float16, np.float32, ">f8"):
            broken = x.astype(dtype)
            broken[2, 1] = broken[4, 0] = bad
            with pytest.raises(
                DataError,
                match=rf"{name}: the inputs .* 2 values in 2 rows, the first inputs\[2, 1\]",
            ):
                SPLITS[name]((broken, labels))
    assert np.isnan(broken).sum() + np.isinf(broken).sum() == 2  # nothing was changed
    with pytest.raises(DTypeError, match=rf"{name}: the inputs are Python objects"):
        SPLITS[name]((np.array([[None], [1.0]] * 3, object), labels))
    if name != "stratified":
        with pytest.raises(DataError, match=rf"{name}: the targets .* 1 values in 1 rows"):
            SPLITS[name]((x, np.array([0, 1, np.nan, 0, 1, 1])))


@pytest.mark.parametrize("name", SPLITS)
def test_parts_are_copies_and_the_names_go_along(name):
    x = np.arange(16.0).reshape(8, 2)
    x.flags.writeable = False
    data = DataSet.of(x, np.array([0, 1] * 4), columns=["a", "b"], classes=["no", "yes"])
    found = SPLITS[name](data)
    for parts in found if name == "k_fold" else [found]:
        assert (parts.columns, parts.classes) == (("a", "b"), ("no", "yes"))
        for part in parts:
            assert (part.columns, part.classes) == (("a", "b"), ("no", "yes"))
            assert stratified(part, 0.0, rng=0).classes == ("no", "yes")
            assert not np.shares_memory(part.inputs, x)
            part.inputs[:] = 0
    assert x.sum() == 120
    assert "columns a, b; classes no, yes" in repr(data)


def test_a_class_that_a_part_would_be_without_is_named():
    labels = np.array([0] * 20 + [7] * 2)
    data = (np.zeros((22, 1)), labels)
    with pytest.raises(
        DataError, match=r"class 7 has 2 examples, and the part of fraction 0\.2 would be"
    ):
        stratified(data, 0.2, rng=0)
    with pytest.raises(DataError, match=r"class 7 has 1 example, and the part of fraction 0\.2"):
        stratified((data[0][:21], labels[:21]), 0.2, rng=0)
    with pytest.raises(DataError, match="class 7 has 2 examples, and the first part"):
        stratified(data, 0.9, rng=0)
    parts = stratified(data, 0.5, rng=0)
    assert [np.count_nonzero(part.targets == 7) for part in parts] == [1, 1]
    assert len(random_split(data, 0.2, rng=0)[1].inputs) == 4
    with pytest.raises(DTypeError, match="labels kept as text"):
        stratified((np.zeros((2, 1)), np.array(["a", "b"])), 0.5, rng=0)


def test_regression_is_stratified_by_quantiles(rng):
    y = np.exp(rng.normal(size=(200, 1)))
    parts = stratified((y.copy(), y), [0.25], bins=8, rng=0)
    edges = np.quantile(y, np.arange(1, 8) / 8)
    for part, each in zip(parts, (19, 6), strict=True):
        counts = np.bincount(np.searchsorted(edges, part.targets.ravel()), minlength=8)
        assert abs(counts - each).max() <= 1
        np.testing.assert_array_equal(part.inputs, part.targets)
    # values that are equal stay together, whatever the bins
    few = np.repeat([1.0, 2.0], [30, 10])
    assert [(p.targets == 2).sum() for p in stratified((few, few), 0.2, bins=4, rng=0)] == [8, 2]
    for wrong in (np.ones((4, 2)), np.array(["a"] * 4)):
        with pytest.raises(DTypeError, match="one number each"):
            stratified((np.ones(4), wrong), 0.2, bins=2, rng=0)
    with pytest.raises(ConfigError, match="stratified: bins"):
        stratified((few, few), 0.2, bins=1, rng=0)


@pytest.mark.parametrize("options", [{}, {"by_class": True}, {"bins": 5}])
@pytest.mark.parametrize("folds", [2, 3, 10])
def test_each_example_is_held_out_once(folds, options):
    pairs = k_fold(WHOLE, folds, rng=0, **options)
    assert len(pairs) == folds
    held = np.concatenate([pair[1].inputs for pair in pairs])
    assert sorted(held.ravel()) == list(range(70))
    sizes = [len(pair[1].inputs) for pair in pairs]
    assert max(sizes) - min(sizes) <= 1
    for train, out in pairs:
        assert sorted([*train.inputs.ravel(), *out.inputs.ravel()]) == list(range(70))
        np.testing.assert_array_equal(LABELS[out.inputs.ravel().astype(int)], out.targets)
        if options.get("by_class"):
            assert abs(np.bincount(out.targets) - np.array([40, 20, 10]) / folds).max() < 1
    again = k_fold(WHOLE, folds, rng=0, **options)
    np.testing.assert_array_equal(again[1][0].inputs, pairs[1][0].inputs)
    assert pairs[0].seed == 0


def test_folds_are_checked():
    for wrong in (1, 0, 2.0, True):
        with pytest.raises(ConfigError, match="k_fold: folds"):
            k_fold(WHOLE, wrong, rng=0)
    with pytest.raises(ConfigError, match="at most as many folds as examples, 70; received 71"):
        k_fold(WHOLE, 71, rng=0)
    with pytest.raises(DataError, match="class 2 has 10 examples, too few for 11 folds"):
        k_fold(WHOLE, 11, by_class=True, rng=0)
    with pytest.raises(DTypeError, match="k_fold: the targets are no class labels"):
        k_fold((np.ones(4), np.ones(4)), 2, by_class=True, rng=0)
