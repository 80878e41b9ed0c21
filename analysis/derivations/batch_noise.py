"""The variance of mini-batches, and what noise leaves of the error of SGD."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic import arrays, prove, scalar
from autograd_core.symbolic.claims import Erratum, Finding, claim, derived, erratum
from autograd_core.symbolic.equations import OnSymbols, equation
from optim import SGD, schedules
from optim.training.batches import batch_bounds

from ..batch_noise import finite_population
from ..noisy import noise_floor

__all__: list[str] = []

BATCHES = "Mini Batches"

SHARE = OnSymbols(finite_population)
MEAN = OnSymbols(lambda *divergences: ag.mean(ag.stack(divergences)))


def _over(draws: Iterable[Sequence[Any]]) -> tuple[sympy.Expr, sympy.Expr]:
    """Mean and variance of the batch error over draws that are equally likely."""
    errors = [MEAN(*draw)[0] for draw in draws]
    mean = sum(errors) / len(errors)
    return mean, sum((e - mean) ** 2 for e in errors) / len(errors)


def _divergences(count: int) -> tuple[tuple[sympy.Symbol, ...], sympy.Expr, sympy.Expr]:
    """As many, with their mean and their variance over T."""
    each = sympy.symbols(f"D1:{count + 1}", real=True)
    mean = sum(each) / count
    return each, mean, sum((d - mean) ** 2 for d in each) / count


def _squared(products: Any, batch: Any) -> Any:
    """(1/b Σ_i x_i)², of which ``products`` has x_i x_j, or their means: shape (b, b)."""
    return ag.sum(products) / (batch * batch)


def _split() -> Finding:
    """The squared deviation of a batch error, by the products of single ones."""
    (divergences,) = arrays("D:b")
    mu = scalar("mu")
    off = divergences - mu
    outer = ag.expand_dims(off, 0) * ag.expand_dims(off, 1)
    return Finding(
        "the squared deviation of a batch error, at every b",
        prove.equal(
            (ag.mean(divergences) - mu) ** 2,
            _squared(outer, divergences.shape[0]),
            wrt=[divergences, mu],
        ),
        r"\left( \frac{1}{b} \sum_i D_i - \mu \right)^2 = \frac{1}{b^2} \sum_{i,j} (D_i - \mu)(D_j - \mu)",
    )


@claim(
    "O29",
    slide=BATCHES,
    formula=r"\mathrm{E}[\mathrm{BatchErr}] = \mathrm{E}[\mathrm{div}], \quad \mathrm{var}(\mathrm{Err}) = \frac{1}{b} \mathrm{var}(\mathrm{div})",
    words="The batch error is an unbiased estimate of the expected error, and of b examples that are drawn each anew its variance is 1/b of that of one.",
    assumptions=["examples drawn independently of each other, and of W (errata X19, X48)"],
    method="at every b: products of deviations in the square are replaced by their means, v δ_ij; beside it, all ordered "
    "draws of two and of three out of three examples, by sympy",
    runs=[ag.mean],
)
def independent_draws() -> list[Finding]:
    (divergences,) = arrays("D:b")
    v = scalar("v")
    b = divergences.shape[0]
    means = v * ag.eye(b) + 0 * ag.expand_dims(divergences, 0) * ag.expand_dims(divergences, 1)
    each, mu, variance = _divergences(3)

    def listed(size: int) -> Finding:
        mean, found = _over(itertools.product(each, repeat=size))
        return Finding(
            f"all {3**size} draws of {size} out of three",
            equation(
                "O29",
                {"mean": mean, "variance": found},
                {"mean": mu, "variance": variance / size},
                ran=[MEAN],
            ),
        )

    return [
        _split(),
        Finding(
            "its mean, with v δ_ij for the products",
            prove.equal(_squared(means, b), v / b + 0 * ag.sum(divergences), wrt=[v, divergences]),
            r"\frac{1}{b^2} \sum_{i,j} v \delta_{ij} = \frac{v}{b}",
        ),
        listed(2),
        listed(3),
    ]


def _without_replacement() -> list[Finding]:
    """The finite-population factor, at every T and b, and over all sets of four examples."""
    (every,) = arrays("D:T")
    off = every - ag.mean(every)
    count = every.shape[0]
    pairs = ag.sum(ag.expand_dims(off, 0) * ag.expand_dims(off, 1)) - ag.sum(off * off)
    covariance = prove.equal(
        pairs / count / (count - 1), -ag.mean(off * off) / (count - 1), wrt=[every]
    )
    (drawn,) = arrays("D:b")
    v, t = scalar("v"), scalar("t", positive=True)  # t = T − 1 > 0
    b = drawn.shape[0]
    outer = 0 * ag.expand_dims(drawn, 0) * ag.expand_dims(drawn, 1)
    means = v * ag.eye(b) - v / t * (1 - ag.eye(b)) + outer
    factor = finite_population(t + 1, b + 0 * ag.sum(drawn))
    each, mu, variance = _divergences(4)
    listed = {size: _over(itertools.combinations(each, size)) for size in (1, 2, 3, 4)}
    return [
        Finding(
            "two examples that are not the same deviate against each other, at every T",
            covariance,
            r"\frac{1}{T (T - 1)} \sum_{s \neq t} (D_s - \mu)(D_t - \mu) = -\frac{v}{T - 1}",
        ),
        Finding(
            "the mean of the square with that, at every b and T",
            prove.equal(_squared(means, b), v / b * factor, wrt=[v, t, drawn]),
            r"\frac{v}{b} \frac{T - b}{T - 1}",
        ),
        Finding(
            "all sets of one to four out of four",
            equation(
                "O29b",
                {f"{what}, b = {n}": x for n, two in listed.items() for what, x in zip(("mean", "variance"), two, strict=True)},
                {f"mean, b = {n}": mu for n in listed}
                | {f"variance, b = {n}": variance / n * SHARE(4, n)[0] for n in listed},
                ran=[MEAN, SHARE],
            ),
        ),
    ]  # fmt: skip


@claim(
    "O29b",
    slide=derived(BATCHES),
    formula=r"\mathrm{var}(\mathrm{Err}) = \frac{1}{b} \mathrm{var}(\mathrm{div}) \frac{T - b}{T - 1}",
    words="Of b examples none of which comes twice the batch error is unbiased, too, and varies less, by (T − b)/(T − 1): the batch of all does not vary.",
    assumptions=["T > 1; var(div) is the mean of squared deviations of all T"],
    method="at every T and b: products of deviations in the square are replaced by their means, v δ_ij and −v/(T − 1); "
    "beside it, all sets out of four examples, by sympy",
    runs=[ag.mean, finite_population],
)
def no_example_twice() -> list[Finding]:
    return [_split(), *_without_replacement()]


@erratum(
    "X19",
    "ASSUME",
    slide=BATCHES,
    formula=r"\mathrm{var}(\mathrm{Err}) = \frac{1}{b} \mathrm{var}(\mathrm{div})",
    words="1/b is right for examples that are drawn each anew. The printed procedure permutes them and cuts batches, so that none comes twice in a pass: there the variance is smaller, by (T − b)/(T − 1).",
    assumptions=["T > 1; the procedure: four examples in batches of two, all 24 permutations"],
    method="over all draws of two out of four; over every batch that `batch_bounds` cuts, of every permutation",
    runs=[ag.mean, finite_population, batch_bounds],
)
def permuted() -> Erratum:
    each, _, variance = _divergences(4)
    _, independent = _over(itertools.product(each, repeat=2))
    cut = [
        order[start:stop]
        for order in itertools.permutations(each)
        for start, stop in batch_bounds(4, 2, "keep")
    ]
    _, found = _over(cut)
    at = dict(zip(each, (0, 1, 2, 3), strict=True))
    return Erratum(
        "ASSUME",
        readings=(
            Finding("drawn each anew", equation("X19", independent, variance / 2, ran=[MEAN])),
            Finding(
                "as the procedure draws: permuted, then cut",
                equation("X19", found, variance / 2, ran=[MEAN], at=at),
            ),
        ),
        correction=(
            Finding(
                "as the procedure draws, with the factor",
                equation("X19", found, variance / 2 * SHARE(4, 2)[0], ran=[MEAN, SHARE]),
                r"\mathrm{var}(\mathrm{Err}) = \frac{1}{b} \mathrm{var}(\mathrm{div}) \frac{T - b}{T - 1}",
            ),
            *_without_replacement(),
        ),
        source="an assumption: independent draws",
    )


def _noisy(error: Any, a: Any, eta: Any, xi: Any) -> Any:
    """The error after a step of the optimizer's rule, with ξ in the gradient."""
    (after,) = SGD.update(
        error, a * error + xi, step=1, lr=eta, momentum=None, nesterov=False, weight_decay=None
    )
    return after


