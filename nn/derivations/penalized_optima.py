"""What penalties make of the optimum of a quadratic, and of what is learned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy

import autograd_core as ag
from autograd_core.symbolic import arrays, prove, scalar
from autograd_core.symbolic.claims import Finding, claim, derived
from autograd_core.symbolic.equations import OnSymbols, equation

from .. import functional as F

OPTIMUM = "Effect on the optimal solution"
DESCENT = "Effect on gradient descent"
UPDATES = "Regularizing the weights"

h, alpha, t = sympy.symbols("h alpha t", positive=True)
best, theta = sympy.symbols("theta^* theta", real=True)
k = sympy.Symbol("k", integer=True, nonnegative=True)


@claim(
    "R3",
    slide=OPTIMUM,
    formula=r"\nabla \frac{1}{2} (\theta - \theta^{*})^{\top} H (\theta - \theta^{*}) = H (\theta - \theta^{*})",
    words="The gradient of the quadratic approximation is H(θ − θ*), for a symmetric H; for any other it is that of its symmetric part.",
    assumptions=["H symmetric, as Hessians are"],
    method="engine's gradient, in any number of dimensions, against the closed form and sympy's derivative; H = ½(A + Aᵀ) is any symmetric matrix",
    runs=[ag.grad],
)
def quadratic_slope() -> list[Finding]:
    a, at, star = leaves = arrays("A:N,N theta:N s:N")

    def bowl(matrix: Any) -> Callable[[Any], ag.Tensor]:
        return lambda w: ag.sum((w - star) * (matrix @ (w - star))) / 2

    half = (a + ag.transpose(a)) / 2
    return [
        Finding(
            "for a symmetric H",
            prove.equal(ag.grad(bowl(half))(at), half @ (at - star), wrt=list(leaves)),
        ),
        Finding("as derived", prove.backward(bowl(half)(at), wrt=list(leaves))),
        Finding(
            "for any matrix: its symmetric part",
            prove.equal(ag.grad(bowl(a))(at), half @ (at - star), wrt=list(leaves)),
        ),
    ]


def pair(values: list[Any]) -> ag.Tensor:
    """Numbers as a vector."""
    return ag.stack(values)


def regularized(n: int) -> OnSymbols:
    """∇ of ½(θ − θ*)ᵀH(θ − θ*) + α R(θ), R half the squares, in n dimensions: all as numbers."""

    def objective(*numbers: Any) -> ag.Tensor:
        at, rest = pair(list(numbers[:n])), numbers[n:]
        star, rest = pair(list(rest[:n])), rest[n:]
        matrix = ag.stack([pair(list(rest[i * n : (i + 1) * n])) for i in range(n)])
        e = at - star
        return ag.sum(e * (matrix @ e)) / 2 + rest[n * n] * F.l2([at])

    return OnSymbols(ag.grad(objective, argnums=tuple(range(n))))


def solved(n: int, matrix: sympy.Matrix, star: sympy.Matrix) -> tuple[sympy.Matrix, OnSymbols]:
    """Where the engine's gradient of the regularized quadratic is 0: solved by sympy."""
    at = sympy.symbols(f"theta1:{n + 1}", real=True)
    slope = regularized(n)
    gradient = slope(*at, *star, *matrix, alpha)
    (solution,) = sympy.linsolve([sympy.expand(g) for g in gradient], at)
    return sympy.Matrix(solution), slope


