"""grid_search and random_search: tables, errors, files, kills and Ctrl-C, in one process."""

from __future__ import annotations

import concurrent.futures
import contextlib
import csv
import functools
import io
import json
import math
import os
import pickle
import random
import resource
import signal
import threading
import time
import warnings

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.errors import CheckpointError, ConfigError, StateError, WorkerError
from optim.search import LogUniform

SPACE = {"x": [0, 1, 2, 3], "y": [0.0, 0.5]}


def bowl(config, seed):
    return {"loss": (config["x"] - 2) ** 2 + config["y"], "seen": seed}


def forked(function):
    """A process of its own that calls ``function``."""
    with warnings.catch_warnings():
        # From Python 3.12 on it is warned of where there are threads: this child only computes.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            function()
        os._exit(0)
    return child


# --- the table ------------------------------------------------------------------------------------------


def test_the_table_is_a_dict_of_columns_in_the_order_of_the_grid():
    trials = optim.grid_search(bowl, SPACE, rng=0)
    assert list(trials) == ["x", "y", "seed", "loss", "seen", "seconds", "error"]
    assert trials["x"] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert trials["loss"] == [4.0, 4.5, 1.0, 1.5, 0.0, 0.5, 1.0, 1.5]
    assert trials["seen"] == trials["seed"]
    assert trials["error"] == [None] * 8
    assert trials.best == {"x": 2, "y": 0.0, "loss": 0.0, "seen": trials["seed"][4]}
    assert trials.best_config == {"x": 2, "y": 0.0}
    assert (trials.planned, trials.stopped_by, trials.seed) == (8, "done", 0)


def test_it_is_exported_as_csv_and_json(tmp_path):
    def trial(config, seed):
        return math.inf if config["hidden"] == [4] else len(config["hidden"])

    trials = optim.grid_search(trial, {"hidden": [[4], [4, 4]], "name": ["a,b", 'c"']}, rng=0)
    rows = list(csv.DictReader(io.StringIO(trials.to_csv(tmp_path / "t.csv"))))
    assert (tmp_path / "t.csv").read_text() == trials.to_csv()
    assert [json.loads(row["hidden"]) for row in rows] == trials["hidden"]
    assert [row["name"] for row in rows] == trials["name"]
    assert [float(row["value"]) for row in rows] == trials["value"]
    columns = json.loads(trials.to_json(tmp_path / "t.json"))
    assert columns["value"] == [None, None, 2.0, 2.0]
    assert json.loads((tmp_path / "t.json").read_text()) == columns
    with pytest.raises(CheckpointError, match=r"cannot be written.*No such file"):
        trials.to_csv(tmp_path / "no" / "t.csv")


@pytest.mark.parametrize(
    ("numbers", "options", "best"),
    [
        ({"loss": -1}, {}, 9),
        ({"accuracy": 1}, {}, 9),
        ({"val_loss": 1, "loss": -1}, {}, 0),
        ({"speed": 1}, {"mode": "max"}, 9),
        ({"loss": 1, "accuracy": 1}, {"monitor": "accuracy"}, 9),
    ],
)
def test_the_best_is_judged_by_what_is_monitored(numbers, options, best):
    def trial(config, seed):
        return {name: sign * config["x"] for name, sign in numbers.items()}

    assert optim.grid_search(trial, {"x": list(range(10))}, rng=0, **options).best["x"] == best


def test_what_counts_has_to_be_known():
    trials = optim.grid_search(lambda config, seed: {"speed": 1, "size": 2}, {"x": [1]}, rng=0)
    with pytest.raises(ConfigError, match=r"which of 'speed', 'size' counts.*monitor="):
        _ = trials.best
    trials.monitor = "speed"
    with pytest.raises(ConfigError, match=r'small or large.*mode="min"'):
        _ = trials.best
    trials.mode = "max"
    assert trials.best["speed"] == 1
    trials.monitor = "sped"
    with pytest.raises(
        ConfigError, match=r"no configuration has a finite 'sped'.*there are speed, size"
    ):
        _ = trials.best
    assert pickle.loads(pickle.dumps(trials)).rows == trials.rows