NOISY, FLOOR = OnSymbols(_noisy), OnSymbols(noise_floor)
LINEAR = OnSymbols(lambda k, eta: eta * schedules.Linear(1.0)(k), exact=True)


@claim(
    "O21",
    slide=derived("When does SGD work"),
    formula=r"\eta_k = \frac{1}{a (k + 1)}: \; \mathrm{E} e_k^2 = \frac{\sigma^2}{a^2 k}, \quad \eta_k = \eta: \; \mathrm{E} e_k^2 \to \frac{\eta \sigma^2}{a (2 - \eta a)}",
    words="On a parabola whose gradient has noise of variance σ², the rates 1/(a(k + 1)) give exactly σ²/(a²k) after k steps, wherever it starts; one rate stalls at ησ²/(a(2 − ηa)).",
    assumptions=["noise of mean 0, drawn anew in each step", "for one rate: 0 < ηa < 2"],
    method="the mean square of one step of the optimizer's rule, the noise's moments by sympy; recurrences under the "
    "library's schedule and under one rate, solved by rsolve",
    runs=[SGD.update, schedules.Linear.__call__, noise_floor],
)
def through_noise() -> list[Finding]:
    e, xi = sympy.symbols("e xi", real=True)
    a, eta, sigma = sympy.symbols("a eta sigma", positive=True)
    k = sympy.Symbol("k", integer=True, positive=True)
    before, start, u = sympy.symbols("m m0 u", nonnegative=True)  # E e², at first, and k² E e_k²
    y = sympy.Function("y")

    def after(mean_square: sympy.Expr, curve: sympy.Expr, rate: sympy.Expr) -> sympy.Expr:
        """E e² after a step: the square of the rule, with 0 for E ξ and σ² for E ξ²."""
        square = sympy.Poly(sympy.expand(NOISY(e, curve, rate, xi)[0] ** 2), e, xi)
        moments = {(2, 0): mean_square, (0, 2): sigma**2}  # e and ξ are independent
        return sum(value * moments.get(powers, 0) for powers, value in square.as_dict().items())

    def scheduled(k: Any) -> sympy.Expr:
        """η_k by the library's schedule."""
        return LINEAR(k, 1 / a)[0]

    growth = (k + 1) ** 2 * after(u / k**2, a, scheduled(k))
    summed = sympy.rsolve(y(k + 1) - y(k) - sigma**2 / a**2, y(k), {y(0): 0})
    q = sympy.Symbol("q", real=True)  # 1 − ηa
    curve = (1 - q) / eta
    step = sympy.expand(after(before, curve, eta))
    kept, rest = step.coeff(before, 1), step.coeff(before, 0)
    solved = sympy.rsolve(y(k + 1) - kept * y(k) - rest, y(k), {y(0): start})
    (floor,) = FLOOR(eta, curve, sigma)
    ran = [NOISY, LINEAR]
    return [
        Finding(
            "the first step, with η_0 = 1/a, forgets the start",
            equation("O21", after(start, a, scheduled(0)), sigma**2 / a**2, ran=ran),
        ),
        Finding(
            "each step after adds as much to k² E e_k²",
            equation("O21", growth, u + sigma**2 / a**2, ran=ran),
            r"(k + 1)^2 \mathrm{E} e_{k+1}^2 = k^2 \mathrm{E} e_k^2 + \frac{\sigma^2}{a^2}",
        ),
        Finding("so after k steps", equation("O21", summed / k**2, sigma**2 / (a**2 * k), ran=ran)),
        Finding(
            "one rate: after k steps",
            equation("O21", solved, floor + q ** (2 * k) * (start - floor), ran=[NOISY, FLOOR]),
            r"\mathrm{E} e_k^2 = F + (1 - \eta a)^{2k} (\mathrm{E} e_0^2 - F), \quad F = \frac{\eta \sigma^2}{a (2 - \eta a)}",
        ),
        Finding(
            "what is left then stays: the noise makes up for what the step takes",
            equation("O21", after(floor, curve, eta), floor, ran=[NOISY, FLOOR]),
        ),
    ]
