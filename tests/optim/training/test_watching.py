"""What stops, notes and shows a run: each callback in a run of its own, eager and compiled."""

from __future__ import annotations

import csv
import errno
import math
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import nn
import optim
from autograd_core import files
from autograd_core.errors import (
    AnomalyError,
    CheckpointError,
    ConfigError,
    MissingDependencyError,
    StateError,
)

X = np.random.default_rng(0).normal(size=(40, 3))
D = X @ np.array([[1.0], [-2.0], [0.5]])


def fit(*callbacks, epochs=4, model=None, optimizer=None, train=(X, D), criterion=None, **options):
    model = model or nn.Sequential(
        nn.Linear(3, 4, rng=0, dtype=np.float64),
        nn.Tanh(),
        nn.Linear(4, 1, rng=1, dtype=np.float64),
    )
    optimizer = optimizer or optim.SGD(model.parameters(), lr=0.05)
    options = {"validation": (X, D), "batch_size": 10, "rng": 0, "verbose": 0, **options}
    fit.model, fit.optimizer = model, optimizer
    return optim.fit(
        model,
        criterion or nn.MSELoss(),
        optimizer,
        train,
        epochs=epochs,
        callbacks=list(callbacks),
        **options,
    )


class Scripted(optim.Callback):
    provides = ("score",)

    def __init__(self, *values):
        self.values = values

    def on_epoch_end(self, run):
        run.logs["score"] = self.values[run.epoch - 1]


# --- converged ----------------------------------------------------------------------------------


def stops_after(callback, *values):
    history = fit(Scripted(*values), callback, epochs=len(values))
    return history.epochs, history.stopped_by


def test_a_change_within_the_tolerance_has_converged():
    until = optim.Converged(0.5, "score")
    assert stops_after(until, 5.0, 4.0, 3.6, 3.0) == (3, "converged")
    assert stops_after(until, 5.0, 5.5, 0.0) == (2, "converged")  # at the tolerance, and upwards
    assert stops_after(until, 5.0, 4.0, 3.0) == (3, "epochs")
    assert stops_after(optim.Converged(0.5, "score", epochs=2), 5, 4.9, 4.0, 3.9, 3.8, 0) == (
        5,
        "converged",
    )
    assert stops_after(optim.Converged(0.1, "score", relative=True), 100, 89, 81, 1) == (
        3,
        "converged",
    )
    assert stops_after(optim.Converged(0, "score"), 3.0, 2.0, 2.0, 1.0) == (3, "converged")


def test_what_is_not_a_number_has_not_converged():
    nan, inf = math.nan, math.inf
    assert stops_after(optim.Converged(1, "score"), nan, nan, inf, inf, 2.0) == (5, "epochs")


def test_err_of_the_slides_is_the_loss():
    model = nn.Linear(3, 1, rng=0, dtype=np.float64)
    descent = optim.SGD(model.parameters(), lr=0.2)
    until = optim.Converged(1e-8)
    history = fit(until, epochs=500, batch_size="full", model=model, optimizer=descent)
    assert history.stopped_by == "converged"
    assert (
        abs(history["loss"][-1] - history["loss"][-2])
        <= 1e-8
        < abs(history["loss"][-2] - history["loss"][-3])
    )


# --- patience -----------------------------------------------------------------------------------


@pytest.mark.parametrize("patience", [0, 1])
def test_a_patience_of_0_is_one_of_1(patience):
    stopping = optim.EarlyStopping("score", patience, mode="min")
    assert stops_after(stopping, 3, 2, 2, 1) == (3, "early stopping")
    assert stopping.best_epoch == 2
    rates = []
    note = optim.Lambda(on_epoch_end=lambda run: rates.append(run.optimizer.lr))
    plateau = optim.ReduceOnPlateau("score", 0.5, patience, mode="min")
    fit(Scripted(3, 2, 2, 2, 1), plateau, note, epochs=5)
    assert rates == [0.05, 0.05, 0.025, 0.0125, 0.0125]


