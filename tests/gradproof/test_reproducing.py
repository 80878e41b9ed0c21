"""How an experiment is carried out: budgets, seeds, what is kept; on one that trains nothing."""

from __future__ import annotations

import importlib.util
import json
import math
import signal
import time

import numpy as np
import pytest
from typer.testing import CliRunner

import nn
import optim
from autograd_core.errors import AnomalyError, ConfigError
from gradproof import reproducing, reproduction, work
from gradproof.cli import app
from gradproof.reproducing import Order, carried_out, judged, planned
from gradproof.reproduction import Experiment, Measured, Published, Results, Statement, interval
from gradproof.work import Work

ROWS = ("slow", "quick")


def experiment(run=None, **options):
    """Rows whose "errors" are known."""

    def known(row, seed, work):
        for _ in range(work.updates):
            time.sleep(0.002 if row == "slow" else 0.001)
            work.step()
        return Measured({"error": ROWS.index(row) + seed / 10})

    return Experiment("known", ROWS, run or known, 10_000, **options)


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        ("10", (None, 600.0)),
        ("1.5 min", (None, 90.0)),
        ("2h", (None, 7200.0)),
        (" .5m ", (None, 30.0)),
        ("2%", (200, None)),
        ("0.001%", (1, None)),
        ("100 %", (10_000, None)),
    ],
)
def test_a_budget_is_a_time_or_a_share(budget, expected):
    assert planned(budget, 10_000) == expected


@pytest.mark.parametrize("budget", ["", "0", "0%", "-1", "two", "2 days", "nan", "1e3", "5%%"])
def test_any_other_budget_is_refused(budget):
    with pytest.raises(ConfigError, match="--budget: expected minutes"):
        planned(budget, 100)


def test_time_becomes_updates_by_the_pace_of_each_row(monkeypatch):
    monkeypatch.setattr(work, "PACED", 0.1)
    results, ended = carried_out(experiment(), Order("known", budget="0.02", seeds=(0, 1)))
    assert ended == "done"
    # 1.2 seconds, of which 0.3 go by measuring, for (2 + 1) ms of both seeds and what sleeping takes.
    assert 20 < results.updates < 200
    assert [(ran.row, ran.seed) for ran in results.runs] == [(r, s) for s in (0, 1) for r in ROWS]
    assert len({ran.measured.values["error"] for ran in results.runs}) == 4


def test_a_budget_without_room_for_an_update_is_refused_before_any_run(monkeypatch):
    monkeypatch.setattr(work, "PACED", 0.1)
    made = []

    def run(row, seed, work):
        made.append(row)
        for _ in range(30):
            time.sleep(0.02)
            work.step()

    with pytest.raises(ConfigError, match="enough for an update of each of 2 rows and 9 seeds"):
        carried_out(experiment(run), Order("known", budget="0.001", seeds=range(9)))
    assert made == list(ROWS)


def test_what_is_over_before_its_pace_is_known_gets_all_updates_of_the_source():
    def run(row, seed, work):
        for _ in range(work.updates):
            work.step()
        return Measured({"error": 1.0})

    results, _ = carried_out(experiment(run), Order("known", budget="1"))
    assert results.updates == 10_000


def test_a_share_and_a_number_of_updates_are_taken_as_they_are():
    assert carried_out(experiment(), Order("known", budget="0.05%"))[0].updates == 5
    results, _ = carried_out(experiment(), Order("known", budget="1%", updates=2, rows=("quick",)))
    assert (results.updates, results.rows) == (2, ("quick",))


@pytest.mark.parametrize("rows", [("fast",), ("quick", "Slow")])
def test_an_unknown_row_is_refused(rows):
    with pytest.raises(ConfigError, match="--row: expected some of 'slow', 'quick'"):
        carried_out(experiment(), Order("known", updates=1, rows=rows))


def test_ctrl_c_keeps_what_was_done(tmp_path):
    def run(row, seed, work):
        if seed == 1 and row == "quick":
            raise KeyboardInterrupt
        return Measured({"error": 1.0})

    order, record = Order("known", updates=2, seeds=(0, 1)), tmp_path / "record.json"
    results, ended = carried_out(experiment(run), order, record)
    assert ended == "Ctrl-C"
    assert len(results.runs) == 3
    kept = json.loads(record.read_text())
    assert (kept["ended"], len(kept["runs"])) == ("Ctrl-C", 3)


def test_ctrl_c_before_anything_was_done_is_passed_on(tmp_path):
    def run(row, seed, work):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carried_out(experiment(run), Order("known", updates=2), tmp_path / "record.json")
    assert not list(tmp_path.iterdir())


def test_a_fault_leaves_a_record_of_what_was_complete(tmp_path):
    def run(row, seed, work):
        return Measured({"error": 1 / seed if row == "quick" else math.nan})

    with pytest.raises(ZeroDivisionError):
        carried_out(experiment(run), Order("known", updates=2), tmp_path / "record.json")
    kept = json.loads((tmp_path / "record.json").read_text(), parse_constant=pytest.fail)
    assert kept["ended"] == "unfinished"
    assert kept["runs"] == [
        {
            "row": "slow",
            "seed": 0,
            "seconds": 0.0,
            "ended": "",
            "values": {"error": None},
            "curves": {},
        }
    ]


