"""The L2 penalty, and its two conventions."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from autograd_core.symbolic import arrays, prove, scalar
from autograd_core.symbolic.claims import Erratum, Finding, claim, erratum

from .. import functional as F
from ..layers.linear import Linear
from ..regularizers import L2


@claim(
    "R2",
    slide="Smoothness through weight constraints",
    formula=r"\nabla_{W} \frac{\lambda}{2} \| W \|_2^2 = \lambda W",
    words="The gradient of half the sum of squares, times λ, is λ W.",
    method="engine's gradient against the closed form; the module on two layers' weights, and on a model",
    runs=[F.l2, L2.forward],
)
def l2() -> list[Finding]:
    w, v, lam = *arrays("W:I,H V:H,O"), scalar("lam", positive=True)
    strength = 0.25  # of the modules; a symbol in the proofs, as every float is
    penalty = L2(strength)
    both = ag.grad(lambda w, v: penalty([w, v]), argnums=(0, 1))(w, v)
    without = ag.grad(lambda w: L2(strength, half=False)([w]))(w)
    layer = Linear(3, 2, rng=0, dtype=np.float64)
    squares = ag.sum(layer.weight * layer.weight)
    return [
        Finding(
            "as printed",
            prove.equal(ag.grad(lambda w: lam * F.l2([w]))(w), lam * w, wrt=[w, lam]),
        ),
        Finding("the module, by the first weights", prove.equal(both[0], strength * w, wrt=[w, v])),
        Finding("by the second", prove.equal(both[1], strength * v, wrt=[w, v])),
        Finding("without the half", prove.equal(without, 2 * strength * w, wrt=[w])),
        Finding(
            "of a model: its weights, and not its biases",
            prove.equal(penalty(layer), strength * squares / 2, wrt=dict(layer.named_parameters())),
        ),
    ]


@erratum(
    "X23",
    "NOTE",
    slide="Regularization as soft constraint",
    formula=r"\lambda^{*} \| \theta \|_2^2, \quad \frac{\alpha}{2} \| \theta \|_2^2",
    words="One slide penalizes λ‖θ‖², another ½α‖θ‖²: gradients 2λθ and αθ. Both are right, with λ = α/2.",
    method="engine's gradients of both forms",
    runs=[F.l2],
)
def two_conventions() -> Erratum:
    theta, lam, alpha = *arrays("theta:N"), scalar("lam"), scalar("alpha")
    with_half = ag.grad(lambda t: alpha * F.l2([t]))(theta)
    without = ag.grad(lambda t: 2 * lam * F.l2([t]))(theta)
    mapped = ag.grad(lambda t: 2 * (alpha / 2) * F.l2([t]))(theta)
    return Erratum(
        "NOTE",
        readings=(
            Finding("with the half", prove.equal(with_half, alpha * theta, wrt=[theta, alpha])),
            Finding("without it", prove.equal(without, 2 * lam * theta, wrt=[theta, lam])),
        ),
        correction=(
            Finding(
                "one for the other",
                prove.equal(mapped, with_half, wrt=[theta, alpha]),
                r"\lambda^{*} = \frac{\alpha}{2}",
            ),
        ),
        source="a convention, which each slide should state",
    )
