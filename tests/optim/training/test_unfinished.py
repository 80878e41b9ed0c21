"""A run that ends in the middle of an epoch in good order is saved there, and goes on with the next batch."""

from __future__ import annotations

import signal

import numpy as np
import pytest

import nn
import optim
from autograd_core import storage
from autograd_core.errors import StateError

X = np.random.default_rng(0).normal(size=(50, 4))
D = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)


class Sampler:
    """Remembers how often it was asked."""

    def __init__(self):
        self.calls = 0

    def __call__(self, count, rng):
        self.calls += 1
        return (np.arange(count) * 3 + self.calls) % count

    def state_dict(self):
        return {"calls": self.calls}

    def load_state_dict(self, state):
        self.calls = state["calls"]


class Loader:
    """Batches in an order that it draws for each pass."""

    def __init__(self):
        self.rng = np.random.default_rng(8)

    def __iter__(self):
        for rows in np.array_split(self.rng.permutation(50), 6):
            yield X[rows], D[rows]

    def state_dict(self):
        return {"arrays": {"none": np.zeros(2)}, "scalars": {"rng": self.rng.bit_generator.state}}

    def load_state_dict(self, state):
        self.rng.bit_generator.state = state["scalars"]["rng"]


def arrays(**options):
    return lambda: {"train": (X, D), "batch_size": 9, **options}


WAYS = {
    "permutation": arrays(),
    "with replacement": arrays(sampler=optim.with_replacement),
    "a sampler with a state": lambda: {**arrays()(), "sampler": Sampler()},
    "prefetched": arrays(prefetch=3),
    "accumulated": arrays(accumulate=2),
    "compiled": arrays(jit=True),
    "compiled and accumulated": arrays(jit=True, accumulate=3, prefetch=1),
    "split": arrays(validation_split=0.2),
    "weights": lambda: {
        "train": (X, D, np.arange(50) % 3), "batch_size": 9, "criterion": nn.CrossEntropyLoss(reduction="none"),
    },
    "a loader with a state": lambda: {"train": Loader()},
    "a loader with a state, prefetched": lambda: {"train": Loader(), "prefetch": 2, "accumulate": 2},
    "a list": lambda: {"train": [(X[i : i + 9], D[i : i + 9]) for i in range(0, 50, 9)]},
    "criterion of stopping": lambda: {**arrays()(), "callbacks": [optim.EarlyStopping("loss", criterion=optim.UP(2, 1))]},
    "judged by updates": lambda: {**arrays(validation=(X, D))(), "callbacks": [optim.EarlyStopping(patience=30, every=3)]},
    "converged": lambda: {**arrays()(), "callbacks": [optim.Converged(1e-9), optim.LearningRate(), optim.GradientFlow()]},
    "periodic": lambda: {**arrays(validation=(X, D))(), "callbacks": [optim.Periodic(4)]},
}  # fmt: skip


def fit(way, epochs=3, seed=0, extra=(), **more):
    rng = np.random.default_rng(4)
    model = nn.Sequential(
        nn.Linear(4, 6, rng=rng, dtype=np.float64), nn.BatchNorm1d(6, dtype=np.float64), nn.ReLU(),
        nn.Dropout(0.3, rng=rng), nn.Linear(6, 3, rng=rng, dtype=np.float64),
    )  # fmt: skip
    optimizer = optim.Adam(model.parameters(), lr=optim.schedules.Linear(0.05))
    options = {
        "criterion": nn.CrossEntropyLoss(),
        "metrics": ["accuracy", "f1"],
        **WAYS[way](),
        **more,
    }
    callbacks = [*options.pop("callbacks", []), *extra]
    history = optim.fit(
        model, options.pop("criterion"), optimizer, options.pop("train"), epochs=epochs,
        rng=np.random.default_rng(seed), verbose=0, callbacks=callbacks, **options,
    )  # fmt: skip
    history.pop("seconds", None)
    return model, optimizer, history, callbacks


class Stop(optim.Callback):
    """After some batch, once."""

    def __init__(self, epoch, batch):
        self.at = epoch, batch

    def on_batch_end(self, run):
        if (run.epoch, run.batch) >= self.at:
            run.stop("enough", now=True)