def test_patience_that_ends_with_the_last_epoch_is_early_stopping():
    stopping = optim.EarlyStopping("score", 2, mode="min")
    assert stops_after(stopping, 1, 2, 3) == (3, "early stopping")
    assert stops_after(stopping, 1, 2) == (2, "epochs")


@pytest.mark.parametrize(
    "make",
    [
        lambda: optim.EarlyStopping("score", 2, mode="min"),
        lambda: optim.ReduceOnPlateau("score", patience=2, mode="min"),
    ],
)
def test_nan_is_waited_through_and_never_the_best(make):
    watching = make()
    fit(Scripted(math.nan, 2.0, math.nan, 1.0), watching)
    assert (watching.best, watching.best_epoch, watching.waited) == (1.0, 4, 0)
    fit(Scripted(1.0, math.nan, math.nan), watching, epochs=3)
    assert watching.best == 1.0
    fit(Scripted(math.nan, math.nan), watching, epochs=2)
    assert watching.best is None


@pytest.mark.parametrize(
    ("criterion", "values", "epochs"),
    [
        (optim.GL(10), [2.0, 1.0, 1.05, 1.2, 0.5], 4),
        (optim.UP(2, strip=1), [3.0, 1.0, 2.0, 3.0, 0.0], 4),
        (optim.UP(1, strip=2), [3.0, 1.0, 2.0, 3.0, 0.0], 4),
        (
            optim.PQ(1e9, strip=1),
            [3.0, 1.0, 2.0, 3.0, 0.5],
            3,
        ),  # a strip of one epoch has no progress
    ],
)
def test_criteria_stop_a_run_and_give_the_best_weights_back(criterion, values, epochs):
    stopping = optim.EarlyStopping("score", mode="min", criterion=criterion)
    kept = []
    keep = optim.Lambda(on_epoch_end=lambda run: kept.append(run.model.state_dict()))
    history = fit(Scripted(*values), keep, stopping, epochs=5)
    assert (history.epochs, history.stopped_by) == (epochs, "early stopping")
    best = int(np.argmin(values[:epochs]))
    assert stopping.best_epoch == best + 1
    assert stopping.best_updates == 4 * (best + 1)
    for name, values_ in fit.model.state_dict().items():
        np.testing.assert_array_equal(values_, kept[best][name])


def test_it_may_judge_every_so_many_updates():
    scores = {3: 5.0, 6: 1.0, 9: 2.0, 12: 3.0}
    stopping = optim.EarlyStopping("val_x", 2, mode="min", every=3)
    metric = {"x": lambda y, d: scores.get(fit.optimizer.updates, -9.0)}
    history = fit(stopping, metrics=metric, epochs=9)
    assert (history.stopped_by, fit.optimizer.updates) == ("early stopping", 12)
    assert stopping.best_updates == 6
    for given in ({"validation": None}, {}):
        with pytest.raises(ConfigError, match="EarlyStopping: "):
            fit(optim.EarlyStopping("loss" if not given else "val_loss", every=3), **given)


def test_of_two_the_last_has_the_last_word_on_the_weights():
    kept = []
    keep = optim.Lambda(on_epoch_end=lambda run: kept.append(run.model.state_dict()))
    first = optim.EarlyStopping("score", 9, mode="min")
    second = optim.EarlyStopping("score", 1, mode="max")
    history = fit(Scripted(1, 2, 3, 2, 0), keep, first, second, epochs=5)
    assert (history.epochs, history.monitor, history.mode) == (4, "score", "max")
    np.testing.assert_array_equal(fit.model.state_dict()["0.weight"], kept[2]["0.weight"])
    assert first.best_epoch == 1


@pytest.mark.parametrize(
    "kind", [optim.EarlyStopping, optim.ReduceOnPlateau, lambda m, mode: optim.Converged(1, m)]
)
@pytest.mark.parametrize("monitor", ["val_speed", "speed", ""])
def test_a_monitor_that_does_not_exist_is_named_with_those_that_do(kind, monitor):
    with pytest.raises(
        ConfigError, match=f"'{monitor}' will not be measured. Expected one of loss, val_loss"
    ):
        fit(kind(monitor, mode="min"))
    assert fit.optimizer.updates == 0


