from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

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
            **{"batch_size": 16, **options}, rng=np.random.Generator(bits(seed)), progress=False,
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
            progress=False, **options,
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
          epochs=int(sys.argv[2]), batch_size=4, rng=np.random.default_rng(1), progress=False,
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