@claim(
    "R4",
    slide=OPTIMUM,
    formula=r"0 = H(\theta_R^{*} - \theta^{*}) + \alpha \theta_R^{*} \iff \theta_R^{*} = (H + \alpha I)^{-1} H \theta^{*}",
    words="The optimum under an L2 penalty is (H + αI)⁻¹Hθ*: exactly so for a quadratic.",
    assumptions=["H symmetric; positive semidefinite with α > 0, so that the inverse exists"],
    method="sympy solves the engine's gradient for 0, against the printed inverse, in 2 and 3 dimensions; in "
    "any number the gradient is (H + αI)θ − Hθ*",
    runs=[F.l2],
)
def l2_optimum() -> list[Finding]:
    a, at, star, strength = leaves = (*arrays("A:N,N theta:N s:N"), scalar("alpha", positive=True))
    matrix = (a + ag.transpose(a)) / 2

    def objective(w: ag.Tensor) -> ag.Tensor:
        return ag.sum((w - star) * (matrix @ (w - star))) / 2 + strength * F.l2([w])

    found = [
        Finding(
            "in any number of dimensions: what the optimum makes 0",
            prove.equal(
                ag.grad(objective)(at),
                matrix @ at + strength * at - matrix @ star,
                wrt=list(leaves),
            ),
            r"\nabla \hat{L}_R(\theta) = (H + \alpha I) \theta - H \theta^{*}",
        )
    ]
    for n in (2, 3):
        matrix_n = sympy.Matrix(
            n, n, lambda i, j: sympy.Symbol(f"h{min(i, j) + 1}{max(i, j) + 1}", real=True)
        )
        star_n = sympy.Matrix(sympy.symbols(f"s1:{n + 1}", real=True))
        derived_n, ran = solved(n, matrix_n, star_n)
        printed = (matrix_n + alpha * sympy.eye(n)).inv(method="ADJ") * matrix_n * star_n
        found.append(
            Finding(
                f"solved in {n} dimensions",
                equation(
                    "R4",
                    {str(i + 1): e for i, e in enumerate(derived_n)},
                    {str(i + 1): e for i, e in enumerate(printed)},
                    ran=[ran],
                ),
            )
        )
    return found


@claim(
    "R5",
    slide=OPTIMUM,
    formula=r"H = Q \Lambda Q^{\top}: \quad \theta_R^{*} = Q (\Lambda + \alpha I)^{-1} \Lambda Q^{\top} \theta^{*}",
    words="Along each eigenvector of H the optimum is scaled by λ/(λ + α): little where the loss is steep, much where it is flat.",
    assumptions=["λ ≥ 0, α > 0"],
    method="two dimensions, with every rotation by (1 − t², 2t)/(1 + t²) for Q; "
    "as sympy solves it from the engine's gradient",
    runs=[F.l2],
)
def eigen_factors() -> list[Finding]:
    first, second = sympy.symbols("lambda1 lambda2", nonnegative=True)
    turn = sympy.Symbol("t", real=True)
    q = sympy.Matrix([[1 - turn**2, -2 * turn], [2 * turn, 1 - turn**2]]) / (1 + turn**2)
    values, star = sympy.diag(first, second), sympy.Matrix(sympy.symbols("s1:3", real=True))
    found, ran = solved(2, q * values * q.T, star)
    printed = q * sympy.diag(first / (first + alpha), second / (second + alpha)) * q.T * star
    return [
        Finding(
            "as printed",
            equation(
                "R5",
                {str(i + 1): e for i, e in enumerate(found)},
                {str(i + 1): e for i, e in enumerate(printed)},
                ran=[ran],
            ),
        ),
    ]


@claim(
    "R5b",
    slide=derived(OPTIMUM),
    formula=r"0 \le \frac{\lambda_i}{\lambda_i + \alpha} < 1",
    words="The factor is at least 0 and below 1, rises with λ and falls with α.",
    assumptions=["λ ≥ 0, α > 0"],
    method="the factor, and how it changes, as sympy derives it from the engine's gradient",
    runs=[F.l2],
)
def eigen_factor() -> list[Finding]:
    first = sympy.Symbol("lambda1", nonnegative=True)
    one, ran = solved(1, sympy.Matrix([[first]]), sympy.Matrix([best]))
    factor = sympy.cancel(one[0] / best)
    return [
        Finding(
            "at least 0, and below 1 by α/(λ + α)",
            equation(
                "R5b",
                {"itself": factor, "below 1": 1 - factor},
                {"itself": first / (first + alpha), "below 1": alpha / (first + alpha)},
                ran=[ran],
            ),
        ),
        Finding(
            "it rises with λ and falls with α",
            equation(
                "R5b",
                {"by λ": sympy.diff(factor, first), "by α": sympy.diff(factor, alpha)},
                {
                    "by λ": alpha / (first + alpha) ** 2,
                    "by α": -first / (first + alpha) ** 2,
                },
                ran=[ran],
            ),
        ),
    ]


