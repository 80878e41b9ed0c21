"""Networks as scikit-learn estimators: its own checks, and what people do with estimators."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys

import numpy as np
import pytest

import optim
from autograd_core.errors import ConfigError

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, make_moons
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from gradproof.estimators import NetworkClassifier, NetworkRegressor

X, Y = make_moons(120, noise=0.15, random_state=0)
KINDS = [NetworkClassifier, NetworkRegressor]


def small(kind, **options):
    return kind((16,), **{"lr": 0.03, "epochs": 40, "random_state": 0, **options})


# No check is expected to fail. Those that need pandas, or SciPy told to use other arrays, are skipped.
@pytest.mark.parametrize(
    "estimator",
    [
        NetworkClassifier((16,), lr=0.03, epochs=25, random_state=0),
        NetworkRegressor((16,), lr=0.03, epochs=25, random_state=0),
        *(pytest.param(kind(random_state=0), marks=pytest.mark.slow) for kind in KINDS),
    ],
    ids=lambda e: f"{type(e).__name__}-{e.epochs}",
)
def test_scikit_learns_own_checks(estimator):
    results = check_estimator(estimator, on_skip=None)
    assert len(results) > 40
    assert {r["check_name"] for r in results if r["status"] != "passed"} <= {
        "check_sample_weights_pandas_series", "check_array_api_input",
        "check_classifier_data_not_an_array", "check_regressor_data_not_an_array",
    }  # fmt: skip


def test_it_learns_in_a_pipeline_a_grid_search_and_cross_validation():
    search = GridSearchCV(
        make_pipeline(StandardScaler(), small(NetworkClassifier)),
        {"networkclassifier__lr": [1e-5, 0.03], "networkclassifier__hidden": [(16,), (8, 8)]},
        cv=2,
    ).fit(X, Y)
    assert search.best_params_["networkclassifier__lr"] == 0.03
    assert search.best_score_ > 0.9
    inputs, targets = load_diabetes(return_X_y=True)
    model = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), small(NetworkRegressor, epochs=10)),
        transformer=StandardScaler(),
    )
    assert cross_val_score(model, inputs, targets, cv=3).mean() > 0.3


@pytest.mark.slow
def test_a_grid_search_in_several_processes():
    search = GridSearchCV(small(NetworkClassifier), {"lr": [1e-5, 0.03]}, cv=2, n_jobs=2).fit(X, Y)
    assert search.best_params_ == {"lr": 0.03}


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_repeats_it_and_copies_compute_alike(kind):
    model = small(kind, dropout=0.2, batch_norm=True, batch_size=32).fit(X, Y)
    again = clone(model).fit(X, Y)
    other = small(kind, random_state=1).fit(X, Y)
    assert np.array_equal(model.predict(X), again.predict(X))
    outputs = [
        m.predict_proba(X) if kind is NetworkClassifier else m.predict(X) for m in (model, other)
    ]
    assert not np.array_equal(*outputs)
    copied = pickle.loads(pickle.dumps(model))
    assert np.array_equal(model.predict(X), copied.predict(X))
    # Optimizer and model stay together in the copy: it goes on as the original does.
    for m in (model, copied):
        m.partial_fit(X, Y)
    assert np.array_equal(model.predict(X), copied.predict(X))
    assert copied.optimizer_.updates == model.optimizer_.updates > 0


@pytest.mark.parametrize("kind", KINDS)
def test_weights_count_as_repetitions_do_and_0_as_absence(kind):
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 4, len(X))
    weighed = small(kind, batch_size=1000).fit(X, Y, sample_weight=weights)
    repeated = small(kind, batch_size=1000).fit(
        np.repeat(X, weights, axis=0), np.repeat(Y, weights)
    )
    compare = [
        m.predict_proba(X) if kind is NetworkClassifier else m.predict(X)
        for m in (weighed, repeated)
    ]
    np.testing.assert_allclose(*compare, rtol=1e-7)
    with pytest.raises(ValueError, match="zero"):  # scikit-learn's or, of an older one, ours
        small(kind).fit(X, Y, sample_weight=np.zeros(len(X)))


def test_labels_may_be_anything_and_probabilities_are_in_the_order_of_classes():
    names = np.array(["b", "a", "c"])[(Y + (X[:, 0] > 1))]
    model = small(NetworkClassifier).fit(X, names)
    assert model.classes_.tolist() == ["a", "b", "c"]
    chances = model.predict_proba(X)
    assert chances.shape == (120, 3)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    assert np.array_equal(model.predict(X), model.classes_[chances.argmax(axis=1)])
    large = small(NetworkClassifier, epochs=1).fit(X, Y).predict_proba(1e6 * X)  # no overflow
    assert np.isfinite(large).all()


def test_partial_fit_is_one_more_epoch_and_knows_all_classes_from_the_first():
    parts = np.array_split(np.random.default_rng(0).permutation(120), 4)
    model = small(NetworkClassifier)
    with pytest.raises(ConfigError, match="expected all classes in the first call"):
        model.partial_fit(X, Y)
    model.partial_fit(X[:1], Y[:1], classes=[0, 1])  # one class is seen
    for _ in range(40):
        for rows in parts:
            model.partial_fit(X[rows].astype(np.float32), Y[rows])
    assert model.score(X, Y) > 0.9
    assert model.optimizer_.updates == 161
    with pytest.raises(ValueError, match="expected classes among"):
        model.partial_fit(X, Y + 5)
    with pytest.raises(ValueError, match="expected those of the first call"):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    regressor = small(NetworkRegressor).partial_fit(X, np.stack([Y, -Y], 1))
    assert regressor.predict(X).shape == (120, 2)
    with pytest.raises(ValueError, match="expected 2 outputs a row"):
        regressor.partial_fit(X, Y)


def test_several_targets_and_dtypes():
    both = np.stack([X[:, 0], -X[:, 1]], axis=1)
    model = small(NetworkRegressor).fit(X, both)
    assert model.predict(X).shape == (120, 2)
    assert model.score(X, both) > 0.8
    narrow = small(NetworkRegressor, epochs=1).fit(X.astype(np.float32), Y)
    assert narrow.predict(X).dtype == np.float32


def test_early_stopping_holds_out_a_part():
    model = small(NetworkClassifier, validation_fraction=0.25, patience=3, epochs=500).fit(X, Y)
    assert model.history_.stopped_by == "early stopping"
    assert "val_loss" in model.history_


def test_every_optimizer_and_activation_goes_by_its_name():
    from gradproof import estimators

    for name in optim.optimizers.__all__:
        if isinstance(getattr(optim, name), type):
            before = small(NetworkClassifier, optimizer=name.lower(), epochs=1).fit(X, Y)
            assert type(before.optimizer_).__name__ == name
    for name in ("relu", "tanh", "sigmoid", "gelu", "leakyrelu", "prelu", "identity", "softplus"):
        small(NetworkClassifier, activation=name, epochs=1).fit(X, Y)
    assert estimators.__all__ == ["NetworkClassifier", "NetworkRegressor"]


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("hidden", 8, "expected a sequence of widths"),
        ("hidden", (8, 0), "hidden: expected an integer of 1 or more"),
        ("activation", "step", "activation: expected one of"),
        ("optimizer", "best", "optimizer: expected one of"),
        ("dropout", 1.0, "dropout: expected a finite number"),
        ("penalty", -1, "penalty: expected a finite number"),
        ("lr", -1, "lr"),
        ("epochs", 0, "epochs: expected an integer of 1"),
        ("batch_size", 0, "batch_size: expected an integer of 1"),
        ("validation_fraction", 2.0, "validation_split"),
        ("patience", -1, "patience"),
    ],
)
def test_options_are_checked_when_it_is_fitted_and_not_before(option, value, says):
    model = small(NetworkClassifier, validation_fraction=0.2).set_params(**{option: value})
    with pytest.raises(ConfigError, match=says):
        model.fit(X, Y)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_is_not_taken_for_an_end():
    pressed = []

    class Model(NetworkClassifier):
        def _criterion(self, reduction):
            if not pressed:
                pressed.append(os.kill(os.getpid(), signal.SIGINT))
            return super()._criterion(reduction)

    with pytest.raises(KeyboardInterrupt):
        Model(epochs=100_000).fit(X, Y)


def test_without_scikit_learn_the_extra_is_named():
    code = "import sys; sys.modules['sklearn'] = None\nimport gradproof.estimators"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip
    assert "MissingDependencyError" in done.stderr
    assert 'pip install "gradproof[data]"' in done.stderr
