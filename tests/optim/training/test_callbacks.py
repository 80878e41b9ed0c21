from __future__ import annotations

import numpy as np
import pytest

import optim
from autograd_core.errors import ConfigError


class Diary(optim.Callback):
    def __init__(self):
        self.lines = []

    def on_fit_begin(self, run):
        self.lines.append(f"fit {run.epochs} {run.batches} {run.monitors}")

    def on_epoch_begin(self, run):
        self.lines.append(f"epoch {run.epoch}")

    def on_batch_end(self, run):
        self.lines.append(f"batch {run.batch} {sorted(run.logs)}")

    def on_epoch_end(self, run):
        self.lines.append(f"end {run.epoch} {sorted(run.logs)} {run.history.epochs}")

    def on_fit_end(self, run):
        self.lines.append(f"done {run.stopped_by} {run.history.epochs}")


@pytest.fixture
def fit(tiny, criterion, train, validation):
    def run(callbacks, epochs=2, model=None, **options):
        model = model or tiny()
        options = {"validation": validation, "batch_size": 30, "progress": False, **options}
        return optim.fit(
            model,
            criterion,
            optim.SGD(model.parameters(), lr=0.1),
            train,
            epochs=epochs,
            rng=np.random.default_rng(0),
            callbacks=callbacks,
            **options,
        )

    return run


def test_callbacks_are_called_at_every_seam_in_order(fit):
    diary = Diary()
    fit([diary])
    row = "['error', 'loss', 'seconds', 'val_error', 'val_loss']"
    assert diary.lines == [
        "fit 2 2 ('loss', 'error', 'val_loss', 'val_error')",
        "epoch 1",
        "batch 1 ['loss']",
        "batch 2 ['loss']",
        f"end 1 {row} 0",
        "epoch 2",
        "batch 1 ['loss']",
        "batch 2 ['loss']",
        f"end 2 {row} 1",
        "done epochs 2",
    ]


def test_a_callback_that_does_nothing_is_one(fit):
    callback = optim.Callback()
    fit([callback])
    assert callback.state_dict() == {"arrays": {}, "scalars": {}}


def test_a_callback_may_end_the_run_and_the_first_reason_stands(fit):
    class Stop(optim.Callback):
        def __init__(self, reason):
            self.reason = reason

        def on_epoch_end(self, run):
            run.stop(self.reason)

    history = fit([Stop("this"), Stop("that")], epochs=9)
    assert (history.epochs, history.stopped_by) == (1, "this")


def test_numbers_that_a_callback_adds_are_recorded_and_can_be_monitored(fit):
    class Norm(optim.Callback):
        provides = ("norm",)

        def on_epoch_end(self, run):
            run.logs["norm"] = float(run.epoch)

    stopping = optim.EarlyStopping(monitor="norm", mode="max")
    history = fit([Norm(), stopping], epochs=3)
    assert history["norm"] == [1.0, 2.0, 3.0]
    assert stopping.best_epoch == 3


def test_a_callback_that_fails_ends_the_run_and_all_have_their_turn_at_the_end(fit):
    class Failing(optim.Callback):
        def on_epoch_end(self, run):
            raise RuntimeError("in the epoch")

        def on_fit_end(self, run):
            raise ValueError("at the end")

    diary = Diary()
    with pytest.raises(RuntimeError, match="in the epoch") as caught:
        fit([Failing(), diary])
    assert caught.value.__notes__ == ["and at the end of the run, in Failing: at the end"]
    assert diary.lines[-1] == "done RuntimeError 1"


def test_a_failure_at_the_end_alone_is_raised(fit):
    class Failing(optim.Callback):
        def on_fit_end(self, run):
            raise ValueError("at the end")

    diary = Diary()
    with pytest.raises(ValueError, match="at the end"):
        fit([Failing(), diary])
    assert diary.lines[-1] == "done epochs 2"


def test_one_that_is_given_twice_is_refused(fit):
    """It would count each epoch twice: half the patience."""
    stopping, other = optim.EarlyStopping(), optim.EarlyStopping()
    with pytest.raises(ConfigError, match=r"fit: callbacks: EarlyStopping.* is given twice"):
        fit([stopping, other, stopping])
    fit([stopping, other])


@pytest.mark.parametrize("given", [optim.EarlyStopping, print, 3])
def test_what_is_no_callback_is_refused(fit, given):
    with pytest.raises(
        ConfigError, match=r"fit: callbacks: expected objects derived from optim\.Callback"
    ):
        fit([given])


@pytest.mark.parametrize("make", [optim.Checkpoint, optim.CSVLogger, optim.TensorBoard])
def test_what_is_no_path_is_named(make):
    with pytest.raises(ConfigError, match=rf"^{make.__name__}.*: expected a path; received 3"):
        make(3)
