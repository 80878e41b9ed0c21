"""Batch normalization: the statistics, and every formula of its backward pass."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from autograd_core.symbolic import arrays, prove, scalar
from autograd_core.symbolic.claims import Finding, cited, claim, derived

from .. import functional as F
from ..containers import Sequential
from ..layers.activations import Tanh
from ..layers.linear import Linear
from ..layers.normalization import BatchNorm1d, BatchNorm2d

TRAINING = "Batch normalization: Training"
BACKWARD = "Batch normalization: Backpropagation"
DERIVATIVES = "A note on derivatives"

# g is ∂Div/∂u: free symbols, so that each statement holds whatever comes after the layer.


@claim(
    "B1",
    slide=derived(TRAINING),
    formula=r"\sum_{i=1}^{B} u_i = 0, \quad \frac{1}{B} \sum_{i=1}^{B} u_i^2 = \frac{\sigma_B^2}{\sigma_B^2 + \varepsilon}",
    words="A normalized unit has mean 0 over the batch, and a mean square of σ²/(σ² + ε): 1 only for ε = 0.",
    method="normal form of sums",
    runs=[F.batch_norm_with_statistics],
)
def statistics() -> list[Finding]:
    z, eps = *arrays("z:B,D"), scalar("eps", positive=True)
    u, mean, variance = F.batch_norm_with_statistics(z, eps=eps)
    return [
        Finding("the mean is 0", prove.equal(ag.sum(u, axis=0), 0 * mean, wrt=[z, eps])),
        Finding(
            "the mean square is σ²/(σ² + ε)",
            prove.equal(ag.mean(u * u, axis=0), variance / (variance + eps), wrt=[z, eps]),
        ),
    ]


@claim(
    "B1b",
    slide=derived(TRAINING),
    formula=r"\sum_{n, h, w} u_{nchw} = 0, \quad \frac{1}{N H W} \sum_{n, h, w} u_{nchw}^2 = \frac{\sigma_c^2}{\sigma_c^2 + \varepsilon}",
    words="Of images, a channel is normalized over the batch and all places: N H W values.",
    method="normal form of sums; the layer, of three channels, against the formula with such sums",
    runs=[F.batch_norm_with_statistics, BatchNorm2d.forward],
)
def images() -> list[Finding]:
    z, eps = *arrays("z:N,C,H,W"), scalar("eps", positive=True)
    u, mean, variance = F.batch_norm_with_statistics(z, eps=eps)
    layer = BatchNorm2d(3, dtype=np.float64)
    gamma, beta = layer.parameters()

    def written(x: ag.Tensor) -> ag.Tensor:
        count = x.shape[0] * x.shape[2] * x.shape[3]
        around = x - ag.sum(x, axis=(0, 2, 3), keepdims=True) / count
        spread = ag.sum(around * around, axis=(0, 2, 3), keepdims=True) / count
        scale, shift = (ag.reshape(t, (3, 1, 1)) for t in (gamma, beta))
        return scale * (around / ag.sqrt(spread + layer.eps)) + shift

    axes = (0, 2, 3)
    return [
        Finding("the mean is 0", prove.equal(ag.sum(u, axis=axes), 0 * mean, wrt=[z, eps])),
        Finding(
            "the mean square is σ²/(σ² + ε)",
            prove.equal(ag.mean(u * u, axis=axes), variance / (variance + eps), wrt=[z, eps]),
        ),
        Finding("the layer", prove.equal(layer, written, args=arrays("x:N,3,H,W"))),
    ]


@claim(
    "B2",
    slide=BACKWARD,
    formula=r"\frac{\partial \mathrm{Div}}{\partial \sigma_B^2} = \sum_{i=1}^{B} \frac{\partial \mathrm{Div}}{\partial u_i} (z_i - \mu_B) \cdot \frac{-1}{2} (\sigma_B^2 + \varepsilon)^{-3/2}",
    words="The printed derivative by the variance is the one that the engine computes.",
    method="engine's gradient against the printed formula, and against sympy's derivative",
    runs=[F.normalize],
)
def by_variance() -> list[Finding]:
    z, mean, variance, g = arrays("z:B,D mu:D sigma2:D g:B,D")
    eps = scalar("eps", positive=True)

    def div(variance: ag.Tensor) -> ag.Tensor:
        return ag.sum(g * F.normalize(z, mean, variance, eps=eps))

    printed = ag.sum(g * (z - mean), axis=0) * -1 / 2 * (variance + eps) ** (-3 / 2)
    leaves = [z, mean, variance, g, eps]
    return [
        Finding("as printed", prove.equal(ag.grad(div)(variance), printed, wrt=leaves)),
        Finding("as derived", prove.backward(div(variance), wrt=leaves)),
    ]


@claim(
    "B3",
    slide=BACKWARD,
    formula=r"\frac{\partial \mathrm{Div}}{\partial \mu_B} = \left( \sum_{i=1}^{B} \frac{\partial \mathrm{Div}}{\partial u_i} \cdot \frac{-1}{\sqrt{\sigma_B^2 + \varepsilon}} \right) + \frac{\partial \mathrm{Div}}{\partial \sigma_B^2} \cdot \frac{\sum_{i=1}^{B} -2 (z_i - \mu_B)}{B}",
    words="The printed derivative by the mean is right; its second term is identically zero, since deviations from the mean sum to 0.",
    method="engine's gradient, with the variance as a function of the mean, against the printed formula; "
    "and against sympy's derivative, at any mean",
    runs=[F.normalize, F.batch_norm_with_statistics],
)
def by_mean() -> list[Finding]:
    z, g, free = arrays("z:B,D g:B,D mu:D")
    eps = scalar("eps", positive=True)
    batch = z.shape[0]
    _, mean, variance = F.batch_norm_with_statistics(z, eps=eps)

    def div(mean: ag.Tensor) -> ag.Tensor:
        around = ag.mean(ag.square(z - mean), axis=0)
        return ag.sum(g * F.normalize(z, mean, around, eps=eps))

    by_variance = ag.grad(lambda v: ag.sum(g * F.normalize(z, mean, v, eps=eps)))(variance)
    first = ag.sum(g * -1 / ag.sqrt(variance + eps), axis=0)
    dead = ag.sum(-2 * (z - mean), axis=0) / batch
    computed = ag.grad(div)(mean)
    leaves = [z, g, eps]
    return [
        Finding("as printed", prove.equal(computed, first + by_variance * dead, wrt=leaves)),
        Finding(
            "the second term is 0",
            prove.equal(dead, 0 * mean, wrt=[z]),
            r"\sum_{i=1}^{B} -2 (z_i - \mu_B) = 0",
        ),
        Finding("the first term alone", prove.equal(computed, first, wrt=leaves)),
        Finding("as derived", prove.backward(div(free), wrt=[z, free, g, eps])),
    ]


@claim(
    "B4",
    slide=derived(BACKWARD),
    formula=r"\frac{\partial \mathrm{Div}}{\partial z_i} = \frac{\partial \mathrm{Div}}{\partial u_i} \cdot \frac{1}{\sqrt{\sigma_B^2 + \varepsilon}} + \frac{\partial \mathrm{Div}}{\partial \sigma_B^2} \cdot \frac{2 (z_i - \mu_B)}{B} + \frac{\partial \mathrm{Div}}{\partial \mu_B} \cdot \frac{1}{B}",
    words="The derivative by the input, in three terms, whose first factors the slides derive, and in one, is the one that the engine computes.",
    method="engine's gradient against both closed forms, and against sympy's derivative",
    runs=[F.batch_norm],
)
def by_input() -> list[Finding]:
    z, g = arrays("z:B,D g:B,D")
    eps = scalar("eps", positive=True)
    batch = z.shape[0]
    u, mean, variance = F.batch_norm_with_statistics(z, eps=eps)
    root = ag.sqrt(variance + eps)

    def div(z: ag.Tensor) -> ag.Tensor:
        return ag.sum(g * F.batch_norm(z, eps=eps))

    by_variance = ag.sum(g * (z - mean), axis=0) * -1 / 2 * (variance + eps) ** (-3 / 2)
    by_mean = ag.sum(g * -1 / root, axis=0)
    three_terms = g / root + by_variance * 2 * (z - mean) / batch + by_mean / batch
    one_term = (batch * g - ag.sum(g, axis=0) - u * ag.sum(g * u, axis=0)) / (batch * root)
    computed = ag.grad(div)(z)
    leaves = [z, g, eps]
    return [
        Finding("three terms", prove.equal(computed, three_terms, wrt=leaves)),
        Finding(
            "one term",
            prove.equal(computed, one_term, wrt=leaves),
            r"\frac{\partial \mathrm{Div}}{\partial z_i} = \frac{1}{B \sqrt{\sigma_B^2 + \varepsilon}} \left( B g_i - \sum_{k=1}^{B} g_k - u_i \sum_{k=1}^{B} g_k u_k \right), \quad g_i = \frac{\partial \mathrm{Div}}{\partial u_i}",
        ),
        Finding("as derived", prove.backward(div(z), wrt=leaves)),
    ]


@claim(
    "B5",
    slide=derived(BACKWARD),
    formula=r"\frac{\partial \mathrm{Div}}{\partial \gamma} = \sum_{i=1}^{B} u_i \frac{\partial \mathrm{Div}}{\partial \hat{z}_i}, \quad \frac{\partial \mathrm{Div}}{\partial \beta} = \sum_{i=1}^{B} \frac{\partial \mathrm{Div}}{\partial \hat{z}_i}, \quad \frac{\partial \mathrm{Div}}{\partial u_i} = \gamma \frac{\partial \mathrm{Div}}{\partial \hat{z}_i}",
    words="The derivatives by the scale γ, the shift β, the normalized value u and ε are those that the engine computes.",
    method="engine's gradient against the closed forms, and against sympy's derivative",
    runs=[F.batch_norm, F.normalize],
)
def by_parameters() -> list[Finding]:
    z, gamma, beta, g, v = arrays("z:B,D gamma:D beta:D g:B,D u:B,D")
    eps = scalar("eps", positive=True)
    u, _, variance = F.batch_norm_with_statistics(z, eps=eps)

    def div(gamma: ag.Tensor, beta: ag.Tensor, eps: ag.Tensor) -> ag.Tensor:
        return ag.sum(g * F.batch_norm(z, gamma, beta, eps=eps))

    by_gamma, by_beta, by_eps = ag.grad(div, argnums=(0, 1, 2))(gamma, beta, eps)
    by_u = ag.grad(lambda u: ag.sum(g * F.normalize(u, 0, 1, gamma, beta, eps=0)))(v)
    by_variance = ag.sum(gamma * g * u, axis=0) / (-2 * (variance + eps))
    leaves = [z, gamma, beta, g, eps]
    return [
        Finding("by γ", prove.equal(by_gamma, ag.sum(u * g, axis=0), wrt=leaves)),
        Finding("by β", prove.equal(by_beta, ag.sum(g, axis=0), wrt=leaves)),
        Finding("by u", prove.equal(by_u, gamma * g, wrt=[v, gamma, beta, g])),
        Finding(
            "by ε: the derivatives by the variances, summed",
            prove.equal(by_eps, ag.sum(by_variance), wrt=leaves),
            r"\frac{\partial \mathrm{Div}}{\partial \varepsilon} = \sum \frac{\partial \mathrm{Div}}{\partial \sigma_B^2}",
        ),
        Finding("as derived", prove.backward(div(gamma, beta, eps), wrt=leaves)),
    ]


@claim(
    "B6",
    slide=derived(DERIVATIVES),
    formula=r"\frac{\partial u_i}{\partial z_k} = \frac{1}{\sqrt{\sigma_B^2 + \varepsilon}} \left( \delta_{ik} - \frac{1}{B} - \frac{u_i u_k}{B} \right)",
    words="Every output depends on the whole batch: the Jacobian is symmetric, its rows sum to 0, and it takes z − μ to u ε/(σ² + ε).",
    method="engine's Jacobian times a free vector v, forwards and backwards, against the closed form",
    runs=[F.batch_norm],
)
def jacobian() -> list[Finding]:
    z, v = arrays("z:B,D v:B,D")
    eps = scalar("eps", positive=True)
    u, mean, variance = F.batch_norm_with_statistics(z, eps=eps)

    def normalized(z: ag.Tensor) -> ag.Tensor:
        return F.batch_norm(z, eps=eps)

    def times(v: ag.Tensor) -> ag.Tensor:
        moved: ag.Tensor = ag.jvp(normalized, (z,), (v,))[1]
        return moved

    closed = (v - ag.mean(v, axis=0) - u * ag.mean(u * v, axis=0)) / ag.sqrt(variance + eps)
    backwards = ag.grad(lambda z: ag.sum(v * normalized(z)))(z)
    leaves = [z, v, eps]
    return [
        Finding("J v", prove.equal(times(v), closed, wrt=leaves)),
        Finding("v J, the same: J is symmetric", prove.equal(backwards, closed, wrt=leaves)),
        Finding("rows sum to 0", prove.equal(times(ag.ones_like(z)), 0 * z, wrt=[z, eps])),
        Finding(
            "J (z − μ)",
            prove.equal(times(z - mean), u * eps / (variance + eps), wrt=[z, eps]),
            r"J (z - \mu_B) = \frac{\varepsilon}{\sigma_B^2 + \varepsilon} u",
        ),
    ]


@claim(
    "B6b",
    slide=derived(DERIVATIVES),
    formula=r"B = 1: u \equiv 0, \quad B = 2, \varepsilon = 0: \frac{\partial \mathrm{Div}}{\partial z} \equiv 0",
    words="A batch of one is normalized to 0, and without ε a batch of two passes no gradient down.",
    assumptions=["the two values of the batch differ, where ε = 0"],
    method="batch of one: every width. Batch of two: a single unit, entry by entry; the roots of a "
    "sum of two squares only meet when they are written out, and units do not mix",
    runs=[F.batch_norm],
)
def small_batches() -> list[Finding]:
    one, eps = *arrays("z:1,D"), scalar("eps", positive=True)
    z, g = arrays("z:2 g:2")
    gradient = ag.grad(lambda z: ag.sum(g * F.batch_norm(z, eps=0)))(z)
    return [
        Finding("B = 1", prove.equal(F.batch_norm(one, eps=eps), 0 * one, wrt=[one, eps])),
        Finding("B = 2", prove.equal(gradient, 0 * z, wrt=[z, g])),
    ]


@claim(
    "B11",
    slide=derived(TRAINING),
    formula=r"\frac{\partial \mathrm{Div}}{\partial b} = 0 \quad \text{for} \quad z = W y + b",
    words="A bias right before batch norm has no effect: its gradient is zero.",
    method="engine's gradient",
    runs=[F.linear, F.batch_norm],
)
def bias_before() -> list[Finding]:
    x, w, b, gamma, beta, g = arrays("x:B,I W:I,D b:D gamma:D beta:D g:B,D")
    eps = scalar("eps", positive=True)

    def output(b: ag.Tensor) -> ag.Tensor:
        return F.batch_norm(F.linear(x, w, b), gamma, beta, eps)

    leaves = [x, w, b, gamma, beta, g, eps]
    gradient = ag.grad(lambda b: ag.sum(g * ag.tanh(output(b))))(b)
    return [
        Finding("the gradient is 0", prove.equal(gradient, 0 * b, wrt=leaves)),
        Finding("the output is without b", prove.equal(output(b), output(0 * b), wrt=leaves)),
    ]


@claim(
    "B12",
    slide=derived(BACKWARD),
    formula=r"\nabla_{x, W, b, \gamma, \beta, \varepsilon} \frac{1}{B} \sum_{t=1}^{B} \| Y_t - d_t \|^2",
    words="In a network with batch norm and tanh, the engine's gradient by the input, every parameter and ε is the derivative.",
    method="engine's gradient against sympy's derivative",
    runs=[F.linear, F.batch_norm, F.squared_error],
)
def inside_a_network() -> list[Finding]:
    x, w1, b1, w2, b2, d = arrays("x:B,I W1:I,H b1:H W2:H,O b2:O d:B,O")
    gamma, beta = arrays("gamma:H beta:H")
    eps = scalar("eps", positive=True)
    hidden = ag.tanh(F.batch_norm(F.linear(x, w1, b1), gamma, beta, eps))
    loss = F.squared_error(F.linear(hidden, w2, b2), d)
    leaves = [x, w1, b1, gamma, beta, eps, w2, b2]
    sums = x @ w1 + b1
    around = sums - ag.mean(sums, axis=0)
    u = around / ag.sqrt(ag.mean(around * around, axis=0) + eps)
    written = ag.sum((ag.tanh(gamma * u + beta) @ w2 + b2 - d) ** 2) / x.shape[0]
    return [
        Finding("the network is the written formula", prove.equal(loss, written, wrt=leaves)),
        Finding("every leaf", prove.backward(loss, wrt=leaves)),
    ]


@claim(
    "B12b",
    slide=derived(BACKWARD),
    formula=r"\nabla_{W, b, \gamma, \beta} \frac{1}{B} \sum_{t=1}^{B} \mathrm{Div}(Y_t, d_t), \quad \mathrm{Div} = -\sum_c d_c \log \mathrm{softmax}(Y)_c",
    words="The same for the modules themselves: a Sequential of linear layers, batch norm and tanh, under cross-entropy.",
    method="engine's gradient against sympy's derivative, at the modules' sizes: their parameters "
    "are arrays of numbers, which have a shape",
    runs=[Sequential.forward, Linear.forward, BatchNorm1d.forward, F.cross_entropy],
)
def inside_a_model() -> list[Finding]:
    rng = np.random.default_rng(0)
    dtype = np.float64
    model = Sequential(
        Linear(3, 4, bias=False, rng=rng, dtype=dtype),
        BatchNorm1d(4, dtype=dtype),
        Tanh(),
        Linear(4, 2, rng=rng, dtype=dtype),
    )
    # Values do not matter: all become symbols.
    x, d = (
        ag.tensor(np.zeros((5, n)), name=name, role=role)
        for name, role, n in (("x", "input", 3), ("d", "target", 2))
    )
    parameters = dict(model.named_parameters())
    loss = F.cross_entropy(model(x), d)
    w1, gamma, beta, w2, b2 = parameters.values()

    def written(x: ag.Tensor) -> ag.Tensor:
        sums = x @ w1
        around = sums - ag.mean(sums, axis=0)
        u = around / ag.sqrt(ag.mean(around * around, axis=0) + 1e-5)
        return ag.tanh(gamma * u + beta) @ w2 + b2

    return [
        Finding("the model is the written formula", prove.equal(model, written, args=[x])),
        Finding("every parameter", prove.backward(loss, wrt=parameters)),
    ]


@claim(
    "B13",
    slide="Batch normalization",
    formula=r"\hat{z}_{ij} = \gamma_j u_{ij} + \beta_j \text{ for selected units } j, \quad \hat{z}_{ij} = z_{ij} \text{ for the others}",
    words="Batch norm on selected neurons of a layer leaves the others, and their gradients, as they are.",
    method="the layer with two of three units, and its gradient, against one column each; in batches of "
    "two, as which units are chosen is an array of numbers",
    runs=[BatchNorm1d.forward, F.batch_norm],
)
def selected_units() -> list[Finding]:
    layer = BatchNorm1d(3, units=[2, 0], dtype=np.float64)
    gamma, beta = layer.parameters()
    z, g = arrays("z:2,3 g:2,3")

    def written(z: ag.Tensor) -> ag.Tensor:
        third, first = (
            F.batch_norm(z[:, unit], gamma[k], beta[k], layer.eps) for k, unit in ((0, 2), (1, 0))
        )
        return ag.stack([first, z[:, 1], third], axis=1)

    def passed(z: ag.Tensor, g: ag.Tensor) -> ag.Tensor:
        gradient: ag.Tensor = ag.grad(lambda z: ag.sum(g * layer(z)))(z)
        return gradient[:, 1]

    def weighted(z: ag.Tensor, g: ag.Tensor) -> ag.Tensor:
        return ag.sum(g * layer(z))

    return [
        Finding("each unit", prove.equal(layer, written, args=[z])),
        Finding(
            "the gradient of the other",
            prove.equal(passed, lambda z, g: g[:, 1] + 0 * z[:, 1], args=[z, g]),
        ),
        Finding("as derived", prove.backward(weighted, wrt=(0,), args=[z, g])),
    ]


BATCH_NORM_HELPS = cited(
    "B7",
    slide="Batch normalization",
    formula=r"\text{batch norm} \Rightarrow \text{faster convergence}",
    words="Batch norm improves the rate of convergence and the result, and may replace dropout.",
    source="anecdotal, as the slide says; Ioffe and Szegedy (2015), section 4",
    module=__name__,
)
