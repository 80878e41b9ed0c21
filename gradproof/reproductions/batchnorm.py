"""Batch norm in a small network of sigmoids, and what it does to the inputs of a unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

import autograd_core as ag
import nn
import optim
from autograd_core.aliases import Array
from autograd_core.modes import mode
from nn.data import Split
from optim.training.callbacks import Callback, Run

from ..reproduction import Experiment, Measured, Results, Statement, reproduction
from ..work import Work

if TYPE_CHECKING:
    from viz import Chart

WITHOUT, WITH = "without batch norm", "with batch norm"
ACCURACY = "test accuracy %"
THROUGHOUT = "test accuracy %, mean over the run"
AVERAGED = "test accuracy %, statistics of the final network"
DRIFT = "drift of a unit's median"
STEEP = "inputs on the steep part %"
CURVE = "test accuracy % against updates"
QUANTILES = (15, 50, 85)
UPDATES = 50_000
BATCH = 60
HIDDEN = (100, 100, 100)
LOOKED_AT = 1000  # test images that quantiles are of
HALF_SLOPE = float(np.log(3 + 2 * np.sqrt(2)))  # where the sigmoid's slope is half of its largest


@dataclass(frozen=True)
class Setting:
    """A way to train the network.

    Attributes
    ----------
    batch_norm : bool
    lr : float or schedule
        η of SGD.
    std : float
        Deviation of the first weights.
    dropout : float
        p, behind each layer of sigmoids.
    sampler : callable
        The order of the training data.
    first : callable, optional
        A first layer, ``first(rng=rng)``.
    checks : int
        Points of a curve.
    """

    batch_norm: bool
    lr: Any = 0.1
    std: float = 0.1
    dropout: float = 0.0
    sampler: Callable[[int, np.random.Generator], Any] = optim.permutation
    first: Callable[..., nn.Module] | None = None
    checks: int = 100


def network(setting: Setting, rng: np.random.Generator) -> nn.Sequential:
    """Three layers of sigmoids; batch norm between weighted sums and sigmoids."""
    batch_norm, small = setting.batch_norm, nn.initializers.normal(std=setting.std)
    layers: list[nn.Module] = [setting.first(rng=rng)] if setting.first else []
    size = 784
    for units in HIDDEN:
        layers.append(nn.Linear(size, units, bias=not batch_norm, weight_init=small, rng=rng))
        layers += [nn.BatchNorm1d(units)] if batch_norm else []
        layers.append(nn.Sigmoid())
        layers += [nn.Dropout(setting.dropout, rng=rng)] if setting.dropout else []
        size = units
    return nn.Sequential(*layers, nn.Linear(size, 10, weight_init=small, rng=rng))


def inputs_of_sigmoids(model: nn.Sequential, x: Array) -> list[Array]:
    """What comes into each layer of sigmoids, in evaluation: (len(x), units) each."""
    found, h = [], ag.tensor(x)
    with mode(model, training=False), ag.no_grad():
        for layer in model:
            if isinstance(layer, nn.Sigmoid):
                found.append(np.array(h.numpy()))
            h = layer(h)
    return found


class _Checks(Callback):
    """Accuracy, and quantiles of the inputs of the last hidden units, at so many points of a run."""

    def __init__(self, test: Split, updates: int, count: int) -> None:
        self._test = test
        self._at = {max(1, round(n * updates / count)) for n in range(1, count + 1)}
        self._made = 0
        self.x: list[float] = []
        self.accuracy: list[float] = []
        self.quantiles: list[Array] = []  # (3, units) each

    def on_batch_end(self, run: Run) -> None:
        self._made += 1
        if self._made in self._at:
            model: Any = run.model
            self.x.append(self._made)
            self.accuracy.append(_accuracy(model, self._test))
            last = inputs_of_sigmoids(model, self._test.inputs[:LOOKED_AT])[-1]
            self.quantiles.append(np.percentile(last, QUANTILES, axis=0))


def _accuracy(model: Any, test: Split) -> float:
    return 100 * (1 - optim.evaluate(model, nn.CrossEntropyLoss(), test)["error"])


def _binary(split: Split) -> Split:
    return Split(np.round(split.inputs), split.targets)


def trained(setting: Setting, seed: int, work: Work) -> Measured:
    """Train the network in one way, on binary images, and look at it."""
    train, test = (_binary(part) for part in work.mnist())
    rng = np.random.default_rng(seed)
    model = network(setting, rng)
    seen = _Checks(test, work.updates, setting.checks)
    work.fit(
        model,
        nn.CrossEntropyLoss(),
        optim.SGD(model.parameters(), lr=setting.lr),
        train,
        batch_size=BATCH,
        rng=rng,
        sampler=setting.sampler,
        callbacks=[seen],
    )
    steep = [
        100 * float(np.mean(np.abs(z) < HALF_SLOPE))
        for z in inputs_of_sigmoids(model, test.inputs[:LOOKED_AT])
    ]
    quantiles = np.array(seen.quantiles)  # (checks, 3, units)
    values = {
        ACCURACY: seen.accuracy[-1],
        THROUGHOUT: float(np.mean(seen.accuracy)),
        # How far the median wanders, against how wide the inputs are spread at the time.
        DRIFT: float(
            np.mean(np.std(quantiles[:, 1], 0) / np.mean(quantiles[:, 2] - quantiles[:, 0], 0))
        ),
        **{f"{STEEP}, layer {k}": share for k, share in enumerate(steep, 1)},
    }
    if setting.batch_norm:
        batches = [train.inputs[i : i + BATCH] for i in range(0, len(train.inputs), BATCH)]
        nn.estimate_statistics(model, batches, last="drop")
        values[AVERAGED] = _accuracy(model, test)
    curves = {CURVE: (seen.x, seen.accuracy)}
    for n, percent in enumerate(QUANTILES):
        curves[f"{percent} %"] = (seen.x, quantiles[:, n, 0].tolist())
    return Measured(values, curves)


def _picture(results: Results) -> Chart:
    """The accuracies, and a panel of quantiles for each row."""
    from viz import Chart
    from viz.drawing.marks import Band, Line
    from viz.drawing.plan import Axis, Panel
    from viz.drawing.style import CYCLE

    colours = {WITHOUT: CYCLE[0], WITH: CYCLE[1]}
    first = {row: next(r for r in results.runs if r.row == row) for row in _rows(results)}
    lines = []
    for r in results.runs:
        at, accuracy = map(np.array, r.measured.curves[CURVE])
        name = f"{r.row}, seed {r.seed}"
        lines.append(Line(at, accuracy, name, key=r.row, colour=colours[r.row]))
    updates = Axis("updates", low=0)
    panels = [Panel(tuple(lines), updates, Axis("test accuracy in %", high=100), "Accuracy")]
    for row, ran in first.items():
        x = np.array(ran.measured.curves["50 %"][0])
        low, middle, high = (np.array(ran.measured.curves[f"{q} %"][1]) for q in QUANTILES)
        colour = colours[row]
        marks = (
            Band(x, low, high, "15 % to 85 %", colour=colour),
            Line(x, middle, "median", colour=colour),
        )
        panels.append(Panel(marks, updates, Axis("input of a last hidden unit"), row.capitalize()))
    return Chart(
        "batchnorm", "A network of sigmoids on MNIST", tuple(panels), columns=len(panels),
        size=(4.2 * len(panels), 3.4),
    )  # fmt: skip


def _rows(results: Results) -> list[str]:
    return [row for row in results.rows if any(ran.row == row for ran in results.runs)]


@reproduction(
    title="Batch norm in a network of sigmoids",
    source="Ioffe and Szegedy (2015), Batch normalization: accelerating deep network training by reducing internal "
    "covariate shift, section 4.1 and figure 1",
    claimed="On MNIST, 784-100-100-100-10 sigmoids in batches of 60, 50,000 steps: with batch norm the test accuracy "
    "is higher, and the quantiles of a unit's inputs are far more stable while it is trained. Numbers are not given, "
    "nor are the learning rate and how small the first weights are.",
    data="mnist",
    budget="100%",
    examples=[{"lr": 0.2, "std": 0.05}],
)
def batchnorm(
    *,
    lr: Annotated[float, typer.Option(metavar="ETA", min=0, help="Learning rate of SGD.")] = 0.1,
    std: Annotated[
        float, typer.Option(metavar="S", min=0, help="Deviation of the first weights.")
    ] = 0.1,
) -> Experiment:
    """Figure 1: accuracy against updates, and quantiles of the inputs of a unit."""

    def run(row: str, seed: int, work: Work) -> Measured:
        return trained(Setting(row == WITH, lr, std), seed, work)

    def more_accurate(results: Results) -> bool:
        return results.mean(WITH, THROUGHOUT) > results.mean(WITHOUT, THROUGHOUT)

    def steadier(results: Results) -> bool:
        return results.mean(WITH, DRIFT) < results.mean(WITHOUT, DRIFT)

    return Experiment(
        "batchnorm",
        (WITHOUT, WITH),
        run,
        UPDATES,
        statements=[
            Statement(
                "With batch norm the test accuracy is higher, over the run as a whole.",
                more_accurate,
                2_000,
            ),
            Statement(
                "With batch norm the median of a unit's inputs wanders less, against their spread.",
                steadier,
                2_000,
            ),
        ],
        picture=_picture,
    )