def test_a_run_that_diverges_is_a_result_and_the_others_go_on(command, tmp_path):
    def run(row, seed, work):
        if row == "slow" or seed == 1:
            raise AnomalyError("fit", "the loss is nan in epoch 1. Expected a finite number.")
        return Measured({"error": 1.0})

    statement = Statement("Slow errs more.", lambda r: r.mean("slow", "error") > 0, 1)
    done = command(experiment(run, statements=[statement]), "--updates", 1, "--seeds", 2)
    assert done.exit_code == 0
    rows = [" ".join(line.replace("│", " ").split()) for line in done.output.splitlines()]
    assert "slow diverged" in rows
    assert "quick error – 1 (1 of 2 diverged) 0" in rows
    assert "not measured: Slow errs more." in rows
    kept = json.loads((tmp_path / "known.json").read_text())
    assert ["the loss is nan" in run["ended"] for run in kept["runs"]] == [True, False, True, True]


def test_what_cannot_be_drawn_is_said_before_anything_is_run(command, monkeypatch):
    found = importlib.util.find_spec
    absent = lambda name: None if name == "matplotlib" else found(name)  # noqa: E731
    monkeypatch.setattr("importlib.util.find_spec", absent)
    done = command(experiment(lambda *_: pytest.fail("it ran"), picture=lambda results: None))
    assert done.exit_code == 1
    assert 'pip install "gradproof[plots]"' in done.stderr


def fitting(rows, work, callbacks=(), **options):
    rng = np.random.default_rng(0)
    model = nn.Linear(2, 1, rng=rng)
    data = rng.normal(size=(rows, 2)), rng.normal(size=(rows, 1))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    work.fit(
        model, nn.MSELoss(), optimizer, data, batch_size=4, rng=rng, callbacks=callbacks, **options
    )
    return model, optimizer


@pytest.mark.parametrize("updates", [1, 5, 6, 7, 23])
@pytest.mark.parametrize("jit", [False, True])
def test_a_fit_makes_as_many_updates_as_are_asked_for(updates, jit):
    if jit:
        pytest.importorskip("llvmlite")
    work = Work(updates)
    model, optimizer = fitting(21, work, jit=jit)
    assert work.made == updates
    assert optimizer.updates == updates
    assert model.training


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_in_a_fit_is_handed_on():
    class Press(optim.Callback):
        def on_batch_end(self, run):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fitting(21, Work(50), [Press()], jit=False)


@pytest.mark.parametrize(
    ("values", "half"),
    [
        # t of 0.975 with 1, 2 and 4 degrees of freedom, in every table of it.
        ([1.0, 3.0], 12.706 * math.sqrt(2) / math.sqrt(2)),
        ([1.0, 2.0, 3.0], 4.303 / math.sqrt(3)),
        ([0.0, 0.0, 0.0, 0.0, 5.0], 2.776 * math.sqrt(5) / math.sqrt(5)),
        ([7.0], math.inf),
    ],
)
def test_the_interval_is_student_s(values, half):
    mean, found = interval(values)
    assert mean == np.mean(values)
    assert found == pytest.approx(half)


@pytest.mark.slow  # scipy.stats takes seconds to import
def test_student_s_points_are_right():
    stats = pytest.importorskip("scipy.stats")
    expected = [stats.t.ppf(0.975, freedom) for freedom in range(1, 31)]
    np.testing.assert_allclose(reproduction._STUDENT, expected, atol=6e-4)


def test_a_difference_is_of_seeds_that_both_have():
    results = Results(ROWS, 5)
    for row, seed, value in [("slow", 0, 3.0), ("quick", 0, 1.0), ("slow", 1, 9.0), ("slow", 2, 4.0), ("quick", 2, 2.0)]:  # fmt: skip
        results.add(row, seed, Measured({"error": value}), 0.0)
    assert results.difference("slow", "quick", "error") == (2.0, 0.0)
    with pytest.raises(KeyError):
        results.difference("slow", "other", "error")


def test_a_statement_is_judged_reported_below_its_least_budget_or_not_measured():
    def statement(least):
        words = "Slow errs more."
        return Statement(words, lambda r: r.mean("slow", "e") > r.mean("quick", "e"), least)

    known = experiment(statements=[statement(5), statement(6)])
    results = Results(ROWS, 5)
    results.add("slow", 0, Measured({"e": 1.0}), 0.0)
    assert [outcome for _, outcome in judged(known, results)] == ["not measured"] * 2
    results.add("quick", 0, Measured({"e": 2.0}), 0.0)
    below = "does not hold (not asserted below 6 updates)"
    assert [outcome for _, outcome in judged(known, results)] == ["does not hold", below]


