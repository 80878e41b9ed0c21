"""on_ranks: training in workers of an executor, joined by this process."""

from __future__ import annotations

import concurrent.futures
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import nn
import optim
from autograd_core.errors import ConfigError, WorkerError
from optim.training.joined import _Hub, _Joined

ROOT = Path(__file__).resolve().parents[3]


def data(count=53):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 5))
    return x, (x[:, 0] + 0.5 * x[:, 1] > 0).astype(np.int64) + (x[:, 2] > 1)


def trained(parallel, callbacks=(), epochs=25, batch_size=14):
    rng = np.random.default_rng(1)
    model = nn.Sequential(
        nn.Linear(5, 8, rng=rng, dtype=np.float64),
        nn.Tanh(),
        nn.Linear(8, 3, rng=rng, dtype=np.float64),
    )
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    history = optim.fit(
        model, nn.CrossEntropyLoss(), optimizer, data(), validation=data(20), epochs=epochs, batch_size=batch_size,
        rng=3, last_batch="keep", callbacks=callbacks, parallel=parallel,
    )  # fmt: skip
    weights = np.concatenate([t.numpy().reshape(-1) for t in model.parameters()])
    return weights, history["val_loss"], optimizer.updates


@pytest.fixture
def threads():
    with concurrent.futures.ThreadPoolExecutor(3) as executor:
        yield executor


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_ranks_make_the_run_of_one_process(threads, ranks):
    alone, losses, _ = trained(None)
    results = optim.on_ranks(trained, ranks, threads, timeout=60)
    assert len(results) == ranks
    for weights, found, updates in results:
        assert updates == 100
        np.testing.assert_allclose(weights, alone, rtol=0, atol=1e-12)
        np.testing.assert_allclose(found, losses, rtol=0, atol=1e-12)
        assert np.array_equal(weights, results[0][0])


def test_processes_are_ranks_too():
    pytest.importorskip("joblib")
    offset = 5

    def program(parallel):
        total = np.array([float(parallel.rank + offset)])
        parallel.sum(total)
        return os.getpid(), total[0], parallel.same(f"of {parallel.rank}")

    results = optim.on_ranks(program, 2, timeout=60)
    assert len({os.getpid(), *(pid for pid, _, _ in results)}) == 3
    assert [rest for _, *rest in results] == [[11.0, "of 0"]] * 2


class Fails(optim.Callback):
    def __init__(self, rank, how):
        self.rank, self.how = rank, how

    def on_batch_end(self, run):
        if self.rank == 1 and run.epoch == 2:
            self.how()


def test_an_error_in_one_rank_ends_all_and_is_told(threads):
    def fails():
        raise ValueError("no more")

    seen = []

    def program(parallel):
        try:
            return trained(parallel, Fails(parallel.rank, fails))
        except BaseException as error:
            seen.append(str(error))
            raise

    began = time.monotonic()
    with pytest.raises(
        WorkerError, match=r"rank 1 of 2: ValueError: no more \(.*test_joined.py, line \d+\)"
    ):
        optim.on_ranks(program, 2, threads, timeout=60)
    assert any("rank 1 of 2 failed with ValueError: no more" in text for text in seen)
    assert time.monotonic() - began < 30


def test_a_rank_that_leaves_hangs_or_does_not_come_is_named(threads):
    def program(parallel):
        return trained(parallel, Fails(parallel.rank, lambda: time.sleep(2.5)))

    with pytest.raises(WorkerError, match=r"rank 0 of 2: .*waited 1 seconds for the others"):
        optim.on_ranks(program, 2, threads, timeout=1)
    with pytest.raises(WorkerError, match=r"rank 0 of 2: .*lost the others"):
        optim.on_ranks(lambda parallel: parallel.rank or trained(parallel), 2, threads, timeout=30)
    with pytest.raises(
        WorkerError, match=r"3 of 4 ranks were there after 1 seconds; does the executor"
    ):
        optim.on_ranks(trained, 4, threads, timeout=1)


