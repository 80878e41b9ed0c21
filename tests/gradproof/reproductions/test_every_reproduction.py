"""What every experiment of `gradproof reproduce` keeps to: found by being there, run at a tiny budget.

On made-up images in the files of MNIST; which numbers come out is not looked at, only that they do.
"""

from __future__ import annotations

import gzip
import inspect
import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from gradproof import work
from gradproof.cli import app
from gradproof.reproducing import Order, carried_out, judged, named, names
from gradproof.reproduction import Measured, Results
from gradproof.work import Work
from viz.drawing.renderers import svg_is_sound

UPDATES = 3
CASES = [(name, n) for name in names() for n in range(len(named(name).examples))]


@pytest.fixture(params=names())
def entry(request):
    return named(request.param)


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def case(request):
    name, n = request.param
    return named(name), named(name).examples[n]


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """A folder with MNIST's four files, of 60 and 20 images: noise, brighter at a place of its class."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for part, count in (("train", 60), ("t10k", 20)):
        labels = np.arange(count, dtype=np.uint8) % 10
        pixels = rng.integers(0, 60, (count, 28, 28)).astype(np.uint8)
        pixels[np.arange(count), 2 * labels + 2, 4:20] = 200
        for name, values in ((f"{part}-images-idx3", pixels), (f"{part}-labels-idx1", labels)):
            head = b"\0\0\x08" + bytes([values.ndim]) + np.array(values.shape, ">u4").tobytes()
            (folder / f"{name}-ubyte.gz").write_bytes(gzip.compress(head + values.tobytes(), 1))
    return folder


@pytest.fixture
def eager(monkeypatch):
    """Steps as they are, which saves the time to compile them."""
    monkeypatch.setattr(work, "JIT", False)


def of(entry, images):
    return images if entry.data else None


def ends(experiment):
    """The first and the last of its rows."""
    return tuple(dict.fromkeys((experiment.rows[0], experiment.rows[-1])))


def test_there_are_experiments():
    assert names() == sorted(names())
    assert "srivastava" in names()


def test_it_says_what_it_is_about(entry):
    assert entry.title
    assert any(character.isdigit() for character in entry.source), "a year, and a section"
    assert entry.claimed.endswith(".")
    assert inspect.getdoc(entry.plan)


def test_its_examples_reach_each_of_its_options(entry):
    own = set(inspect.signature(entry.plan).parameters)
    assert {name for example in entry.examples for name in example} == own


def test_its_help_shows_its_own_options_and_those_of_all(entry):
    done = CliRunner().invoke(app, ["reproduce", entry.name, "-h"], env={"COLUMNS": "100"})
    assert done.exit_code == 0
    own = [f"--{name.replace('_', '-')}" for name in inspect.signature(entry.plan).parameters]
    for option in (*own, "--budget", "--updates", "--seeds", "--row", "--out"):
        assert f"  {option} " in done.stdout
    assert ("--data" in done.stdout) == (entry.data is not None)


def test_what_the_source_says_is_of_its_rows(case):
    entry, example = case
    experiment = entry.plan(**example)
    assert len(set(experiment.rows)) == len(experiment.rows) > 0
    assert {figure.row for figure in experiment.published} <= set(experiment.rows)
    assert {figure.standing for figure in experiment.published} <= {"confirmed", "recalled"}
    assert experiment.published or experiment.statements, "something to compare with"
    for statement in experiment.statements:
        assert statement.words.endswith(".")
        assert 1 <= statement.updates(experiment) <= experiment.updates


def test_it_runs_is_recorded_and_drawn(case, images, tmp_path, eager):
    entry, example = case
    experiment = entry.plan(**example)
    record = tmp_path / "record.json"
    order = Order(
        entry.name, example, updates=UPDATES, rows=ends(experiment), data=of(entry, images)
    )
    told = []
    results, ended = carried_out(experiment, order, record, lambda *words: told.append(words))
    assert ended == "done"
    assert results.rows == ends(experiment)
    for row in results.rows:
        (measured,) = results[row]
        assert measured.all_values
        assert all(math.isfinite(value) for value in measured.all_values.values())
        quantities = {figure.quantity for figure in experiment.published if figure.row == row}
        assert quantities <= measured.all_values.keys()
        assert [made for what, made, _ in told if what == f"{row}, seed 0"] == [0, 1, 2, 3]
    kept = json.loads(record.read_text())
    assert [run["row"] for run in kept["runs"]] == list(results.rows)
    assert kept["updates"] == UPDATES
    if experiment.picture is not None:
        assert svg_is_sound(experiment.picture(results).to_svg())


def test_equal_seeds_give_equal_numbers_and_others_others(entry, images, eager):
    example = entry.examples[0]
    experiment = entry.plan(**example)
    row = experiment.rows[-1]
    first, again, other = (
        experiment.run(row, seed, Work(UPDATES, of(entry, images))) for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other or first.curves == other.curves  # an error in % may be the same by chance


def test_compiled_it_gives_the_same(entry, images, monkeypatch):
    example = entry.examples[-1]
    experiment = entry.plan(**example)
    found = []
    for jit in (True, False):
        monkeypatch.setattr(work, "JIT", jit)
        measured = experiment.run(experiment.rows[-1], 0, Work(2, of(entry, images)))
        found.append(list(measured.values.values()))
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-5)


class Chance(dict):
    """Any number by any name, the same one each time."""

    def __init__(self, draw):
        self.draw = draw

    def __missing__(self, name):
        return self.setdefault(name, self.draw())


def test_each_statement_can_fail(case):
    """On numbers by chance it is judged, and not always holds."""
    entry, example = case
    experiment = entry.plan(**example)
    if not experiment.statements:
        pytest.skip("it only shows numbers")
    rng = np.random.default_rng(0)
    seen = [set() for _ in experiment.statements]
    enough = max(statement.updates(experiment) for statement in experiment.statements)
    for _ in range(40):
        results = Results(experiment.rows, enough)
        for row in experiment.rows:
            curve = lambda: (range(1, 9), rng.uniform(0, 9, 8).tolist())  # noqa: E731
            chance = Measured(Chance(lambda: rng.uniform(0, 9)), Chance(curve))
            results.add(row, 0, chance, 0.0)
        for outcomes, (_, outcome) in zip(seen, judged(experiment, results), strict=True):
            outcomes.add(outcome)
    for statement, outcomes in zip(experiment.statements, seen, strict=True):
        assert "does not hold" in outcomes, statement.words
        assert "not measured" not in outcomes, statement.words


def test_the_command_of_a_record_repeats_it(images, tmp_path):
    record = tmp_path / "srivastava-table-9.json"
    words = ["reproduce", "srivastava", "--table", "9", "--scale", "0.01", "--row", "L2"]
    words += ["--data", str(images), "--out", str(tmp_path)]
    done = CliRunner().invoke(app, [*words, "--budget", "0.0012%"], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    first = json.loads(record.read_text())
    assert first["updates"] == 12
    assert first["command"] in done.output
    assert "1.62 (confirmed)" in done.output
    again = [word.strip('"') for word in first["command"].split()[1:]]
    again[again.index("FOLDER")] = str(images)
    done = CliRunner().invoke(app, [*again, "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    second = json.loads(record.read_text())
    for content in (first, second):
        for name in ("made", "seconds"):
            del content[name]
        for run in content["runs"]:
            del run["seconds"]
    assert first == second
