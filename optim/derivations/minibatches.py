"""Mini-batches: procedures, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic import arrays, prove, scalar
from autograd_core.symbolic.claims import Erratum, Finding, claim, erratum
from autograd_core.symbolic.equations import OnSymbols, equation
from autograd_core.symbolic.verdict import Verdict

from ..optimizers.sgd import SGD
from ..training.batches import LastBatch, batch_bounds
from .quadratic import descend
from .steps import steps_of


def _two(w: Any, a: Any, c: Any, d: Any) -> Any:
    """The divergences of two samples, summed."""
    return a * (w - c) * (w - c) / 2 + a * (w - d) * (w - d) / 2


def _pair(u: Any, v: Any, p: Any, q: Any, c: Any, r: Any, s: Any, d: Any) -> Any:
    """The divergences of two samples on two coupled weights, summed."""
    first, second = p * u + q * v - c, r * u + s * v - d
    return first * first / 2 + second * second / 2


def _pair_descent(u: Any, v: Any, eta: Any, *samples: Any) -> tuple[Any, Any]:
    """A step of the optimizer's rule along the engine's gradient of both."""
    gu, gv = ag.grad(_pair, (0, 1))(u, v, *samples)
    return descend(u, gu, eta), descend(v, gv, eta)


PAIR, PAIR_SLOPE = OnSymbols(_pair), OnSymbols(ag.grad(_pair, (0, 1)))
PAIR_STEP = OnSymbols(_pair_descent)


def _decayed(w: Any, g: Any, eta: Any, lam: Any) -> Any:
    return SGD.update(w, g, step=1, lr=eta, momentum=None, nesterov=False, weight_decay=lam)


@claim(
    "R13",
    slide="Regularizing the weights",
    formula=r"\Delta W_k = \frac{1}{T} \sum_t \nabla_{W_k} \mathrm{Div}(Y_t, d_t)^{\top} + \lambda W_k, \quad \Delta W_k = \nabla_{W_k} \mathrm{Div}(Y_t, d_t)^{\top} + \lambda W_k, \quad \Delta W_k = \frac{1}{b} \sum_{\tau = t}^{t + b - 1} \nabla_{W_k} \mathrm{Div}(Y_{\tau}, d_{\tau})^{\top} + \lambda W_k, \quad W_k \leftarrow W_k - \eta \Delta W_k",
    words="Weight decay is right as printed, in all three lines: batch is the step on the loss with ½λ‖W‖² and shrinks the weights by 1 − ηλ; SGD and mini-batch are the same on the average over the examples, and over the batches of an epoch.",
    assumptions=["for the average over batches: b divides T"],
    method="the optimizer's rule against the printed update, and on the engine's gradient of the whole "
    "loss; the three lines on a linear layer at every T, b and number of weights; two of the optimizer's own steps, "
    "without momentum and with it",
    runs=[SGD.update, ag.grad],
)
def decay() -> list[Finding]:
    w, g, eta, lam, a, d = sympy.symbols("W g eta lambda a d", real=True)
    rule = OnSymbols(_decayed)

    def penalized(w: Any, a: Any, d: Any, lam: Any) -> Any:
        return a * (w - d) * (w - d) / 2 + lam * w * w / 2

    gradient = ag.grad(lambda w, a, d: a * (w - d) * (w - d) / 2)
    slope = OnSymbols(gradient)
    penalized_descent = OnSymbols(
        lambda w, a, d, eta, lam: descend(w, ag.grad(penalized)(w, a, d, lam), eta)
    )
    (after,) = rule(w, g, eta, lam)
    by_loss = penalized_descent(w, a, d, eta, lam)[0]
    by_rule = rule(w, *slope(w, a, d), eta, lam)[0]
    h, beta = sympy.symbols("h beta", real=True)
    numbers = {"lr": eta, "weight_decay": lam, "momentum": beta}
    plain = steps_of(SGD, numbers, lr=0.5, weight_decay=0.5)
    moving = steps_of(SGD, numbers, lr=0.5, weight_decay=0.5, momentum=0.5)
    once = w - eta * (g + lam * w)
    twice = once - eta * (h + lam * once)
    velocity = -eta * (g + lam * w)
    x, targets, weights = arrays("x:N,b,I d:N,b W:I")  # N batches of b examples
    rate, strength = scalar("eta"), scalar("lambda")
    leaves = [x, targets, weights, rate, strength]

    def whole(v: Any) -> Any:
        """Batch mode's loss: 1/T Σ Div + ½λ‖W‖²."""
        return ag.mean(ag.square(x @ v - targets)) / 2 + strength * ag.sum(v * v) / 2

    def mean_over(axes: tuple[int, ...]) -> Any:
        """W after the rule along the mean over some axes, then the mean of that over the others."""
        slopes = (x @ weights - targets)[:, :, None] * x  # of each example
        along = ag.mean(slopes, axis=axes, keepdims=True)
        after = _decayed(weights + 0 * along, along, rate, strength)[0]
        return ag.mean(after, axis=(0, 1))

    batch = descend(weights, ag.grad(whole)(weights), rate)
    return [
        Finding(
            "batch mode: the step on the loss with ½λ‖W‖²",
            prove.equal(mean_over((0, 1)), batch, wrt=leaves),
        ),
        Finding(
            "SGD: on the average over the examples",
            prove.equal(mean_over(()), batch, wrt=leaves),
        ),
        Finding(
            "mini-batch: on the average over the batches of an epoch",
            prove.equal(mean_over((1,)), batch, wrt=leaves),
        ),
        Finding("as printed", equation("decay", after, w - eta * (g + lam * w), ran=[rule])),
        Finding(
            "it shrinks the weights",
            equation("shrinks", after, (1 - eta * lam) * w - eta * g, ran=[rule]),
            r"W_k \leftarrow (1 - \eta \lambda) W_k - \eta \nabla_{W_k} \mathrm{Div}",
        ),
        Finding(
            "plain descent on Div + ½λW² is the same",
            equation("penalty", by_loss, by_rule, ran=[rule, slope, penalized_descent]),
        ),
        Finding(
            "two steps of the optimizer, with gradients g and h",
            equation("steps", plain(w, g, h)[0], twice, ran=[plain]),
        ),
        Finding(
            "with momentum the decay is a part of the gradient too",
            equation(
                "steps",
                moving(w, g, h)[0],
                w + velocity + beta * velocity - eta * (h + lam * (w + velocity)),
                ran=[moving],
            ),
        ),
    ]


