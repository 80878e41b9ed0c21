from __future__ import annotations

import itertools

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.errors import ConfigError, DataError

RNG = np.random.default_rng(0)


def scores(classes, count=40):
    return RNG.normal(size=(count, classes)), RNG.integers(classes, size=count)


def by_hand(outputs, targets, weights):
    """Counts of true positives, predictions and members, class by class, one example after another."""
    classes = outputs.shape[1]
    counts = np.zeros((3, classes))
    for y, d, w in zip(outputs.argmax(axis=1), targets, weights, strict=True):
        counts[0, d] += w * (y == d)
        counts[1, y] += w
        counts[2, d] += w
    return counts


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("weighted", [False, True])
def test_they_are_scikit_learns(classes, weighted):
    metrics = pytest.importorskip("sklearn.metrics")
    outputs, targets = scores(classes)
    targets[targets == classes - 1] = (
        0 if classes == 5 else classes - 1
    )  # a class that has no member
    weights = RNG.uniform(0.1, 2, size=len(targets)) if weighted else None
    predicted = outputs.argmax(axis=1)
    options = {"sample_weight": weights, "zero_division": 0.0}
    for ours, theirs in (
        (optim.Precision, metrics.precision_score), (optim.Recall, metrics.recall_score), (optim.F1, metrics.f1_score),
    ):  # fmt: skip
        for average in ("macro", "micro", "weighted", *(["binary"] if classes == 2 else [])):
            found = ours(average)(outputs, targets, weights)
            assert found == pytest.approx(theirs(targets, predicted, average=average, **options)), (
                ours,
                average,
            )
        auto = "binary" if classes == 2 else "macro"
        assert ours()(outputs, targets, weights) == ours(auto)(outputs, targets, weights)
    table = metrics.confusion_matrix(
        targets, predicted, sample_weight=weights, labels=range(classes)
    )
    np.testing.assert_allclose(optim.confusion(outputs, targets, weights), table)
    expected = metrics.accuracy_score(targets, predicted, sample_weight=weights)
    assert optim.Accuracy()(outputs, targets, weights) == pytest.approx(expected)
    assert optim.accuracy(outputs, targets, weights) == pytest.approx(expected)
    if classes > 2:
        top = metrics.top_k_accuracy_score(
            targets, outputs, k=2, labels=range(classes), sample_weight=weights
        )
        assert optim.top_k(2)(outputs, targets, weights) == pytest.approx(top)


@pytest.mark.parametrize("weighted", [False, True])
def test_they_are_counts_of_single_examples(weighted):
    outputs, targets = scores(4)
    weights = RNG.uniform(0.5, 2, size=40) if weighted else np.ones(40)
    hits, predicted, actual = by_hand(outputs, targets, weights)
    given = weights if weighted else None
    assert optim.Precision("macro")(outputs, targets, given) == pytest.approx(
        np.mean(hits / predicted)
    )
    assert optim.Recall("macro")(outputs, targets, given) == pytest.approx(np.mean(hits / actual))
    assert optim.F1("macro")(outputs, targets, given) == pytest.approx(
        np.mean(2 * hits / (predicted + actual))
    )
    assert optim.top_k(1)(outputs, targets, given) == pytest.approx(
        optim.accuracy(outputs, targets, given)
    )
    assert optim.top_k(4)(outputs, targets, given) == pytest.approx(1.0)


def test_of_a_data_set_they_are_no_means_of_batches():
    outputs, targets = scores(2, 50)
    model = nn.Linear(2, 2, rng=0, dtype=np.float64)
    model.weight.assign(np.eye(2))
    names = ["precision", "recall", "f1", "accuracy", "top_1"]
    loss = nn.CrossEntropyLoss()
    whole = optim.evaluate(model, loss, (outputs, targets), metrics=names)
    for size in (1, 3, 7, 49):
        parts = optim.evaluate(model, loss, (outputs, targets), metrics=names, batch_size=size)
        assert parts == pytest.approx(whole)
    assert whole["f1"] == optim.F1()(outputs, targets)
    # A mean of batches would be something else.
    means = np.mean([optim.F1()(outputs[i : i + 5], targets[i : i + 5]) for i in range(0, 50, 5)])
    assert abs(means - whole["f1"]) > 1e-3


@pytest.mark.parametrize("jit", [False, True])
def test_in_a_run_they_are_of_all_its_examples(jit):
    outputs, targets = scores(3, 45)
    model = nn.Linear(3, 3, rng=0, dtype=np.float64)
    still = optim.SGD(model.parameters(), lr=0.0)
    history = optim.fit(
        model, nn.CrossEntropyLoss(), still, (outputs, targets), validation=(outputs, targets), epochs=2,
        batch_size=4, rng=0, metrics={"f": "f1", "weighted": optim.F1("weighted"), "half": optim.top_k(2)}, jit=jit,
    )  # fmt: skip
    given = model(outputs).numpy()
    for name, metric in (
        ("f", optim.F1()),
        ("weighted", optim.F1("weighted")),
        ("half", optim.top_k(2)),
    ):
        assert history[name] == pytest.approx([metric(given, targets)] * 2)
        assert history[f"val_{name}"] == pytest.approx(history[name])


