import sys

import numpy as np
import pytest

import viz
from autograd_core.errors import ConfigError, MissingDependencyError
from optim.training.history import History

matplotlib = pytest.importorskip("matplotlib")


def history(errors=True):
    made = History()
    for epoch in range(10):
        row = {"loss": 1 / (epoch + 1), "val_loss": 1 / (epoch + 1) + abs(epoch - 6) / 10}
        if errors:
            row["val_error"] = 0.5 / (epoch + 1)
        made.append(row)
    return made


def labels(axes):
    return [line.get_label() for line in axes.get_lines() if not line.get_label().startswith("_")]


def test_losses_are_above_and_errors_below():
    upper = viz.plot_history(history())
    assert len(upper.figure.axes) == 2
    lower = upper.figure.axes[-1]
    assert labels(upper) == ["training loss", "validation loss"]
    assert labels(lower) == ["validation error"]
    assert upper.get_position().y0 > lower.get_position().y1
    np.testing.assert_allclose(lower.get_lines()[0].get_ydata()[0], 50)
    np.testing.assert_array_equal(upper.get_lines()[0].get_xdata(), np.arange(1, 11))
    assert upper.get_xlim() == lower.get_xlim()
    assert (upper.get_xlabel(), lower.get_xlabel()) == ("", "epoch")
    assert lower.get_ylim()[0] == 0
    legend = [text.get_text() for text in lower.get_legend().get_texts()]
    assert legend == ["training", "validation"]
    # One colour for one part of the data, in both panels.
    assert upper.get_lines()[1].get_color() == lower.get_lines()[0].get_color()


def test_the_best_epoch_is_marked():
    made = history()
    axes = viz.plot_history(made)
    (text,) = (t.get_text() for t in axes.texts)
    assert text.startswith(f"best epoch {made.best_epoch}\nvalidation loss ")
    assert "\nvalidation error " in text
    for panel in axes.figure.axes:
        lines = [line for line in panel.get_lines() if line.get_label() == "_best"]
        assert lines[0].get_xdata()[0] == made.best_epoch


def test_a_plain_mapping_will_do():
    axes = viz.plot_history({"loss": [2.0, None, 1.0]})
    assert labels(axes) == ["training loss"]
    assert np.isnan(axes.get_lines()[0].get_ydata()[1])
    assert len(axes.figure.axes) == 1


@pytest.mark.parametrize("log", [False, True])
def test_a_run_that_diverged_is_shown_as_far_as_it_goes(log):
    made = history()
    for name, epochs in (("loss", range(8, 10)), ("val_loss", range(10))):
        for epoch in epochs:
            made[name][epoch] = float("inf" if epoch % 2 else "nan")
    axes = viz.plot_history(made, log=log)
    assert np.isnan(axes.get_lines()[0].get_ydata()[8:]).all()
    axes.figure.draw_without_rendering()
    viz.plot_history({"loss": [float("nan")] * 3}, log=log).figure.draw_without_rendering()


def test_the_note_on_the_best_epoch_has_room():
    class Marked(dict):
        best_epoch = 0

    for best, high in ((1, 2.0), (6, 2.0), (10, 0.5), (10, 2.0)):
        made = Marked(loss=[1.0] * 10, val_loss=[high] * 10)
        without = viz.plot_history(made).get_ylim()[1]
        made.best_epoch = best
        axes = viz.plot_history(made)
        axes.figure.draw_without_rendering()
        (note,) = axes.texts
        around = note.get_window_extent()
        for line in axes.get_lines():
            if line.get_label() != "_best":
                path = line.get_path().transformed(axes.transData)
                assert not path.intersects_bbox(around, filled=False)
        assert axes.get_ylim()[1] >= without - 1e-9


def test_errors_alone_will_do():
    axes = viz.plot_history({"val_error": [0.5, 0.25]})
    assert axes.get_ylabel() == "error in %"
    assert labels(axes) == ["validation error"]
    assert len(axes.figure.axes) == 1


def test_the_loss_may_have_a_logarithmic_scale():
    axes = viz.plot_history(history(), log=True)
    assert (axes.get_yscale(), axes.figure.axes[-1].get_yscale()) == ("log", "linear")
    axes.figure.canvas.draw()
    shown = [t.get_text() for t in axes.get_yticklabels(which="both") if t.get_text()]
    assert shown
    assert not any("times" in text or "^" in text for text in shown)
    assert viz.plot_history(history()).get_yscale() == "linear"
    with pytest.raises(ConfigError, match=r"logarithmic scale has no 0.*received 0 in 'val_loss'"):
        viz.plot_history({"loss": [1.0, 0.5], "val_loss": [1.0, 0.0]}, log=True)


def test_given_axes_are_used_and_divided(tmp_path):
    from matplotlib.figure import Figure

    for errors in (False, True):
        figure = Figure(layout="constrained")
        axes, other = figure.subplots(1, 2)
        assert viz.plot_history(history(errors), ax=axes) is axes
        assert len(figure.axes) == 2 + errors
        figure.savefig(tmp_path / "history.png")
        assert all(
            a.get_position().x1 < other.get_position().x0 for a in figure.axes if a is not other
        )
    placed = Figure().add_axes((0.1, 0.2, 0.8, 0.7))
    viz.plot_history(history(), placed)
    lower = placed.figure.axes[-1]
    np.testing.assert_allclose([lower.get_position().y0, placed.get_position().y1], [0.2, 0.9])
    assert placed.get_position().y0 > lower.get_position().y1


def test_axes_for_each_panel_may_be_given():
    from matplotlib.figure import Figure

    pair = Figure().subplots(1, 2)
    assert viz.plot_history(history(), pair) is pair[0]
    assert labels(pair[1]) == ["validation error"]
    assert [panel.get_xlabel() for panel in pair] == ["epoch", "epoch"]
    viz.plot_history(history(False), [pair[0]])
    for wrong, made in ((pair, history(False)), (pair[:1], history())):
        with pytest.raises(ConfigError, match="plot_history: expected Axes for"):
            viz.plot_history(made, wrong)


def test_a_figure_of_pyplots_is_made_once_where_no_axes_are_given():
    import matplotlib.pyplot as plt
    from matplotlib.figure import Figure

    viz.plot_history(history(), Figure().subplots())
    assert plt.get_fignums() == []
    axes = viz.plot_history(history())
    assert plt.get_fignums() == [axes.figure.number]
    assert plt.gcf() is axes.figure


@pytest.mark.parametrize("wrong", [{}, {"seconds": [1.0]}, {"loss": []}])
def test_nothing_to_plot_is_an_error(wrong):
    with pytest.raises(ConfigError, match="at least one epoch"):
        viz.plot_history(wrong)


def test_something_else_is_refused():
    with pytest.raises(ConfigError, match="received list"):
        viz.plot_history([1.0])


def test_missing_matplotlib_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependencyError, match=r"gradproof\[plots\]"):
        viz.plot_history(history())