def test_of_repetitions_the_means_count_and_one_that_failed_does_not():
    def trial(config, seed):
        calls.append(config["x"])
        if config["x"] == 0 and calls.count(0) == 2:
            raise ValueError
        return {
            "loss": [0.0, 1.0, 2.0][config["x"]]
            + (5 if config["x"] == 1 and calls.count(1) == 1 else 0)
        }

    calls = []
    trials = optim.grid_search(trial, {"x": [0, 1, 2]}, repeats=2, rng=0)
    assert trials["repeat"] == [0, 0, 0, 1, 1, 1]
    assert trials.best == {"x": 2, "loss": 2.0}


# --- trials that fail -----------------------------------------------------------------------------------


class UnsaidError(Exception):
    def __init__(self, a, b):
        self.lock = threading.Lock()

    def __str__(self):
        raise RuntimeError


def leaves(config, seed):
    raise SystemExit(3)


FAILURES = {
    "raises": (lambda config, seed: 1 / 0, "ZeroDivisionError: division by zero"),
    "leaves": (leaves, "SystemExit: 3"),
    "an error without words": (
        lambda c, s: (_ for _ in ()).throw(UnsaidError(1, 2)),
        "cannot be read",
    ),
    "nothing": (lambda config, seed: None, "received NoneType None"),
    "a string": (lambda config, seed: "0.5", "received str '0.5'"),
    "complex": (lambda config, seed: np.complex128(1j), "received complex 1j"),
    "an array": (lambda config, seed: np.zeros(2), "received ndarray"),
    "an empty dict": (lambda config, seed: {}, "an empty dict"),
    "a dict of other things": (
        lambda config, seed: {"loss": "low"},
        "'loss': expected a real number",
    ),
    "a hyperparameter's name": (lambda config, seed: {"x": 1.0}, "a number called 'x'"),
    "a column's name": (lambda config, seed: {"seconds": 1.0}, "a number called 'seconds'"),
    "a name that is none": (lambda config, seed: {1: 1.0}, "a number called 1"),
    "reports no number": (
        lambda config, seed, report: report(loss=None),
        "loss: expected a real number",
    ),
}


@pytest.mark.parametrize(("bad", "says"), FAILURES.values(), ids=FAILURES)
def test_a_failed_trial_is_a_row_with_its_error_and_the_others_go_on(tmp_path, bad, says):
    def trial(config, seed, report):
        report(epoch=1, loss=0.5)
        if config["x"] == 1:
            return bad(config, seed, report) if bad.__code__.co_argcount == 3 else bad(config, seed)
        return 1.0

    trials = optim.grid_search(trial, {"x": [0, 1, 2]}, rng=0, store=tmp_path / "s")
    assert [error is None for error in trials["error"]] == [True, False, True]
    assert says in trials["error"][1]
    assert "Traceback" in trials.failed[0]["traceback"]
    assert math.isnan(trials["value"][1])
    assert trials.best["x"] == 0
    assert [row["reports"] for row in trials.rows] == [[{"epoch": 1.0, "loss": 0.5}]] * 3
    again = optim.grid_search(trial, {"x": [0, 1, 2]}, rng=0, store=tmp_path / "s")
    assert again["error"] == trials["error"]  # kept, not run again
    mended = optim.grid_search(
        lambda c, s: 7.0,
        {"x": [0, 1, 2]},
        rng=0,
        store=tmp_path / "s",
        retry=True,
        name=_name(tmp_path),
    )
    assert mended["value"] == [1.0, 7.0, 1.0]
    assert len((tmp_path / "s").read_text().splitlines()) == 4


def _name(folder):
    return json.loads((folder / "s").read_text().splitlines()[0])["name"]


NUMBERS = [
    (1, 1.0), (1.5, 1.5), (True, 1.0), (np.float32(2), 2.0), (np.array([3.0]), 3.0), (np.int64(4), 4.0),
    (ag.tensor([5.0]), 5.0), (10**400, math.inf), (np.nan, math.nan), (-np.inf, -math.inf),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), NUMBERS)
