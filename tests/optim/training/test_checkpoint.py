from __future__ import annotations

import contextlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nn
import optim
from autograd_core import storage
from autograd_core.errors import CheckpointError, ConfigError, StateError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


@pytest.fixture
def start(tiny, criterion, train, validation):
    """A run from scratch; everything that it is made of can be changed."""

    def run(
        epochs=6,
        seed=0,
        make=optim.Adam,
        bits=np.random.PCG64,
        patience=50,
        data=train,
        sizes=(2, 8, 3),
        **options,
    ):
        model = tiny(sizes=sizes)
        options.setdefault("callbacks", [optim.EarlyStopping(patience=patience)])
        optimizer = make(model.parameters(), lr=0.02)
        history = optim.fit(
            model, criterion, optimizer, data, validation=validation, epochs=epochs,
            **{"batch_size": 16, **options}, rng=np.random.Generator(bits(seed)), verbose=0,
        )  # fmt: skip
        return model, optimizer, history

    return run


def same(first, second):
    """Parameters, buffers, mask counters, slots, step counts and history but for its seconds."""
    (model, optimizer, history), (other, others, later) = first, second
    for name, values in model.state_dict().items():
        np.testing.assert_array_equal(values, other.state_dict()[name])
    ours, theirs = optimizer.state_dict(), others.state_dict()
    assert ours["scalars"] == theirs["scalars"]
    for name, values in ours["arrays"].items():
        np.testing.assert_array_equal(values, theirs["arrays"][name])
    for name in set(history) - {"seconds"}:
        assert history[name] == later[name]
    assert history.best_epoch == later.best_epoch
    assert history.stopped_by == later.stopped_by
    return True


BITS = [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64]


@pytest.mark.parametrize("bits", BITS)
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(start, path, bits):
    whole = start(epochs=6, bits=bits)
    start(epochs=3, bits=bits, checkpoint=path)
    # Another seed, to show that the state of the generator comes from the file.
    assert same(whole, start(epochs=6, bits=bits, seed=99, resume=path))


@pytest.mark.parametrize(
    "make", [optim.Adam, lambda params, lr: optim.SGD(params, lr, momentum=0.9)]
)
def test_it_holds_for_every_cut_and_through_several_resumptions(start, path, make):
    whole = start(epochs=4, make=make)
    for cut in (1, 2, 3):
        checkpoint = optim.Checkpoint(path.with_name(f"cut{cut}"), resume=True)
        for epochs in (cut, 4):
            resumed = start(epochs=epochs, make=make, checkpoint=checkpoint)
        assert same(whole, resumed)


def test_a_run_that_is_killed_in_any_batch_goes_on_bit_for_bit(start, path):
    class Kill(optim.Callback):
        def __init__(self, at):
            self.at = at

        def on_batch_end(self, run):
            if (run.epoch, run.batch) == self.at:
                raise SystemExit

    whole = start(epochs=3, callbacks=[optim.EarlyStopping(), Kill((9, 9))])
    for at in [(2, 1), (2, 4), (3, 2)]:
        with pytest.raises(SystemExit):
            start(epochs=3, callbacks=[optim.EarlyStopping(), Kill(at)], checkpoint=path)
        assert storage.load(path)[1]["epoch"] == at[0] - 1
        assert same(
            whole, start(epochs=3, callbacks=[optim.EarlyStopping(), Kill((9, 9))], resume=path)
        )


def test_early_stopping_remembers_its_best_weights_and_its_patience(start, path):
    class Never(optim.Callback):
        """Held-out loss that was best in epoch 2."""

        provides = ("score",)

        def on_epoch_end(self, run):
            run.logs["score"] = abs(run.epoch - 2.0)

    def callbacks():
        return [Never(), optim.EarlyStopping("score", patience=3, mode="min")]

    whole = start(epochs=9, callbacks=callbacks())
    assert (whole[2].epochs, whole[2].stopped_by) == (5, "early stopping")
    for cut in (2, 3, 4, 5, 9):
        start(epochs=cut, callbacks=callbacks(), checkpoint=path)
        assert same(whole, start(epochs=9, callbacks=callbacks(), resume=path))


def test_the_file_is_saved_every_so_often_and_at_the_end(start, path):
    saved = []

    class Watched(optim.Checkpoint):
        def save(self, run):
            saved.append(run.epoch)
            super().save(run)

    start(epochs=5, checkpoint=Watched(path, every=2))
    assert saved == [2, 4, 5]
    assert storage.load(path)[1]["epoch"] == 5
    saved.clear()

    class Stop(optim.Callback):
        def on_epoch_end(self, run):
            if run.epoch == 3:
                run.stop("enough")

    # Among the callbacks, a checkpoint still comes last and sees the stop.
    start(epochs=5, callbacks=[Watched(path, every=2), Stop()])
    assert saved == [2, 3]


