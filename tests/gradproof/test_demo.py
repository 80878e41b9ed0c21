"""The main job: with few epochs where that will do, and once as it is."""

import importlib.util
import io
import json
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import autograd_core as ag
import nn
import optim
from autograd_core.errors import ConfigError, DataError, MissingDependencyError
from gradproof import demo, proofs


@pytest.fixture
def few(monkeypatch):
    """Only the quickest statement is proved."""
    statements = proofs.statements

    def quickest(eps, network):
        yield list(statements(eps, network))[3]

    monkeypatch.setattr(proofs, "statements", quickest)


@pytest.fixture
def screen():
    """A console that writes into memory, 100 columns wide."""
    return Console(file=io.StringIO(), width=100, highlight=False)


def test_the_demo_learns_draws_proves_and_reports(main_job, quiet):
    folder, done = main_job[0]
    assert done.returncode == 0, done.stderr
    assert {path.name for path in folder.iterdir()} == {
        "index.html",
        "model.safetensors",
        "timings.json",
    }
    page = quiet((folder / "index.html").read_text("utf-8"))
    # What the README and the issue promise.
    (wrong,) = set(re.findall(r"(\d+) of 359", page.text))
    assert int(wrong) / 359 <= 0.03
    for words in ("BatchNorm1d", "dropout mask", "L2", "ended by early stopping"):
        assert words in page.text
    assert len(page.all("svg")) == 5
    for words in ("1,169 to learn from", "training", "validation", "test", "trained in"):
        assert words in done.stdout
    assert done.stdout.count("PROVED") == 5
    assert page.text.count("PROVED") >= 5
    for word in ("REFUTED", "UNDECIDED", "PROBABLE"):
        assert word not in done.stdout


def test_two_runs_with_one_seed_give_the_same_bytes(main_job):
    """In two processes with other hashes, so that no order of a set can show."""
    for folder, done in main_job:
        assert done.returncode == 0, done.stderr
        assert done.stdout.rstrip().endswith(f"The report: {folder / 'index.html'}")
        assert done.stderr == ""  # no progress bar where nobody looks
    (first, _), (second, _) = main_job
    for name in ("index.html", "model.safetensors"):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_another_seed_gives_another_model(tmp_path, few, screen):
    models = [
        demo.run_demo(tmp_path / str(seed), epochs=1, seed=seed, console=screen).model.read_bytes()
        for seed in (1, 2)
    ]
    assert models[0] != models[1]


def test_the_saved_model_reads_as_well_as_the_reported_one(tmp_path, few, screen):
    done = demo.run_demo(tmp_path, epochs=2, seed=5, console=screen)
    arrays, about = ag.storage.load(done.model)
    model = demo.build(64, demo.HIDDEN, 10, np.random.default_rng(99))
    model.load_state_dict(arrays)
    test = nn.data.digits(rng=np.random.default_rng(5)).test
    measured = optim.evaluate(model, nn.CrossEntropyLoss(), test)
    assert measured["error"] == pytest.approx(done.scores[2].error)
    assert measured["loss"] == pytest.approx(done.scores[2].loss, rel=1e-5)
    assert about["seed"] == 5


def test_times_are_kept_out_of_the_report(tmp_path, few, screen):
    done = demo.run_demo(tmp_path, epochs=2, console=screen)
    times = json.loads(done.timings.read_text("utf-8"))
    assert set(times["stages"]) == {"data", "training", "measuring", "drawing", "proving"}
    assert len(times["epochs"]) == 2
    assert times["proofs"][0]["seconds"] > 0


def test_an_older_report_is_replaced(tmp_path, few, screen):
    (tmp_path / "index.html").write_text("old")
    (tmp_path / "mine.txt").write_text("mine")
    demo.run_demo(tmp_path, epochs=1, console=screen)
    assert (tmp_path / "index.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_the_report_holds_no_path_of_this_machine(tmp_path, few, screen):
    page = demo.run_demo(tmp_path, epochs=1, console=screen).page.read_text("utf-8")
    assert str(tmp_path) not in page
    assert str(Path.home()) + os.sep not in page
    assert str(Path(demo.__file__).parent) not in page


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("epochs", [0, -1, 2.5, True])
def test_a_number_of_epochs_out_of_range_is_refused(tmp_path, epochs):
    with pytest.raises(ConfigError, match="--epochs: expected an integer of 1 or more; received"):
        demo.run_demo(tmp_path / "report", epochs=epochs)
    assert not (tmp_path / "report").exists()


def test_a_negative_seed_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="--seed: expected an integer of 0 or more; received -1"):
        demo.run_demo(tmp_path, seed=-1)


