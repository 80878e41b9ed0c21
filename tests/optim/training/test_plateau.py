from __future__ import annotations

import numpy as np
import pytest

import optim
from autograd_core.errors import ConfigError


class Scripted(optim.Callback):
    """Decides what is measured, and notes the learning rates after each epoch."""

    provides = ("score",)

    def __init__(self, values):
        self.values = values

    def on_epoch_end(self, run):
        run.logs["score"] = self.values[run.epoch - 1]


class Rates(optim.Callback):
    def __init__(self):
        self.seen = []

    def on_epoch_end(self, run):
        self.seen.append([group.now("lr") for group in run.optimizer.param_groups])


@pytest.fixture
def rates(tiny, criterion, train):
    def run(values, lr=1.0, epochs=None, groups=1, options=None, **fit):
        model, seen = tiny(), Rates()
        params = model.parameters()
        split = [{"params": params[:1]}, {"params": params[1:], "lr": 0.25}]
        run.optimizer = optim.SGD(split if groups == 2 else params, lr=lr)
        plateau = optim.ReduceOnPlateau(
            **{"monitor": "score", "mode": "min", "patience": 2, "factor": 0.5, **(options or {})}
        )
        optim.fit(
            model, criterion, run.optimizer, train, epochs=epochs or len(values), batch_size=60,
            rng=np.random.default_rng(0), callbacks=[Scripted(values), plateau, seen], verbose=0,
            **fit,
        )  # fmt: skip
        run.plateau = plateau
        return seen.seen

    return run


def test_it_is_lowered_after_so_many_epochs_and_waits_anew(rates):
    found = rates([3.0, 2.0, 2.0, 2.5, 2.0, 2.0, 1.0, 1.5])
    assert [rate for (rate,) in found] == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25]
    assert (rates.plateau.best, rates.plateau.best_epoch, rates.plateau.waited) == (1.0, 7, 1)


def test_every_group_is_lowered_to_the_least_and_none_is_raised(rates):
    found = rates([1.0] * 7, groups=2, options={"patience": 1, "min_lr": 0.3})
    assert found == [[1, 0.25], [0.5, 0.25], *[[0.3, 0.25]] * 5]


def test_a_schedule_is_scaled(rates):
    schedule = optim.schedules.Linear(1.0)
    found = rates([1.0, 1.0, 1.0, 0.5], lr=schedule)
    # One update an epoch: after n of them it is 1/(n + 1), or half of it.
    np.testing.assert_allclose([rate for (rate,) in found], [1 / 2, 1 / 3, 1 / 8, 1 / 10])
    assert rates.optimizer.lr == schedule * 0.5


def test_a_run_goes_on_from_a_file(rates, tmp_path):
    values = [3.0, 3.0, 3.0, 3.0, 3.0, 2.0]
    whole = rates(values)
    rates(values, epochs=3, checkpoint=tmp_path / "run")
    assert rates(values, epochs=6, resume=tmp_path / "run") == whole[3:]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factor": 1.0}, r"ReduceOnPlateau: factor: expected a finite number in \(0, 1\)"),
        ({"patience": -1}, "ReduceOnPlateau: patience: expected an integer"),
        ({"min_lr": -1.0}, "ReduceOnPlateau: min_lr"),
        ({"monitor": "size", "mode": "auto"}, "ReduceOnPlateau: whether 'size' should be small or large"),
        ({"monitor": "val_loss"}, "ReduceOnPlateau: 'val_loss' will not be measured: there are no validation"),
    ],
)  # fmt: skip
def test_what_it_cannot_do_is_refused(rates, options, message):
    with pytest.raises(ConfigError, match=message):
        rates([1.0], options=options)


@pytest.mark.parametrize("callback", [optim.ReduceOnPlateau("loss"), optim.LearningRate()])
def test_an_optimizer_without_a_rate_is_refused_before_the_first_batch(
    callback, tiny, criterion, train
):
    model = tiny()
    before = [t.numpy().copy() for t in model.parameters()]
    optimizer = optim.Rprop(model.parameters())
    words = r"expected an optimizer with a learning rate, lr; received Rprop, which has .*delta0"
    with pytest.raises(ConfigError, match=f"{type(callback).__name__}: {words}"):
        optim.fit(
            model, criterion, optimizer, train, epochs=2, batch_size=8, rng=0, callbacks=[callback]
        )
    assert optimizer.updates == 0
    for t, old in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(t.numpy(), old)