@erratum(
    "X4",
    "SIGN",
    slide="Incremental Update: Mini-batch update",
    formula=r"\Delta W_k = \Delta W_k + \nabla_{W_k} \mathrm{Div}(Y_t, d_t), \quad W_k = W_k + \eta_j \Delta W_k",
    words="The gradient is added to the weights, so that the divergence rises; it has to be subtracted.",
    assumptions=["a batch of two samples, Div = ½ a (W − d)²"],
    method="rate of change of the batch's divergence with η, at η = 0, which is −‖ΔW‖² for a step "
    "downhill: derived by sympy for each reading, and for the optimizer's rule",
    runs=[SGD.update],
)
def uphill() -> Erratum:
    w, a, c, d, eta = sympy.symbols("W a c d eta", real=True)
    divergence = OnSymbols(_two)
    gradient = OnSymbols(ag.grad(_two))
    rule = OnSymbols(lambda w, a, c, d, eta: descend(w, ag.grad(_two)(w, a, c, d), eta))
    (total,) = gradient(w, a, c, d)

    def rate(after: sympy.Expr) -> sympy.Expr:
        (value,) = divergence(after, a, c, d)
        return sympy.diff(value, eta).subs(eta, 0)

    def falls(name: str, after: sympy.Expr, step: sympy.Expr, at: Any = None) -> Verdict:
        ran = [divergence, gradient, rule]
        return equation(name, rate(after), -total * step, ran=ran, at=at)

    (after,) = rule(w, a, c, d, eta)
    at = {w: 1, a: 1, c: 0, d: 0}
    u, v = sympy.symbols("u v", real=True)
    samples = sympy.symbols("p q c r s d", real=True)
    slopes = PAIR_SLOPE(u, v, *samples)
    both = PAIR(*PAIR_STEP(u, v, eta, *samples), *samples)[0]
    coupled = sympy.diff(both, eta).subs(eta, 0)
    return Erratum(
        "SIGN",
        readings=(
            Finding("as printed, a sum over the batch", falls("sum", w + eta * total, total, at)),
            Finding(
                "ΔW as a mean over the batch", falls("mean", w + eta * total / 2, total / 2, at)
            ),
        ),
        correction=(
            Finding(
                "subtracted: the optimizer's rule",
                falls("descent", after, total),
                r"W_k = W_k - \eta_j \Delta W_k",
            ),
            Finding(
                "and it is that formula",
                equation("rule", after, w - eta * total, ran=[gradient, rule]),
            ),
            Finding(
                "two samples on two coupled weights: the divergence falls with the squared gradient",
                equation(
                    "coupled",
                    coupled,
                    -(slopes[0] ** 2) - slopes[1] ** 2,
                    ran=[PAIR, PAIR_SLOPE, PAIR_STEP],
                ),
                r"\frac{d}{d\eta} \mathrm{Div} = -\| \Delta W \|^2",
            ),
        ),
        source="mathematics, or transcription: [Momentum Update] has ΔW with the sign inside",
    )


