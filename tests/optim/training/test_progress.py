"""What a run shows: on a terminal, in a notebook, and anywhere when asked."""

from __future__ import annotations

import io
import re
import sys
import types

import numpy as np
import pytest
from rich.console import Console

import optim
from autograd_core.errors import ConfigError
from optim.training.progress import Lines, NotebookBar, TerminalBar, progress_of


class Stop(optim.Callback):
    def on_epoch_end(self, run):
        if run.epoch == 2:
            run.stop("[enough]")


@pytest.fixture
def fit(tiny, criterion, train, validation):
    def run(*callbacks, **options):
        model = tiny()
        return optim.fit(
            model, criterion, optim.SGD(model.parameters(), lr=0.1), train, validation=validation,
            **{"epochs": 3, **options}, batch_size=20, rng=np.random.default_rng(0), callbacks=callbacks,
        )  # fmt: skip

    return run


@pytest.fixture
def clock(monkeypatch):
    """A second passes whenever somebody looks."""
    seconds = iter(range(10**6))
    monkeypatch.setattr(
        "optim.training.progress.time", types.SimpleNamespace(monotonic=lambda: next(seconds))
    )


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Notebook:
    """IPython as far as the bar uses it, with what a cell would show."""

    def __init__(self, monkeypatch, kernel=True):
        self.outputs, self.updates = [], 0
        ipython, display = types.ModuleType("IPython"), types.ModuleType("IPython.display")
        ipython.get_ipython = lambda: types.SimpleNamespace(**{"kernel": 1} if kernel else {})
        display.display = self.display
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        monkeypatch.setitem(sys.modules, "IPython.display", display)

    def display(self, data, raw, display_id):
        assert raw
        assert display_id
        self.outputs.append(data)
        place = len(self.outputs) - 1

        def update(data, raw):
            self.outputs[place], self.updates = data, self.updates + 1

        return types.SimpleNamespace(update=update)


def test_off_a_terminal_nothing_is_shown_unless_asked(fit, capsys):
    for options in ({}, {"verbose": 0}, {"verbose": False}):
        fit(**options)
        captured = capsys.readouterr()
        assert (captured.out, captured.err) == ("", "")


@pytest.mark.parametrize("options", [{"verbose": 1}, {"verbose": 2}, {"verbose": True}])
def test_off_a_terminal_it_is_a_line_an_epoch_when_asked(fit, capsys, options):
    history = fit(**options)
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    for k, line in enumerate(lines):
        for name in ("loss", "val_loss", "val_error"):
            assert f"  {name} {history[name][k]:.3g}  " in line


def test_on_a_terminal_there_is_epoch_loss_error_and_time(fit):
    stream = io.StringIO()
    bar = TerminalBar(Console(file=stream, force_terminal=True, width=80, color_system=None))
    history = fit(bar, verbose=0)
    last = [line for line in stream.getvalue().splitlines() if "epoch" in line][-1]
    assert "epoch 3/3" in last
    for name in ("loss", "val_loss", "val_error"):
        assert f"{name} {history[name][-1]:.3g}" in last
    assert "0:0" in last
    assert "Stopped" not in stream.getvalue()


@pytest.mark.parametrize("width", [200, 80, 40])
def test_the_bar_takes_the_room_that_the_numbers_leave(fit, clock, width):
    class Eager(TerminalBar):  # rich draws ten times a second at most
        def show(self, run, done):
            super().show(run, done)
            self._bars.refresh()

    stream = io.StringIO()
    fit(
        Eager(Console(file=stream, force_terminal=True, width=width, color_system=None)),
        verbose=0,
    )
    lines = (
        re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", stream.getvalue()).replace("\r", "\n").splitlines()
    )
    assert max(map(len, lines)) <= width
    if width >= 80:
        assert any("left" in line for line in lines)


def test_it_says_how_long_the_rest_will_take(fit, clock):
    stream = io.StringIO()
    fit(Lines(stream), epochs=4, verbose=0)
    first, *_, last = stream.getvalue().splitlines()
    # The clock is looked at when it starts, and once a line: 1 s for each epoch.
    assert first.endswith("0:01, 0:03 left")
    assert last.endswith("  0:04")


