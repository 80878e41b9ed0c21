"""Connections dropped beside units dropped, on MNIST."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import typer

import autograd_core as ag
import nn
import optim
from nn.data import Split

from ..reproduction import Experiment, Measured, Published, Results, Statement, reproduction
from ..work import Work

ERROR = "test error %"
SCALED = "test error %, weights by their mean"
LEAST = 38  # epochs: so many were run where the statement was found to hold, on 10,000 images
BATCH = 128
EPOCHS = 1000  # of 469 updates: the source's schedules are of that order
UNITS = 800
DROPPED = 0.5
LR, MOMENTUM = 0.1, 0.9

# Behind the sum: the function, and a start that suits it.
ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "ReLU": (ag.relu, nn.initializers.he_normal),
    "sigmoid": (ag.sigmoid, nn.initializers.glorot_uniform),
}
WAYS = ("none", "dropout", "DropConnect")
TABLE = (
    Published("ReLU, none", 1.62, ERROR, "recalled", 0.037),
    Published("ReLU, dropout", 1.28, ERROR, "recalled", 0.040),
    Published("ReLU, DropConnect", 1.20, ERROR, "recalled", 0.034),
    Published("sigmoid, none", 1.78, ERROR, "recalled"),
    Published("sigmoid, dropout", 1.38, ERROR, "recalled"),
    Published("sigmoid, DropConnect", 1.55, ERROR, "recalled"),
)


class Per(enum.StrEnum):
    """What one mask of connections is for."""

    example = "example"
    batch = "batch"


class Hidden(nn.Module):
    """A layer of units, with one way to drop."""

    def __init__(
        self, inputs: int, units: int, kind: str, way: str, per: str, rng: np.random.Generator
    ) -> None:
        self.sigma, start = ACTIVATIONS[kind]
        self.way = way
        self.connections: nn.Module
        if way == "DropConnect":
            self.connections = nn.DropConnect(
                inputs,
                units,
                DROPPED,
                drop_bias=True,
                per=per,  # type: ignore[arg-type]
                test="gaussian",
                activation=self.sigma,
                rng=rng,
                weight_init=start,
            )
            return
        self.connections = nn.Linear(inputs, units, rng=rng, weight_init=start)
        self.drop = nn.Dropout(DROPPED if way == "dropout" else 0.0, rng=rng)

    def forward(self, x: Any) -> ag.Tensor:
        """Sums, activation, and what is dropped."""
        y = self.connections(x)
        return y if self.way == "DropConnect" else self.drop(self.sigma(y))


def network(kind: str, way: str, units: int, per: str, rng: np.random.Generator) -> nn.Sequential:
    """Two layers of hidden units, and the scores of ten digits."""
    return nn.Sequential(
        Hidden(784, units, kind, way, per, rng),
        Hidden(units, units, kind, way, per, rng),
        nn.Linear(units, 10, rng=rng, weight_init=nn.initializers.glorot_uniform),
    )


def _error(model: nn.Module, test: Split) -> float:
    return 100 * optim.evaluate(model, nn.CrossEntropyLoss(), test)["error"]


@reproduction(
    title="Connections dropped beside units dropped",
    source="Wan, Zeiler, Zhang, LeCun and Fergus (2013), Regularization of neural networks using DropConnect, "
    "section 6.1 and table 1",
    claimed="On MNIST without augmentation, a net of 784-800-800-10 errs less with dropout than without, and with "
    "rectified units least with DropConnect, whose units are averaged over normal sums at test time.",
    data="mnist",
    examples=[{"scale": 0.01}, {"scale": 0.01, "per": Per.example}],
)
def dropconnect(
    *,
    per: Annotated[
        Per, typer.Option(help="What one mask of connections is for; the paper's is an example.")
    ] = Per.batch,
    scale: Annotated[
        float, typer.Option(metavar="X", min=0.001, max=1, help="Share of the hidden units.")
    ] = 1.0,
) -> Experiment:
    """Three ways, by two activations; masks are for a batch, which takes a hundredth of the bits."""
    units = max(1, round(scale * UNITS))
    rows = {f"{kind}, {way}": (kind, way) for kind in ACTIVATIONS for way in WAYS}

    def run(row: str, seed: int, work: Work) -> Measured:
        kind, way = rows[row]
        train, test = work.mnist()
        rng = np.random.default_rng(seed)
        model = network(kind, way, units, per.value, rng)
        optimizer = optim.SGD(
            model.parameters(),
            lr=optim.schedules.Ramp(LR, 0.0, updates=work.updates),
            momentum=MOMENTUM,
        )
        work.fit(model, nn.CrossEntropyLoss(), optimizer, train, batch_size=BATCH, rng=rng)
        values = {ERROR: _error(model, test)}
        if way == "DropConnect":
            for part in model.modules():
                if isinstance(part, nn.DropConnect):
                    part.test = "mean"
            values[SCALED] = _error(model, test)
        return Measured(values)

    def below(results: Results) -> bool:
        return all(
            results.mean(f"ReLU, {way}", ERROR) < results.mean("ReLU, none", ERROR)
            for way in WAYS[1:]
        )

    words = "With ReLU, dropout and DropConnect both have a lower test error than none."
    epoch = -(-60_000 // BATCH)
    return Experiment(
        "dropconnect",
        tuple(rows),
        run,
        EPOCHS * epoch,
        TABLE,
        [Statement(words, below, LEAST * epoch)],
    )
