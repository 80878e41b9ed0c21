"""The table of functions says what is there."""

from __future__ import annotations

import dataclasses
import io
import re

import pytest
from rich.console import Console
from typer.testing import CliRunner

import autograd_core as ag
from autograd_core.ops import kinks
from gradproof import functions
from gradproof.cli import app
from gradproof.commands import functions as command


def test_every_function_has_a_row_and_every_convention_a_function():
    rows = {f.name: f for f in functions.listed()}
    assert set(ag.functional.__all__) <= set(rows)
    assert {"det", "linalg.inv", "linalg.norm", "special.gammaln", "signal.convolve"} <= set(rows)
    assert {"stats.norm.logcdf", "stats.poisson.pmf", "stats.dirichlet.logpdf"} <= set(rows)
    assert rows["special.gammaln"].made == rows["special.jv"].made == "primitive"
    assert rows["special.gammaln"].numpy == "scipy.special.gammaln"
    assert set(functions.kinks()) <= set(rows)
    assert all(rows[name].kink for kink in kinks.KINKS for name in kink.functions)
    assert kinks.table() in kinks.__doc__
    assert rows["arctan2"] == functions.Function(
        "arctan2", "primitive", "Elementwise", "np.arctan2", rows["arctan2"].kink, True
    )
    assert rows["arctan2"].kink.startswith("the origin: 0; infinite: the limit")
    assert rows["matrix_trace"].numpy == "np.trace"
    assert not rows["argmax"].differentiable


@pytest.mark.together
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


@pytest.mark.parametrize(
    ("columns", "word", "count"),
    [("80", "arcs", 2), pytest.param("160", "arc", 7, marks=pytest.mark.slow)],
)
def test_the_command_prints_a_table_and_verdicts(columns, word, count):
    result = CliRunner().invoke(app, ["functions", word, "--prove"], env={"COLUMNS": columns})
    assert result.exit_code == 0
    functions_, primitives = result.stdout.split("the rest made of them.")
    assert f"{count} functions: {count} primitives" in functions_
    assert functions_.count("PROVED") == count
    assert len(re.findall("PROVED +every size", primitives)) == count
    line = rf"{count} primitives: {count} PROVED at every size; \d+\.\d s\."
    assert re.search(line, primitives)


def printed(arguments, width=None):
    """What a terminal of a width shows, or a pipe gets."""
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, force_terminal=width is not None, color_system=None, highlight=False
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "Console", lambda **_: console)
        command.run(**arguments)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_on_a_terminal_nothing_is_wider_than_the_window_and_nothing_is_cut(width):
    lines = printed({}, width)
    assert max(map(len, lines)) <= max(width, 60)  # the longest name has its line to itself
    if width >= 80:
        assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    for f in functions.listed():
        assert re.search(rf"(^| ){re.escape(f.name)} ", text), f.name
        assert " ".join(f.kink.split()) in text
        assert f.numpy in text


def test_piped_it_is_a_line_a_function_with_all_that_is_known_of_it():
    lines = printed({})
    rows = functions.listed()
    assert lines[0].split() == ["function", "kind", "gradient", "in", "NumPy", "at", "a", "kink"]
    assert lines[len(rows) + 1].startswith(f"{len(rows)} functions: ")
    for f, line in zip(rows, lines[1:], strict=False):
        assert line.split()[0] == f.name
        assert f.numpy in line
        assert line.endswith(f.kink or f.numpy or ("yes" if f.differentiable else "none"))
    long = max(rows, key=lambda f: len(f.kink))
    assert len(long.kink) > 60  # one that a window would have folded


def test_what_is_not_proved_at_every_size_says_why_and_what_is_given():
    result = CliRunner().invoke(app, ["functions", "pinv", "--prove"], env={"COLUMNS": "160"})
    assert "pinv       PROVED   fixed shapes  it is a call that only NumPy can make; pinv: of full rank" in (
        result.stdout
    )  # fmt: skip


def test_every_registered_primitive_has_a_verdict():
    names = functions.primitives()
    assert set(names) == set(ag.REGISTRY)
    without = {n for n, p in ag.REGISTRY.items() if not p.differentiable}
    for name in without | {"eye", "argmax", "stop_gradient"}:
        found = functions.proof(name)
        assert found.status == "no gradient"
        assert found.reason
    assert functions.proof("reshape").scope == "every size and fixed shapes"


@pytest.mark.parametrize(
    ("status", "with_"), [("PROVED", "eigh, qr, scan, slogdet, svd"), ("REFUTED", "qr")]
)
def test_an_output_of_several_is_decided_with_what_it_is_an_output_of(status, with_, monkeypatch):
    quick = functions._decided("tanh", "")
    verdicts = {
        "qr": dataclasses.replace(quick, status=status),
        "compiled": functions._decided("compiled", ""),
    }
    monkeypatch.setattr(functions, "_decided", lambda name, code: verdicts.get(name, quick))
    picked = functions.proof("pick")
    assert picked.status == status
    assert picked.reason.endswith(f"decided with {with_}")


@pytest.mark.slow  # five long proofs
def test_outputs_of_several_are_proved():
    picked = functions.proof("pick")
    assert picked.status == "PROVED"
    assert picked.reason.endswith("decided with eigh, qr, scan, slogdet, svd")


def test_a_wrong_rule_is_seen_in_the_table(monkeypatch):
    monkeypatch.setattr(ag.REGISTRY["tanh"], "vjp", (lambda xp, g, y, x: g * y,))
    assert functions.proof("tanh").status == "REFUTED"
    result = CliRunner().invoke(app, ["functions", "arctanh", "--prove"], env={"COLUMNS": "160"})
    assert result.exit_code == 0
    result = CliRunner().invoke(app, ["functions", "tanh", "--prove"], env={"COLUMNS": "160"})
    assert "REFUTED" in result.stdout
    assert "a counterexample" in result.stdout


@pytest.mark.slow
def test_nothing_is_left_open_but_what_has_no_rule_of_its_own():
    found = [functions.proof(name) for name in functions.primitives()]
    open_ = [p for p in found if p.status not in ("PROVED", "no gradient")]
    assert [p.name for p in open_] == [
        "compiled"
    ]  # programs hold its parts, each with its own rule
    assert "takes no part" in open_[0].reason
    assert all(p.scope for p in found if p.status == "PROVED")
    assert all(p.reason for p in found if p.scope != "every size")