def test_resume_true_begins_anew_where_there_is_no_file(start, path):
    first = start(epochs=2, checkpoint=optim.Checkpoint(path, resume=True))
    assert same(first, start(epochs=2))
    with pytest.raises(CheckpointError, match="No such file"):
        start(epochs=2, resume=path.with_name("missing"))


def test_equal_runs_write_equal_bytes_but_for_the_seconds(start, tmp_path):
    files = []
    for name in ("a", "b"):
        start(epochs=2, checkpoint=tmp_path / name)
        arrays, metadata = storage.load(tmp_path / name)
        arrays["history.seconds"][:] = 0
        storage.save(tmp_path / name, arrays, metadata)
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1]


def test_everything_that_does_not_fit_is_in_one_error(start, path, train):
    start(epochs=2, checkpoint=path)
    with pytest.raises(StateError) as caught:
        start(
            epochs=1,
            make=lambda params, lr: optim.SGD(params, lr),
            bits=np.random.Philox,
            data=(train[0][:50], train[1][:50]),
            batch_size=10,
            last_batch="drop",
            sampler=optim.in_order,
            callbacks=[],
            resume=path,
        )
    for fault in (
        "examples: the file has 60, this run 50",
        "batch_size: the file has 16, this run 10",
        "last_batch: the file has 'merge', this run 'drop'",
        "sampler: the file has 'permutation', this run 'in_order'",
        "callbacks: the file has ['EarlyStopping'], this run []",
        "rng: the file has PCG64, this run Philox",
        "epochs: the file has 2, this run is to end after 1",
        "class: expected SGD, received Adam",
        "nothing was changed",
    ):
        assert fault in str(caught.value)


def test_a_file_that_does_not_fit_leaves_model_and_optimizer_as_they_were(
    tiny, criterion, train, path
):
    def run(model, optimizer, **options):
        optim.fit(
            model, criterion, optimizer, train, epochs=1, batch_size=16, rng=np.random.default_rng(0),
            verbose=0, **options,
        )  # fmt: skip

    model = tiny()
    run(model, optim.Adam(model.parameters()), checkpoint=path)
    other = tiny(seed=5)
    optimizer = optim.SGD(other.parameters(), lr=0.1)
    before = other.state_dict()
    with pytest.raises(StateError, match="nothing was changed"):
        run(other, optimizer, resume=path)
    for name, values in other.state_dict().items():
        np.testing.assert_array_equal(values, before[name])
    assert optimizer.updates == 0


