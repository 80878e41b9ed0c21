"""What is built here lives on elsewhere: copies, other processes, the installed wheel."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from gradproof import guard

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (*guard.PACKAGES, "gradproof")


def in_a_script(tmp_path, text):
    """Run a program as a file of its own, which `spawn` needs; returns what it prints."""
    script = tmp_path / "script.py"
    script.write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


WORK = """
import numpy as np
import autograd_core as ag, nn, optim

def model(seed):
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Linear(4, 8, rng=rng), nn.BatchNorm1d(8), nn.Dropout(0.2, rng=rng), nn.Linear(8, 3, rng=rng))

def work(job):
    # Two steps on a model and a leaf that came from another process.
    net, optimizer, leaf = job
    assert (leaf.requires_grad, leaf.name, leaf.role) == (True, "scale", "parameter")
    x = np.random.default_rng(9).normal(size=(6, 4)).astype(np.float32)
    for _ in range(2):
        optimizer.zero_grad()
        loss = ((net(x) * leaf) ** 2).sum()
        loss.backward()
        optimizer.step()
    return net, leaf.grad, loss.detach()

def job(seed):
    net = model(seed)
    return net, optim.Adam(net.parameters(), lr=0.1), ag.tensor(np.float32(1.5), requires_grad=True, name="scale", role="parameter")

def text(result):
    net, grad, loss = result
    return [grad.item(), loss.item()] + [v.tobytes().hex() for v in net.state_dict().values()]

def check(results):
    print([text(r) for r in results] == [text(work(job(seed))) for seed in range(3)])
"""


def test_models_optimizers_and_tensors_go_to_spawned_processes_and_back(tmp_path):
    script = (
        WORK
        + """
import multiprocessing

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        check(pool.map(work, map(job, range(3))))
"""
    )
    assert in_a_script(tmp_path, script) == "True\n"


def test_they_go_through_joblib(tmp_path):
    pytest.importorskip("joblib")
    script = (
        WORK
        + """
import joblib

if __name__ == "__main__":
    check(joblib.Parallel(2)(joblib.delayed(work)(job(seed)) for seed in range(3)))
"""
    )
    assert in_a_script(tmp_path, script) == "True\n"


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))],
    ids=["deepcopy", "pickle"],
)
@pytest.mark.parametrize("before", [0, 3])
@pytest.mark.parametrize("make", [optim.SGD, optim.Adam])
def test_a_copied_run_goes_on_by_itself(copied, before, make):
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Linear(4, 8, rng=rng), nn.ReLU(), nn.Dropout(0.3, rng=rng), nn.Linear(8, 3, rng=rng)
    )
    optimizer = make(model.parameters(), lr=0.1)
    x = rng.normal(size=(5, 4)).astype(np.float32)

    def steps(model, optimizer, n):
        for _ in range(n):
            optimizer.zero_grad()
            (model(x) ** 2).sum().backward()
            optimizer.step()
        return {name: value.tobytes() for name, value in model.state_dict().items()}

    start = steps(model, optimizer, before)
    twin, twin_optimizer = copied((model, optimizer))
    moved = steps(twin, twin_optimizer, 2)
    assert steps(model, optimizer, 0) == start  # the copy's steps have not touched it
    assert moved != start
    assert steps(model, optimizer, 2) == moved


def test_a_history_is_not_pickled_in_silence():
    x = ag.tensor([1.0], requires_grad=True)
    with pytest.raises(ag.GraphError, match=r"detach"):
        pickle.dumps(x * 2.0)
    assert pickle.loads(pickle.dumps((x * 2.0).detach())).item() == 2.0


def test_every_package_says_that_it_is_typed():
    assert all((ROOT / package / "py.typed").is_file() for package in PACKAGES)


def test_the_wheel_holds_the_packages_with_their_types(tmp_path):
    pytest.importorskip("hatchling")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    top = {name.split("/")[0] for name in names}
    assert {t for t in top if not t.endswith(".dist-info")} == set(PACKAGES)
    sources = {p.relative_to(ROOT).as_posix() for q in PACKAGES for p in (ROOT / q).rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == sources
