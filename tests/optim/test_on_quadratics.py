"""Every optimizer gets to a thousandth of its first gradient on 50 random coupled quadratics, in 20,000 updates.

With the options that its class states, `Optimizer.on_quadratics`: of one step size for all of them. Steps of signs,
and of gradients brought to one length, do not come to rest by themselves: there a decay is stated.
"""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import optim
from optim.contract import every_optimizer

UPDATES = 20_000
SIZES = {
    2: 18,
    5: 16,
    20: 16,
}  # how many of each dimension; half of each have condition 10, half 100
KINDS = every_optimizer()


def quadratics(n, count, seed=0):
    """Positive definite matrices, of eigenvalues between 1/condition and 1 in random directions."""
    rng = np.random.default_rng([seed, n])
    found = []
    for k in range(count):
        condition = (10.0, 100.0)[k % 2]
        values = np.exp(rng.uniform(-np.log(condition), 0.0, n))
        values[0], values[1] = 1 / condition, 1.0
        turn, _ = np.linalg.qr(rng.normal(size=(n, n)))
        found.append(turn * values @ turn.T)
    return np.stack(found)


def left(kind, options, updates=UPDATES, seed=0, sizes=SIZES):
    """The largest share of any of their first gradients that is left, and after how many updates."""
    rng = np.random.default_rng(seed)
    matrices = {n: quadratics(n, count, seed) for n, count in sizes.items()}
    starts = {n: rng.normal(size=(count, n)) for n, count in sizes.items()}
    centres = {n: rng.normal(size=(count, n)) for n, count in sizes.items()}
    apart = kind.scope != "element"  # such a rule is shown one quadratic at a time
    if apart:
        params = {n: [ag.tensor(row, requires_grad=True) for row in w] for n, w in starts.items()}
    else:
        params = {n: [ag.tensor(w, requires_grad=True)] for n, w in starts.items()}
    optimizer = kind([t for ts in params.values() for t in ts], **options)

    def away(n):
        return np.reshape([t.numpy() for t in params[n]], (-1, n)) - centres[n]

    def gradients():
        return {n: np.einsum("kij,kj->ki", matrices[n], away(n)) for n in sizes}

    first = {n: np.linalg.norm(g, axis=1) for n, g in gradients().items()}
    worst = 1.0
    for k in range(updates):
        g = gradients()
        if k % 100 == 0:
            shares = [np.linalg.norm(g[n], axis=1) / first[n] for n in sizes]
            worst = max(share.max() for share in shares)
            if worst < 1e-3:
                return worst, k
        for n, ts in params.items():
            for t, own in zip(ts, g[n] if apart else [g[n]], strict=True):
                t.grad = ag.tensor(own)
        told = sum(float(np.sum(away(n) * g[n])) for n in sizes)
        optimizer.step(told / 2)
    return worst, updates


@pytest.mark.parametrize("kind", KINDS)
def test_it_gets_there(kind):
    few = dict.fromkeys(SIZES, 4)  # where each has to be stepped by itself
    sizes = SIZES if kind.scope == "element" else few
    share, _ = left(kind, kind.on_quadratics or kind.examples[0], sizes=sizes)
    assert share < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_it_gets_there_on_others(kind):
    for seed in (0, 1):
        share, _ = left(kind, kind.on_quadratics or kind.examples[0], seed=seed)
        assert share < 1e-3


# Learning rates below which descent is proved to converge on curvatures up to 1: claims O5, O25, O26.
REGIONS = {
    "descent": (optim.SGD, {}, 2.0),
    "momentum": (optim.Momentum, {"momentum": 0.5}, 2 * 1.5),
    "nesterov": (optim.Nesterov, {"momentum": 0.5}, 2 * 1.5 / 2),
    "momentum, eta outside": (optim.Momentum, {"momentum": 0.5, "eta": "outside"}, 2 * 1.5),
    "nesterov, eta outside": (optim.Nesterov, {"momentum": 0.5, "eta": "outside"}, 2 * 1.5 / 2),
}


@pytest.mark.parametrize("region", REGIONS)
def test_it_converges_inside_of_the_proved_region_and_diverges_outside(region):
    kind, options, largest = REGIONS[region]
    inside, _ = left(kind, {**options, "lr": 0.99 * largest})
    assert inside < 1e-3
    outside, _ = left(kind, {**options, "lr": 1.01 * largest}, 2000)
    assert outside > 1e3


def test_a_step_of_one_size_does_not_come_to_rest():
    """Why a decay is stated for steps of signs."""
    share, _ = left(optim.Lion, {"lr": 0.1}, 2000)
    assert share > 1e-2