def test_all_that_is_a_number_is_taken_and_comes_back_from_the_file(tmp_path, value, expected):
    for _ in range(2):
        trials = optim.grid_search(lambda c, s: value, {"x": [0]}, rng=0, store=tmp_path / "s")
        np.testing.assert_equal(trials["value"], [expected])


def test_what_cannot_be_a_trial_is_refused():
    for bad in (3, float, lambda: 1, lambda a, b, c, d: 1):
        with pytest.raises(ConfigError, match=r"trial: expected a function \(config, seed"):
            optim.grid_search(bad, {"x": [1]})
    part = functools.partial(lambda k, config, seed: k, 4.0)
    assert optim.grid_search(part, {"x": [1]}, rng=0)["value"] == [4.0]
    for option, value in {"mode": "low", "retry": 1, "timeout": 0, "repeats": 0, "verbose": 7,
                          "callback": 3, "executor": "many", "monitor": 3}.items():  # fmt: skip
        with pytest.raises(ConfigError, match=option):
            optim.grid_search(bowl, SPACE, **{option: value})


def test_a_trial_cannot_change_its_configuration():
    def trial(config, seed):
        config["x"] = 99
        return 0.0

    assert optim.grid_search(trial, {"x": [1, 2]}, rng=0)["x"] == [1, 2]


# --- the file -------------------------------------------------------------------------------------------


def counted(where):
    """A trial that counts how often each configuration was run."""

    def trial(config, seed):
        where[json.dumps(config)] = where.get(json.dumps(config), 0) + 1
        return {"loss": float(seed)}

    return trial


def test_a_search_that_was_killed_ten_times_has_every_row_once(tmp_path):
    path, rng = tmp_path / "rows.jsonl", random.Random(0)
    space = {"a": list(range(20)), "b": list(range(10))}

    def trial(config, seed):
        time.sleep(0.001)
        return {"loss": float(seed)}

    def rows():
        whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
        return whole.split(b"\n")[1:]

    kills = 0
    while kills < 10:
        before = rows()
        child = forked(lambda: optim.grid_search(trial, space, rng=1, store=path))
        time.sleep(rng.uniform(0.005, 0.05))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        kills += os.WIFSIGNALED(status)
        assert rows()[: len(before)] == before  # none is lost
        if len(rows()) > 150:  # begin anew, to be killed ten times
            path.unlink()
        elif kills % 3 == 0:  # as if it had been killed within a line
            with path.open("ab") as file:
                file.write(b'{"config": {"a": 19')
    trials = optim.grid_search(trial, space, rng=1, store=path)
    found = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    assert len(found) == len({json.dumps(row["config"]) for row in found}) == 200
    assert (
        trials["loss"] == optim.grid_search(lambda c, s: {"loss": float(s)}, space, rng=1)["loss"]
    )


def test_finished_trials_are_not_run_again_and_points_may_be_added(tmp_path):
    runs = {}
    trial = counted(runs)
    first = optim.grid_search(trial, {"x": [2, 4]}, store=tmp_path / "s")
    more = optim.grid_search(trial, {"x": [1, 2, 3, 4]}, store=tmp_path / "s", repeats=2)
    assert more.seed == first.seed  # the file's, where none was said
    assert more["x"] == [1, 2, 3, 4] * 2
    assert [more["loss"][i] for i in (1, 3)] == first["loss"]
    assert set(runs.values()) == {2}
    assert len((tmp_path / "s").read_text().splitlines()) == 9


def test_a_random_search_goes_on_with_more(tmp_path):
    runs, space = {}, {"lr": LogUniform(0.01, 1.0)}
    few = optim.random_search(counted(runs), space, 3, rng=5, store=tmp_path / "s")
    many = optim.random_search(counted(runs), space, 8, rng=5, store=tmp_path / "s")
    assert many["lr"][:3] == few["lr"]
    assert len(many["lr"]) == 8
    assert set(runs.values()) == {1}
    with pytest.raises(
        StateError, match=r"5 of 8 rows that are not of this search.*none taken away"
    ):
        optim.random_search(counted(runs), space, 3, rng=5, store=tmp_path / "s")


