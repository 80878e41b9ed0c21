"""Trials in other processes: joblib's, those of concurrent.futures, and a dask cluster; some of them die."""

from __future__ import annotations

import concurrent.futures
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import optim
from autograd_core.errors import ConfigError, MissingDependencyError, WorkerError
from optim import Dask, Processes

pytest.importorskip("joblib")
ROOT = Path(__file__).resolve().parents[3]
LIMIT = 240  # seconds: a hang is a failure


def program(folder, body):
    """A Python file with ``body``, that runs it as its main program."""
    path = folder / "program.py"
    head = "import json, os, random, signal, sys, threading, time\nimport numpy as np\nimport nn, optim\n"
    path.write_text(head + textwrap.dedent(body))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return [sys.executable, str(path)], environment


def told(folder, body):
    """The JSON that it prints last."""
    command, environment = program(folder, body)
    done = subprocess.run(
        command,
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()[1:]]


# --- joblib ---------------------------------------------------------------------------------------------


def test_processes_give_what_one_process_gives_whatever_happens_in_them(tmp_path):
    offset = 10

    class SecretError(Exception):
        def __init__(self, a, b):
            super().__init__(a)
            self.lock = threading.Lock()  # neither it nor its arguments can be pickled

    def trial(config, seed, report):
        print("a worker speaks", flush=True)
        report(step=1, pid=os.getpid())
        if config["x"] == 3:
            raise SecretError(threading.Lock(), 2)
        if config["x"] == 4:
            sys.exit(1)
        return {"loss": offset + config["x"], "draw": np.random.default_rng(seed).random(),
                "threads": int(os.environ["OPENBLAS_NUM_THREADS"])}  # fmt: skip

    space = {"x": list(range(8))}
    there = optim.grid_search(trial, space, rng=0, executor=2, store=tmp_path / "s")
    assert there["loss"][:3] == [10.0, 11.0, 12.0]
    assert set(there["threads"]) - {1.0} == set() or all(
        np.isnan(t) or t == 1 for t in there["threads"]
    )
    assert "SecretError" in there["error"][3]
    assert there["error"][4] == "SystemExit: 1"
    assert os.getpid() not in {row["reports"][0]["pid"] for row in there.rows}
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    here = optim.grid_search(trial, space, rng=0)
    np.testing.assert_equal(there["draw"], here["draw"])
    assert there["seed"] == here["seed"]
    assert len(lines(tmp_path / "s")) == 8


def test_what_cannot_be_sent_is_named_before_any_trial():
    lock = threading.Lock()
    with pytest.raises(
        ConfigError, match=r"trial cannot be sent to another process: TypeError.*lock"
    ):
        optim.grid_search(lambda c, s: lock.acquire(), {"x": [0]}, rng=0, executor=2)
    with pytest.raises(ConfigError, match=r"configuration \{'x': 'lock'\} cannot be sent"):
        optim.grid_search(lambda c, s: 0, {"x": {"lock": lock}}, rng=0, executor=2)


def test_a_worker_that_dies_is_named_and_the_search_goes_on_when_it_is_started_again(tmp_path):
    marker = tmp_path / "died"

    def trial(config, seed):
        if config["x"] == 5 and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return float(config["x"])

    space = {"x": list(range(9))}
    with pytest.raises(WorkerError, match=r"a worker died.*Start the same search again") as caught:
        optim.grid_search(trial, space, rng=0, executor=2, store=tmp_path / "s")
    kept = caught.value.trials["x"]
    assert [
        row["config"]["x"] for row in sorted(lines(tmp_path / "s"), key=lambda r: r["config"]["x"])
    ] == kept
    trials = optim.grid_search(trial, space, rng=0, executor=Processes(2), store=tmp_path / "s")
    assert trials["value"] == [float(x) for x in range(9)]
    assert len(lines(tmp_path / "s")) == 9


KILLED = """
from optim import Processes

def trial(config, seed):
    time.sleep(0.02)
    return {"loss": float(seed)}

if __name__ == "__main__":
    optim.grid_search(trial, {"a": list(range(20)), "b": list(range(10))}, rng=1, store="rows", executor=2)
    print("done", flush=True)
"""