def _loop(start: ag.Tensor, a: ag.Tensor, *samples: ag.Tensor) -> ag.Tensor:
    """The inner loop and the update of the procedure, as one writes them."""
    weight = ag.tensor(0.0, requires_grad=True, name="W")
    weight.assign(start)
    optimizer = SGD([weight], lr=0.5)
    optimizer.zero_grad()
    for d in samples:
        (a * (weight - d) * (weight - d) / 2).backward()
    optimizer.step()
    return weight * 1


@erratum(
    "X5",
    "INDEX",
    slide="Incremental Update: Mini-batch update",
    formula=r"\text{for } t' = t : t + b - 1: \quad \Delta W_k = \Delta W_k + \nabla_{W_k} \mathrm{Div}(Y_t, d_t)",
    words="The inner loop runs over t', but takes the gradient at t: it adds b copies of one sample.",
    assumptions=["a batch of two samples, Div = ½ a (W − d)²"],
    method="what the loop adds up, against the engine's gradient of the batch's divergence",
    runs=[ag.grad, SGD.update],
)
def one_sample() -> Erratum:
    w, a, c, d = sympy.symbols("W a c d", real=True)
    batch = OnSymbols(ag.grad(_two))
    gradient = ag.grad(lambda w, a, d: a * (w - d) * (w - d) / 2)
    single = OnSymbols(gradient)
    (of_both,) = batch(w, a, c, d)
    first, second = single(w, a, c)[0], single(w, a, d)[0]
    ran = [batch, single]
    at = {w: 0, a: 1, c: 1, d: 2}
    eta = sympy.Symbol("eta", real=True)
    loop = OnSymbols(_loop, numbers={"lr": eta}, exact=True)
    third = sympy.Rational(1, 3)
    return Erratum(
        "INDEX",
        readings=(
            Finding("as printed", equation("copies", 2 * first, of_both, ran=ran, at=at)),
            Finding(
                "a mean of the copies, beside the batch's mean",
                equation("mean of copies", first, of_both / 2, ran=ran, at=at),
            ),
            Finding(
                "t as the last of the batch",
                equation("copies of the last", 2 * second, of_both, ran=ran, at=at),
            ),
        ),
        correction=(
            Finding(
                "the gradient at t'",
                equation("samples", first + second, of_both, ran=ran),
                r"\Delta W_k = \Delta W_k + \nabla_{W_k} \mathrm{Div}(Y_{t'}, d_{t'})",
            ),
            Finding(
                "a backward pass for each sample, then a step of the optimizer: the batch's step",
                equation("loop", loop(w, a, c, d)[0], w - eta * of_both, ran=[loop, batch]),
            ),
            Finding(
                "an epoch of the procedure, corrected, on two coupled weights, in rationals",
                equation(
                    "epoch",
                    dict(zip("uv", KEPT(1, -2, third, *FIVE), strict=True)),
                    _by_matrices(([0, 1], [2, 3], [4]), third),
                    ran=[KEPT],
                ),
            ),
        ),
        source="transcription",
    )


def _last_index(count: int, size: int) -> int:
    """The largest t' of the printed loops: t = 1 : b : T, then t' = t : t + b − 1."""
    return max(range(1, count + 1, size)) + size - 1


# p, q and d of five examples; their divergences are ½ (pu + qv − d)².
FIVE = [sympy.Rational(n, 4) for n in (4, 2, 8, -1, 3, 2, 5, 1, -4, 2, -6, 3, 7, 4, 1)]


def _epoch_of_five(last_batch: LastBatch) -> OnSymbols:
    """An epoch on two coupled weights with b = 2, cut as `fit` cuts it: (u, v, η, then the examples)."""

    def epoch(u: Any, v: Any, eta: Any, *numbers: Any) -> tuple[Any, Any]:
        p, q, d = numbers[0::3], numbers[1::3], numbers[2::3]
        for start, stop in batch_bounds(5, 2, last_batch):
            examples = [t % 5 for t in range(start, stop)]  # padded from the beginning

            def error(u: Any, v: Any, rows: list[int] = examples) -> Any:
                left = ag.stack([p[t] * u + q[t] * v - d[t] for t in rows])
                return ag.mean(left * left) / 2

            gu, gv = ag.grad(error, (0, 1))(u, v)
            u, v = descend(u, gu, eta), descend(v, gv, eta)
        return u, v

    return OnSymbols(epoch)


KEPT, DROPPED, PADDED = (_epoch_of_five(how) for how in ("keep", "drop", "pad"))


