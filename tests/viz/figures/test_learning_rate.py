import dataclasses

import numpy as np
import pytest

from analysis import Quadratic, descend
from autograd_core.errors import ConfigError
from viz.figures import chart_learning_rate, learning_rate


def test_each_panel_shows_its_run_on_the_parabola():
    bowl = Quadratic(2.0, 0.5)
    runs = [descend(bowl, 2.0, lr, 5) for lr in (0.2, 0.9)]
    chart = chart_learning_rate(runs)
    assert [panel.title for panel in chart.panels] == [
        "η = 0.4 η_opt\nmonotone", "η = 1.8 η_opt\noscillating",
    ]  # fmt: skip
    for run, panel in zip(runs, chart.panels, strict=True):
        np.testing.assert_array_equal(panel.named("steps").x, run.points[:, 0])
        np.testing.assert_array_equal(panel.named("steps").y, run.values)
        assert (panel.x.low, panel.x.high) == (chart.panels[0].x.low, chart.panels[0].x.high)
        assert panel.x.low < run.points.min()
        assert run.points.max() < panel.x.high
        curve = panel.named("error")
        np.testing.assert_allclose(curve.y, (curve.x - 0.5) ** 2)
    assert chart.columns == 2
    assert not learning_rate.holds(chart), "its statement is about five step sizes"


def test_the_statement_is_about_the_steps():
    runs = learning_rate.example()
    assert learning_rate.holds(chart_learning_rate(runs))
    for k, run in enumerate(runs):
        still = dataclasses.replace(run, points=np.ones_like(run.points))
        assert not learning_rate.holds(chart_learning_rate([*runs[:k], still, *runs[k + 1 :]]))
    assert not learning_rate.holds(chart_learning_rate(runs[::-1]))


@pytest.mark.parametrize(
    "runs", [[], [descend(Quadratic([[1.0, 0.0], [0.0, 2.0]]), [1.0, 1.0], 0.1, 2)]]
)
def test_runs_that_are_on_no_parabola_are_refused(runs):
    with pytest.raises(ConfigError, match="learning-rate: expected runs in one dimension"):
        chart_learning_rate(runs)