DIES = """
import os, signal, sys, time
import numpy as np
import nn, optim
sys.path.insert(0, {folder!r})

def program(parallel):
    from test_joined import Fails, trained
    return trained(parallel, Fails(parallel.rank, lambda: os.kill(os.getpid(), signal.SIGKILL)))

def good(parallel):
    from test_joined import trained
    return trained(parallel)[0]

if __name__ == "__main__":
    from test_joined import trained
    {cluster}
    results = optim.on_ranks(good, 2, executor)
    assert np.abs(results[0] - trained(None)[0]).max() < 1e-12
    try:
        optim.on_ranks(program, 2, executor, timeout=60)
    except optim.training.joined.WorkerError as error:
        print("told", error, flush=True)
    os._exit(0)
"""
CLUSTERS = {
    "joblib": "executor = None",
    "dask": "from distributed import LocalCluster, Client; import logging; logging.disable(logging.CRITICAL); "
    "executor = Client(LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None))",
}


@pytest.mark.slow
@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_worker_that_is_killed_ends_in_an_error_and_in_no_hang(tmp_path, cluster):
    pytest.importorskip(cluster if cluster == "joblib" else "distributed")
    program = tmp_path / "program.py"
    folder = str(Path(__file__).parent)
    program.write_text(textwrap.dedent(DIES.format(folder=folder, cluster=CLUSTERS[cluster])))
    path = os.pathsep.join([str(ROOT), folder])
    done = subprocess.run(
        [sys.executable, str(program)], env={**os.environ, "PYTHONPATH": path}, cwd=tmp_path,
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "told on_ranks: rank" in done.stdout


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_it(threads):
    def program(parallel):
        if parallel.rank == 0:
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        return trained(parallel, epochs=100_000)

    with pytest.raises(KeyboardInterrupt):
        optim.on_ranks(program, 2, threads, timeout=60)


def test_who_does_not_know_the_key_is_not_let_in_and_keeps_nobody_out():
    hub = _Hub("127.0.0.1", 1, 20.0)
    try:
        for garbage in (
            b"",
            b"GET / HTTP/1.1\r\n\r\n",
            struct.pack(">Q", 2**62),
            struct.pack(">Q", 32) + bytes(32),
        ):
            with socket.create_connection(hub.address, 5) as stranger:
                stranger.sendall(garbage)
                if garbage[8:] == bytes(32):  # as far as the challenge
                    stranger.sendall(struct.pack(">Q", 36) + bytes(36))
                    time.sleep(0.05)
        with pytest.raises(WorkerError, match="cannot reach"):
            _Joined(0, 1, hub.address, bytes(32), 5.0)
        rank = _Joined(0, 1, hub.address, hub.key, 5.0)
        assert rank.same([1, 2]) == [1, 2]
        with pytest.raises(WorkerError, match="cannot reach"):  # there is one already
            _Joined(0, 1, hub.address, hub.key, 1.0)
        rank.close()
    finally:
        hub.close()


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="program: expected a function"):
        optim.on_ranks(3, 2)
    with pytest.raises(ConfigError, match="ranks: expected an integer"):
        optim.on_ranks(trained, 0)
    with pytest.raises(ConfigError, match="executor: expected at least 3 processes"):
        optim.on_ranks(trained, 3, 2)
    with pytest.raises(ConfigError, match="executor: expected a number of processes"):
        optim.on_ranks(trained, 3, "many")


def test_messages_hold_what_was_sent():
    hub = _Hub("127.0.0.1", 2, 20.0)
    results = {}

    def rank(number):
        with_hub = _Joined(number, 2, hub.address, hub.key, 10.0)
        large = np.arange(300_000, dtype=np.float32).reshape(3, -1) * (number + 1)
        with_hub.sum(large)
        results[number] = (
            large,
            with_hub.broadcast(b"x" * (number + 1) * 100_000, 1),
            with_hub.broadcast(b"", 0),
        )
        with_hub.close()

    both = [threading.Thread(target=rank, args=(n,)) for n in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(20)
    hub.close()
    for large, sent, empty in results.values():
        assert np.array_equal(large, 3 * np.arange(300_000, dtype=np.float32).reshape(3, -1))
        assert sent == b"x" * 200_000
        assert empty == b""
    assert json.dumps(sorted(results)) == "[0, 1]"
