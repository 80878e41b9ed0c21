"""Critical points of small and large networks: saddles beside minima, and how far apart minima are."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import typer

import autograd_core as ag
import nn
import optim
from analysis import CriticalPoint, Search, classify, critical_points, objective, objective_of

from ..reproduction import Experiment, Measured, Results, Statement, reproduction
from ..work import Work

SADDLES, OTHERS = "found by Newton: saddles", "found by Newton: minima"
LOST = "Newton searches that led nowhere"
SHARE, DOWNWARD = "saddles of those %", "directions downward at a saddle %"
MINIMA, SPREAD, BEST = "descent: different minima", "their spread", "the lowest of them"
STAYED, MOVING = "descents at rest on a saddle", "descents not at rest"
HIDDEN = (1, 2, 4, 8, 16)
EXAMPLES = 60
DECAY = 1e-3  # of the penalty λΣw², without which flat directions lead to points at infinity
STARTS, STEPS = 40, 600
ROUNDS, DESCENT, LR, MOMENTUM = 20, 5_000, 0.1, 0.95
REST = 1e-9  # the largest element of the gradient of a descent that is at rest


def problem(hidden: int) -> Any:
    """A tanh network's penalized error on a fixed task: a function of its weights."""
    rng = np.random.default_rng(12)
    x = rng.normal(size=(EXAMPLES, 2))
    y = np.tanh(x @ [1.5, -1.0]) + 0.5 * np.sin(2 * x[:, 0]) * x[:, 1]
    model = nn.Sequential(
        nn.Linear(2, hidden, rng=0, dtype=np.float64),
        nn.Tanh(),
        nn.Linear(hidden, 1, rng=0, dtype=np.float64),
    )
    e = objective_of(model, nn.MSELoss(), x, y[:, None])
    return objective(lambda w: e.function(w) + DECAY * ag.sum(w * w), e.at)


def descended(e: Any, starts: list[np.ndarray], work: Work) -> list[np.ndarray]:
    """Where plain descent leads from each start."""
    w = ag.tensor(starts[0], requires_grad=True)
    optimizer = optim.Momentum([w], lr=LR, momentum=MOMENTUM)

    @ag.jit
    def step() -> Any:
        optimizer.zero_grad()
        error = e.function(w)
        error.backward()
        optimizer.step()
        return error

    ends = []
    for start in starts:
        w.assign(start)
        for _ in range(ROUNDS):
            for _ in range(DESCENT):
                step()
            if np.abs(e.gradient(w)).max() <= REST:
                break
        ends.append(w.numpy().copy())
        work.step()
    return ends


@reproduction(
    title="Saddles and minima, of small networks and larger ones",
    source="the lecture, slide 'The Error Surface', which calls it a popular hypothesis: Dauphin et al. (2014), Choromanska "
    "et al. (2015); no figures are printed",
    claimed="In large networks saddle points are far more common than local minima, and most local minima are equivalent; "
    "not so in small networks.",
    budget="100%",
    examples=[{"hidden": 1}],
)
def critical(
    *,
    hidden: Annotated[
        int, typer.Option(metavar="N", min=1, max=64, help="The largest number of hidden units.")
    ] = HIDDEN[-1],
) -> Experiment:
    """Networks of 1, 2, 4, … hidden units; an update is a start, of a Newton search and of a descent."""
    units = [2**i for i in range(hidden.bit_length()) if 2**i <= hidden]
    rows = {f"{h} hidden, {4 * h + 1} weights": h for h in units}
    small, large = next(iter(rows)), list(rows)[-1]

    def run(row: str, seed: int, work: Work) -> Measured:
        e, rng = problem(rows[row]), np.random.default_rng(seed)
        starts = [0.7 * rng.normal(size=e.size) for _ in range(work.updates)]
        found = critical_points(e, starts=starts, deflate=False, steps=STEPS)
        ends = descended(e, starts, work)
        minima = [classify(e, end, slope=REST, certify=False) for end in ends]
        return Measured(_values(found, minima))

    def more(r: Results) -> bool:
        return r.mean(large, SADDLES) > r.mean(small, SADDLES)

    def mostly(r: Results) -> bool:
        return min(r.values(large, SHARE)) > 90

    def never(r: Results) -> bool:
        return all(max(r.values(row, STAYED)) == 0 for row in rows)

    return Experiment(
        "critical-points",
        tuple(rows),
        run,
        STARTS,
        statements=[
            Statement(
                "Newton's search finds more different saddles in the largest network than in the smallest.",
                more,
                20,
            ),
            Statement("Over 90 % of what it finds in the largest network are saddles.", mostly, 20),
            Statement("Of the descents that came to rest none is on a saddle.", never, 1),
        ],
    )


def _values(found: Search, descent: list[CriticalPoint]) -> dict[str, float]:
    saddles = [p for p in found.points if p.negative]
    # Points that only a permutation or a change of signs tells apart have the same height.
    rest = [p for p in descent if p.kind != "not critical"]
    ends = [p for p in rest if not p.negative]
    heights = np.unique(np.round([p.value for p in ends], 8))
    values = {
        SADDLES: len(np.unique(np.round([p.value for p in saddles], 8))),
        OTHERS: len(np.unique(np.round(found.minima, 8))),
        LOST: found.lost,
        SHARE: 100 * found.downward if found.points else float("nan"),
        DOWNWARD: 100 * float(np.mean([p.index for p in saddles])) if saddles else float("nan"),
        MINIMA: len(heights),
        SPREAD: float(np.ptp(heights)) if len(heights) else float("nan"),
        BEST: float(heights.min()) if len(heights) else float("nan"),
        STAYED: sum(p.negative > 0 for p in rest),
        MOVING: len(descent) - len(rest),
    }
    return {name: float(value) for name, value in values.items()}
