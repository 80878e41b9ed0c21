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


def test_losses_are_on_the_left_and_errors_on_the_right():
    left = viz.plot_history(history())
    right = left.figure.axes[-1]
    assert labels(left) == ["training loss", "validation loss"]
    assert labels(right) == ["validation error"]
    np.testing.assert_allclose(right.get_lines()[0].get_ydata()[0], 50)
    np.testing.assert_array_equal(left.get_lines()[0].get_xdata(), np.arange(1, 11))
    legend = [text.get_text() for text in left.get_legend().get_texts()]
    assert legend == ["training loss", "validation loss", "validation error"]


def test_the_best_epoch_is_marked():
    made = history()
    axes = viz.plot_history(made)
    (text,) = (t.get_text() for t in axes.texts)
    assert text.startswith(f"best epoch {made.best_epoch}\nvalidation error ")
    lines = [line for line in axes.get_lines() if line.get_label() == "_best"]
    assert lines[0].get_xdata()[0] == made.best_epoch


def test_a_plain_mapping_will_do():
    axes = viz.plot_history({"loss": [2.0, None, 1.0]})
    assert labels(axes) == ["training loss"]
    assert np.isnan(axes.get_lines()[0].get_ydata()[1])
    assert len(axes.figure.axes) == 1


def test_errors_alone_will_do():
    axes = viz.plot_history({"val_error": [0.5, 0.25]})
    assert axes.get_ylabel() == ""
    assert labels(axes.figure.axes[-1]) == ["validation error"]


def test_given_axes_are_used_and_no_window_is_known(tmp_path):
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    assert viz.plot_history(history(False), ax=axes) is axes
    viz.plot_history(history()).figure.savefig(tmp_path / "history.png")
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


@pytest.mark.parametrize("wrong", [{}, {"seconds": [1.0]}, {"loss": []}])
def test_nothing_to_plot_is_an_error(wrong):
    with pytest.raises(ConfigError, match="at least one epoch"):
        viz.plot_history(wrong)


def test_something_else_is_refused():
    with pytest.raises(ConfigError, match="received list"):
        viz.plot_history([1.0])


def test_missing_matplotlib_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r"gradproof\[plots\]"):
        viz.plot_history(history())
