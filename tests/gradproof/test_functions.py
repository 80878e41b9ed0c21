"""The table of functions says what is there."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

import autograd_core as ag
from gradproof import functions
from gradproof.cli import app


def test_every_function_has_a_row_and_every_convention_a_function():
    rows = {f.name: f for f in functions.listed()}
    assert set(ag.functional.__all__) <= set(rows)
    assert {"det", "linalg.inv", "linalg.norm", "special.gammaln", "signal.convolve"} <= set(rows)
    assert {"stats.norm.logcdf", "stats.poisson.pmf", "stats.dirichlet.logpdf"} <= set(rows)
    assert rows["special.gammaln"].made == rows["special.jv"].made == "primitive"
    assert rows["special.gammaln"].numpy == "scipy.special.gammaln"
    assert set(functions.kinks()) <= set(rows)
    assert rows["arctan2"] == functions.Function(
        "arctan2", "primitive", "Elementwise", "np.arctan2", "the origin: 0", True
    )
    assert rows["matrix_trace"].numpy == "np.trace"
    assert not rows["argmax"].differentiable


@pytest.mark.parametrize("name", [f.name for f in functions.listed() if f.made == "composite"])
def test_a_composite_that_is_said_to_have_no_gradient_has_none(name):
    """The list of constants in the module is short enough to be wrong; this holds it to the walk."""
    differentiable = next(f for f in functions.listed() if f.name == name).differentiable
    if differentiable:
        return
    x = ag.tensor([0.25, 0.75], requires_grad=True)
    extra = {"full_like": (1.0,), "one_hot": (2,)}.get(
        name, (x,) if name.startswith(("logical", "isclose")) else ()
    )
    assert not getattr(ag, name)(x if name != "one_hot" else [0, 1], *extra).requires_grad


@pytest.mark.parametrize("columns", ["80", "160"])
def test_the_command_prints_a_table_and_verdicts(columns):
    result = CliRunner().invoke(app, ["functions", "arc", "--prove"], env={"COLUMNS": columns})
    assert result.exit_code == 0
    assert result.stdout.count("PROVED") == 7
    assert "7 functions: 7 primitives" in result.stdout


def test_what_is_not_proved_has_its_reason_below():
    result = CliRunner().invoke(app, ["functions", "pinv", "--prove"], env={"COLUMNS": "160"})
    assert "UNDECIDED" in result.stdout
    assert "pinv has no exact reading: its formula changes with the rank" in result.stdout