OTHERS = {
    "another seed": lambda s: optim.grid_search(bowl, SPACE, rng=1, store=s),
    "other names": lambda s: optim.grid_search(bowl, {**SPACE, "z": [1]}, rng=0, store=s),
    "fewer values": lambda s: optim.grid_search(bowl, {"x": [0, 1], "y": [0.0]}, rng=0, store=s),
    "another trial": lambda s: optim.grid_search(lambda c, s: 0.0, SPACE, rng=0, store=s),
    "a random one": lambda s: optim.random_search(bowl, SPACE, 8, rng=0, store=s),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_the_file_of_another_search_is_refused_and_untouched(tmp_path, other):
    path = tmp_path / "s"
    optim.grid_search(bowl, SPACE, rng=0, store=path)
    before = path.read_bytes()
    with pytest.raises(StateError, match=r"another search|not of this search"):
        other(path)
    assert path.read_bytes() == before


def test_of_random_searches_distributions_have_to_be_the_same(tmp_path):
    optim.random_search(bowl, {"x": [0], "y": LogUniform(0.1, 1)}, 3, rng=0, store=tmp_path / "s")
    with pytest.raises(StateError, match=r"space: the file has .*LogUniform"):
        optim.random_search(
            bowl, {"x": [0], "y": LogUniform(0.1, 2)}, 3, rng=0, store=tmp_path / "s"
        )


@pytest.mark.parametrize(
    "content",
    [b"notes", b"a,b\n1,2\n", b"{}\n", b"[1]\n", b"\x00" * 30, b'{"format": "other"}\n', b"\n"],
)
def test_a_file_that_is_none_of_ours_is_refused_and_untouched(tmp_path, content):
    path = tmp_path / "s"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="is no file of results"):
        optim.grid_search(bowl, SPACE, rng=0, store=path)
    assert path.read_bytes() == content


@pytest.mark.sampled(7)
@pytest.mark.parametrize("cut", range(0, 520, 4))
def test_a_file_that_was_cut_anywhere_is_repaired(tmp_path, cut):
    path = tmp_path / "s"
    whole = optim.grid_search(bowl, SPACE, rng=0, store=path)
    content = path.read_bytes()
    path.write_bytes(content[: max(len(content) - cut * 4, 0)])
    again = optim.grid_search(bowl, SPACE, rng=0, store=path)
    assert again["loss"] == whole["loss"]
    assert len(path.read_bytes().splitlines()) == 9


def test_damage_before_the_last_line_is_named(tmp_path):
    path = tmp_path / "s"
    optim.grid_search(bowl, SPACE, rng=0, store=path)
    for damage in (b"{}", b"garbage", b'{"config": {}, "repeat": 0}'):
        lines = path.read_bytes().splitlines()
        path.write_bytes(b"\n".join([*lines[:3], damage, *lines[4:]]) + b"\n")
        with pytest.raises(CheckpointError, match=r"line 4 is damaged.*its trial is run again"):
            optim.grid_search(bowl, SPACE, rng=0, store=path)