def test_a_damaged_or_foreign_file_is_refused(start, path):
    start(epochs=1, checkpoint=path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(CheckpointError, match="Nothing was loaded"):
        start(resume=path)
    storage.save(path, {"W": np.ones(2)}, {"kind": "weights"})
    with pytest.raises(CheckpointError, match="holds no training run that this version reads"):
        start(resume=path)


@pytest.mark.parametrize("of", [2, pytest.param(1, marks=pytest.mark.slow)])
def test_every_truncation_and_every_flipped_bit_of_a_checkpoint_is_refused(path, of):
    """By default every other bit of each byte, the even ones and the odd ones in turn."""
    model = nn.Linear(1, 1, rng=np.random.default_rng(0))
    x = np.zeros((2, 1), np.float32)
    optim.fit(
        model, nn.losses.MSELoss(), optim.SGD(model.parameters(), lr=0.1), (x, x), epochs=1, batch_size=2,
        rng=np.random.default_rng(0), verbose=0, checkpoint=path,
    )  # fmt: skip
    whole = path.read_bytes()
    accepted = []

    def tried(data, what):
        path.write_bytes(data)
        with contextlib.suppress(CheckpointError):
            storage.load(path)
            accepted.append(what)

    for n in range(len(whole)):
        tried(whole[:n], n)
        for bit in range(n % of, 8, of):
            tried(whole[:n] + bytes([whole[n] ^ 1 << bit]) + whole[n + 1 :], (n, bit))
    assert accepted == []
    tried(whole, "the file itself")
    assert accepted


@pytest.mark.parametrize("name", ["run.pkl", "run.npy", "run.pt"])
def test_a_strangers_pickle_is_refused_and_not_run(start, tmp_path, name):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    with open(tmp_path / name, "wb") as file:
        if name.endswith("npy"):
            np.save(file, np.array([Bomb()], dtype=object))
        else:
            pickle.dump({"model": Bomb()}, file)
    with pytest.raises(CheckpointError, match="Nothing was loaded"):
        start(resume=tmp_path / name)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("every", [0, -1, 1.5, True])
def test_every_is_a_positive_integer(path, every):
    with pytest.raises(ConfigError, match="Checkpoint: every: expected an integer of 1 or more"):
        optim.Checkpoint(path, every=every)


def test_a_process_killed_at_any_moment_can_be_resumed(tmp_path):
    """SIGKILL from outside, at arbitrary times, until the run is through."""
    script = tmp_path / "train.py"
    script.write_text(
        """
import sys, zlib
import numpy as np
import autograd_core as ag
import optim

class Line:
    def __init__(self):
        self.w = ag.tensor(np.ones(4), requires_grad=True)
    def __call__(self, x): return ag.matmul(x, self.w)
    def parameters(self): return [self.w]
    def train(self): pass
    def eval(self): pass
    def state_dict(self): return {"w": np.array(self.w.numpy())}
    def load_state_dict(self, state): self.w.assign(state["w"])

x = np.random.default_rng(0).normal(size=(64, 4))
model = Line()
optim.fit(model, lambda y, d: ag.mean((y - d) ** 2), optim.Adam(model.parameters(), lr=1e-3), (x, x.sum(axis=1) * 2),
          epochs=int(sys.argv[2]), batch_size=4, rng=np.random.default_rng(1), verbose=0,
          checkpoint=optim.Checkpoint(sys.argv[1], resume=True))
print(zlib.crc32(model.w.numpy().tobytes()))
"""
    )

    def train(path, timeout):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
        process = subprocess.Popen(
            [sys.executable, str(script), str(path), "150"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            return process.communicate(timeout=timeout)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return None

    expected = train(tmp_path / "whole", 120)
    kills = 0
    pause = 0.25
    while (found := train(tmp_path / "killed", pause)) is None:
        kills += 1
        pause *= 1.2
    assert found == expected
    assert kills
    assert sorted(p.name for p in tmp_path.iterdir()) == ["killed", "train.py", "whole"]


# A process that trains, killed at a random moment and begun again, over and over. It is forked, so
# that a life begins in a millisecond; whatever it leaves on the disk is held against a run that
# nobody killed.
KILLER = """
import hashlib, json, os, random, signal, sys, time
import numpy as np
import nn, optim
from autograd_core import storage

folder, kills, EPOCHS = sys.argv[1], int(sys.argv[2]), 60
path = os.path.join(folder, "run")
chance = random.Random(2026)
x = np.random.default_rng(0).normal(size=(48, 4)).astype(np.float32)
labels = (x.sum(axis=1) > 0).astype(int)


def train(path, checkpoint):
    rng = np.random.default_rng(1)
    model = nn.Sequential(nn.Linear(4, 6, rng=rng), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.2, rng=rng), nn.Linear(6, 2, rng=rng))
    optim.fit(model, nn.losses.CrossEntropyLoss(), optim.Adam(model.parameters(), lr=0.01), (x, labels), validation=(x, labels),
              epochs=EPOCHS, batch_size=16, rng=np.random.default_rng(2), verbose=0,
              callbacks=[optim.EarlyStopping(patience=10**6), checkpoint])


def digest(path):
    # Everything but how long it took.
    arrays, metadata = storage.load(path)
    found = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name, values in sorted(arrays.items()):
        if name != "history.seconds":
            found.update(repr((name, values.dtype, values.shape)).encode() + values.tobytes())
    return metadata["epoch"], found.hexdigest()


class Watched(optim.Checkpoint):
    def save(self, run):
        super().save(run)
        epoch, found = digest(self.path)
        expected[epoch] = found


expected = {}
whole = os.path.join(folder, "whole")
train(whole, Watched(whole))
os.remove(whole)
assert len(set(expected.values())) == EPOCHS

killed = finished = torn = last = 0
while killed < kills or finished == 0:
    child = os.fork()
    if child == 0:
        train(path, optim.Checkpoint(path, resume=True))
        os._exit(0)
    if killed < kills:
        time.sleep(chance.uniform(0.0, 0.05))
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        killed += 1
    elif status:
        sys.exit(f"a resumed run failed: {status}")
    left = sorted(os.listdir(folder))
    torn += any(name.endswith(".tmp") for name in left)
    if "run" in left:
        epoch, found = digest(path)
        if found != expected[epoch]:
            sys.exit(f"after {killed} kills the state of epoch {epoch} is not that of the unbroken run")
        if epoch < last:
            sys.exit(f"after {killed} kills the run fell back from epoch {last} to {epoch}")
        last = epoch
    elif last:
        sys.exit(f"after {killed} kills the file is gone")
    if not os.WIFSIGNALED(status):  # it ran to its end: the same numbers as the unbroken run
        if left != ["run"] or last != EPOCHS:
            sys.exit(f"a finished run left {left}, at epoch {last}")
        finished, last = finished + 1, 0
        os.remove(path)
print(json.dumps({"killed": killed, "finished": finished, "torn": torn}))
"""


@pytest.mark.parametrize("kills", [20, pytest.param(500, marks=pytest.mark.slow)])
def test_whatever_is_left_by_a_killed_process_is_whole_and_goes_on_bit_for_bit(tmp_path, kills):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(tmp_path), str(kills)],
        env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    print(counts)
    assert counts["killed"] >= kills
    assert counts["finished"]
    if kills >= 100:
        assert counts["torn"] > kills / 20  # so many died in the midst of writing