@claim(
    "R10",
    slide=OPTIMUM,
    formula=r"\hat{L}_R(\theta) = \sum_i \frac{1}{2} H_{ii} (\theta_i - \theta_i^{*})^2 + \alpha | \theta_i |",
    words="For a diagonal H the regularized objective is a sum over the coordinates, each with its own optimum.",
    assumptions=["H diagonal, as the slide says; α inside of the sum"],
    method="the quadratic form with a diagonal matrix against the sum, in three dimensions; its slope along each "
    "coordinate has that coordinate alone in it, in any number, as the engine and sympy derive it",
    runs=[F.l1],
)
def separates() -> list[Finding]:
    d, at, star, strength = leaves = (*arrays("H:3 theta:3 s:3"), scalar("alpha", positive=True))
    e = at - star
    whole = ag.sum(e * (ag.diag(d) @ e)) / 2 + strength * F.l1([at])
    terms = ag.sum(d * ag.square(e) / 2 + strength * ag.absolute(at))
    dn, wn, sn = arrays("H:N theta:N s:N")

    def separate(w: ag.Tensor) -> ag.Tensor:
        return ag.sum(dn * ag.square(w - sn)) / 2 + strength * F.l1([w])

    slope = ag.grad(separate)(wn)
    return [
        Finding("three dimensions", prove.equal(whole, terms, wrt=list(leaves))),
        Finding("as derived, in three dimensions", prove.backward(whole, wrt=list(leaves))),
        Finding(
            "its slope, in any number of dimensions",
            prove.equal(slope, dn * (wn - sn) + strength * ag.sign(wn), wrt=[dn, wn, sn, strength]),
        ),
        Finding(
            "as derived, in any number", prove.backward(separate(wn), wrt=[dn, wn, sn, strength])
        ),
    ]


@claim(
    "R11",
    slide=derived("Early stopping"),
    formula=r"\alpha_i = \frac{\lambda_i (1 - \eta \lambda_i)^k}{1 - (1 - \eta \lambda_i)^k}",
    words="On a quadratic, k steps of gradient descent from 0 end where an L2 penalty has its optimum, with an α of its own along each eigenvector: stopping early is decay.",
    assumptions=[
        "a quadratic; the start is 0; k ≥ 1 and 0 < ηλ < 1, so that α is finite and above 0"
    ],
    method="sympy solves the recurrence of steps along the engine's gradient, solves the engine's gradient of the "
    "penalized quadratic for 0, and equates both for α",
    runs=[F.l2],
)
def early_stopping() -> list[Finding]:
    eta = sympy.Symbol("eta", positive=True)
    y = sympy.Function("y")
    step = OnSymbols(
        lambda w, s, curve, eta: w - eta * ag.grad(lambda w: curve * (w - s) * (w - s) / 2)(w)
    )
    (after,) = step(theta, best, h, eta)
    factor, rest = sympy.diff(after, theta), after.subs(theta, 0)
    stopped = sympy.rsolve(y(k + 1) - factor * y(k) - rest, y(k), {y(0): 0})
    optimum, ran = solved(1, sympy.Matrix([[h]]), sympy.Matrix([best]))
    power = (1 - eta * h) ** k
    printed = h * power / (1 - power)
    left, share = sympy.symbols("q a", positive=True)
    (found,) = sympy.solve(sympy.cancel(optimum[0].subs(alpha, share) / best) - (1 - left), share)
    return [
        Finding(
            "where the steps are",
            equation("R11", stopped, (1 - power) * best, ran=[step]),
            r"\theta^{(k)} = (1 - (1 - \eta \lambda)^k) \theta^{*}",
        ),
        Finding(
            "the α for which the penalized optimum is there, solved, with q for the power",
            equation("R11", found, h * left / (1 - left), ran=[ran]),
        ),
        Finding(
            "with the printed α both are the same, for every k",
            equation("R11", optimum[0].subs(alpha, printed), stopped, ran=[ran, step]),
        ),
    ]