class Watch(optim.Callback):
    """Has every batch looked at, as Stop does."""

    def on_batch_end(self, run):
        pass


def same(first, second):
    (model, optimizer, history, callbacks), (other, others, later, those) = first, second
    ours, theirs = optimizer.state_dict(), others.state_dict()
    for mine, yours in (
        (model.state_dict(), other.state_dict()), (ours["arrays"], theirs["arrays"]), (history, later),
    ):  # fmt: skip
        assert mine.keys() == yours.keys()
        for name, values in mine.items():
            np.testing.assert_array_equal(values, yours[name], err_msg=name)
    assert ours["scalars"] == theirs["scalars"]
    for mine, yours in zip(callbacks, those, strict=False):
        assert str(mine.state_dict()) == str(yours.state_dict())
    return True


@pytest.mark.parametrize("way", WAYS)
def test_it_goes_on_bit_for_bit_from_where_it_was(way, tmp_path):
    path = tmp_path / "run"
    whole = fit(way, extra=[Watch()])
    for epoch, batch in ((1, 3), (2, 5)):
        stopped = fit(way, extra=[Stop(epoch, batch)], checkpoint=optim.Checkpoint(path, every=5))
        assert (stopped[2].stopped_by, stopped[2].epochs) == ("enough", epoch - 1)
        metadata = storage.load(path)[1]
        assert metadata["epoch"] == epoch - 1
        assert metadata["unfinished"]["batches"] >= batch
        assert same(whole, fit(way, seed=99 if way != "split" else 0, extra=[Watch()], resume=path))


def test_it_may_be_stopped_again_and_again(tmp_path):
    whole = fit("with replacement")
    checkpoint = optim.Checkpoint(tmp_path / "run", resume=True)
    for k in range(18):  # 6 updates an epoch
        at = 1 + k // 6, 1 + k % 6
        stopped = fit("with replacement", extra=[Stop(*at)], checkpoint=checkpoint)
        assert stopped[1].updates == k + 1
    assert same(whole, fit("with replacement", checkpoint=checkpoint))


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_saves_what_there_is_though_no_epoch_was_due(tmp_path):
    path = tmp_path / "run"

    class Press(optim.Callback):
        def on_batch_end(self, run):
            if (run.epoch, run.batch) == (2, 2):
                signal.raise_signal(signal.SIGINT)

    stopped = fit("permutation", extra=[Press()], checkpoint=optim.Checkpoint(path, every=10))
    assert (stopped[2].stopped_by, stopped[2].epochs) == ("Ctrl-C", 1)
    assert same(fit("permutation"), fit("permutation", resume=path))

    class PressLate(
        optim.Callback
    ):  # when the epoch is over, it is complete, and saved though not due
        def on_epoch_end(self, run):
            signal.raise_signal(signal.SIGINT)

    fit("permutation", extra=[PressLate()], checkpoint=optim.Checkpoint(path, every=10))
    assert storage.load(path)[1]["epoch"] == 1
    assert same(fit("permutation"), fit("permutation", resume=path))


def test_the_seam_may_lie_on_the_last_batch(tmp_path):
    path = tmp_path / "run"
    for way in ("permutation", "a list"):
        fit(way, extra=[Stop(1, 6)], checkpoint=path)
        assert storage.load(path)[1]["unfinished"]["batches"] == 6
        assert same(fit(way), fit(way, resume=path))


def test_a_state_of_a_sampler_that_the_run_lacks_is_named(tmp_path):
    path = tmp_path / "run"
    fit("a sampler with a state", checkpoint=path)
    with pytest.raises(
        StateError, match="train: the file has a state of a sampler or loader, this run no such"
    ):
        fit("permutation", resume=path)
    fit("a list", checkpoint=path)
    with pytest.raises(
        StateError, match="train: the file has no state of a sampler or loader, this run a such"
    ):
        fit("a loader with a state", resume=path)


def test_a_stop_now_is_a_stop_between_epochs_too():
    class AtTheEnd(optim.Callback):
        def on_epoch_end(self, run):
            run.stop("enough", now=True)

    history = fit("permutation", extra=[AtTheEnd()])[2]
    assert (history.epochs, history.stopped_by) == (1, "enough")