@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_a_single_output_is_a_class_by_a_threshold(shape):
    logits, targets = np.array([-2.0, -0.1, 0.0, 0.1, 3.0, -1.0]), np.array([0, 1, 1, 1, 1, 0])
    for given in (targets, targets[:, None], targets.astype(float)[:, None]):
        metric = optim.Accuracy(threshold=0.0)
        assert metric(logits.reshape(shape), given) == pytest.approx(4 / 6)
        assert optim.Precision(threshold=0.0)(logits.reshape(shape), given) == 1.0
        assert optim.Recall(threshold=0.0)(logits.reshape(shape), given) == 0.5
    with pytest.raises(DataError, match=r"a class only by a threshold. Pass threshold=0\.5"):
        optim.F1()(logits.reshape(shape), targets)


def test_nothing_of_nothing_is_0():
    never = np.tile([1.0, 0.0], (4, 1))
    for metric in (optim.Precision(), optim.Recall(), optim.F1()):
        assert metric(never, np.array([0, 1, 0, 1])) == 0.0
        assert metric(never, np.zeros(4, int)) == 0.0


@pytest.mark.parametrize(
    ("outputs", "targets", "message"),
    [
        (np.zeros((3, 2)), np.array([0, 1, 2]), "targets: expected class numbers from 0 to 1; received 2"),
        (np.zeros((3, 2)), np.array([0, -1, 1]), "received -1"),
        (np.zeros((3, 2)), np.array([0.0, 0.5, 1.0]), r"received 0\.5"),
        (np.zeros((3, 2)), np.array([0, 1]), r"expected a target for each of 3 outputs; received targets of shape \(2,\)"),
        (np.zeros((3, 2)), np.zeros((3, 4)), "expected a target for each of 3 outputs"),
        (np.zeros((3, 2, 2)), np.zeros(3), r"expected outputs of shape \(B, C\) or \(B,\)"),
    ],
)  # fmt: skip
def test_what_are_no_classes_is_refused(outputs, targets, message):
    for call in (optim.confusion, optim.F1(), optim.Accuracy()):
        with pytest.raises(DataError, match=message):
            call(outputs, targets)


def test_predicted_numbers_are_tabled_too():
    table = optim.confusion([0, 2, 1, 1], [0, 2, 2, 1], classes=4)
    assert table.shape == (4, 4)
    assert table.sum() == 4
    assert table[2].tolist() == [0, 1, 1, 0]
    with pytest.raises(DataError, match="Class numbers are counted by optim"):
        optim.F1()(np.array([0, 1]), np.array([0, 1]))


def test_options_are_checked():
    for kind, average in itertools.product(
        (optim.Precision, optim.Recall, optim.F1), ("mean", None, 3)
    ):
        with pytest.raises(
            ConfigError, match=f"{kind.__name__}: average: expected one of 'auto', 'binary'"
        ):
            kind(average)
    with pytest.raises(
        ConfigError, match=r"F1: average: .*is the value of class 1 of two.*there are 3"
    ):
        optim.F1("binary")(np.zeros((2, 3)), np.array([0, 1]))
    with pytest.raises(ConfigError, match="Accuracy: threshold: expected a finite number"):
        optim.Accuracy(threshold=np.nan)
    assert repr(optim.F1("micro", threshold=0.5)) == "F1(average='micro', threshold=0.5)"


METRICS = {  # every metric there is, and the outputs that it takes: of classes, or of one number
    "accuracy": (optim.accuracy, 3), "error_rate": (optim.error_rate, 3), "top_k": (optim.top_k(2), 3),
    "confusion": (optim.confusion, 3), "precision": (optim.Precision(), 3), "recall": (optim.Recall(), 3),
    "f1": (optim.F1(), 3), "Accuracy": (optim.Accuracy(threshold=0.0), 1), "f1, one number": (optim.F1(threshold=0.0), 1),
}  # fmt: skip


@pytest.mark.parametrize("name", METRICS)
def test_a_models_outputs_are_judged_as_they_are(name):
    """With the gradient that they carry: counts have none to lose."""
    metric, width = METRICS[name]
    outputs, targets = scores(width)
    targets %= max(2, width)
    plain = np.asarray(metric(outputs, targets), float)
    made = ag.tensor(outputs, requires_grad=True) * 1.0
    np.testing.assert_array_equal(np.asarray(metric(made, ag.tensor(targets)), float), plain)