@claim(
    "R17",
    slide=derived("Smoothness through weight constraints"),
    formula=r"\lambda_1 < \lambda_2 \Rightarrow R(\theta_1) \ge R(\theta_2), \quad \hat{L}(\theta_1) \le \hat{L}(\theta_2)",
    words="Along the minimisers the training error never falls as λ rises, and the penalty never rises: greater error on training data, smaller weights.",
    assumptions=["θ₁ and θ₂ are minimisers for λ₁ and λ₂; of any loss and any penalty"],
    method="what each minimiser is better by, two numbers of at least 0, is weighed so that one side is left: on a "
    "network's loss, for L2 and for L1, at every size",
    runs=[F.squared_error, F.l2, F.l1],
)
def monotone() -> list[Finding]:
    x, d, w, v = arrays("x:T,I d:T,O W:I,O V:I,O")
    low, more = scalar("lam", positive=True), scalar("mu", positive=True)
    leaves, high = [x, d, w, v, low, more], low + more

    def loss(w: Any) -> ag.Tensor:
        return F.squared_error(F.linear(x, w), d)

    found = []
    for name, penalty in (("L2", F.l2), ("L1", F.l1)):

        def objective(w: Any, lam: Any, penalty: Any = penalty) -> ag.Tensor:
            return loss(w) + lam * penalty([w])

        # w minimises with λ₁, v with λ₂ = λ₁ + μ: both are 0 or more.
        first = objective(v, low) - objective(w, low)
        second = objective(w, high) - objective(v, high)
        found += [
            Finding(
                f"{name}: their sum is (λ₂ − λ₁)(R(θ₁) − R(θ₂))",
                prove.equal(first + second, more * (penalty([w]) - penalty([v])), wrt=leaves),
            ),
            Finding(
                f"{name}: weighed with λ₂ and λ₁, it is (λ₂ − λ₁)(L(θ₂) − L(θ₁))",
                prove.equal(high * first + low * second, more * (loss(v) - loss(w)), wrt=leaves),
            ),
        ]
    optimum, ran = solved(1, sympy.Matrix([[h]]), sympy.Matrix([best]))
    error = OnSymbols(lambda w, s, curve: curve * (w - s) * (w - s) / 2)
    size = OnSymbols(lambda w: F.l2([w]))
    rates = {
        "error": sympy.diff(error(optimum[0], best, h)[0], alpha),
        "size": sympy.diff(size(optimum[0])[0], alpha),
    }
    closed = {
        "error": alpha * h**2 * best**2 / (h + alpha) ** 3,
        "size": -(h**2) * best**2 / (h + alpha) ** 3,
    }
    return [
        *found,
        Finding(
            "along an axis of a quadratic: how both change with λ, solved and differentiated",
            equation("R17", rates, closed, ran=[ran, error, size]),
            r"\frac{d \hat{L}}{d \lambda} = \frac{\lambda H^2 \theta^{*2}}{(H + \lambda)^3} \ge 0",
        ),
    ]


