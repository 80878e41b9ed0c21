"""Data-parallel training: ranks that mpiexec starts make the run of one process, or an error."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

import optim
from autograd_core.errors import ConfigError, MissingDependencyError

pytest.importorskip("mpi4py")
ROOT = Path(__file__).resolve().parents[3]
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))  # fmt: skip
needs_mpiexec = pytest.mark.skipif(MPIEXEC is None, reason="there is no mpiexec")
LIMIT = 240  # seconds: a hang is a failure

HEAD = """
import json, os, signal, sys, time
import numpy as np
import autograd_core as ag, nn, optim
from autograd_core.errors import *

def data(count=53):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 5))
    return x, (x[:, 0] + 0.5 * x[:, 1] > 0).astype(np.int64) + (x[:, 2] > 1)

def network(*noise, seed=1):
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Linear(5, 8, rng=rng, dtype=np.float64), nn.Tanh(), *noise,
                         nn.Linear(8, 3, rng=rng, dtype=np.float64))

def trained(parallel, model=None, optimizer=None, epochs=25, batch_size=16, rng=3, **options):
    model = model or network()
    optimizer = optimizer or optim.Adam(model.parameters(), lr=0.01)
    options = {"validation": data(20), "regularizer": nn.L2(1e-3), "metrics": {"error": optim.error_rate},
               "last_batch": "keep", **options}
    history = optim.fit(model, nn.CrossEntropyLoss(), optimizer, data(), epochs=epochs,
                        batch_size=batch_size, rng=rng, parallel=parallel, **options)
    return model, history

def flat(model):
    return np.concatenate([t.numpy().reshape(-1) for t in model.parameters()])

team = optim.MPI(timeout=60)
rank, size = team.rank, team.size

def same_everywhere(array):
    return team.same(np.asarray(array).tobytes()) == np.asarray(array).tobytes()
