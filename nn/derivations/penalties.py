"""Penalties: their gradients and updates, and with or without a half."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

import autograd_core as ag
from autograd_core.symbolic import arrays, prove, scalar
from autograd_core.symbolic.claims import Erratum, Finding, claim, erratum
from autograd_core.symbolic.equations import OnSymbols, equation

from .. import functional as F
from ..layers.linear import Linear
from ..regularizers import L1, L2, ElasticNet

OPTIMUM = "Effect on the optimal solution"
DESCENT = "Effect on gradient descent"
UPDATES = "Regularizing the weights"

h, alpha, t = sympy.symbols("h alpha t", positive=True)
best, theta = sympy.symbols("theta^* theta", real=True)
k = sympy.Symbol("k", integer=True, nonnegative=True)


def divergence(x: Any, d: Any, w: Any, v: Any, reduction: Any = "mean") -> ag.Tensor:
    """The slide's objective without its penalty: a network of two layers, its squared error."""
    return F.squared_error(F.linear(ag.tanh(F.linear(x, w)), v), d, reduction=reduction)


def of_each(x: Any, d: Any, w: Any, v: Any) -> tuple[Any, Any]:
    """∇ Div(Y_t, d_t) for each t alone, by both layers' weights."""
    slopes = ag.grad(lambda x, d, w, v: divergence(x[None], d[None], w, v), argnums=(2, 3))
    first, second = ag.vmap(slopes, in_axes=(0, 0, None, None))(x, d, w, v)
    return first, second


@claim(
    "R1",
    slide="Objective function for neural networks",
    formula=r"\nabla \frac{1}{T} \sum_t \mathrm{Div}(Y_t, d_t) = \frac{1}{T} \sum_t \nabla \mathrm{Div}(Y_t, d_t)",
    words="The gradient of the batch error is the mean of the gradients of the single instances' divergences.",
    method="engine's gradient of the loss of a batch against the mean of those of each instance alone, and against sympy's derivative; "
    "two layers, tanh, at every size",
    runs=[F.squared_error, F.linear],
)
def mean_of_gradients() -> list[Finding]:
    x, d, w, v = leaves = arrays("x:T,I d:T,O W:I,H V:H,O")
    whole = ag.grad(divergence, argnums=(2, 3))(x, d, w, v)
    return [
        *(
            Finding(
                f"by the {name} layer's weights",
                prove.equal(total, ag.mean(each, axis=0), wrt=list(leaves)),
            )
            for name, total, each in zip(
                ("first", "second"), whole, of_each(x, d, w, v), strict=True
            )
        ),
        Finding("as derived", prove.backward(divergence(x, d, w, v), wrt=list(leaves))),
    ]


@claim(
    "R13b",
    slide=UPDATES,
    formula=r"\Delta W_k = \frac{1}{T} \sum_t \nabla_{W_k} \mathrm{Div}(Y_t, d_t)^{\top} + \lambda W_k; \quad \Delta W_k = \nabla_{W_k} \mathrm{Div}(Y_t, d_t)^{\top} + \lambda W_k; \quad \Delta W_k = \frac{1}{b} \sum_{\tau = t}^{t+b-1} \nabla_{W_k} \mathrm{Div}(Y_\tau, d_\tau)^{\top} + \lambda W_k",
    words="All three lines are right: batch, SGD and minibatch are the gradient of the regularized objective of all, one and b instances, and SGD's is the batch's in the mean over t.",
    method="engine's gradient of the loss with the penalty, a module with λ = ¼, against the printed lines, and against sympy's derivative; two layers, "
    "tanh, at every size",
    runs=[F.squared_error, F.l2, L2.forward],
)
def three_lines() -> list[Finding]:
    x, d, w, v = leaves = arrays("x:T,I d:T,O W:I,H V:H,O")
    lam = 0.25  # a symbol in the proofs, as every float is
    penalty = L2(lam)

    def objective(x: Any, d: Any, w: Any, v: Any) -> ag.Tensor:
        return divergence(x, d, w, v) + penalty([w, v])

    slope = ag.grad(objective, argnums=(2, 3))
    batch, each = slope(x, d, w, v), of_each(x, d, w, v)
    single = ag.vmap(lambda x, d, w, v: slope(x[None], d[None], w, v), in_axes=(0, 0, None, None))(
        x, d, w, v
    )
    found = [
        Finding("as derived", prove.backward(objective(x, d, w, v), wrt=list(leaves))),
    ]
    for name, total, one, of_one, weight in zip(
        ("first", "second"), batch, each, single, (w, v), strict=True
    ):
        found += [
            Finding(
                f"batch, and minibatch with T = b: the {name} layer",
                prove.equal(total, ag.mean(one, axis=0) + lam * weight, wrt=list(leaves)),
            ),
            Finding(
                f"SGD, for each t: the {name} layer",
                prove.equal(of_one, one + lam * weight, wrt=list(leaves)),
            ),
            Finding(
                f"SGD in the mean over t is batch: the {name} layer",
                prove.equal(ag.mean(of_one, axis=0), total, wrt=list(leaves)),
            ),
        ]
    return found