def test_a_statement_may_be_asserted_from_a_number_of_passes_on():
    statement = Statement("Slow errs more.", lambda r: False, 100, passes=2.5)
    known = experiment(statements=[statement], batch=20)
    assert statement.updates(known) == 7500  # of MNIST's 60,000
    assert statement.updates(known, 1001) == 126
    assert statement.updates(known, 10) == 100
    (outcome,) = judged(known, Results(ROWS, 200), images=1001)
    assert outcome[1] == "does not hold"
    (outcome,) = judged(known, Results(ROWS, 200))
    assert outcome[1] == "does not hold (not asserted below 7,500 updates)"


@pytest.fixture
def command(monkeypatch, tmp_path):
    """``command(experiment, *words)``: the command line on an experiment that is no file."""

    def called(known, *words):
        entry = reproduction.Reproduction(
            "known", "Known", "Nobody (1900), table 0", "Nothing.", lambda: known, None, "10", ({},)
        )
        monkeypatch.setattr(reproducing, "names", lambda: ["known"])
        monkeypatch.setattr(reproducing, "named", lambda name: entry)
        words = ["reproduce", "known", "--out", str(tmp_path), *map(str, words)]
        return CliRunner().invoke(app, words, env={"COLUMNS": "120"})

    return called


def test_the_table_puts_the_source_s_figures_beside_ours(command, tmp_path):
    published = [Published("slow", 0.5, "error", "recalled", 0.1)]
    words = Statement("Slow errs less.", lambda r: r.mean("slow", "error") < 0.9, 1)
    known = experiment(published=published, statements=[words])
    done = command(known, "--updates", 2, "--seeds", 2, "--first-seed", 1)
    assert done.exit_code == 0, done.output
    rows = [" ".join(line.replace("│", " ").split()) for line in done.output.splitlines()]
    assert "slow error 0.5 ± 0.1 (recalled) 0.15 ± 0.64 0" in rows
    assert "quick error – 1.15 ± 0.64 0" in rows
    assert "holds: Slow errs less." in rows
    assert "gradproof reproduce known --updates 2 --seeds 2 --first-seed 1" in rows
    assert json.loads((tmp_path / "known.json").read_text())["seeds"] == [1, 2]


def test_a_statement_that_does_not_hold_ends_with_1(command):
    statement = Statement("Slow errs more.", lambda r: False, 1)
    done = command(experiment(statements=[statement]), "--updates", 1)
    assert done.exit_code == 1
    assert "does not hold: Slow errs more." in done.output


def test_after_ctrl_c_the_table_is_shown_and_the_exit_code_is_130(command):
    def run(row, seed, work):
        if row == "quick":
            raise KeyboardInterrupt
        return Measured({"error": 1.0})

    done = command(experiment(run), "--updates", 1)
    assert done.exit_code == 130
    assert "not run" in done.output
    assert "1 of 2 runs were complete and are kept" in done.output + done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--budget", "1", "--updates", "2"], "--budget and --updates are one choice"),
        (["--row", "none", "--updates", "2"], "--row: expected some of 'slow', 'quick'"),
        (["--budget", "soon"], "expected minutes"),
    ],
)
def test_orders_that_cannot_be_are_one_message(command, words, message):
    done = command(experiment(), *words)
    assert done.exit_code == 1
    assert message in done.stderr


def test_no_folder_of_images_says_which_files_and_where_from(tmp_path):
    for words in ([], ["--data", str(tmp_path / "none")]):
        done = CliRunner().invoke(app, ["reproduce", "srivastava", "--table", "9", *words])
        assert done.exit_code == 1
        assert "train-images-idx3-ubyte" in done.stderr
        assert "http" in done.stderr
    done = CliRunner().invoke(
        app, ["reproduce", "srivastava", "--table", "9", "--data", str(tmp_path)]
    )
    assert done.exit_code == 1
    assert "is missing in" in done.stderr


def test_all_are_listed():
    for words in ([], ["--list"]):
        done = CliRunner().invoke(app, ["reproduce", *words])
        assert done.exit_code == 0
        assert "srivastava  Dropout beside other ways" in done.output
        assert f"{len(reproducing.names())} experiments" in done.output
    assert CliRunner().invoke(app, ["reproduce", "srivastavo"]).exit_code == 2


def test_what_a_clock_gave_is_shown_and_recorded_but_is_no_part_of_equality(tmp_path):
    def clocked(row, seed, work):
        took = {"seconds of updates": time.perf_counter()}
        return Measured({"error": 1.0}, clocked=Measured(took, {"pace": ([1, 2], [3.0, 4.0])}))

    first, again = (clocked("slow", 0, None) for _ in range(2))
    assert first == again
    assert first.all_values["seconds of updates"] != again.all_values["seconds of updates"]
    assert first.all_curves == {"pace": ([1, 2], [3.0, 4.0])}
    record = tmp_path / "record.json"
    results, _ = carried_out(experiment(clocked), Order("known", updates=1), record)
    assert results.quantities("slow") == ["error", "seconds of updates"]
    assert results.mean("slow", "seconds of updates") > 0
    kept = json.loads(record.read_text())["runs"][0]
    assert kept["values"] == {"error": 1.0}
    assert kept["clocked"]["curves"] == {"pace": [[1.0, 2.0], [3.0, 4.0]]}