def test_a_full_disk_is_named_and_what_was_finished_stands(tmp_path):
    path = tmp_path / "s"
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        with pytest.raises(
            CheckpointError, match=r"cannot be written.*start the same search again"
        ) as caught:
            optim.grid_search(bowl, SPACE, rng=0, store=path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    content = path.read_bytes()
    assert content.endswith(b"\n")  # what did not fit was taken off
    stored = len(content.splitlines()) - 1
    assert 0 < stored < 8
    assert len(caught.value.trials["loss"]) == stored
    assert (
        optim.grid_search(bowl, SPACE, rng=0, store=path)["loss"]
        == optim.grid_search(bowl, SPACE, rng=0)["loss"]
    )


def test_a_path_that_cannot_be_is_refused_before_any_trial(tmp_path):
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    for path in (
        tmp_path,
        tmp_path / "no" / "s",
        tmp_path / "file" / "s",
        "/proc/version",
        "a\0b",
        tmp_path / "pipe",
        "/dev/null",
    ):
        with pytest.raises(
            CheckpointError,
            match=r"cannot be opened|not a regular file|is no file|cannot be written",
        ):
            optim.grid_search(lambda c, s: 1 / 0, SPACE, rng=0, store=path)


@pytest.mark.parametrize("instead", [None, "another file"])
def test_a_file_that_is_taken_away_is_noticed(tmp_path, instead):
    path = tmp_path / "s"

    def trial(config, seed):
        if config["x"] == 2:
            path.unlink()
            if instead:
                path.write_text(instead)
        return 0.0

    with pytest.raises(
        CheckpointError, match=r"cannot be written: (No such file|another file)"
    ) as caught:
        optim.grid_search(trial, {"x": [0, 1, 2, 3]}, rng=0, store=path)
    assert caught.value.trials["x"] == [0, 1]
    assert not instead or path.read_text() == instead


def test_one_search_at_a_time(tmp_path):
    path = tmp_path / "s"

    def trial(config, seed):
        with pytest.raises(CheckpointError, match="in use by another search"):
            optim.grid_search(bowl, SPACE, rng=0, store=path)
        return 0.0

    optim.grid_search(trial, {"x": [0]}, rng=0, store=path)
    pipe = os.pipe()

    def holds(config, seed):
        os.write(pipe[1], b".")
        time.sleep(20)

    child = forked(lambda: optim.grid_search(holds, {"x": [0]}, rng=0, store=tmp_path / "t"))
    try:
        os.read(pipe[0], 1)
        with pytest.raises(CheckpointError, match="in use by another search"):
            optim.grid_search(bowl, SPACE, rng=0, store=tmp_path / "t")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


# --- Ctrl-C ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_lets_the_running_trial_end_and_keeps_it(tmp_path):
    def trial(config, seed):
        if config["x"] == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return float(config["x"])

    trials = optim.grid_search(trial, {"x": list(range(6))}, rng=0, store=tmp_path / "s")
    assert (trials["x"], trials.stopped_by, trials.planned) == ([0, 1, 2], "Ctrl-C", 6)
    again = optim.grid_search(
        counted({}), {"x": list(range(6))}, rng=0, store=tmp_path / "s", name=trial.__qualname__
    )
    assert len(again["x"]) == 6


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_twice_drops_the_running_trial_even_if_it_ends_as_if_it_were_done():
    def trial(config, seed):
        if config["x"] == 2:
            with contextlib.suppress(KeyboardInterrupt):  # as fit does
                for _ in range(2):
                    os.kill(os.getpid(), signal.SIGINT)
                time.sleep(10)
        return float(config["x"])

    trials = optim.grid_search(trial, {"x": list(range(6))}, rng=0)
    assert (trials["x"], trials.stopped_by) == ([0, 1], "Ctrl-C")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# --- models ---------------------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
TRAIN, VALIDATION = (X[:40], X[:40] @ np.ones((3, 1))), (X[40:], X[40:] @ np.ones((3, 1)))


def build(config, rng):
    model = nn.Linear(3, 1, rng=rng, dtype=np.float64)
    options = {"batch_size": config["batch"], "regularizer": nn.L2(config["penalty"])}
    return model, optim.SGD(model.parameters(), lr=config["lr"]), options


MODELS = {"lr": [0.001, 0.1], "batch": [8, 20], "penalty": [0.0, 1.0]}


def test_a_model_is_trained_and_judged_on_held_out_data():
    trial = optim.HeldOut(
        build, nn.MSELoss(), TRAIN, VALIDATION, epochs=6, callbacks=optim.EarlyStopping(patience=3)
    )
    trials = optim.grid_search(trial, MODELS, rng=0)
    assert trials.best_config == {"lr": 0.1, "batch": 8, "penalty": 0.0}
    assert trials.monitor == "val_loss"
    row = trials.rows[0]
    assert [r["epoch"] for r in row["reports"]] == list(range(1, int(row["values"]["epochs"]) + 1))
    # The weights that early stopping gives back are judged.
    assert all(
        row["values"]["val_loss"] == pytest.approx(min(r["val_loss"] for r in row["reports"]))
        for row in trials.rows
    )
    calls = []

    def load():
        calls.append(1)
        return TRAIN, VALIDATION

    lazily = optim.HeldOut(
        build, nn.MSELoss(), load, epochs=6, callbacks=optim.EarlyStopping(patience=3)
    )
    assert optim.grid_search(lazily, MODELS, rng=0)["val_loss"] == trials["val_loss"]
    assert calls == [1]


def test_what_is_no_model_is_named():
    loss = nn.MSELoss()
    with pytest.raises(ConfigError, match=r"no held-out data\. Pass validation="):
        optim.HeldOut(build, loss, TRAIN)
    with pytest.raises(ConfigError, match="both ways"):
        optim.HeldOut(build, loss, lambda: TRAIN, VALIDATION)
    with pytest.raises(ConfigError, match="build: expected a function"):
        optim.HeldOut(3, loss, TRAIN, VALIDATION)
    for bad, says in [(lambda c, r: 3, "received int"), (lambda c, r: (1,), "received tuple of 1")]:
        trial = optim.HeldOut(bad, loss, TRAIN, VALIDATION, epochs=1, batch_size=4)
        assert says in optim.grid_search(trial, {"x": [0]}, rng=0)["error"][0]
    trial = optim.HeldOut(build, loss, lambda: 3, epochs=1)
    assert "it gave int" in optim.grid_search(trial, MODELS, rng=0)["error"][0]


@pytest.mark.usefixtures("interruptible")
def test_a_model_whose_training_was_interrupted_is_no_result():
    class Presses(optim.Callback):
        def on_batch_end(self, run):
            if run.epoch == 2:
                os.kill(os.getpid(), signal.SIGINT)

    trial = optim.HeldOut(build, nn.MSELoss(), TRAIN, VALIDATION, epochs=4, callbacks=Presses())
    trials = optim.grid_search(trial, MODELS, rng=0)
    assert (len(trials["lr"]), trials.stopped_by) == (0, "Ctrl-C")


# --- executors of concurrent.futures, display -----------------------------------------------------------


def test_threads_run_what_cannot_be_pickled():
    lock = threading.Lock()

    def trial(config, seed):
        with lock:
            return bowl(config, seed)

    with concurrent.futures.ThreadPoolExecutor(3) as executor:
        trials = optim.grid_search(trial, SPACE, rng=0, executor=executor)
    assert trials["loss"] == optim.grid_search(bowl, SPACE, rng=0)["loss"]


def test_a_trial_that_hangs_is_an_error_after_the_timeout():
    release = threading.Event()

    def trial(config, seed):
        return 0.0 if config["x"] < 2 else release.wait(20)

    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        try:
            with pytest.raises(
                WorkerError, match=r"no trial was finished for 0\.4 seconds.*\{'x': 2\}"
            ) as caught:
                optim.grid_search(
                    trial, {"x": [0, 1, 2, 3, 4]}, rng=0, executor=executor, timeout=0.4
                )
        finally:
            release.set()
    assert caught.value.trials["x"] == [0, 1]
    assert "2 finished trials are in this error's .trials" in caught.value.__notes__[0]


def test_an_executor_that_was_shut_down_is_named():
    executor = concurrent.futures.ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(
        WorkerError, match="a trial cannot be handed over: RuntimeError: cannot schedule"
    ):
        optim.grid_search(bowl, SPACE, rng=0, executor=executor)


def test_lines_say_how_far_it_is(capsys):
    rows = []

    def trial(config, seed):
        return 1 / config["x"]

    optim.grid_search(trial, {"x": [1, 0, 2.5]}, rng=0, verbose=2, callback=rows.append)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines[:3]] == ["1/3", "2/3", "3/3"]
    assert "ZeroDivisionError" in lines[1]
    assert "1 failed" in lines[1]
    assert lines[2].endswith("x=2.5  value 0.4")
    assert [row["config"]["x"] for row in rows] == [1, 0, 2.5]


def test_a_callback_that_raises_stops_and_loses_nothing(tmp_path):
    def fails(row):
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more") as caught:
        optim.grid_search(bowl, SPACE, rng=0, store=tmp_path / "s", callback=fails)
    assert caught.value.trials["x"] == [0]
    assert len((tmp_path / "s").read_text().splitlines()) == 2
