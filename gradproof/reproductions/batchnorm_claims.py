"""What the lecture says of batch norm beside its speed, and calls anecdotal: measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

import autograd_core as ag
import optim
from autograd_core.aliases import ArrayLike, RandomSource
from autograd_core.options import Choice
from autograd_core.randomness import source_of
from nn.layers.noise.drawing import Drawing

from ..reproduction import Experiment, Measured, Results, Statement, reproduction
from ..work import Work
from .batchnorm import ACCURACY, AVERAGED, STEEP, THROUGHOUT, Setting, trained

if TYPE_CHECKING:
    from viz import Chart

UPDATES = 10_000
LEAST = 3_000
POINTS = 2.0  # of accuracy: what seeds differ by, and more
CHECKS = 25  # points of a curve
FAST = 100  # times smaller is the learning rate at the end, where it decays
AMOUNT = 2.0  # the shift of a mini-batch is uniform in ± this; pixels are 0 and 1


class Shifted(Drawing):
    """x + s, with one s for all of a mini-batch, anew in each training pass."""

    def __init__(self, rng: RandomSource = None) -> None:
        source = source_of(rng, "Shifted")
        self.seed = source.seed
        self._keyed(source.generator)

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Shift a batch, in training."""
        if not self.training:
            return ag.identity(x)
        shift = self._bits(()) * (2 * AMOUNT / 2**32) - AMOUNT
        return x + ag.cast(shift, np.float32)


def _name(batch_norm: bool, rest: str = "") -> str:
    return ("batch norm" if batch_norm else "none") + (f", {rest}" if rest else "")


BOTH = (False, True)
Rows = Mapping[str, Setting]


def _dropout(updates: int) -> Rows:
    return {
        _name(b, "dropout" if p else ""): Setting(b, dropout=p) for b in BOTH for p in (0.0, 0.2)
    }


def _rates(updates: int) -> Rows:
    decay = np.log(FAST) / max(1, updates)
    ways = {
        "η = 0.1": 0.1,
        "η = 1": 1.0,
        "η = 1, decaying": optim.schedules.Exponential(1.0, decay),
    }
    return {_name(b, words): Setting(b, lr=lr) for b in BOTH for words, lr in ways.items()}


def _slope(updates: int) -> Rows:
    return {
        _name(b, f"first weights of deviation {std:g}"): Setting(b, std=std)
        for std in (0.1, 1.0)
        for b in BOTH
    }


def _order(updates: int) -> Rows:
    ways = {"shuffled": optim.permutation, "fixed order": optim.in_order}
    return {
        _name(b, words): Setting(b, sampler=sampler)
        for b in BOTH
        for words, sampler in ways.items()
    }


def _shift(updates: int) -> Rows:
    return {
        _name(b, "shifted batches" if first else ""): Setting(b, first=first)
        for b in BOTH
        for first in (None, Shifted)
    }


def _no_worse_without_dropout(results: Results) -> bool:
    return results.mean(_name(True), ACCURACY) >= results.mean(_name(True, "dropout"), ACCURACY)


def _larger_rate_helps(results: Results) -> bool:
    return results.mean(_name(True, "η = 1"), THROUGHOUT) > results.mean(
        _name(True, "η = 0.1"), THROUGHOUT
    )


def _faster_decay_costs_less(results: Results) -> bool:
    return _loss(results, True, "η = 1", "η = 1, decaying", AVERAGED) < _loss(
        results, False, "η = 1", "η = 1, decaying", ACCURACY
    )


def _steeper(results: Results) -> bool:
    large = "first weights of deviation 1"
    return all(
        results.mean(_name(True, large), f"{STEEP}, layer {k}")
        > results.mean(_name(False, large), f"{STEEP}, layer {k}")
        for k in (1, 2, 3)
    )


def _loss(results: Results, batch_norm: bool, better: str, worse: str, quantity: str) -> float:
    """By how many points a change costs accuracy."""
    return results.mean(_name(batch_norm, better), quantity) - results.mean(
        _name(batch_norm, worse), quantity
    )