@claim(
    "R6",
    slide=DESCENT,
    formula=r"\nabla \hat{L}_R(\theta) = \nabla \hat{L}(\theta) + \alpha\, \mathrm{sign}(\theta)",
    words="The gradient of the L1 penalty is α sign(θ); at 0, where it has none, the library takes 0, which is one of its subgradients.",
    assumptions=["θ ≠ 0 for the gradient; at 0 any number of [−α, α] is a subgradient"],
    method="engine's gradient against the closed form, and against sympy's derivative, on a loss of any size; at 0 exactly",
    runs=[F.l1, L1.forward],
)
def l1_gradient() -> list[Finding]:
    x, d, w, strength = leaves = (*arrays("x:T,I d:T,O W:I,O"), scalar("alpha", positive=True))

    def loss(w: ag.Tensor) -> ag.Tensor:
        return F.squared_error(F.linear(x, w), d)

    penalized = ag.grad(lambda w: loss(w) + strength * F.l1([w]))(w)
    module = L1(0.25)

    def penalty(w: Any, a: Any) -> ag.Tensor:
        return a * F.l1([w])

    at_zero = OnSymbols(ag.grad(penalty))
    value = OnSymbols(lambda w: F.l1([w]))
    right, share = sympy.symbols("u s", positive=True)
    inside = (share - 1) / (share + 1)  # any number between −1 and 1
    return [
        Finding(
            "as printed",
            prove.equal(penalized, ag.grad(loss)(w) + strength * ag.sign(w), wrt=list(leaves)),
        ),
        Finding(
            "as derived",
            prove.backward(loss(w) + strength * F.l1([w]), wrt=list(leaves)),
        ),
        Finding(
            "the module, with λ = ¼",
            prove.equal(ag.grad(lambda w: module([w]))(w), 0.25 * ag.sign(w), wrt=[w]),
        ),
        Finding("at 0 it is 0", equation("R6", at_zero(0, alpha)[0], 0, ran=[at_zero])),
        Finding(
            "every slope s between −1 and 1 is one at 0: |u| − su ≥ 0 on both sides",
            equation(
                "R6",
                {
                    "right": value(right)[0] - inside * right,
                    "left": value(-right)[0] + inside * right,
                },
                {"right": 2 * right / (share + 1), "left": 2 * share * right / (share + 1)},
                ran=[value],
            ),
        ),
    ]


@claim(
    "R7",
    slide=DESCENT,
    formula=r"\theta \leftarrow \theta - \eta \nabla \hat{L}_R(\theta) = \theta - \eta \nabla \hat{L}(\theta) - \eta \alpha\, \mathrm{sign}(\theta)",
    words="A step of gradient descent under the L1 penalty takes ηα off the size of each weight, whatever its size; under L2 it takes the share ηα.",
    assumptions=["θ ≠ 0"],
    method="the step along the engine's gradient against the printed ones, on a loss of any size; and that gradient "
    "against sympy's derivative of the penalized loss",
    runs=[F.l1, F.l2],
)
def l1_update() -> list[Finding]:
    x, d, w = arrays("x:T,I d:T,O W:I,O")
    eta, strength = scalar("eta", positive=True), scalar("alpha", positive=True)
    leaves = [x, d, w, eta, strength]

    def loss(w: ag.Tensor) -> ag.Tensor:
        return F.squared_error(F.linear(x, w), d)

    def step(penalty: Any) -> ag.Tensor:
        return w - eta * ag.grad(lambda w: loss(w) + strength * penalty([w]))(w)

    def slope(penalty: Any) -> Any:
        """Of the penalized loss: the engine's beside sympy's derivative."""
        return prove.backward(loss(w) + strength * penalty([w]), wrt=[w])

    g = ag.grad(loss)(w)
    return [
        Finding(
            "L1", prove.equal(step(F.l1), w - eta * g - eta * strength * ag.sign(w), wrt=leaves)
        ),
        Finding(
            "L2",
            prove.equal(step(F.l2), (1 - eta * strength) * w - eta * g, wrt=leaves),
            r"\theta \leftarrow (1 - \eta \alpha) \theta - \eta \nabla \hat{L}(\theta)",
        ),
        Finding("the slope under L1 as derived", slope(F.l1)),
        Finding("the slope under L2 as derived", slope(F.l2)),
    ]


