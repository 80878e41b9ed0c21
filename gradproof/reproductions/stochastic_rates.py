"""The rates of stochastic descent that the slides cite, measured: the slopes of logarithms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import autograd_core as ag
import optim
from analysis import log_slope
from autograd_core.aliases import Array
from optim import schedules

from ..reproduction import Experiment, Measured, Published, Results, Statement, reproduction
from ..work import Work

UPDATES = 2_000
LEAST = 1_000
RUNS = 2_000  # side by side, as the elements of one parameter
SLOPE, CITED = "slope of the logarithms", "cited"
ERROR = "mean error against updates"

LAST_STRONG, MEAN_STRONG = "SGD, strongly convex", "SGD averaged, strongly convex"
LAST_CONVEX, MEAN_CONVEX = "SGD, convex, not smooth", "SGD averaged, convex, not smooth"
IN_B = "mini-batches, against b"
SURE = "SGD, strongly convex, the worst run from each update on"
BOUND = {  # the power of the cited bound, its logarithms left out
    LAST_STRONG: -1.0,
    MEAN_STRONG: -1.0,
    LAST_CONVEX: -0.5,
    MEAN_CONVEX: -0.5,
    IN_B: -0.5,  # of the distance
}


def _descended(
    start: Array,
    error: Callable[[Any], Any],
    lr: float | optim.Schedule,
    sigma: float,
    rng: np.random.Generator,
    work: Work,
    seen: Callable[[Array], None],
) -> None:
    """`optim.SGD` on the engine's gradient of an error that is summed over runs, plus noise."""
    w = ag.tensor(start, requires_grad=True)
    optimizer = optim.SGD([w], lr=lr)
    for _ in range(work.updates):
        optimizer.zero_grad()
        noise = sigma * rng.normal(size=start.shape)
        ag.sum(error(w) + w * noise).backward()
        optimizer.step()
        work.step()
        seen(w.numpy())


def _absolute(w: Any) -> Any:
    return ag.absolute(w)


def _parabola(w: Any) -> Any:
    return w * w / 2


# Error, rate, noise, and whether the mean of all iterates is looked at.
STOCHASTIC: Mapping[str, tuple[Callable[[Any], Any], optim.Schedule, float, bool]] = {
    LAST_STRONG: (_parabola, schedules.Linear(1.0), 1.0, False),
    SURE: (_parabola, schedules.Linear(1.0), 1.0, False),
    MEAN_STRONG: (_parabola, schedules.Power(0.5, power=0.5), 1.0, True),
    LAST_CONVEX: (_absolute, schedules.Power(1.0, power=0.5), 1.0, False),
    MEAN_CONVEX: (_absolute, schedules.Power(1.0, power=0.5), 1.0, True),
}


def _fitted(errors: Array) -> float:
    """Over the last nine tenths, in logarithms: from updates/10 on."""
    k = np.arange(1.0, len(errors) + 1)
    late = k >= len(errors) / 10
    return log_slope(k[late], errors[late]) if len(errors) > 2 else math.nan


def _measured(row: str, seed: int, work: Work) -> Measured:
    rng = np.random.default_rng(seed)
    errors: list[float] = []
    if row == IN_B:
        sizes = (1, 4, 16, 64)
        distances = []
        for b, part in zip(sizes, work.parts(len(sizes)), strict=True):
            last = [np.ones(RUNS)]
            _descended(
                np.ones(RUNS), _parabola, 0.1, b**-0.5, rng, part, lambda w, last=last: last.append(w)  # type: ignore[misc]
            )  # fmt: skip
            distances.append(float(np.sqrt(np.mean(last[-1] ** 2))))
        return Measured({SLOPE: log_slope(sizes, distances)}, {ERROR: (sizes, distances)})
    error, rate, sigma, averaged = STOCHASTIC[row]
    total, count = np.zeros(RUNS), 0

    def seen(w: Array) -> None:
        nonlocal total, count
        total, count = total + w, count + 1
        at = total / count if averaged else w
        each = np.asarray(error(at))
        errors.append(float(np.max(each) if row == SURE else np.mean(each)))

    _descended(np.full(RUNS, 3.0), error, rate, sigma, rng, work, seen)
    if row == SURE:  # that it converges says how large it is never again, in any of the runs
        errors = np.maximum.accumulate(errors[::-1])[::-1].tolist()
    slope = _fitted(np.array(errors))
    shown = np.unique(np.geomspace(1, len(errors), 40).astype(int)) - 1
    curve = ([int(k) + 1 for k in shown], [errors[k] for k in shown])
    # Of too few updates there is no slope; 0 says that nothing was seen to fall.
    return Measured({SLOPE: 0.0 if math.isnan(slope) else slope}, {ERROR: curve})


def _near(row: str, off: float = 0.1) -> Callable[[Results], bool]:
    return lambda results: abs(results.mean(row, SLOPE) - BOUND[row]) < off


STATEMENTS: Sequence[Statement] = (
    Statement("SGD, strongly convex: the error falls like 1/T.", _near(LAST_STRONG), LEAST),
    Statement("The largest error of any run from update k on falls, as it does where all of them converge.", lambda results: results.mean(SURE, SLOPE) < -0.5, LEAST),
    Statement("Averaged likewise.", _near(MEAN_STRONG), LEAST),
    Statement("SGD, convex: the error falls like 1/√T, and no smoothness is needed.", _near(LAST_CONVEX), LEAST),
    Statement("Averaged it falls at least so.", lambda results: results.mean(MEAN_CONVEX, SLOPE) < -0.4, LEAST),
    Statement("The distance at which a constant rate stalls falls like 1/√b.", _near(IN_B), LEAST),
)  # fmt: skip


@reproduction(
    title="Rates of stochastic descent",
    source="The lecture, slides “When does SGD work” (118), “SGD Convergence” (120) and “Minibatch convergence” (128), 2020; theorems that are cited, and are no claims here",
    claimed="O(log T/T) and O(log T/√T) for SGD, O(1/T) and O(1/√T) averaged, "
    "O(1/√(bk) + 1/k) for mini-batches; smoothness is not required; and almost surely it converges at all.",
    budget="100%",
)
def stochastic_rates() -> Experiment:
    """Slopes of log error against log k, from a tenth of the updates on; 2,000 runs of SGD side by side.

    A slope that agrees is no proof of a bound, which holds for every function of its class; these are single
    functions, some as slow as the bound.
    """
    return Experiment(
        "stochastic-rates",
        (*BOUND, SURE),
        _measured,
        UPDATES,
        published=tuple(Published(row, power, SLOPE, "confirmed") for row, power in BOUND.items()),
        statements=STATEMENTS,
    )
