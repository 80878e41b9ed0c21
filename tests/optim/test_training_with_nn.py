"""The whole slice on real layers: batch norm, dropout, L2, early stopping, resume."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim


def build(seed=0):
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Linear(64, 32, rng=rng),
        nn.BatchNorm1d(32),
        nn.ReLU(),
        nn.Dropout(0.2, rng=rng),
        nn.Linear(32, 10, rng=rng),
    )


@pytest.fixture(scope="module")
def digits():
    pytest.importorskip("sklearn")
    return nn.data.digits(rng=np.random.default_rng(0))


def run(model, optimizer, digits, epochs, **options):
    return optim.fit(
        model,
        nn.CrossEntropyLoss(),
        optimizer,
        digits.train,
        validation=digits.validation,
        epochs=epochs,
        batch_size=64,
        rng=np.random.default_rng(1),
        regularizer=nn.L2(1e-4),
        callbacks=[optim.EarlyStopping(patience=5)],
        verbose=0,
        **options,
    )


def test_a_network_learns_handwritten_digits(digits):
    model = build()
    history = run(model, optim.Adam(model.parameters(), lr=3e-3), digits, 15)
    assert optim.evaluate(model, nn.CrossEntropyLoss(), digits.test)["error"] < 0.06
    best = history.best_epoch
    again = optim.evaluate(model, nn.CrossEntropyLoss(), digits.validation, batch_size=256)
    assert again["loss"] == history["val_loss"][best - 1]
    assert model.training


def test_a_resumed_run_draws_the_same_masks_and_ends_bit_for_bit_alike(digits, tmp_path):
    states = []
    for cuts in ([4], [2, 4], [1, 3, 4]):
        for n, epochs in enumerate(cuts):
            model = build()
            optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
            path = tmp_path / str(len(cuts))
            run(model, optimizer, digits, epochs, checkpoint=path, resume=path if n else None)
        states.append({**model.state_dict(), **optimizer.state_dict()["arrays"]})
    for other in states[1:]:
        for name, values in states[0].items():
            np.testing.assert_array_equal(values, other[name])


def test_a_last_batch_of_one_does_not_meet_batch_norm(digits):
    model = build()
    few = nn.data.Split(*(part[:65] for part in digits.train))
    optim.fit(
        model,
        nn.CrossEntropyLoss(),
        optim.SGD(model.parameters(), lr=0.1),
        few,
        epochs=1,
        batch_size=64,
        rng=np.random.default_rng(0),
        verbose=0,
    )


def test_biases_and_scales_can_be_left_out_of_weight_decay():
    model = build()
    weights = [t for t in model.parameters() if t.ndim > 1]
    rest = [t for t in model.parameters() if t.ndim == 1]
    optimizer = optim.SGD([{"params": weights, "weight_decay": 0.5}, {"params": rest}], lr=0.1)
    before = model.state_dict()
    for t in model.parameters():
        t.grad = t.detach() * 0.0
    optimizer.step()
    for name, values in model.state_dict().items():
        decayed = values.ndim > 1
        np.testing.assert_allclose(
            values, before[name] * np.float32(0.95 if decayed else 1), rtol=1e-6
        )


def test_the_optimizer_of_the_readme_runs():
    text = (Path(optim.__file__).parent / "README.md").read_text(encoding="utf-8")
    (code,) = [
        c for c in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "class SignDescent" in c
    ]
    space = {}
    exec(code, space)
    w = ag.tensor([1.0, -2.0], requires_grad=True)
    optimizer = space["SignDescent"]([w], lr=0.5)
    (w * w).sum().backward()
    optimizer.step()
    assert w.tolist() == [0.5, -1.5]