@claim(
    "R16",
    slide="Regularization as soft constraint",
    formula=r"\frac{\alpha}{2} \| \theta \|_2^2 = \lambda^{*} \| \theta \|_2^2 \iff \lambda^{*} = \frac{\alpha}{2}",
    words="The two forms of the L2 penalty are one, with λ* = α/2: what `half` says.",
    method="the module with α = ½ against the one without the half and λ = ¼, values and gradients; and solved for λ*",
    runs=[F.l2, L2.forward],
)
def half_or_not() -> list[Finding]:
    values = OnSymbols(lambda u, v: L2(0.5)([u, v]), exact=True)
    without = OnSymbols(lambda u, v: L2(0.25, half=False)([u, v]), exact=True)
    u, v = sympy.symbols("u v", real=True)
    slopes, slopes_without = (
        OnSymbols(ag.grad(f.function, argnums=(0, 1)), exact=True) for f in (values, without)
    )
    form = OnSymbols(lambda u, a: a * F.l2([u]))
    lam = sympy.Symbol("lambda", positive=True)
    (found,) = sympy.solve(form(1, alpha)[0] - lam, lam)
    return [
        Finding(
            "values", equation("R16", values(u, v)[0], without(u, v)[0], ran=[values, without])
        ),
        Finding(
            "gradients",
            equation(
                "R16",
                dict(zip("uv", slopes(u, v), strict=True)),
                dict(zip("uv", slopes_without(u, v), strict=True)),
                ran=[slopes, slopes_without],
            ),
        ),
        Finding("solved for λ*, at ‖θ‖ = 1", equation("R16", found, alpha / 2, ran=[form])),
    ]


@claim(
    "R14",
    slide="Summary: Regularization",
    formula=r"R(W) = \sum_k \sum_l \beta W_{k,l}^2 + | W_{k,l} |, \quad \nabla R = 2 \beta W + \mathrm{sign}(W)",
    words="The elastic net's gradient is 2βW + sign(W): β is on the square alone, whose half no one has taken.",
    assumptions=["W ≠ 0; the sum is over both terms"],
    method="engine's gradient against the closed form and sympy's derivative, and the value against the two parts; the module with λ = ¼, β = ½",
    runs=[F.elastic_net, ElasticNet.forward],
)
def elastic_net() -> list[Finding]:
    w, beta = arrays("W:K,L")[0], scalar("beta", positive=True)
    module = ElasticNet(0.25, beta=0.5)
    return [
        Finding(
            "the gradient",
            prove.equal(
                ag.grad(lambda w: F.elastic_net([w], beta))(w),
                2 * beta * w + ag.sign(w),
                wrt=[w, beta],
            ),
        ),
        Finding("as derived", prove.backward(F.elastic_net([w], beta), wrt=[w, beta])),
        Finding(
            "the value",
            prove.equal(F.elastic_net([w], beta), 2 * beta * F.l2([w]) + F.l1([w]), wrt=[w, beta]),
        ),
        Finding(
            "the module",
            prove.equal(
                ag.grad(lambda w: module([w]))(w), 0.25 * (2 * 0.5 * w + ag.sign(w)), wrt=[w]
            ),
        ),
    ]


@erratum(
    "X47",
    "NOTE",
    slide="General approach to training",
    formula=r"\sum_t \mathrm{Div}(Y_t, d_t) \quad \mathrm{against} \quad \frac{1}{T} \sum_t \mathrm{Div}(Y_t, d_t)",
    words="One slide sums the errors, another takes their mean, with one λ beside both: the same minimiser has T times the λ beside the sum. Other names: i-th for t, Ω for R, D without index, 2013 for 2014.",
    method="engine's gradients of both objectives, with the penalty, at every size; and against sympy's derivatives",
    runs=[F.squared_error, F.l2],
)
def sum_or_mean() -> Erratum:
    x, d, w, v = arrays("x:T,I d:T,O W:I,H V:H,O")
    lam = scalar("lam", positive=True)
    leaves, count = [x, d, w, v, lam], x.shape[0]

    def slope(reduction: Any, strength: Any) -> Any:
        return ag.grad(
            lambda w: divergence(x, d, w, v, reduction) + strength * F.l2([w]),
        )(w)

    each = ag.grad(lambda w: divergence(x, d, w, v, "sum"))(w)
    return Erratum(
        "NOTE",
        readings=(
            Finding("the sum", prove.equal(slope("sum", lam), each + lam * w, wrt=leaves)),
            Finding(
                "the mean", prove.equal(slope("mean", lam), each / count + lam * w, wrt=leaves)
            ),
            *(
                Finding(
                    f"the {name}, as derived",
                    prove.backward(divergence(x, d, w, v, name) + lam * F.l2([w]), wrt=leaves),
                )
                for name in ("sum", "mean")
            ),
        ),
        correction=(
            Finding(
                "one for the other",
                prove.equal(slope("sum", count * lam), count * slope("mean", lam), wrt=leaves),
                r"\lambda_{\mathrm{sum}} = T \lambda_{\mathrm{mean}}",
            ),
        ),
        source="conventions and names, which each slide should state",
    )


@claim(
    "R2",
    slide="Smoothness through weight constraints",
    formula=r"\nabla_{W} \frac{\lambda}{2} \| W \|_2^2 = \lambda W",
    words="The gradient of half the sum of squares, times λ, is λ W.",
    method="engine's gradient against the closed form and sympy's derivative; the module on two layers' weights, and on a model",
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
        Finding("as derived", prove.backward(lam * F.l2([w]), wrt=[w, lam])),
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
    method="engine's gradients of both forms, against the closed forms and sympy's derivatives",
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
            Finding(
                "with the half, as derived",
                prove.backward(alpha * F.l2([theta]), wrt=[theta, alpha]),
            ),
            Finding(
                "without it, as derived",
                prove.backward(2 * lam * F.l2([theta]), wrt=[theta, lam]),
            ),
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