def test_a_file_in_place_of_the_folder_is_refused_before_any_work(tmp_path, run):
    (tmp_path / "report").write_text("mine")
    done = run("demo", "--out", tmp_path / "report")
    assert done.returncode == 1
    assert done.stderr.startswith("error: --out: ")
    assert "is a file" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_data_that_are_not_there_are_one_message(tmp_path, screen):
    with pytest.raises(DataError, match="there is no folder"):
        demo.run_demo(tmp_path, data=str(tmp_path / "nowhere"), console=screen)


@pytest.mark.parametrize(
    ("absent", "data", "extras"),
    [
        ({"matplotlib"}, "digits", "plots"),
        ({"sklearn"}, "digits", "data"),
        ({"matplotlib", "sklearn"}, "digits", "plots,data"),
        ({"matplotlib", "sklearn"}, "mnist", "plots"),
    ],
)
def test_all_missing_extras_are_said_at_once_before_any_work(
    tmp_path, monkeypatch, absent, data, extras
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in absent else find(name)
    )
    with pytest.raises(MissingDependencyError, match=rf'"gradproof\[{extras}\]"'):
        demo.run_demo(tmp_path / "report", data=data)
    assert not (tmp_path / "report").exists()


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_during_training_ends_in_order_and_writes_nothing(tmp_path, monkeypatch, screen):
    def interrupt(self, run):
        if run.epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(optim.EarlyStopping, "on_epoch_end", interrupt)
    with pytest.raises(KeyboardInterrupt, match="nothing was written"):
        demo.run_demo(tmp_path / "report", epochs=50, console=screen)
    assert list((tmp_path / "report").iterdir()) == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_mnist_is_read_from_its_folder(tmp_path, few, screen, quiet):
    folder = tmp_path / "mnist"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for part, count in (("train", 120), ("t10k", 30)):
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        for name, axes, values in (
            ("images-idx3", (count, 28, 28), images),
            ("labels-idx1", (count,), labels),
        ):
            head = bytes([0, 0, 8, len(axes)]) + np.array(axes, ">u4").tobytes()
            (folder / f"{part}-{name}-ubyte").write_bytes(head + values.tobytes())
    done = demo.run_demo(tmp_path / "report", epochs=1, data=str(folder), console=screen)
    assert [score.images for score in done.scores] == [100, 20, 30]
    page = quiet(done.page.read_text("utf-8"))
    assert "28 × 28 pixels" in page.text
    assert "--data FOLDER" in page.text
    assert str(folder) not in page.text


# --- the command ----------------------------------------------------------------------------------


def test_a_refuted_gradient_is_exit_code_1(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from autograd_core.symbolic import Verdict
    from gradproof.cli import app

    verdict = Verdict("a claim", "REFUTED", "shape z (2,)")
    statement = proofs.Statement("Batch norm", "It is the derivative.", lambda: verdict)
    monkeypatch.setattr(proofs, "statements", lambda eps, network: iter([statement]))
    result = CliRunner().invoke(app, ["demo", "--epochs", "1", "--out", str(tmp_path)])
    assert result.exit_code == 1
    assert "A gradient was refuted" in result.output
    assert (tmp_path / "index.html").exists()


def test_a_browser_opens_only_where_somebody_sees_it(monkeypatch):
    from gradproof.commands import demo as command

    class Stream(io.StringIO):
        terminal = True

        def isatty(self):
            return self.terminal

    stream = Stream()
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not command._desktop()
    monkeypatch.setenv("DISPLAY", ":0")
    assert command._desktop()
    stream.terminal = False
    assert not command._desktop()