# --- limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize("jit", [False, True])
def test_a_run_ends_with_its_time_and_goes_on_from_there(tmp_path, jit):
    slow = optim.Lambda(on_epoch_begin=lambda run: time.sleep(0.05))
    began = time.monotonic()
    history = fit(
        optim.TimeLimit(0.3),
        slow,
        epochs=10**6,
        checkpoint=tmp_path / "run",
        jit=jit,
        validation=None,
    )
    assert history.stopped_by == "time limit"
    assert time.monotonic() - began < 30
    again = fit(
        optim.TimeLimit(1000),
        epochs=history.epochs + 2,
        resume=tmp_path / "run",
        jit=jit,
        validation=None,
    )
    assert again["loss"][: history.epochs] == history.get("loss", [])
    with pytest.raises(ConfigError, match="TimeLimit: seconds: expected a finite number"):
        optim.TimeLimit(0)


@pytest.mark.parametrize("jit", [False, True])
def test_numbers_that_are_not_finite_may_be_an_end_in_good_order(jit, tmp_path):
    for lr, where in ((1e200, "loss"), (1e3, "gradient or loss")):
        stop = optim.StopOnNonFinite()
        model = nn.Linear(3, 1, rng=0, dtype=np.float64)
        with np.errstate(all="ignore"):
            history = fit(
                stop, model=model, optimizer=optim.SGD(model.parameters(), lr=lr), epochs=400, jit=jit,
                validation=None, checkpoint=tmp_path / "run",
            )  # fmt: skip
        assert history.stopped_by == "not finite", where
        assert isinstance(stop.error, AnomalyError)
        assert all(np.isfinite(v).all() for v in model.state_dict().values())
        assert np.isfinite(history.get("loss", [0.0])).all()
    with np.errstate(all="ignore"), pytest.raises(AnomalyError):
        fit(
            model=(m := nn.Linear(3, 1, rng=0)),
            optimizer=optim.SGD(m.parameters(), lr=1e30),
            epochs=9,
        )


def test_validation_that_is_not_finite_may_be_an_end_too():
    model = nn.Linear(3, 1, rng=0, dtype=np.float64)
    loss = nn.MSELoss()
    history = fit(
        optim.StopOnNonFinite(),
        model=model,
        criterion=lambda y, d: loss(y, d) * (1.0 if model.training else np.inf),
    )
    assert (history.epochs, history.stopped_by) == (0, "not finite")


# --- functions ----------------------------------------------------------------------------------


def test_functions_are_called_at_the_seams():
    seen = []
    names = ("on_fit_begin", "on_epoch_begin", "on_batch_end", "on_epoch_end", "on_fit_end")
    fit(
        optim.Lambda(**{name: lambda run, name=name: seen.append(name) for name in names}), epochs=1
    )
    assert seen == [names[0], names[1], *[names[2]] * 4, names[3], names[4]]
    with pytest.raises(
        ConfigError, match="Lambda: on_epoch_end: expected a function of the run; received 3"
    ):
        optim.Lambda(on_epoch_end=3)
    with pytest.raises(ConfigError, match="Lambda: expected a function for one of on_fit_begin"):
        optim.Lambda()


def test_what_has_the_methods_is_a_callback_whatever_it_is_derived_from():
    class Own:
        provides, every_batch, records, first_only = (), True, False, False
        epochs = 0

        def on_epoch_end(self, run):
            self.epochs += 1

        def on_anomaly(self, run, error):
            return False

        def state_dict(self):
            return {"arrays": {}, "scalars": {"epochs": self.epochs}}

        def load_state_dict(self, state):
            self.epochs = state["scalars"]["epochs"]

        on_fit_begin = on_epoch_begin = on_batch_end = on_fit_end = lambda self, run: None

    own = Own()
    fit(own, epochs=3)
    assert own.epochs == 3
    del Own.on_anomaly, Own.records
    with pytest.raises(
        ConfigError, match=r"It lacks on_anomaly, records: derive it from optim\.Callback"
    ):
        fit(own)
    with pytest.raises(
        ConfigError, match=r"received <function.*optim\.Lambda\(on_epoch_end=\.\.\.\) makes one"
    ):
        fit(lambda run: None)