def test_a_resumed_run_counts_from_where_it_began(fit, clock, tmp_path):
    path, stream = tmp_path / "run", io.StringIO()
    fit(epochs=2, checkpoint=path)

    class Own(Lines):  # not among the callbacks that the file remembers
        pass

    shown = Own(stream)
    import optim.training.loop as loop

    before = loop.progress_of
    loop.progress_of = lambda verbose: [shown]
    try:
        fit(epochs=6, resume=path)
    finally:
        loop.progress_of = before
    first = stream.getvalue().splitlines()[0]
    assert first.startswith("epoch 3/6")
    assert first.endswith("0:01, 0:03 left")


@pytest.mark.parametrize("kind", ["bar", "lines"])
def test_it_says_when_and_why_a_run_ended_early(fit, kind):
    stream = io.StringIO()
    shown = TerminalBar(Console(file=stream, width=120)) if kind == "bar" else Lines(stream)
    fit(Stop(), shown, verbose=0)
    assert "Stopped by [enough] in epoch 2 of 3; the best epoch was " in stream.getvalue()


def test_in_a_notebook_one_output_is_replaced(fit, monkeypatch, capsys):
    notebook = Notebook(monkeypatch)
    history = fit()
    (shown,) = notebook.outputs
    assert notebook.updates >= 2
    assert shown["text/plain"].startswith("epoch 3/3  loss ")
    assert f"val_loss {history['val_loss'][-1]:.3g}" in shown["text/html"]
    assert "<progress" in shown["text/html"]
    assert "<script" not in shown["text/html"]
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
    fit(Stop())
    assert len(notebook.outputs) == 2
    assert capsys.readouterr().out.startswith("Stopped by [enough] in epoch 2")


def test_which_of_them_is_shown(monkeypatch):
    def kinds(verbose):
        return [type(shown) for shown in progress_of(verbose)]

    assert [kinds(v) for v in (None, 0, 1, 2)] == [[], [], [Lines], [Lines]]
    with monkeypatch.context() as patch:
        Notebook(patch)
        assert [kinds(v) for v in (None, 0, 1, 2)] == [[NotebookBar], [], [NotebookBar], [Lines]]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", Terminal())
        assert [kinds(v) for v in (None, 0, 1, 2)] == [[TerminalBar], [], [TerminalBar], [Lines]]
        Notebook(patch, kernel=False)  # IPython on a terminal
        assert kinds(None) == [TerminalBar]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", None)  # a program without a console
        assert kinds(None) == []


@pytest.mark.parametrize("verbose", [3, -1, "auto", 0.5])
def test_another_verbosity_is_refused(fit, verbose):
    with pytest.raises(ConfigError, match=r"fit: verbose: expected 0 .* 1 .* 2 .*received"):
        fit(verbose=verbose)


def test_its_older_name_is_understood(fit, capsys):
    fit(progress=True)
    assert "epoch 3/3" in capsys.readouterr().err
    fit(progress=False)
    assert capsys.readouterr().err == ""


def test_a_stream_has_a_bar_once_its_length_is_known(criterion, tiny, train):
    """Before that the bar says that something is done, and no part of a whole."""
    x, d = train
    seen = []

    class Watched(TerminalBar):
        def show(self, run, done):
            super().show(run, done)
            task = self._bars.tasks[0]
            seen.append((run.epoch, task.total, task.completed))

    model = tiny()
    bar = Watched(Console(file=io.StringIO(), force_terminal=True, width=80))
    optim.fit(
        model, criterion, optim.SGD(model.parameters(), lr=0.1), lambda: [(x[:30], d[:30]), (x[30:], d[30:])],
        epochs=3, rng=0, callbacks=[bar], verbose=0,
    )  # fmt: skip
    assert seen[0] == (1, None, 0)
    assert seen[-1] == (3, 6, 6)
    assert all(total in (None, 6) for _, total, _ in seen)
