"""Out of a poor minimum with a large step, into a good one with a decaying step."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import typer

import autograd_core as ag
import optim
from analysis import step_sizes

from ..reproduction import Experiment, Measured, Results, Statement, reproduction
from ..work import Work

POOR, GOOD = "left in the poor minimum %", "arrived at the good minimum %"
ERROR = "mean error at the end"
STARTS = 200
NEAR = 0.02  # to the bottom of a well, to count as there
UPDATES = 2000
DECAYS = 5  # times that 1/η grows by its first value, over a run

# A wide bowl with two wells: a narrow, shallow one, and a wide, deep one.
WELLS = ((-2.0, 0.5, 0.18), (3.0, 1.0, 0.45))  # where, how deep, how wide


def error(w: Any) -> Any:
    """E of each of many weights."""
    found = 0.02 * (w - WELLS[1][0]) ** 2
    for at, depth, width in WELLS:
        found = found - depth * ag.exp(-((w - at) ** 2) / (2 * width**2))
    return found


def bottom(near: float) -> float:
    """The minimum of the well around ``near``, by Newton's method."""
    w = near
    for _ in range(20):
        slope, curve = ag.grad(error)(w), ag.grad(ag.grad(error))(w)
        w -= float(slope.item()) / float(curve.item())
    return w


ROWS = {  # η as a share of the poor minimum's optimal one; whether it decays
    "below twice the optimal step": (0.5, False),
    "beyond it, constant": (8.0, False),
    "beyond it, decaying": (8.0, True),
    "below it, decaying": (0.5, True),
}


@reproduction(
    title="Out of a poor minimum with η > 2η_opt, and decay",
    source="the lecture, slides 'Issues: 2. The learning rate' and 'Decaying learning rate'; no figures are printed",
    claimed="A step beyond twice the optimal one can help to escape a local optimum; always having one never "
    "finds a solution; starting with one and decaying it does both.",
    budget="100%",
    examples=[{"starts": 5}, {"starts": 5, "share": 3.0}],
)
def escape(
    *,
    starts: Annotated[
        int, typer.Option(metavar="N", min=1, help="Starts around the poor minimum, in each run.")
    ] = STARTS,
    share: Annotated[
        float, typer.Option(metavar="X", min=2.01, help="The large step, in units of η_opt there.")
    ] = 8.0,
) -> Experiment:
    """Descent from many starts within a narrow well, on an error with a wider and deeper one."""
    poor, good = bottom(WELLS[0][0]), bottom(WELLS[1][0])
    best = step_sizes(error, poor).monotone_lr  # η_opt = 1/E''

    def run(row: str, seed: int, work: Work) -> Measured:
        rng = np.random.default_rng(seed)
        units, decays = ROWS[row]
        lr: Any = best * (share if units > 1 else units)
        if decays:  # 1/(k + 1), by the number of updates after which it has halved
            steady = max(1, work.updates // DECAYS)
            lr = optim.schedules.Epochs(optim.schedules.Linear(lr), steady)
        w = ag.tensor(poor + 0.05 * rng.normal(size=starts), requires_grad=True)
        optimizer = optim.SGD([w], lr=lr)
        for _ in range(work.updates):
            optimizer.zero_grad()
            ag.sum(error(w)).backward()
            optimizer.step()
            work.step()
        end = w.numpy()
        return Measured(
            {
                POOR: 100 * float((np.abs(end - poor) < NEAR).mean()),
                GOOD: 100 * float((np.abs(end - good) < NEAR).mean()),
                ERROR: float(error(w).numpy().mean()),
            }
        )

    small, large, both, slow = ROWS

    def stays(r: Results) -> bool:
        return min(r.values(small, POOR)) > 99 and min(r.values(slow, POOR)) > 99

    def leaves(r: Results) -> bool:
        return max(r.values(large, POOR)) < 1 and max(r.values(large, GOOD)) < 50

    def arrives(r: Results) -> bool:
        return min(r.values(both, GOOD)) > 90

    least = UPDATES // 2
    return Experiment(
        "escape",
        tuple(ROWS),
        run,
        UPDATES,
        statements=[
            Statement(
                "Below 2η_opt descent stays in the poor minimum, decaying or not.", stays, least
            ),
            Statement("Always beyond it, it leaves, and does not come to rest.", leaves, least),
            Statement(
                "Beyond it at first, and decaying, it comes to the good minimum.", arrives, least
            ),
        ],
    )