def _order_matters_little(results: Results) -> bool:
    costs = (
        _loss(results, True, "shuffled", "fixed order", AVERAGED),
        _loss(results, False, "shuffled", "fixed order", ACCURACY),
    )
    return max(map(abs, costs)) < POINTS


def _shift_costs_less(results: Results) -> bool:
    return _loss(results, True, "", "shifted batches", AVERAGED) < _loss(
        results, False, "", "shifted batches", ACCURACY
    )


def _average_is_steadier(results: Results) -> bool:
    shifted = _name(True, "shifted batches")
    return results.mean(shifted, AVERAGED) > results.mean(shifted, ACCURACY)


CLAIMS: Mapping[
    str, tuple[Callable[[int], Rows], tuple[tuple[str, Callable[[Results], bool]], ...]]
] = {
    "dropout": (
        _dropout,
        (
            (
                "With batch norm, dropout does not raise the test accuracy.",
                _no_worse_without_dropout,
            ),
        ),
    ),
    "rates": (
        _rates,
        (
            ("With batch norm a learning rate ten times as large is better.", _larger_rate_helps),
            ("A fast decay of it costs less accuracy with batch norm.", _faster_decay_costs_less),
        ),
    ),
    "slope": (
        _slope,
        (
            (
                "From large first weights, batch norm keeps more inputs on the steep part of each layer.",
                _steeper,
            ),
        ),
    ),
    "order": (
        _order,
        (
            (
                "The same order in each epoch costs less than two points of accuracy, with batch norm, too.",
                _order_matters_little,
            ),
        ),
    ),
    "shift": (
        _shift,
        (
            (
                "Shifts of mini-batches cost less accuracy with batch norm, by the statistics of the final network.",
                _shift_costs_less,
            ),
            (
                "Then those are better than running averages, which follow the last shifts.",
                _average_is_steadier,
            ),
        ),
    ),
}


def _picture(results: Results) -> Chart:
    """The accuracy of each row against updates."""
    from viz import Chart
    from viz.drawing.marks import Line
    from viz.drawing.plan import Axis, Panel
    from viz.drawing.style import CYCLE

    from .batchnorm import CURVE

    colours = {row: CYCLE[n % len(CYCLE)] for n, row in enumerate(results.rows)}
    lines = [
        Line(
            np.array(ran.measured.curves[CURVE][0]),
            np.array(ran.measured.curves[CURVE][1]),
            f"{ran.row}, seed {ran.seed}",
            key=ran.row,
            colour=colours[ran.row],
            dashes="solid" if ran.row.startswith("batch norm") else "dashed",
        )
        for ran in results.runs
    ]
    axes = Axis("updates", low=0), Axis("test accuracy in %", high=100)
    return Chart(
        "batchnorm-claims",
        "What batch norm changes",
        (Panel(tuple(lines), *axes),),
        size=(7.0, 4.5),
    )


@reproduction(
    title="What is said of batch norm, measured",
    source="The lecture, second slide “Batch normalization” after inference, which calls it anecdotal; Ioffe and "
    "Szegedy (2015), section 4.2.1 on dropout, rates, decay and shuffling",
    claimed="Batch norm eliminates the need for dropout; learning rates must be increased and may decay faster; data "
    "remain in the high-gradient regions of the activations; training data must be shuffled better. And shifts of "
    "mini-batches do no harm.",
    data="mnist",
    examples=[{"about": "rates"}, {"about": "shift"}],
)
def batchnorm_claims(
    *,
    about: Annotated[
        str, typer.Option(metavar="WHAT", help=f"One of {', '.join(CLAIMS)}.")
    ] = "rates",
) -> Experiment:
    """The network of `batchnorm`, trained in several ways, with and without batch norm."""
    made, statements = CLAIMS[
        Choice(tuple(CLAIMS)).check("reproduce batchnorm-claims: about", about)
    ]

    def run(row: str, seed: int, work: Work) -> Measured:
        return trained(replace(made(work.updates)[row], checks=CHECKS), seed, work)

    return Experiment(
        f"batchnorm-{about}",
        tuple(made(UPDATES)),
        run,
        UPDATES,
        statements=[Statement(words, holds, LEAST) for words, holds in statements],
        picture=_picture,
    )
