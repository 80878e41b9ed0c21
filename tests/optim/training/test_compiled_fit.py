"""fit(jit=True): the same run, compiled."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.errors import AnomalyError, DataError, GraphError


def data(count=45, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 4)).astype(np.float64)
    return x, (x[:, 0] + 0.5 * x[:, 1] > 0).astype(np.int64) + (x[:, 2] > 1)


def model_of(dtype=np.float64):
    rng = np.random.default_rng(1)
    return nn.Sequential(
        nn.Linear(4, 8, rng=rng, dtype=dtype),
        nn.BatchNorm1d(8, dtype=dtype),
        nn.ReLU(),
        nn.Dropout(0.2, rng=rng),
        nn.Linear(8, 3, rng=rng, dtype=dtype),
    )


def run(jit, train=None, **options):
    model = model_of()
    optimizer = options.pop("optimizer", optim.SGD)(model.parameters(), lr=options.pop("lr", 0.05))
    settings = {
        "epochs": 4,
        "batch_size": 16,
        "rng": np.random.default_rng(2),
        "progress": False,
        "criterion": nn.CrossEntropyLoss(),
        **options,
    }
    history = optim.fit(
        model, settings.pop("criterion"), optimizer, train or data(), jit=jit, **settings
    )
    return model, optimizer, history


@pytest.mark.parametrize("last_batch", ["merge", "keep", "drop", "pad"])
def test_the_same_run_to_rounding(last_batch):
    seen = [[], []]

    class Notes(optim.Callback):
        def __init__(self, where):
            self.where = where

        def on_batch_end(self, run):
            self.where.append((run.epoch, run.batch, round(run.logs["loss"], 8)))

    found = [
        run(
            jit,
            validation=data(20, 1),
            last_batch=last_batch,
            regularizer=nn.L2(1e-3) if hasattr(nn, "L2") else None,
            callbacks=[Notes(seen[jit])],
        )
        for jit in (False, True)
    ]
    histories = [dict(history) for _, _, history in found]
    for history in histories:
        del history["seconds"]
    assert histories[0].keys() == histories[1].keys()
    for name, column in histories[0].items():
        np.testing.assert_allclose(histories[1][name], column, rtol=1e-9, err_msg=name)
    assert seen[0] == seen[1]
    for name, values in found[0][0].state_dict().items():
        np.testing.assert_allclose(found[1][0].state_dict()[name], values, rtol=1e-8, atol=1e-12)
    assert found[1][1].updates == found[0][1].updates


def test_early_stopping_and_a_changed_rate():
    class Halve(optim.Callback):
        def on_epoch_end(self, run):
            run.optimizer.lr *= 0.5

    found = [
        run(
            jit,
            validation=data(20, 1),
            epochs=30,
            lr=0.5,
            callbacks=[Halve(), optim.EarlyStopping(patience=2)],
        )
        for jit in (False, True)
    ]
    assert found[0][2].stopped_by == found[1][2].stopped_by
    np.testing.assert_allclose(found[1][2]["val_loss"], found[0][2]["val_loss"], rtol=1e-8)
    for name, values in found[0][0].state_dict().items():
        np.testing.assert_allclose(found[1][0].state_dict()[name], values, rtol=1e-7, atol=1e-10)


def test_a_loss_that_is_not_finite():
    x, _ = data()
    texts, parameters = [], []
    for jit in (False, True):
        model = model_of()
        optimizer = optim.SGD(model.parameters(), lr=0.05)

        def criterion(outputs, targets):
            return ag.mean(ag.square(outputs)) * ag.mean(ag.exp(targets))

        targets = np.where(np.arange(45) == 20, 1e4, 0.0)
        with np.errstate(all="ignore"), pytest.raises(AnomalyError) as found:
            optim.fit(
                model, criterion, optimizer, (x, targets), epochs=2, batch_size=16, verbose=0,
                rng=np.random.default_rng(0), sampler=optim.in_order, jit=jit,
            )  # fmt: skip
        texts.append(str(found.value))
        parameters.append([np.array(p.numpy()) for p in model.parameters()])
    assert texts[0] == texts[1]
    assert "fit: the loss is inf in epoch 1, batch 2 of 3" in texts[0]
    for a, b in zip(*parameters, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-15)


def test_a_gradient_that_is_not_finite_says_where():
    x, d = data()

    def criterion(outputs, targets):
        # The slope of the root at 0 is infinite, the value is not.
        return ag.mean(ag.sqrt(ag.square(outputs - outputs)))

    notes = []
    for jit in (False, True):
        with (
            np.errstate(all="ignore"),
            pytest.raises(AnomalyError, match="is not finite in") as found,
        ):
            run(jit, (x, d), criterion=criterion, epochs=1, metrics={})
        notes.append(found.value.__notes__)
    assert notes[0] == notes[1] == ["In fit, epoch 1, batch 1 of 3."]


def test_a_label_that_is_no_class():
    x, d = data()
    d = d.copy()
    d[7] = 3
    with pytest.raises(DataError, match=r"labels from 0 to 2 for 3 logits; received 3"):
        run(True, (x, d))


def test_gradients_are_consumed():
    model, _, _ = run(True, epochs=1)
    with pytest.raises(GraphError, match="consumed"):
        _ = next(model.parameters()).grad


def test_a_run_goes_on_from_a_checkpoint(tmp_path):
    _, _, whole = run(True, epochs=4, optimizer=optim.Adam)
    path = tmp_path / "run.safetensors"
    run(True, epochs=2, optimizer=optim.Adam, checkpoint=path)
    _, optimizer, history = run(True, epochs=4, optimizer=optim.Adam, resume=path)
    np.testing.assert_allclose(history["loss"], whole["loss"], rtol=1e-12)
    assert optimizer.updates == 12


def test_a_criterion_of_the_users_that_reads_a_variable():
    weight = 1.0
    found = []

    class Change(optim.Callback):
        def on_epoch_end(self, run):
            nonlocal weight
            weight = 3.0

    for jit in (False, True):
        weight = 1.0
        loss = nn.CrossEntropyLoss()
        found.append(
            run(jit, criterion=lambda y, d: weight * loss(y, d), callbacks=[Change()])[2]["loss"]  # noqa: B023
        )
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9)
