"""Faults of descent on quadratics, and the claims that each must turn."""

from __future__ import annotations

import optim
from analysis.derivations import convergence
from autograd_core.symbolic.equations import OnSymbols

sgd = optim.SGD.update


def half_as_far(theta, g, velocity=None, *, lr, **options):
    return sgd(theta, g, velocity, lr=lr / 2, **options)


MUTANTS = [
    ("half as far", (optim.SGD, "update", half_as_far), ("O14",)),
    (
        "the best step for the steepest alone",
        (convergence, "BEST", OnSymbols(lambda lowest, highest: 1 / highest)),
        ("O14",),
    ),
]
