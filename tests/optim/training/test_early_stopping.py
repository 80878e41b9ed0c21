from __future__ import annotations

import signal

import numpy as np
import pytest

import optim
from autograd_core.errors import ConfigError


class Scripted(optim.Callback):
    """Decides what is measured, and marks the weights of each epoch with its number."""

    provides = ("score",)

    def __init__(self, values):
        self.values = values

    def on_epoch_end(self, run):
        run.logs["score"] = self.values[run.epoch - 1]
        for t in run.model.tensors.values():
            if t.dtype.kind == "f":
                t.assign(np.full(t.shape, float(run.epoch)))


class At(optim.Callback):
    def __init__(self, epoch, action):
        self.epoch, self.action = epoch, action

    def on_epoch_end(self, run):
        if run.epoch == self.epoch:
            self.action(run)


@pytest.fixture
def fit(tiny, criterion, train):
    def run(values, *others, epochs=None, **options):
        model = tiny()
        stopping = optim.EarlyStopping(
            **{"monitor": "score", "mode": "min", "patience": 2, **options}
        )
        run.model, run.stopping = model, stopping
        run.history = None
        run.history = optim.fit(
            model,
            criterion,
            optim.SGD(model.parameters(), lr=0.1),
            train,
            epochs=len(values) if epochs is None else epochs,
            batch_size=60,
            rng=np.random.default_rng(0),
            callbacks=[Scripted(values), stopping, *others],
            verbose=0,
        )
        return run.history

    return run


def weights_are_of(model, epoch):
    """Parameters and buffers alike."""
    return all((t.numpy() == epoch).all() for t in model.tensors.values() if t.dtype.kind == "f")


def test_it_stops_after_patience_epochs_without_improvement(fit):
    history = fit([5, 4, 3, 4, 3, 2, 1])
    assert (history.epochs, history.stopped_by, history.best_epoch) == (5, "early stopping", 3)
    assert (fit.stopping.best, fit.stopping.best_epoch) == (3.0, 3)
    assert weights_are_of(fit.model, 3)


def test_larger_can_be_better(fit):
    history = fit([1, 5, 4, 3, 9], mode="max")
    assert (history.epochs, history.best_epoch) == (4, 2)


def test_an_improvement_below_min_delta_is_none(fit):
    assert fit([5, 4.9, 4.8, 4.0], min_delta=0.5).epochs == 3
    assert fit.stopping.best_epoch == 1
    assert fit([5, 4.4, 3.8, 3.2], min_delta=0.5).epochs == 4


def test_nan_is_no_improvement(fit):
    nan = float("nan")
    assert fit([nan, nan, 1]).epochs == 2
    assert fit([2, nan, 1, 3]).epochs == 4
    assert fit.stopping.best_epoch == 3


def interrupt(run):
    signal.raise_signal(signal.SIGINT)


def fail(run):
    raise RuntimeError("elsewhere")


ENDS = {
    "it stops the run": ([5, 1, 2, 3, 4], [], "early stopping"),
    "the epochs are used up": ([5, 1, 2], [], "epochs"),
    "another callback stops the run": (
        [5, 1, 2, 0],
        [At(3, lambda run: run.stop("enough"))],
        "enough",
    ),
    "Ctrl-C is pressed": ([5, 1, 2, 0], [At(3, interrupt)], "Ctrl-C"),
    "another callback fails": ([5, 1, 2, 0], [At(3, fail)], None),
}


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("end", ENDS)
def test_the_best_weights_come_back_when(fit, end):
    values, others, reason = ENDS[end]
    if reason is None:
        with pytest.raises(RuntimeError, match="elsewhere"):
            fit(values, *others)
    else:
        assert fit(values, *others).stopped_by == reason
    assert weights_are_of(fit.model, 2)


def test_the_last_weights_stay_if_that_is_wanted(fit):
    fit([5, 1, 2, 3], restore_best=False)
    assert weights_are_of(fit.model, 4)
    assert fit.stopping.state_dict()["arrays"] == {}


def test_without_any_epoch_the_weights_stay(fit, tiny):
    fit([5], epochs=0)
    for name, values in tiny().state_dict().items():
        np.testing.assert_array_equal(fit.model.tensors[name].numpy(), values)


def test_it_begins_anew_with_every_run(tiny, criterion, train, validation):
    stopping = optim.EarlyStopping(patience=1)
    model = tiny()
    for lr in (0.5, 0.0):
        history = optim.fit(
            model, criterion, optim.SGD(model.parameters(), lr=lr), train, validation=validation, epochs=2,
            batch_size=60, rng=np.random.default_rng(0), callbacks=[stopping], verbose=0,
        )  # fmt: skip
        assert stopping.best == history["val_loss"][stopping.best_epoch - 1]


def test_held_out_data_are_needed_for_a_held_out_monitor(fit):
    with pytest.raises(
        ConfigError,
        match=r"EarlyStopping: 'val_loss' will not be measured: there are no validation data. Expected "
        r"one of loss, error, score. Pass fit\(..., validation=...\)",
    ):
        fit([1.0], monitor="val_loss")


def test_an_unknown_monitor_is_refused_with_those_that_there_are(fit):
    with pytest.raises(
        ConfigError, match=r"'accuracy' will not be measured\. Expected one of loss, error, score"
    ):
        fit([1.0], monitor="accuracy")


def test_a_promise_that_a_callback_does_not_keep_is_named(fit):
    class Promising(optim.Callback):
        provides = ("other",)

    with pytest.raises(
        ConfigError, match=r"'other' was not measured in epoch 1\. Expected one of loss"
    ):
        fit([1.0], Promising(), monitor="other")


@pytest.mark.parametrize(
    ("monitor", "mode"),
    [
        ("val_loss", "min"),
        ("val_error", "min"),
        ("val_binary_crossentropy", "min"),
        ("val_accuracy", "max"),
    ],
)
def test_the_direction_shows_in_the_name(monitor, mode):
    assert optim.EarlyStopping(monitor, patience=200).mode == mode


def test_a_direction_that_does_not_show_must_be_said():
    with pytest.raises(
        ConfigError, match=r"whether 'size' should be small or large.*Pass mode=.min"
    ):
        optim.EarlyStopping("size")
    assert optim.EarlyStopping("size", mode="max").mode == "max"


@pytest.mark.parametrize("mode", ["auto", "min"])
@pytest.mark.parametrize("kind", [optim.EarlyStopping, optim.ReduceOnPlateau])
def test_what_is_no_name_is_told(kind, mode):
    with pytest.raises(
        ConfigError, match=f"{kind.__name__}: monitor: expected the name .*received 3"
    ):
        kind(3, mode=mode)
    with pytest.raises(ConfigError, match=r"Converged: monitor: expected the name .*received None"):
        optim.Converged(0.1, None)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"patience": -1}, "patience: expected an integer of 0 or more; received -1"),
        ({"patience": 2.5}, "patience"),
        ({"patience": True}, "patience"),
        ({"min_delta": -1}, "min_delta: expected a finite number"),
        ({"mode": "up"}, "mode: expected one of 'auto', 'min', 'max'"),
    ],
)
def test_options_outside_their_range_are_refused(option, message):
    with pytest.raises(ConfigError, match=f"EarlyStopping: {message}"):
        optim.EarlyStopping(**option)