@claim(
    "R19",
    slide=derived("Classical regularization"),
    formula=r"-\log \mathcal{N}(\theta; 0, \alpha^{-1}) = \frac{\alpha}{2} \theta^2 + c, \quad -\log \mathrm{Laplace}(\theta; 0, \alpha^{-1}) = \alpha | \theta | + c",
    words="L2 is the negative logarithm of a Gaussian prior with variance 1/α, L1 of a Laplace prior with scale 1/α: the penalized optimum is the most probable θ.",
    assumptions=["independent weights"],
    method="differences of log-densities, in which the constant is gone, against those of the penalties; the Gaussian "
    "from the library's own density, Laplace's from its definition",
    runs=[F.l2, F.l1],
)
def priors() -> list[Finding]:
    w, strength = arrays("theta:N")[0], scalar("alpha", positive=True)
    scale = 1 / ag.sqrt(strength)

    def gauss(w: Any) -> ag.Tensor:
        return -ag.sum(ag.stats.norm.logpdf(w, 0, scale))

    def laplace(w: Any) -> ag.Tensor:
        return -ag.sum(ag.log(strength / 2 * ag.exp(-strength * ag.absolute(w))))

    found = []
    for name, prior, penalty in (("Gaussian", gauss, F.l2), ("Laplace", laplace, F.l1)):
        found += [
            Finding(
                f"{name}: but for what it is at 0",
                prove.equal(prior(w) - prior(0 * w), strength * penalty([w]), wrt=[w, strength]),
            ),
            Finding(
                f"{name}: gradients",
                prove.equal(
                    ag.grad(prior)(w),
                    ag.grad(lambda w, penalty=penalty: strength * penalty([w]))(w),
                    wrt=[w, strength],
                ),
            ),
        ]
    return found


@claim(
    "R20",
    slide=derived("Smoothness through weight constraints"),
    formula=r"\| f(x) - f(x') \| \le \prod_k \| W_k \| \, \| x - x' \|",
    words="A network of units whose slopes are at most 1 is no steeper than the product of its weights' norms: small weights make it smooth.",
    assumptions=["tanh or ReLU units; the Frobenius norm, which is not below the spectral one"],
    method="the engine's derivative along any direction v, layer by layer: ‖W‖²‖v‖² − ‖Wv‖² is a sum of squares, and so is "
    "what a unit takes off; the engine's gradient of the network against sympy's derivative",
    runs=[F.linear, F.tanh, F.relu],
)
def slope_of_a_network() -> list[Finding]:
    x, w, b, v, u = arrays("x:I W:I,H b:H V:H,O u:I")
    leaves = [x, w, b, v, u]

    def network(x: Any) -> ag.Tensor:
        return F.linear(F.tanh(F.linear(x, w, b)), v)

    _, along = ag.jvp(network, (x,), (u,))
    y = F.tanh(F.linear(x, w, b))
    products = (1 - y * y) * (u @ w)
    crossed = ag.einsum("ih,j->ijh", w, u) - ag.einsum("jh,i->ijh", w, u)
    size = ag.sum(ag.square(w)) * ag.sum(ag.square(u))
    z, g = arrays("z:N g:N")
    (_, bent), (_, cut) = (ag.jvp(f, (z,), (g,)) for f in (F.tanh, F.relu))
    tanh = F.tanh(z)
    on = ag.step(z)
    return [
        Finding(
            "the derivative is a product, layer by layer",
            prove.equal(along, products @ v, wrt=leaves),
        ),
        Finding("as derived", prove.backward(ag.sum(network(x)), wrt=[x, w, b, v])),
        Finding(
            "a layer: ‖W‖²‖u‖² − ‖Wu‖² is half a sum of squares",
            prove.equal(
                size - ag.sum(ag.square(F.linear(u, w))), ag.sum(ag.square(crossed)) / 2, wrt=[w, u]
            ),
        ),
        Finding(
            "tanh: g² − (slope · g)² is y²(2 − y²)g², with y² ≤ 1",
            prove.equal(
                g * g - bent * bent, ag.square(tanh) * (2 - ag.square(tanh)) * g * g, wrt=[z, g]
            ),
        ),
        Finding(
            "ReLU: it is g² where the unit is off, and 0 where it is on",
            prove.equal(g * g - cut * cut, (1 - on) * g * g, wrt=[z, g]),
        ),
    ]