# --- columns ------------------------------------------------------------------------------------


def test_the_learning_rate_is_a_column():
    model = nn.Linear(3, 1, rng=0, dtype=np.float64)
    scheduled = optim.SGD(model.parameters(), lr=optim.schedules.Linear(1.0))
    history = fit(optim.LearningRate(), model=model, optimizer=scheduled, epochs=2)
    np.testing.assert_allclose(history["lr"], [1 / 5, 1 / 9])  # of the fifth and the ninth update
    groups = optim.SGD([{"params": [model.weight]}, {"params": [model.bias], "lr": 0.25}], lr=0.1)
    history = fit(optim.LearningRate(), model=model, optimizer=groups, epochs=1)
    assert (history["lr"], history["lr_0"], history["lr_1"]) == ([0.1], [0.1], [0.25])


@pytest.mark.parametrize(
    "options", [{}, {"jit": True}, {"accumulate": 2}, {"jit": True, "accumulate": 2}]
)
def test_gradient_flow_is_the_norm_of_each_gradient(options):
    history = fit(
        optim.GradientFlow(),
        epochs=1,
        batch_size=20,
        sampler=optim.in_order,
        regularizer=nn.L2(0.5),
        **options,
    )
    model = nn.Sequential(
        nn.Linear(3, 4, rng=0, dtype=np.float64),
        nn.Tanh(),
        nn.Linear(4, 1, rng=1, dtype=np.float64),
    )
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    step = 40 if "accumulate" in options else 20
    norms = []
    for start in range(0, 40, step):
        optimizer.zero_grad()
        loss = nn.MSELoss()(model(X[start : start + step]), D[start : start + step]) + nn.L2(0.5)(
            model
        )
        loss.backward()
        norms.append({n: np.linalg.norm(p.grad.numpy()) for n, p in model.named_parameters()})
        optimizer.step()
    for name in norms[0]:
        np.testing.assert_allclose(
            history[f"grad/{name}"], np.mean([n[name] for n in norms]), rtol=1e-9
        )
    whole = np.mean([np.sqrt(sum(v**2 for v in n.values())) for n in norms])
    np.testing.assert_allclose(history["grad"], whole, rtol=1e-9)
    model[0].weight.requires_grad_(False)
    frozen = fit(optim.GradientFlow(), model=model, epochs=1, **options)
    assert "grad/0.weight" not in frozen
    assert list(fit(optim.GradientFlow(parameters=False), **options))[:2] == ["loss", "grad"]


def test_what_callbacks_probe_can_be_monitored():
    history = fit(optim.GradientFlow(), optim.Converged(1e-3, "grad"), epochs=500)
    assert history.stopped_by == "converged"


def test_evaluation_every_so_many_updates_is_a_table():
    periodic = optim.Periodic(3)
    fit(periodic, epochs=3, metrics=["mse"])
    assert list(periodic.table) == ["updates", "loss", "val_loss", "val_mse"]
    assert periodic.table["updates"] == [3, 6, 9, 12]
    assert periodic.table["val_loss"][-1] == optim.evaluate(fit.model, nn.MSELoss(), (X, D))["loss"]
    assert periodic.table["val_loss"] == pytest.approx(periodic.table["val_mse"])
    with pytest.raises(ConfigError, match="Periodic: there are no validation data"):
        fit(periodic, validation=None)


# --- what is written down -----------------------------------------------------------------------


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_is_appended_to_and_read_back_the_same(tmp_path):
    path = tmp_path / "run.csv"
    sizes = []
    size = optim.Lambda(
        on_epoch_begin=lambda run: sizes.append(path.stat().st_size if path.exists() else 0)
    )
    history = fit(Scripted(1.0, math.nan, math.inf, 1e-300), optim.CSVLogger(path), size)
    found = rows(path)
    assert [row["epoch"] for row in found] == ["1", "2", "3", "4"]
    for name, column in history.items():
        np.testing.assert_array_equal([float(row[name]) for row in found], column)
    assert sizes == sorted(set(sizes))
    fit(optim.CSVLogger(path), epochs=1)  # a new run replaces it
    assert len(rows(path)) == 1
    assert os.listdir(tmp_path) == ["run.csv"]


