"""Setting up a problem, a choice at a time: divergence, representation, regularizer, size of network and of data."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

import autograd_core as ag
import nn
import optim
from autograd_core.aliases import Array
from autograd_core.modes import mode
from autograd_core.options import Choice
from nn.data import Split

from ..reproduction import Experiment, Measured, Results, Statement, reproduction
from ..work import Paced, Work

if TYPE_CHECKING:
    from viz import Chart

UPDATES = 2_000
LEAST = 1_000
BATCH = 32
TEST, TRAINING, VALIDATION = "test error %", "training error %", "validation loss"
FOUND, KEPT = "informative found", "others kept"
LOSS = "training loss"
# Of feature selection: informative ones of how many, and examples to find them by.
INFORMATIVE, FEATURES, EXAMPLES = 5, 50, 100


@dataclass(frozen=True)
class About:
    """One choice: its ways, how one is run, and what is said of them."""

    rows: Sequence[str]
    run: Callable[[str, np.random.Generator, Work], Mapping[str, float]]
    statements: Sequence[tuple[str, Callable[[Results], bool]]]
    trials: int = 1  # of each run, which share its updates


def _network(widths: Sequence[int], unit: Callable[[], nn.Module], rng: Any) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after, rng=rng), unit()]
    return nn.Sequential(*layers[:-1])  # no unit behind the outputs


def _outputs(model: Any, x: Array) -> Array:
    with mode(model, training=False), ag.no_grad():
        return np.array(model(x).numpy())


def _wrong(model: Any, part: Split) -> float:
    return 100 * float(np.mean(_outputs(model, part.inputs).argmax(axis=1) != part.targets))


def _less(row: str, than: str, quantity: str) -> Callable[[Results], bool]:
    return lambda results: results.mean(row, quantity) < results.mean(than, quantity)


# --- the choice of the divergence -------------------------------------------------------------------------


def _squares(output: Any, labels: Any) -> ag.Tensor:
    """Squared error between probabilities and one-hot rows, summed over classes."""
    return ag.mean(
        ag.sum(ag.square(ag.softmax(output) - ag.one_hot(labels, 10, np.float32)), axis=1)
    )


DIVERGENCES: Mapping[str, Callable[[Any, Any], ag.Tensor]] = {
    "squared error": _squares,
    "cross-entropy": nn.CrossEntropyLoss(),
}


def _divergence(row: str, rng: np.random.Generator, work: Work) -> Mapping[str, float]:
    train, _, test = nn.data.digits(rng=0)
    model = _network((64, 64, 10), nn.Sigmoid, rng)
    work.fit(
        model,
        DIVERGENCES[row],
        optim.SGD(model.parameters(), lr=0.3),
        train,
        batch_size=BATCH,
        rng=rng,
    )
    return {TRAINING: _wrong(model, train), TEST: _wrong(model, test)}


# --- representations --------------------------------------------------------------------------------------

REPRESENTATIONS = {
    "classes one-hot, pixels in [0, 1]": (True, (0.0, 1.0)),
    "classes one-hot, pixels in [−1, 1]": (True, (-1.0, 1.0)),
    "classes one-hot, pixels 0 to 16": (True, (0.0, 16.0)),
    "classes as a number, pixels in [0, 1]": (False, (0.0, 1.0)),
}


def _represented(row: str, rng: np.random.Generator, work: Work) -> Mapping[str, float]:
    one_hot, ends = REPRESENTATIONS[row]
    train, _, test = nn.data.digits(rng=0)
    scaling = nn.data.Scaling.fit(train.inputs, ends, by_column=False)
    x, unseen = scaling(train.inputs), scaling(test.inputs)
    rows = nn.data.one_hot(train.targets, 10)
    targets = rows if one_hot else train.targets[:, None].astype(np.float32)
    model = _network((64, 64, targets.shape[1]), nn.Tanh, rng)
    optimizer = optim.SGD(model.parameters(), lr=0.02)
    work.fit(model, nn.SquaredErrorLoss(), optimizer, (x, targets), batch_size=BATCH, rng=rng)
    found = _outputs(model, unseen)
    said = found.argmax(axis=1) if one_hot else np.clip(np.rint(found[:, 0]), 0, 9)
    return {TEST: 100 * float(np.mean(said != test.targets))}


# --- feature selection ------------------------------------------------------------------------------------


def _selected(row: str, rng: np.random.Generator, work: Work) -> Mapping[str, float]:
    truth = np.zeros(FEATURES)
    truth[rng.permutation(FEATURES)[:INFORMATIVE]] = rng.choice([-1, 1], INFORMATIVE) * rng.uniform(
        1, 2, INFORMATIVE
    )
    x = rng.normal(size=(EXAMPLES, FEATURES)).astype(np.float32)
    y = (x @ truth + rng.normal(scale=0.5, size=EXAMPLES)).astype(np.float32)[:, None]
    model = nn.Linear(FEATURES, 1, bias=False, rng=rng)
    optimizer: optim.Optimizer = optim.SGD(model.parameters(), lr=0.02)
    if row == "L1":  # the proximal step: the printed one reaches no zero
        optimizer = optim.SGD(model.parameters(), lr=0.02, transforms=[optim.ProximalL1(0.3)])
    penalty: dict[str, Any] = {"regularizer": nn.L2(0.3)} if row == "L2" else {}
    work.fit(
        model, nn.SquaredErrorLoss(), optimizer, (x, y), batch_size=EXAMPLES, rng=rng, **penalty
    )
    kept = np.abs(model.weight.numpy()[:, 0]) > 1e-6
    return {FOUND: float(kept[truth != 0].sum()), KEPT: float(kept[truth == 0].sum())}


# --- sizes ------------------------------------------------------------------------------------------------

SIZES = {
    f"{units} units, {count} examples": (units, count) for units in (8, 512) for count in (60, 1100)
}
DEPTHS = {f"{depth} hidden layer{'s' * (depth > 1)}": depth for depth in (1, 2, 4, 8)}


def _sized(row: str, rng: np.random.Generator, work: Work) -> Mapping[str, float]:
    units, count = SIZES[row]
    train, _, test = nn.data.digits(rng=0)
    part = Split(train.inputs[:count], train.targets[:count])
    model = _network((64, units, 10), nn.ReLU, rng)
    work.fit(
        model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1), part,
        batch_size=min(BATCH, count), rng=rng,
    )  # fmt: skip
    seen, unseen = _wrong(model, part), _wrong(model, test)
    return {TRAINING: seen, TEST: unseen}


def _gap(results: Results, row: str) -> float:
    return results.mean(row, TEST) - results.mean(row, TRAINING)


def _deep(row: str, rng: np.random.Generator, work: Work) -> Mapping[str, float]:
    train, _, test = nn.data.digits(rng=0)
    model = _network((64, *[32] * DEPTHS[row], 10), nn.Sigmoid, rng)
    criterion = nn.CrossEntropyLoss()
    work.fit(
        model, criterion, optim.SGD(model.parameters(), lr=0.3), train, batch_size=BATCH, rng=rng
    )
    return {LOSS: optim.evaluate(model, criterion, train)["loss"], TEST: _wrong(model, test)}


# --- the slide, from its first line to its last -----------------------------------------------------------

RATES, STRENGTHS = [0.003, 0.03, 0.3], [0.0, 1e-3, 1e-1]
TRIALS = len(RATES) * len(STRENGTHS)
SEARCHES = ("grid search", "random search")
UNCHOSEN = "test error % of the best there"


def _procedure(row: str, rng: np.random.Generator, work: Work) -> Mapping[str, float]:
    # Obtain training data; use an appropriate representation for inputs and outputs.
    train, validation, test = nn.data.breast_cancer(rng=0)
    normalize = nn.InputNorm(train.inputs.shape[1])
    normalize.adapt(train.inputs)
    parts, ended = iter(work.parts(TRIALS)), list[Exception]()

    def trial(config: Mapping[str, float], seed: int) -> Mapping[str, float]:
        draws = np.random.default_rng(seed)
        # Choose the architecture, and heuristics.
        model = nn.Sequential(
            normalize,
            nn.Linear(30, 32, rng=draws), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2, rng=draws),
            nn.Linear(32, 2, rng=draws),
        )  # fmt: skip
        # Choose the divergence, and regularization; choose the optimization algorithm: the slide names Adagrad.
        optimizer = optim.Adagrad(model.parameters(), lr=config["η"])
        # Train; evaluate periodically on validation data, for early stopping.
        try:
            next(parts).fit(
                model, nn.CrossEntropyLoss(), optimizer, train, batch_size=BATCH, rng=draws,
                regularizer=nn.L2(config["λ"]), validation=validation,
                callbacks=[optim.EarlyStopping(patience=200)],
            )  # fmt: skip
        except Paced as error:  # no result of this trial, but the end of the run
            ended.append(error)
            raise
        held = optim.evaluate(model, nn.CrossEntropyLoss(), validation)["loss"]
        return {VALIDATION: held, TEST: _wrong(model, test)}

    # Perform a grid search for appropriate parameters, on held-out data.
    judged: dict[str, Any] = {"rng": rng, "monitor": VALIDATION, "mode": "min"}
    if row == "grid search":
        trials = optim.grid_search(trial, {"η": RATES, "λ": STRENGTHS}, **judged)
    else:
        space = {name: optim.search.LogUniform(low, high)
                 for name, low, high in (("η", 0.003, 0.3), ("λ", 1e-4, 0.1))}  # fmt: skip
        trials = optim.random_search(trial, space, TRIALS, **judged)
    if ended:
        raise ended[0]
    if trials.stopped_by == "Ctrl-C":
        raise KeyboardInterrupt
    return {**{name: trials.best[name] for name in (VALIDATION, TEST)}, UNCHOSEN: min(trials[TEST])}


def _chosen_is_good(results: Results) -> bool:
    """What held-out data choose is, on the test part, within three points of what the test part would have chosen."""
    return all(results.mean(row, TEST) <= results.mean(row, UNCHOSEN) + 3 for row in SEARCHES)


# --- all of them ------------------------------------------------------------------------------------------

FEW, MANY = (
    ("8 units, 60 examples", "8 units, 1100 examples"),
    ("512 units, 60 examples", "512 units, 1100 examples"),
)
ABOUT: Mapping[str, About] = {
    "divergence": About(
        tuple(DIVERGENCES),
        _divergence,
        [("Cross-entropy is ahead of squared error after as many updates.", _less("cross-entropy", "squared error", TEST))],
    ),
    "representation": About(
        tuple(REPRESENTATIONS),
        _represented,
        [
            ("Classes as one number are worse than one-hot.", _less("classes one-hot, pixels in [0, 1]", "classes as a number, pixels in [0, 1]", TEST)),
            ("Pixels that are not scaled are worse than scaled ones.", _less("classes one-hot, pixels in [0, 1]", "classes one-hot, pixels 0 to 16", TEST)),
        ],
    ),
    "features": About(
        ("none", "L1", "L2"),
        _selected,
        [
            ("L1 finds what is informative.", lambda results: results.mean("L1", FOUND) >= INFORMATIVE - 0.5),
            ("L1 keeps less than half of the rest, L2 all of it.", lambda results: results.mean("L1", KEPT) < (FEATURES - INFORMATIVE) / 2 and results.mean("L2", KEPT) > FEATURES - INFORMATIVE - 1),
        ],
    ),
    "size": About(
        tuple(SIZES),
        _sized,
        [
            ("More data narrow the gap of many units.", lambda results: _gap(results, MANY[1]) < _gap(results, MANY[0])),
            ("Many units are ahead of few at either size of data: here more neurons need no more data, against the slide.", lambda results: all(results.mean(many, TEST) < results.mean(few, TEST) for few, many in zip(FEW, MANY, strict=True))),
        ],
    ),
    "depth": About(
        tuple(DEPTHS),
        _deep,
        [("Eight layers of sigmoids are behind one after as many updates.", _less("1 hidden layer", "8 hidden layers", LOSS))],
    ),
    "procedure": About(
        SEARCHES,
        _procedure,
        [("What held-out data choose is no more than three points behind the best on the test part.", _chosen_is_good)],
        TRIALS,
    ),
}  # fmt: skip


def _picture(results: Results) -> Chart:
    """A bar for each way and quantity."""
    from viz import Chart
    from viz.drawing.marks import Bars
    from viz.drawing.plan import Axis, Panel

    rows = [row for row in results.rows if any(run.row == row for run in results.runs)]
    at = np.arange(len(rows), dtype=float)
    panels = []
    for quantity in results.quantities(rows[0]):
        heights = np.array([results.mean(row, quantity) for row in rows])
        numbers = tuple(str(n + 1) for n in range(len(rows)))
        way = Axis("way", low=-0.7, high=len(rows) - 0.3, ticks=tuple(at), words=numbers)
        panels.append(Panel((Bars(at, heights, label="_"),), way, Axis(quantity, low=0)))
    words = "; ".join(f"{n}: {row}" for n, row in enumerate(rows, 1))
    return Chart(
        "setting-up", "Setting up a problem", tuple(panels), columns=len(panels),
        size=(max(4.0 * len(panels), 5.0), 3.6), caption=f"{words}.",
    )  # fmt: skip


@reproduction(
    title="Setting up a problem, a choice at a time",
    source="The lecture, slides “Setting up a problem” (47), “General approach to training” (3) and “Effect on the "
    "optimal solution” (22), 2020; on digits, tumours and made-up features",
    claimed="Use appropriate representation for inputs and outputs; more neurons need more data; deep is better, but "
    "harder to train; choose the appropriate divergence; L1 induces sparsity, aka feature selection; perform a grid "
    "search on held-out data; evaluate periodically on validation data, for early stopping.",
    budget="100%",
    examples=[{"about": about} for about in ABOUT],
)
def setting_up(
    *,
    about: Annotated[
        str, typer.Option(metavar="WHAT", help=f"One of {', '.join(ABOUT)}.")
    ] = "procedure",
) -> Experiment:
    """One choice of the slide, its ways side by side."""
    name = Choice(tuple(ABOUT)).check("reproduce setting-up: about", about)
    chosen = ABOUT[name]

    def run(row: str, seed: int, work: Work) -> Measured:
        return Measured(chosen.run(row, np.random.default_rng(seed), work))

    return Experiment(
        f"setting-up-{name}",
        tuple(chosen.rows),
        run,
        UPDATES * chosen.trials,
        statements=[
            Statement(words, holds, LEAST * chosen.trials) for words, holds in chosen.statements
        ],
        picture=_picture,
    )