"""


def ranks(body, tmp_path, count=2):
    """What a program prints, run in so many ranks, and its exit status."""
    program = tmp_path / "program.py"
    program.write_text(HEAD + textwrap.dedent(body))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [MPIEXEC, "-n", str(count), sys.executable, "-W", "error", str(program)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def told(body, tmp_path, count=2):
    """The JSON that rank 0 prints last."""
    status, out, err = ranks(body, tmp_path, count)
    assert status == 0, out + err
    return json.loads(out.strip().splitlines()[-1])


EQUAL = """
found = {}
ways = {
    "plain": {},
    "compiled": {"jit": True},
    "clipped, frozen": {"clip": True, "frozen": True},
    "uneven": {"batch_size": 7, "epochs": 13},  # 53 examples in batches of 7 and one of 4; of 7 the ranks have 4 and 3
    "compares losses": {"optimizer": "Rprop", "epochs": 100, "batch_size": 53},
    "single": {"batch_size": 1, "epochs": 2},  # one rank has nothing at all
}
for name in chosen or ways:
    options = ways[name]
    runs = []
    for parallel in (team, None):
        model = network(seed=1 if parallel is None else 1 + rank)  # only rank 0 begins as one process
        if options.get("frozen"):
            model[0].bias.requires_grad_(False)
        transforms = [optim.ClipByNorm(0.1)] if options.get("clip") else []
        if options.get("optimizer"):
            optimizer = optim.Rprop(model.parameters(), form="irprop+")
        else:
            optimizer = optim.Adam(model.parameters(), lr=0.01, transforms=transforms)
        rest = {k: v for k, v in options.items() if k not in ("clip", "frozen", "optimizer")}
        runs.append(trained(parallel, model, optimizer, **rest))
    (shared, of_shared), (alone, of_alone) = runs
    found[name] = {
        "updates": of_shared.epochs * -(-53 // options.get("batch_size", 16)),
        "weights": float(np.abs(flat(shared) - flat(alone)).max()),
        "moved": float(np.abs(flat(alone) - flat(network())).max()),
        "history": max(float(np.abs(np.subtract(of_shared[c], of_alone[c])).max()) for c in of_alone if c != "seconds"),
        "columns": list(of_shared) == list(of_alone),
        "everywhere": same_everywhere(flat(shared)) and same_everywhere(of_shared["val_loss"]),
    }
if rank == 0:
    print(json.dumps(found))
"""


SOME = ["uneven", "single"]


@needs_mpiexec
@pytest.mark.parametrize(
    ("count", "chosen"),
    [(2, SOME), *(pytest.param(n, [], marks=pytest.mark.slow) for n in (2, 3))],
    ids=["2-some", "2-all", "3-all"],
)
def test_ranks_make_the_run_of_one_process(tmp_path, count, chosen):
    for name, found in told(f"chosen = {chosen}\n{EQUAL}", tmp_path, count).items():
        assert found["updates"] >= 100, name
        assert found["moved"] > 0.1, name
        assert found["weights"] < 1e-12, (name, found)
        assert found["history"] < 1e-12, (name, found)
        assert found["columns"], name
        assert found["everywhere"], name


OPTIONS = """
x, y = data()
weights = np.random.default_rng(0).integers(0, 3, len(x)).astype(float)
each = nn.CrossEntropyLoss(reduction="none")
ways = {
    "weights": dict(train=(x, y, weights), criterion=each, batch_size=7),
    "weights, compiled": dict(train=(x, y, weights), criterion=each, batch_size=7, jit=True),
    "accumulated": dict(batch_size=7, accumulate=3, regularizer=nn.L2(0.01)),
    "prefetched": dict(batch_size=7, prefetch=2),
    "batches": dict(train=[(x[:20], y[:20]), (x[20:23], y[20:23]), (x[23:], y[23:])]),
    "split": dict(batch_size=16, validation_split=0.3, metrics=["accuracy", "f1"]),
    "clipped, constrained": dict(batch_size=16, clip=0.1, constraint=nn.MaxNorm(0.5)),
    "with replacement": dict(batch_size=4, sampler=optim.with_replacement),
    "callbacks": dict(batch_size=16, validation=(x[:20], y[:20]), epochs=30, callbacks=[
        optim.GradientFlow(), optim.EarlyStopping(patience=2), optim.ReduceOnPlateau(patience=1)]),
    "norms": dict(batch_size=16, optimizer=lambda params: optim.LAMB(params, lr=0.01)),
}
found = {}
for name, options in ways.items():
    runs = []
    for parallel in (team, None):
        given = {"train": (x, y), "criterion": nn.CrossEntropyLoss(), "epochs": 8,
                 "optimizer": lambda params: optim.Adam(params, lr=0.01), **options}
        model = network()
        optimizer = given.pop("optimizer")(model.parameters())
        history = optim.fit(model, given.pop("criterion"), optimizer, given.pop("train"), rng=3, parallel=parallel, **given)
        runs.append((flat(model), history))
    (weights_of, history), (expected, alone) = runs
    found[name] = [float(np.abs(weights_of - expected).max()), list(history) == list(alone), history.epochs == alone.epochs,
                   max(float(np.abs(np.subtract(history[c], alone[c])).max()) for c in alone if c != "seconds")]
if rank == 0:
    print(json.dumps(found))
"""


@needs_mpiexec
@pytest.mark.slow
def test_ranks_make_the_run_of_one_process_whatever_fit_is_asked_for(tmp_path):
    for name, (weights, columns, epochs, history) in told(OPTIONS, tmp_path).items():
        assert weights < 1e-12, name
        assert history < 1e-12, name
        assert columns, name
        assert epochs, name


@needs_mpiexec
def test_batch_statistics_and_masks_are_each_ranks_own_and_buffers_are_averaged(tmp_path):
    found = told(
        """
        class Seen(optim.Callback):
            masks, counters, before, after = [], [], [], []
            def on_batch_end(self, run):
                dropout = run.model[3]
                self.masks.append(dropout.key.numpy().tolist())
                Seen.before = np.array(run.model[2].running_mean.numpy())
            def on_epoch_end(self, run):
                Seen.after = np.array(run.model[2].running_mean.numpy())

        def noisy(seed):
            return network(nn.BatchNorm1d(8, dtype=np.float64), nn.Dropout(0.5, rng=seed))
        model, history = trained(team, noisy(rank), epochs=3, last_batch="drop", callbacks=Seen())
        sums = np.array(Seen.before)
        team.sum(sums)
        keys = [None] * size
        own = np.array(Seen.masks[-1], np.uint64)
        first = team.same(own)
        state = model.state_dict()
        alone, _ = trained(None, noisy(0), epochs=3, last_batch="drop")
        result = {
            "mean": float(np.abs(sums / size - Seen.after).max()),
            "apart": float(np.abs(Seen.before - Seen.after).max()),
            "keys_differ": rank == 0 or not np.array_equal(first, own),
            "weights_everywhere": same_everywhere(flat(model)),
            "state_everywhere": all(same_everywhere(a) for a in state.values()),
            "key_is_as_it_was": np.array_equal(state["3.key"], noisy(0).state_dict()["3.key"]) or rank > 0,
            "other_run": float(np.abs(flat(model) - flat(alone)).max()),
            "counters": int(state["3.counter"]),
        }
        results = [team.same(result)]
        if rank == 1:
            assert result["keys_differ"], result
        if rank == 0:
            print(json.dumps(result))
        """,
        tmp_path,
    )
    assert found["mean"] < 1e-15
    assert found["apart"] > 1e-6
    assert found["weights_everywhere"]
    assert found["state_everywhere"]
    assert found["key_is_as_it_was"]
    assert found["other_run"] > 1e-6  # which is what differs from one process
    assert found["counters"] == 9


@needs_mpiexec
@pytest.mark.slow
def test_rank_0_writes_the_checkpoint_and_a_resumed_run_is_the_uninterrupted_one(tmp_path):
    found = told(
        """
        def noisy(seed):
            return network(nn.BatchNorm1d(8, dtype=np.float64), nn.Dropout(0.5, rng=seed), seed=seed)
        def go(epochs, seed=0, **options):
            callbacks = [optim.EarlyStopping(patience=50), optim.ReduceOnPlateau(patience=2)]
            return trained(team, noisy(seed + rank), epochs=epochs, last_batch="drop", callbacks=callbacks,
                           rng=np.random.default_rng(5 + rank), **options)
        whole, of_whole = go(6)
        go(3, checkpoint="run.safetensors")
        # In the resumed one nothing else is alike: all of it comes from the file, by way of rank 0.
        again, of_again = go(6, seed=7, resume="run.safetensors" if rank == 0 else "nowhere")
        same = [np.array_equal(a, b) for a, b in zip(whole.state_dict().values(), again.state_dict().values())]
        if rank == 0:
            print(json.dumps([all(same), of_whole["val_loss"] == of_again["val_loss"], of_again.epochs]))
        """,
        tmp_path,
    )
    assert found == [True, True, 6]
    assert [p.name for p in tmp_path.glob("run*")] == ["run.safetensors"]


FAILURES = {
    "criterion in rank 1": "def on_batch_end(self, run):\n        if rank == 1: raise ValueError('no more')",
    "epoch's end in rank 0": "def on_epoch_end(self, run):\n        if rank == 0: raise OSError('disk full')",
    "stopped by the clock in rank 1": "def on_epoch_end(self, run):\n        if rank == 1: run.stop('clock')",
    "weights that drift apart": "def on_batch_end(self, run):\n        run.model[0].weight.assign(run.model[0].weight.detach() + rank)",
}


@needs_mpiexec
def test_an_error_in_one_rank_is_a_named_one_in_all_and_they_may_go_on(tmp_path):
    body = "found = {}\n"
    for name, method in FAILURES.items():
        body += f"""
class Fails(optim.Callback):
    {method}
try:
    _, history = trained(team, epochs=3, callbacks=Fails())
    found[{name!r}] = [history.epochs, history.stopped_by]
except Exception as error:
    found[{name!r}] = [type(error).__name__, str(error)]
"""
    body += """
try:  # a loss that is no number in one part of a batch
    x, y = data()
    criterion = nn.CrossEntropyLoss()
    model = network()
    def loss(outputs, targets):
        return criterion(outputs, targets) * (np.nan if rank == 1 else 1.0)
    optim.fit(model, loss, optim.SGD(model.parameters(), lr=0.1), (x, y), epochs=1, batch_size=16, rng=0, parallel=team)
except Exception as error:
    found["nan"] = [type(error).__name__, str(error)]
try:
    trained(team, batch_size=16 + rank)
except Exception as error:
    found["arguments"] = [type(error).__name__, str(error)]
model, history = trained(team, epochs=2)
found["after"] = [history.epochs, same_everywhere(flat(model))]
if rank == 0:
    print(json.dumps(found))
else:
    json.dump(found, open("rank1.json", "w"))
"""
    zero = told(body, tmp_path)
    one = json.loads((tmp_path / "rank1.json").read_text())
    assert zero["criterion in rank 1"][0] == "WorkerError"
    assert "rank 1 of 2 failed with ValueError: no more" in zero["criterion in rank 1"][1]
    assert one["criterion in rank 1"] == ["ValueError", "no more"]
    assert zero["epoch's end in rank 0"] == ["OSError", "disk full"]
    assert "rank 0 of 2 failed with OSError: disk full" in one["epoch's end in rank 0"][1]
    # Only rank 0's reasons count: they are the same in all.
    assert (
        zero["stopped by the clock in rank 1"]
        == one["stopped by the clock in rank 1"]
        == [3, "epochs"]
    )
    for found in (zero, one):
        assert found["weights that drift apart"][0] == "StateError"
        assert "not those of rank 0" in found["weights that drift apart"][1]
        assert found["nan"][0] == "AnomalyError"
        assert "the loss is nan in epoch 1, batch 1 of 4" in found["nan"][1]
        assert found["after"] == [2, True]
    assert one["arguments"][0] == "ConfigError"
    assert "rank 1 was given other arguments than rank 0: batch_size" in one["arguments"][1]
    assert zero["arguments"][0] == "WorkerError"


@needs_mpiexec
@pytest.mark.parametrize(
    ("death", "says"),
    [
        pytest.param("os.kill(os.getpid(), signal.SIGKILL)", "", id="killed"),
        pytest.param(
            "raise RuntimeError('out of memory')",
            "out of memory",
            id="raises",
            marks=pytest.mark.slow,
        ),
        pytest.param("os._exit(3)", "", id="leaves", marks=pytest.mark.slow),
        pytest.param("time.sleep(600)", "waited 2 seconds", id="hangs", marks=pytest.mark.slow),
    ],
)
def test_a_rank_that_dies_ends_in_an_error_and_in_no_hang(tmp_path, death, says):
    began = time.monotonic()
    status, out, err = ranks(
        f"""
        class Dies(optim.Callback):
            def on_batch_end(self, run):
                if rank == 1 and run.epoch == 2:
                    {death}
        trained(optim.MPI(timeout=2), callbacks=Dies(), epochs=100)
        print("went on")
        """,
        tmp_path,
    )
    assert status != 0
    assert "went on" not in out
    assert says in out + err
    assert time.monotonic() - began < 60


@needs_mpiexec
@pytest.mark.slow
@pytest.mark.parametrize("where", ["before", "after"])
def test_an_error_outside_of_fit_ends_all_at_once(tmp_path, where):
    began = time.monotonic()
    status, out, err = ranks(
        f"""
        def fails():
            if rank == 1:
                raise LookupError("no such file")
        team = optim.MPI()
        if {where == "before"}:
            fails()
        trained(team, epochs=2)
        fails()
        trained(team, epochs=2)
        print("went on")
        """,
        tmp_path,
    )
    assert status != 0
    assert "went on" not in out
    assert "LookupError: no such file" in err
    assert time.monotonic() - began < 60


@needs_mpiexec
@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_all_ranks_at_the_same_batch(tmp_path):
    found = told(
        """
        signal.signal(signal.SIGINT, signal.default_int_handler)
        class Presses(optim.Callback):
            def on_batch_end(self, run):
                if rank == 1 and (run.epoch, run.batch) == (2, 2):
                    os.kill(os.getpid(), signal.SIGINT)
        model, history = trained(team, callbacks=Presses())
        everywhere = same_everywhere(flat(model))
        if rank == 0:
            print(json.dumps([history.stopped_by, history.epochs, everywhere]))
        """,
        tmp_path,
    )
    assert found == ["Ctrl-C", 1, True]


def test_without_mpiexec_it_is_one_process():
    parallel = optim.MPI()
    assert (parallel.rank, parallel.size) == (0, 1)


def test_what_is_no_team_is_refused():
    import nn

    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    data = np.zeros((2, 2)), np.zeros((2, 1))
    with pytest.raises(ConfigError, match=r"parallel: expected optim\.MPI\(\), or None"):
        optim.fit(model, nn.MSELoss(), optimizer, data, epochs=1, batch_size=2, parallel=2)
    with pytest.raises(ConfigError, match="MPI: timeout"):
        optim.MPI(timeout=0)


def test_without_mpi4py_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "gradproof\[mpi\]"'):
        optim.MPI()


SKIPS = """
x, y = data(24)
x[5] = 1e200  # finite, but its loss is not: what the network gives for it overflows as it is squared
seen = []
for parallel in (team, None):
    model = nn.Sequential(nn.Linear(5, 1, rng=1, dtype=np.float64))
    optimizer = optim.SGD(model.parameters(), lr=0.01, nonfinite="skip")
    with np.errstate(all="ignore"):
        history = optim.fit(model, nn.MSELoss(), optimizer, (x, y[:, None].astype(float)), epochs=2, batch_size=8,
                            rng=1, verbose=0, parallel=parallel, clip=0.5)
    seen.append([flat(model).tolist(), optimizer.updates, history["skipped"], len(optimizer.transforms)])
assert same_everywhere(seen[0][0])
if rank == 0:
    print(json.dumps(seen))
"""


@needs_mpiexec
@pytest.mark.slow
def test_an_update_that_is_no_number_is_skipped_in_all_ranks(tmp_path):
    (shared, *said), (alone, *expected) = told(SKIPS, tmp_path)
    assert said == expected == [4, [1, 1], 0]
    np.testing.assert_allclose(shared, alone, rtol=1e-12)


@needs_mpiexec
@pytest.mark.slow
def test_weights_windows_batches_from_elsewhere_and_metrics_are_those_of_one_process(tmp_path):
    found = told(
        """
        x, y = data()
        weights = np.random.default_rng(7).integers(0, 3, 53)
        each = nn.CrossEntropyLoss(reduction="none")

        def go(parallel, train=(x, y), loss=None, callbacks=list, **options):
            model = network()
            options = {"epochs": 4, "rng": 3, "metrics": ["f1", "error"], "batch_size": 7, "validation": (x, y), **options}
            history = optim.fit(model, loss or nn.CrossEntropyLoss(), optim.Adam(model.parameters(), lr=0.02), train,
                                parallel=parallel, callbacks=callbacks(), **options)
            return flat(model), history

        def watching():
            return [optim.GradientFlow(), optim.EarlyStopping(criterion=optim.UP(9, 1)), optim.Converged(0), optim.LearningRate()]

        ways = {
            "windows": {"accumulate": 3, "regularizer": nn.L2(0.1)},
            "weights": {"train": (x, y, weights), "loss": each, "validation": (x, y, weights)},
            "weighted windows, compiled": {"train": (x, y, weights), "loss": each, "accumulate": 2, "jit": True, "validation": None},
            "batches": {"train": [(x[i:i + 9], y[i:i + 9]) for i in range(0, 53, 9)], "batch_size": None},
            "prefetched, watched": {"prefetch": 2, "callbacks": watching},
            "single examples": {"batch_size": 1, "epochs": 1, "accumulate": 4},
            "with replacement": {"sampler": optim.with_replacement},
        }
        found = {}
        for name, options in ways.items():
            (shared, of_shared), (alone, of_alone) = go(team, **options), go(None, **options)
            history = [float(np.abs(np.subtract(of_shared[c], of_alone[c])).max()) for c in of_alone if c != "seconds"]
            found[name] = max(float(np.abs(shared - alone).max()), *history)
        if rank == 0:
            print(json.dumps(found))
        """,
        tmp_path,
    )
    assert len(found) == 7
    assert max(found.values()) < 1e-12, found
