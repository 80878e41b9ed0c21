from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

import optim
from optim.training.progress import ProgressBar


@pytest.fixture
def fit(tiny, criterion, train, validation):
    def run(*callbacks, **options):
        model = tiny()
        return optim.fit(
            model, criterion, optim.SGD(model.parameters(), lr=0.1), train, validation=validation,
            **{"epochs": 3, **options}, batch_size=20, rng=np.random.default_rng(0), callbacks=callbacks,
        )  # fmt: skip

    return run


def test_off_a_terminal_nothing_is_shown(fit, capsys):
    fit()
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_on_a_terminal_there_is_epoch_loss_error_and_time(fit):
    stream = io.StringIO()
    bar = ProgressBar(Console(file=stream, force_terminal=True, width=80, color_system=None))
    assert bar.visible
    history = fit(bar, progress=False)
    last = [line for line in stream.getvalue().splitlines() if "epoch" in line][-1]
    assert "epoch 3/3" in last
    for name in ("loss", "val_loss", "val_error"):
        assert f"{name} {history[name][-1]:.3g}" in last
    assert "0:00:0" in last
    assert "Stopped" not in stream.getvalue()


def test_it_says_when_and_why_a_run_ended_early(fit):
    class Stop(optim.Callback):
        def on_epoch_end(self, run):
            if run.epoch == 2:
                run.stop("[enough]")

    stream = io.StringIO()
    fit(Stop(), ProgressBar(Console(file=stream, width=120)), progress=False)
    assert "Stopped by [enough] in epoch 2 of 3; the best epoch was " in stream.getvalue()


def test_it_can_be_asked_for(fit, capsys):
    fit(progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "epoch 3/3" in captured.err