def _by_matrices(cuts: Sequence[Sequence[int]], eta: Any) -> dict[str, Any]:
    """W ← W − η Xᵀ(XW − d)/b, batch after batch, from (1, −2)."""
    weights = sympy.Matrix([1, -2])
    inputs, targets = sympy.Matrix(5, 3, FIVE)[:, :2], sympy.Matrix(5, 3, FIVE)[:, 2]
    for rows in cuts:
        x, d = inputs.extract(list(rows), [0, 1]), targets.extract(list(rows), [0])
        weights = weights - eta * x.T * (x * weights - d) / len(rows)
    return {"u": weights[0], "v": weights[1]}


@erratum(
    "X28",
    "ASSUME",
    slide="Incremental Update: Mini-batch update",
    formula=r"\text{for } t = 1 : b : T, \; t' = t : t + b - 1: \quad \Delta W_k = \Delta W_k + \nabla_{W_k} \mathrm{Div}(Y_{t'}, d_{t'})",
    words="The sum lacks the 1/b of [Mini Batches]: a convention, with η smaller by b. But where b does not divide T, the last t' are beyond the data, here and in RMSProp's procedure: the last batch has to be short, left out, or filled up.",
    assumptions=[
        "the corrected procedures: five examples, batches of two, two coupled weights, in rationals"
    ],
    method="the last index of the printed loops against T; an epoch by batches cut as fit cuts them, by the optimizer's "
    "rule on the engine's gradients, against matrices",
    runs=[batch_bounds, SGD.update, ag.grad],
)
def overrun() -> Erratum:
    n, b = sympy.symbols("n b", integer=True, positive=True)
    (targets,) = arrays("d:b")
    at, rate = scalar("W"), scalar("eta")
    slopes = at - targets
    summed = descend(at, ag.sum(slopes), rate / targets.shape[0])
    eta = sympy.Rational(1, 3)
    here = (1, -2, eta, *FIVE)
    kept, dropped = ([0, 1], [2, 3], [4]), ([0, 1], [2, 3])
    padded = [0, 1], [2, 3], [4, 0]
    sizes = [(count, size) for count in range(1, 10) for size in range(1, 12)]

    def each(what: Any, pairs: Sequence[tuple[int, int]]) -> dict[str, Any]:
        return {f"T = {count}, b = {size}": what(count, size) for count, size in pairs}

    def lengths(count: int, size: int, how: LastBatch) -> list[int]:
        return [stop - start for start, stop in batch_bounds(count, size, how)]

    whole = [(count, size) for count, size in sizes if size <= count]
    return Erratum(
        "ASSUME",
        readings=(
            Finding(
                "a sum at η/b is the mean at η, at every b",
                prove.equal(summed, descend(at, ag.mean(slopes), rate), wrt=[at, rate, targets]),
            ),
            Finding(
                "b divides T = nb: the last t' is T",
                equation("X28", (1 + (n - 1) * b) + b - 1, n * b),
            ),
            Finding(
                "any b: five examples, batches of two",
                equation("X28", _last_index(5, 2), 5),
            ),
        ),
        correction=(
            Finding(
                "the last batch is short: each example comes once, at every T to 9 and b to 11",
                equation(
                    "X28",
                    each(lambda count, size: sum(lengths(count, size, "keep")), sizes),
                    each(lambda count, size: count, sizes),
                ),
                r"t' = t : \min(t + b - 1, T)",
            ),
            Finding(
                "it is left out: every batch has b",
                equation(
                    "X28",
                    each(lambda count, size: min(lengths(count, size, "drop")), whole),
                    each(lambda count, size: size, whole),
                ),
            ),
            Finding(
                "it is filled up: every batch has b",
                equation(
                    "X28",
                    each(lambda count, size: min(lengths(count, size, "pad")), sizes),
                    each(lambda count, size: size, sizes),
                ),
            ),
            Finding(
                "an epoch with the short batch kept, a mean of its own",
                equation(
                    "X28",
                    dict(zip("uv", KEPT(*here), strict=True)),
                    _by_matrices(kept, eta),
                    ran=[KEPT],
                ),
            ),
            Finding(
                "and with it left out",
                equation(
                    "X28",
                    dict(zip("uv", DROPPED(*here), strict=True)),
                    _by_matrices(dropped, eta),
                    ran=[DROPPED],
                ),
            ),
            Finding(
                "and with it filled up from the beginning",
                equation(
                    "X28",
                    dict(zip("uv", PADDED(*here), strict=True)),
                    _by_matrices(padded, eta),
                    ran=[PADDED],
                ),
            ),
        ),
        source="an assumption: that b divides T",
    )