@pytest.mark.slow
def test_a_grid_of_200_trials_in_processes_killed_ten_times(tmp_path):
    rng = random.Random(0)
    command, environment = program(tmp_path, KILLED)
    kills, before = 0, []
    while True:
        running = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE)
        if kills == 10:
            assert running.communicate(timeout=LIMIT)[0] == b"done\n"
            break
        deadline = time.monotonic() + rng.uniform(0.3, 0.8)
        while not (tmp_path / "rows").exists() or len(lines_whole(tmp_path)) <= len(before):
            time.sleep(0.01)
            assert running.poll() is None
            assert time.monotonic() < deadline + 30
        time.sleep(rng.uniform(0.0, 0.15))
        running.kill()
        running.wait(LIMIT)
        running.stdout.close()
        kills += 1
        now = lines_whole(tmp_path)
        assert now[: len(before)] == before
        before = now
    rows = lines(tmp_path / "rows")
    assert len(rows) == len({json.dumps(row["config"]) for row in rows}) == 200
    until = time.monotonic() + 20  # workers of killed searches end by themselves
    while any(_orphans(tmp_path)):
        assert time.monotonic() < until
        time.sleep(0.2)


def lines_whole(folder):
    return (folder / "rows").read_bytes().rpartition(b"\n")[0].split(b"\n")[1:]


def _orphans(folder):
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (
                os.readlink(process / "cwd") == str(folder)
                and b"python" in (process / "cmdline").read_bytes()
            ):
                yield process
        except OSError:
            continue