def test_after_a_resume_rows_behind_the_checkpoint_are_gone_and_none_is_there_twice(tmp_path):
    path, run = tmp_path / "run.csv", tmp_path / "run"
    whole = fit(optim.CSVLogger(tmp_path / "whole.csv"), epochs=6)

    class Kill(optim.Callback):
        def on_epoch_begin(self, run):
            if run.epoch == 5:
                raise SystemExit

    with pytest.raises(SystemExit):  # the checkpoint has two epochs, the table four
        fit(optim.CSVLogger(path), Kill(), epochs=6, checkpoint=optim.Checkpoint(run, every=3))
    assert len(rows(path)) == 4
    again = fit(optim.CSVLogger(path), epochs=6, resume=run)
    assert again["loss"] == whole["loss"]
    seconds = [{k: v for k, v in row.items() if k != "seconds"} for row in rows(path)]
    assert seconds == [
        {k: v for k, v in row.items() if k != "seconds"} for row in rows(tmp_path / "whole.csv")
    ]


def test_a_run_that_does_not_begin_leaves_the_table(tmp_path):
    path, run = tmp_path / "run.csv", tmp_path / "run"
    fit(optim.CSVLogger(path), optim.TensorBoard(tmp_path / "board"), checkpoint=run)
    before, board = path.read_bytes(), sorted(os.listdir(tmp_path / "board"))
    file = run.read_bytes()
    other = nn.Linear(3, 1, rng=0, dtype=np.float64)
    weights = np.array(other.weight.numpy())
    with pytest.raises(StateError, match="does not fit this run; nothing was changed"):
        fit(
            optim.CSVLogger(path),
            optim.TensorBoard(tmp_path / "board"),
            model=other,
            epochs=9,
            checkpoint=optim.Checkpoint(run, resume=True),
        )
    assert path.read_bytes() == before
    assert run.read_bytes() == file
    assert sorted(os.listdir(tmp_path / "board")) == board
    np.testing.assert_array_equal(other.weight.numpy(), weights)


def test_a_column_that_comes_later_is_a_column_of_all_rows(tmp_path):
    class Late(optim.Callback):
        def on_epoch_end(self, run):
            if run.epoch > 2:
                run.logs["late"] = 1.5

    fit(optim.CSVLogger(tmp_path / "run.csv"), Late())
    assert [row["late"] for row in rows(tmp_path / "run.csv")] == ["nan", "nan", "1.5", "1.5"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"CSVLogger: .*cannot be written: No such file"):
        fit(optim.CSVLogger(tmp_path / "no" / "run.csv"))


def scalars(folder):
    """What TensorBoard reads: of each name the values by step, as later files override earlier ones."""
    from tensorboardX.proto.event_pb2 import Event

    found = {}
    for name in sorted(
        os.listdir(folder), key=lambda n: os.stat(os.path.join(folder, n)).st_mtime_ns
    ):
        data = (Path(folder) / name).read_bytes()
        while data:
            length = int.from_bytes(data[:8], "little")
            event = Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]
            for value in event.summary.value:
                found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def test_tensorboard_has_a_curve_for_each_column(tmp_path):
    pytest.importorskip("tensorboardX")
    folder = tmp_path / "board"
    history = fit(optim.TensorBoard(logdir=folder), checkpoint=tmp_path / "run")
    found = scalars(folder)
    assert found.keys() == history.keys()
    np.testing.assert_allclose(list(found["val_loss"].values()), history["val_loss"], rtol=1e-6)
    assert list(found["loss"]) == [1, 2, 3, 4]
    again = fit(optim.TensorBoard(folder), epochs=6, resume=tmp_path / "run")
    np.testing.assert_allclose(list(scalars(folder)["loss"].values()), again["loss"], rtol=1e-6)


