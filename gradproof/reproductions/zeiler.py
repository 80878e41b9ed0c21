"""How much a learning rate matters: SGD, momentum and Adagrad over a grid of them, AdaDelta over its own numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

import nn
import optim
from autograd_core.errors import ConfigError

from ..reproduction import Experiment, Measured, Published, Results, Statement, reproduction
from ..work import Work

if TYPE_CHECKING:
    from viz import Chart

ERROR = "test error %"
UNITS = (784, 500, 300, 10)
BATCH = 100
PASSES = 6
UPDATES = PASSES * 600
MOMENTUM = 0.9  # not stated in the source

Way = Callable[[Any], optim.Optimizer]
RATES = (1.0, 0.1, 0.01, 0.001, 0.0001)
RHOS = (0.9, 0.95, 0.99)
EPSILONS = (1e-2, 1e-4, 1e-6, 1e-8)
# Test errors in %, by rate; and by ε, for each ρ.
PUBLISHED_RATES = {
    "SGD": (2.26, 2.51, 7.02, 17.01, 58.10),
    "momentum": (89.68, 2.03, 2.68, 6.98, 16.98),
    "Adagrad": (43.76, 2.82, 1.79, 5.21, 12.59),
}
PUBLISHED_ADADELTA = {
    0.9: (2.59, 2.05, 1.90, 2.29),
    0.95: (2.58, 1.99, 1.83, 2.13),
    0.99: (2.32, 2.28, 2.05, 2.00),
}
METHODS: dict[str, Callable[[Any, float], optim.Optimizer]] = {
    "SGD": lambda params, lr: optim.SGD(params, lr=lr),
    "momentum": lambda params, lr: optim.Momentum(params, lr=lr, momentum=MOMENTUM),
    "Adagrad": lambda params, lr: optim.Adagrad(params, lr=lr),
}


def _rate(method: str, lr: float) -> str:
    return f"{method}, η = {lr:g}"


def _pair(rho: float, eps: float) -> str:
    return f"AdaDelta, ρ = {rho:g}, ε = {eps:g}"


def _of_rates() -> dict[str, Way]:
    def way(method: str, lr: float) -> Way:
        return lambda params: METHODS[method](params, lr)

    return {_rate(method, lr): way(method, lr) for method in METHODS for lr in RATES}


def _of_adadelta() -> dict[str, Way]:
    def way(rho: float, eps: float) -> Way:
        return lambda params: optim.Adadelta(params, gamma=rho, eps=eps)

    return {_pair(rho, eps): way(rho, eps) for eps in EPSILONS for rho in RHOS}


def _network(scale: float, rng: np.random.Generator) -> nn.Sequential:
    first, second = (max(1, round(scale * n)) for n in UNITS[1:3])
    return nn.Sequential(
        nn.Linear(UNITS[0], first, rng=rng), nn.Tanh(),
        nn.Linear(first, second, rng=rng), nn.Tanh(),
        nn.Linear(second, UNITS[3], rng=rng),
    )  # fmt: skip


def _trained(way: Way, scale: float, seed: int, work: Work) -> Measured:
    train, test = work.mnist()
    rng = np.random.default_rng(seed)
    model = _network(scale, rng)
    criterion = nn.CrossEntropyLoss()
    work.fit(model, criterion, way(model.parameters()), train, batch_size=BATCH, rng=rng)
    return Measured({ERROR: 100 * optim.evaluate(model, criterion, test)["error"]})


def _spread(results: Results, rows: Sequence[str]) -> float:
    """Between the worst and the best of rows, in points."""
    errors = [results.mean(row, ERROR) for row in rows]
    return max(errors) - min(errors)


def _diverged(results: Results, row: str) -> bool:
    ended = [ran.measured.ended for ran in results.runs if ran.row == row]
    return bool(ended) and all(ended)


def _best(results: Results, method: str) -> float:
    rows = [_rate(method, lr) for lr in RATES]
    return min(results.mean(row, ERROR) for row in rows if not _diverged(results, row))


def _table_of_rates(scale: float) -> Experiment:
    ways = _of_rates()

    def run(row: str, seed: int, work: Work) -> Measured:
        return _trained(ways[row], scale, seed, work)

    def falls(method: str) -> Callable[[Results], bool]:
        """From 0.1 on the smaller rate errs more."""
        pairs = list(itertools.pairwise(RATES[1:]))
        return lambda r: all(
            r.mean(_rate(method, a), ERROR) < r.mean(_rate(method, b), ERROR) for a, b in pairs
        )

    published = [
        Published(_rate(method, lr), error, ERROR, "recalled")
        for method, errors in PUBLISHED_RATES.items()
        for lr, error in zip(RATES, errors, strict=True)
    ]
    statements = [
        Statement("The error of SGD depends on its rate: below 0.1 a tenth of it errs more each time.", falls("SGD"), passes=1),
        Statement(
            "Momentum of 0.9 at a tenth of the rate errs about as much as SGD: within a third of it.",
            lambda r: all(
                abs(r.mean(_rate("momentum", lr / 10), ERROR) - r.mean(_rate("SGD", lr), ERROR))
                < r.mean(_rate("SGD", lr), ERROR) / 3
                for lr in (0.1, 0.01, 0.001)
            ),
            passes=1,
        ),
        Statement("Adagrad's best is below SGD's best.", lambda r: _best(r, "Adagrad") < _best(r, "SGD"), passes=1),
        Statement("The best of momentum is below that of SGD.", lambda r: _best(r, "momentum") < _best(r, "SGD"), passes=1),
    ]  # fmt: skip
    return Experiment(
        "zeiler-table-1", tuple(ways), run, UPDATES, published, statements, BATCH, _picture
    )


def _table_of_adadelta(scale: float) -> Experiment:
    ways = _of_adadelta()

    def run(row: str, seed: int, work: Work) -> Measured:
        return _trained(ways[row], scale, seed, work)

    published = [
        Published(_pair(rho, eps), error, ERROR, "recalled")
        for rho, errors in PUBLISHED_ADADELTA.items()
        for eps, error in zip(EPSILONS, errors, strict=True)
    ]
    usual = [_pair(rho, 1e-6) for rho in RHOS]
    statements = [
        Statement(
            "At ε = 1e-6 AdaDelta hardly depends on ρ: its errors are within half a point.",
            lambda r: _spread(r, usual) < 0.5,
            passes=1,
        ),
        Statement(
            "A larger ε costs more: at 1e-4 it errs more than at 1e-6, for each ρ.",
            lambda r: all(
                r.mean(_pair(rho, 1e-6), ERROR) < r.mean(_pair(rho, 1e-4), ERROR) for rho in RHOS
            ),
            passes=1,
        ),
    ]
    rows = tuple(ways)
    return Experiment("zeiler-table-2", rows, run, UPDATES, published, statements, BATCH, _picture)


def _picture(results: Results) -> Chart:
    """A bar for each row."""
    from viz import Chart
    from viz.drawing.marks import Bars
    from viz.drawing.plan import Axis, Panel

    rows = [row for row in results.rows if any(run.row == row for run in results.runs)]
    at = np.arange(len(rows), dtype=float)
    heights = np.array([results.mean(row, ERROR) for row in rows])
    numbers = tuple(str(n + 1) for n in range(len(rows)))
    way = Axis("way", low=-0.7, high=len(rows) - 0.3, ticks=tuple(at), words=numbers)
    panel = Panel((Bars(at, heights, label="_"),), way, Axis(ERROR, low=0))
    words = "; ".join(f"{n}: {row}" for n, row in enumerate(rows, 1))
    size = max(0.5 * len(rows), 5.0), 3.6
    return Chart("zeiler", "Learning rates", (panel,), size=size, caption=f"{words}.")


@reproduction(
    title="How much a learning rate matters",
    source="Zeiler (2012), ADADELTA: an adaptive learning rate method, section 4.1, tables 1 and 2; the start, and the "
    "momentum, are not stated",
    claimed="On MNIST, a network of 784-500-300-10 tanh units after six passes: SGD, momentum and Adagrad depend on their "
    "learning rates; AdaDelta hardly depends on its numbers, and errs little.",
    data="mnist",
    examples=[{"table": 1, "scale": 0.02}, {"table": 2, "scale": 0.02}],
)
def zeiler(
    *,
    table: Annotated[
        int, typer.Option(metavar="1|2", help="SGD, momentum and Adagrad; or AdaDelta.")
    ] = 1,
    scale: Annotated[
        float, typer.Option(metavar="X", min=0.001, max=1, help="Share of the hidden units.")
    ] = 1.0,
) -> Experiment:
    """Batches of 100, six passes, the rates 1 to 0.0001 (table 1), or ρ and ε of AdaDelta (table 2)."""
    tables = {1: _table_of_rates, 2: _table_of_adadelta}
    if table not in tables:
        raise ConfigError("reproduce zeiler", f"expected --table 1 or 2; received {table}.")
    return tables[table](scale)