@pytest.mark.slow
@pytest.mark.parametrize("presses", [1, 2])
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_on_a_terminal_reaches_all_processes_and_keeps_what_is_finished(tmp_path, presses):
    body = """
    def trial(config, seed):
        open(f"began{config['x']}", "w").close()
        time.sleep(1.0)
        return 0.0

    if __name__ == "__main__":
        signal.signal(signal.SIGINT, signal.default_int_handler)
        began = time.monotonic()
        trials = optim.grid_search(trial, {"x": list(range(50))}, rng=0, executor=2)
        print(json.dumps([trials["x"], trials.stopped_by]))
    """
    command, environment = program(tmp_path, body)
    running = subprocess.Popen(
        command,
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while not list(tmp_path.glob("began*")):
        time.sleep(0.02)
        assert time.monotonic() < until
    for _ in range(presses):
        time.sleep(0.2)
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to the workers, too
    began = len(list(tmp_path.glob("began*")))
    out, err = running.communicate(timeout=LIMIT)
    assert running.returncode == 0, err
    found, stopped_by = json.loads(out.splitlines()[-1])
    assert stopped_by == "Ctrl-C"
    assert found == list(range(len(found)))
    if presses == 1:  # those that ran, and what workers had taken already
        assert 1 <= len(found) <= began + 3, (found, err)
    else:  # those that were finished
        assert len(found) <= began - 1, (found, err)
    assert b"Traceback" not in err


@pytest.mark.slow
def test_what_a_trial_left_running_in_a_worker_does_not_keep_it(tmp_path):
    body = """
    def trial(config, seed):
        threading.Thread(target=time.sleep, args=(100,)).start()
        return 1.0

    if __name__ == "__main__":
        optim.executors._FAREWELL = 1.0
        began = time.monotonic()
        trials = optim.grid_search(trial, {"x": [1, 2]}, rng=0, executor=2)
        print(json.dumps([trials["value"]]), flush=True)
    """
    began = time.monotonic()
    assert told(tmp_path, body) == [[1.0, 1.0]]
    assert time.monotonic() - began < 80


# --- concurrent.futures ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # which is the caller's choice
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_process_pools_of_the_standard_library_take_lambdas_too(method):
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
        trials = optim.grid_search(
            lambda c, s: c["x"] ** 2, {"x": [1, 2, 3]}, rng=0, executor=executor
        )
    assert trials["value"] == [1.0, 4.0, 9.0]


# --- dask -----------------------------------------------------------------------------------------------

CLUSTER = """
import logging
logging.disable(logging.CRITICAL)
from distributed import Client, LocalCluster
from autograd_core.errors import WorkerError

def trial(config, seed):
    time.sleep(0.03)
    return {"loss": float(config["x"]), "pid": os.getpid()}

COUNT = %d
if __name__ == "__main__":
    found = {}
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        def kill(row):
            if found.setdefault("seen", 0) == COUNT // 4:
                os.kill(int(row["values"]["pid"]), signal.SIGKILL)
            found["seen"] += 1
        trials = optim.grid_search(trial, {"x": list(range(COUNT))}, rng=0, executor=client, store="a", callback=kill, timeout=60)
        found["loss"], found["errors"] = trials["loss"], sum(e is not None for e in trials["error"])
        found["pids"] = len(set(trials["pid"]))

        # The scheduler disappears.
        def close(row):
            if row["config"]["x"] == 3:
                threading.Thread(target=lambda: cluster.sync(cluster.scheduler.close)).start()
        began = time.monotonic()
        try:
            optim.grid_search(trial, {"x": list(range(1000))}, rng=0, executor=optim.Dask(client, patience=5), store="b", callback=close)
        except WorkerError as error:
            found["lost"] = str(error)
            found["kept"] = len(error.trials["x"])
        found["seconds"] = time.monotonic() - began
        again = optim.grid_search(trial, {"x": list(range(found["kept"] + 5))}, rng=0, store="b")
        found["again"] = again["loss"]
        print(json.dumps(found), flush=True)
        os._exit(0)  # the cluster was broken on purpose, and is not waited for
"""


@pytest.mark.parametrize("count", [24, pytest.param(200, marks=pytest.mark.slow)])
def test_all_results_arrive_though_a_worker_of_dask_is_killed_and_a_lost_scheduler_is_named(
    tmp_path, count
):
    pytest.importorskip("distributed")
    found = told(tmp_path, CLUSTER % count)
    assert found["loss"] == [float(x) for x in range(count)]
    assert found["errors"] == 0
    assert found["pids"] >= 2
    rows = lines(tmp_path / "a")
    assert len(rows) == len({row["config"]["x"] for row in rows}) == count
    assert "scheduler" in found["lost"]
    assert found["kept"] >= 4
    assert found["seconds"] < 60
    assert found["again"] == [float(x) for x in range(found["kept"] + 5)]


@pytest.mark.slow
def test_a_cluster_without_workers_and_one_that_is_not_there_are_named(tmp_path):
    pytest.importorskip("distributed")
    found = told(
        tmp_path,
        """
        import dask, logging
        logging.disable(logging.CRITICAL)
        from distributed import Client, LocalCluster
        from autograd_core.errors import WorkerError
        from optim import Dask

        def dies(config, seed):
            os.kill(os.getpid(), signal.SIGKILL)

        def fine(config, seed):
            return 1.0

        if __name__ == "__main__":
            found = []
            dask.config.set({"distributed.scheduler.allowed-failures": 0})
            with LocalCluster(n_workers=0, dashboard_address=None) as cluster, Client(cluster) as client:
                try:
                    optim.grid_search(fine, {"x": [0]}, rng=0, executor=Dask(client, patience=1.0))
                except WorkerError as error:
                    found.append(str(error))
                address = cluster.scheduler_address
                cluster.scale(1)
                found.append(optim.grid_search(fine, {"x": [0]}, rng=0, executor=Dask(address))["value"])
                trials = optim.grid_search(dies, {"x": [0]}, rng=0, executor=Dask(client, patience=100))
                found.append(trials["error"])
            try:
                optim.grid_search(fine, {"x": [0]}, rng=0, executor=Dask("tcp://127.0.0.1:9", patience=1.0))
            except WorkerError as error:
                found.append(str(error))
            print(json.dumps(found), flush=True)
        """,
    )
    assert "the cluster has no workers, for 1 seconds" in found[0]
    assert found[1] == [1.0]
    assert "KilledWorker" in found[2][0]
    assert "no scheduler answers at tcp://127.0.0.1:9" in found[3]


# --- what is missing ------------------------------------------------------------------------------------


def test_missing_extras_are_named(monkeypatch):
    for module in ("joblib", "distributed", "cloudpickle"):
        monkeypatch.setitem(sys.modules, module, None)
    extra = r'pip install "gradproof\[sweep\]"'
    with pytest.raises(MissingDependencyError, match=extra):
        Dask("tcp://127.0.0.1:9")
    with pytest.raises(MissingDependencyError, match=extra):
        optim.grid_search(max, {"x": [0]}, rng=0, executor=2)
    with pytest.raises(MissingDependencyError, match=extra):
        optim.grid_search(lambda c, s: 0, {"x": [0]}, rng=0, executor=2)
    monkeypatch.undo()
    with pytest.raises(ConfigError, match=r"client: expected a distributed\.Client"):
        Dask(3)