def test_a_folder_that_cannot_be_is_named(tmp_path):
    pytest.importorskip("tensorboardX")
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=r"TensorBoard: logdir .*cannot be written"):
        fit(optim.TensorBoard(tmp_path / "file"))


def test_without_the_extra_it_is_named_before_anything_is_done(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingDependencyError, match=r"TensorBoard: .*gradproof\[tensorboard\]"):
        fit(optim.TensorBoard(tmp_path))
    assert fit.optimizer.updates == 0


def test_a_dot_for_each_epoch_and_a_line_now_and_then(capsys):
    fit(optim.EpochDots(report_every=3), epochs=7)
    out = capsys.readouterr().out
    assert out.count("\nEpoch ") == 3
    lines = out.strip().splitlines()
    assert lines[0].startswith("Epoch 1, loss: ")
    assert "val_loss: " in lines[0]
    assert [line for line in lines if set(line) == {"."}] == ["...", "...", "."]
    fit(optim.EpochDots(dot_every=2), epochs=0)
    assert capsys.readouterr().out == ""


# --- a full disk --------------------------------------------------------------------------------


def test_a_full_disk_under_a_checkpoint_leaves_the_old_file_and_the_best_weights(
    tmp_path, monkeypatch
):
    path = tmp_path / "run"
    fit(epochs=1, checkpoint=path)
    before = path.read_bytes()
    kept = []
    keep = optim.Lambda(on_epoch_end=lambda run: kept.append(run.model.state_dict()))

    def full(handle, data):
        os.write(handle, bytes(data)[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    class Fill(optim.Callback):
        def on_epoch_end(self, run):
            if run.epoch == 2:
                from autograd_core import storage

                monkeypatch.setattr(files, "write_all", full)
                monkeypatch.setattr(storage, "write_all", full)

    stopping = optim.EarlyStopping("score", mode="min")
    ended = []
    done = optim.Lambda(on_fit_end=lambda run: ended.append((run.stopped_by, run.history.epochs)))
    with pytest.raises(CheckpointError, match="The disk is full: free space, or save elsewhere"):
        fit(
            Scripted(1, 2, 3, 4),
            keep,
            Fill(),
            stopping,
            done,
            checkpoint=optim.Checkpoint(path, every=2),
        )
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["run"]
    assert ended == [("CheckpointError", 2)]
    np.testing.assert_array_equal(fit.model.state_dict()["0.weight"], kept[0]["0.weight"])
    monkeypatch.undo()
    fit(epochs=2, resume=path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_disk_under_a_table_is_named():
    logger = optim.CSVLogger("/dev/full")
    logger._columns = ["loss", "val_loss", "seconds"]
    logger.on_fit_begin = lambda run: None
    with pytest.raises(
        CheckpointError, match="CSVLogger: /dev/full: cannot be written: No space left"
    ):
        fit(logger)


# --- the slide ----------------------------------------------------------------------------------


def get_callbacks(name):
    return [
        optim.EpochDots(),
        optim.EarlyStopping(monitor='val_binary_crossentropy', patience=200),
        optim.TensorBoard(logdir=name),
    ]  # fmt: skip


@pytest.mark.parametrize("jit", [False, True])
def test_the_callbacks_of_the_slide_run_as_written_with_other_prefixes(tmp_path, capsys, jit):
    pytest.importorskip("tensorboardX")
    labels = (D > 0).astype(float)
    model = nn.Sequential(nn.Linear(3, 16, rng=0), nn.ReLU(), nn.Linear(16, 1, rng=1))
    kept = []
    keep = optim.Lambda(
        on_epoch_end=lambda run: kept.append(
            (run.logs["val_binary_crossentropy"], run.model.state_dict())
        )
    )
    loss = nn.BCEWithLogitsLoss()
    optimizer = optim.Adam(model.parameters(), lr=0.3)
    history = optim.fit(
        model, loss, optimizer, (X[:20], labels[:20]), validation=(X[20:], labels[20:]), epochs=1000, batch_size=20, rng=0,
        metrics={"binary_crossentropy": nn.BCEWithLogitsLoss(), "accuracy": optim.Accuracy(threshold=0.0)},
        callbacks=[keep, *get_callbacks(str(tmp_path / "tiny"))], verbose=0, jit=jit,
    )  # fmt: skip
    assert history.stopped_by == "early stopping"
    best = int(np.argmin(history["val_binary_crossentropy"]))
    assert history.epochs == best + 1 + 200
    for name, values in model.state_dict().items():  # "return the copy of the weights stored"
        np.testing.assert_array_equal(values, kept[best][1][name])
    assert capsys.readouterr().out.count(".") > history.epochs
    assert len(scalars(tmp_path / "tiny")["val_binary_crossentropy"]) == history.epochs


def test_the_slides_callbacks_without_validation_data_are_a_named_error(tmp_path):
    with pytest.raises(
        ConfigError,
        match="'val_binary_crossentropy' will not be measured: there are no validation data",
    ):
        fit(*get_callbacks(str(tmp_path)), validation=None)
    assert os.listdir(tmp_path) == []


# --- each of them, everywhere -------------------------------------------------------------------

EVERY = {
    "EarlyStopping": lambda p: optim.EarlyStopping(),
    "EarlyStopping by GL": lambda p: optim.EarlyStopping(criterion=optim.GL(1e9)),
    "EarlyStopping by PQ": lambda p: optim.EarlyStopping(criterion=optim.PQ(1e9, strip=2)),
    "EarlyStopping by UP": lambda p: optim.EarlyStopping(criterion=optim.UP(9)),
    "EarlyStopping by updates": lambda p: optim.EarlyStopping(every=5),
    "Converged": lambda p: optim.Converged(0),
    "ReduceOnPlateau": lambda p: optim.ReduceOnPlateau(patience=0),
    "StopOnNonFinite": lambda p: optim.StopOnNonFinite(),
    "TimeLimit": lambda p: optim.TimeLimit(1000),
    "Lambda": lambda p: optim.Lambda(on_batch_end=lambda run: None),
    "LearningRate": lambda p: optim.LearningRate(),
    "GradientFlow": lambda p: optim.GradientFlow(),
    "Periodic": lambda p: optim.Periodic(2),
    "CSVLogger": lambda p: optim.CSVLogger(p / "run.csv"),
    "TensorBoard": lambda p: optim.TensorBoard(p / "board"),
    "EpochDots": lambda p: optim.EpochDots(stream=open(os.devnull, "w")),  # noqa: SIM115
    "Checkpoint": lambda p: optim.Checkpoint(p / "other"),
}


def test_none_is_forgotten():
    derived = {
        name for name, kind in vars(optim).items()
        if isinstance(kind, type) and issubclass(kind, optim.Callback) and kind not in (optim.Callback, optim.Monitoring)
    }  # fmt: skip
    assert derived == {name.partition(" ")[0] for name in EVERY}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.sampled(2)
@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("name", EVERY)
def test_each_changes_nothing_resumes_twice_and_says_what_it_is(name, jit, tmp_path):
    """Compiled and eager, through two resumptions, with no epoch at all; and a second run begins anew."""

    def run(epochs, checkpoint=None):
        history = fit(EVERY[name](tmp_path), epochs=epochs, jit=jit, checkpoint=checkpoint)
        del history["seconds"]
        return dict(history), fit.model.state_dict()

    if name != "ReduceOnPlateau":  # which changes the rate
        plain = fit(epochs=6, jit=jit)
        assert run(6)[0]["loss"] == plain["loss"]
    whole = run(6)
    checkpoint = optim.Checkpoint(tmp_path / "run", resume=True)
    for epochs in (0, 2, 5, 6):
        found = run(epochs, checkpoint) if epochs else None
    assert found[0] == whole[0]
    for key, values in whole[1].items():
        np.testing.assert_array_equal(found[1][key], values)
    callback = EVERY[name](tmp_path)
    assert fit(callback, epochs=0, jit=jit).epochs == 0
    for _ in range(2):
        assert fit(callback, epochs=2, jit=jit).epochs == 2
    assert repr(callback).startswith(type(callback).__name__ + "(")
    assert "object at" not in repr(callback).replace("<_io", "")
