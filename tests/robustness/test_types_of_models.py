"""What an editor knows of models, losses and training: mypy reads a program as a user writes one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
from typing import assert_type
import numpy as np
import autograd_core as ag, nn, optim

class Scale(nn.Module):
    def __init__(self) -> None:
        self.w = nn.Parameter(np.ones(3))
    def forward(self, x: ag.Tensor, by: float = 1.0) -> ag.Tensor:
        return x * self.w * by

def criterion(outputs: ag.Tensor, targets: ag.Tensor) -> ag.Tensor:
    return nn.functional.mse_loss(outputs, targets)

model, x = nn.Sequential(nn.Linear(3, 4), nn.Dropout(rng=0)), np.ones((2, 3))
assert_type(model(x), ag.Tensor)
assert_type(nn.CrossEntropyLoss()(model(x), x), ag.Tensor)
assert_type(nn.functional.cross_entropy(model(x), x), ag.Tensor)
assert_type(nn.functional_call(model, dict(model.named_parameters()), x), ag.Tensor)
assert_type(nn.functional_call(model, {}, x, buffers=True), tuple[ag.Tensor, dict[str, ag.Tensor]])
assert_type(Scale()(x, by=2.0), ag.Tensor)
assert_type(model[1:], nn.Sequential)
assert_type(nn.ModuleList([nn.ReLU()]).append(nn.Tanh()), nn.ModuleList)
assert_type(model.requires_grad_(False).eval(), nn.Sequential)
assert_type(nn.data.digits().train, nn.data.Split)
history = optim.fit(
    model, criterion, optim.Adam(model.parameters()), (x, x), epochs=1, batch_size=2, rng=0,
    callbacks=optim.EarlyStopping(), regularizer=[nn.L2(0.1)], verbose=2,
)
assert_type(history["loss"], list[float])
optim.fit("model", criterion, 3, (x, x), epochs=1, batch_size=2)  # WRONG
nn.Linear("a", 3)  # WRONG
optim.fit(model, criterion, optim.SGD(model.parameters(), lr=0.1), (x, x), epochs=1)  # WRONG
"""


@pytest.mark.slow
def test_models_losses_and_training_are_typed(tmp_path):
    pytest.importorskip("mypy")
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), str(path)],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    wrong = {n for n, line in enumerate(PROGRAM.splitlines(), 1) if line.endswith("# WRONG")}
    found = {int(n) for n in re.findall(r"program\.py:(\d+): error", done.stdout)}
    assert found == wrong, done.stdout
