from __future__ import annotations

from fractions import Fraction
from math import isqrt
from types import SimpleNamespace

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.errors import ConfigError


def root(q):
    """The square root of a rational number that has one."""
    found = Fraction(isqrt(q.numerator), isqrt(q.denominator))
    assert found * found == q
    return found


class Rational:
    """The recorded update, computed in rational numbers: no rounding anywhere."""

    shelf = SimpleNamespace(sqrt=root, power=lambda a, b: a ** int(b))

    def capture(self, var, tensor):
        raise AssertionError("an update rule closes over nothing")

    def literal(self, value):
        return Fraction(value)

    def apply(self, application, operands):
        return application.primitive.kind.formula(self.shelf, *operands)


def recorded(
    gradients, *, epsilon="inside", weight_decay=Fraction(0), decoupled=False, eps, **rates
):
    """w after each step, by the Program that `step` replays."""
    t = ag.tensor([1.0], requires_grad=True)
    optimizer = optim.Adam(
        [t], weight_decay=float(weight_decay), epsilon=epsilon, decoupled=decoupled
    )
    program = optimizer.program(size=1)
    scalars = {"eps": eps, "weight_decay": weight_decay, **rates}
    w, m, v = Fraction(1), Fraction(0), Fraction(0)
    found = []
    for k, g in enumerate(gradients, 1):
        values = [
            Fraction(k),
            *(scalars[name] for name in optimizer.param_groups[0].rule.scalars[1:]),
        ]
        w, m, v = program.evaluate(Rational(), w, Fraction(g), m, v, *values)
        found.append(w)
    return found


def by_formula(gradients, *, eta, delta, gamma, eps, inside=True):
    """The slide's formula, corrected (X1), unrolled: no recursion in common with the rule."""
    w, found = Fraction(1), []
    for k in range(1, len(gradients) + 1):
        past = [Fraction(g) for g in gradients[:k]]
        m = sum((1 - delta) * delta ** (k - i) * g for i, g in enumerate(past, 1)) / (1 - delta**k)
        v = sum((1 - gamma) * gamma ** (k - i) * g**2 for i, g in enumerate(past, 1)) / (
            1 - gamma**k
        )
        w -= eta / (root(v + eps) if inside else root(v) + eps) * m
        found.append(w)
    return found


# Gradients and ε for which every v̂_k + ε is the square of a rational number, at γ = ½:
# v̂ = 1, (1 + 2·17²)/3 = 193, (1 + 2·17² + 4·5²)/7 = 97; with ε = 3: 2², 14², 10².
INSIDE = {"gradients": [1, 17, 5], "eps": Fraction(3)}
# Of constant size, so that v̂ = 9 for every γ; the sign makes m̂ move.
OUTSIDE = {"gradients": [3, -3, 3], "eps": Fraction(1)}


def test_three_exact_steps_with_epsilon_inside_the_root():
    # δ = ½, η = 1: m̂ = 1, (1 + 2·17)/3 = 35/3, (1 + 34 + 20)/7 = 55/7
    found = recorded(
        INSIDE["gradients"],
        eps=INSIDE["eps"],
        lr=Fraction(1),
        delta=Fraction(1, 2),
        gamma=Fraction(1, 2),
    )
    assert found == [
        Fraction(1, 2),
        Fraction(1, 2) - Fraction(35, 42),
        Fraction(1, 2) - Fraction(35, 42) - Fraction(55, 70),
    ]
    assert found == by_formula(
        INSIDE["gradients"],
        eta=Fraction(1),
        delta=Fraction(1, 2),
        gamma=Fraction(1, 2),
        eps=INSIDE["eps"],
    )


def test_three_exact_steps_with_epsilon_outside_the_root():
    # δ = ½, η = 1, √v̂ + ε = 4: m̂ = 3, (3 − 6)/3 = −1, (3 − 6 + 12)/7 = 9/7
    found = recorded(
        OUTSIDE["gradients"],
        eps=OUTSIDE["eps"],
        lr=Fraction(1),
        delta=Fraction(1, 2),
        gamma=Fraction(2, 3),
        epsilon="outside",
    )
    assert found == [Fraction(1, 4), Fraction(1, 2), Fraction(1, 2) - Fraction(9, 28)]
    assert found == by_formula(
        OUTSIDE["gradients"],
        eta=Fraction(1),
        delta=Fraction(1, 2),
        gamma=Fraction(2, 3),
        eps=OUTSIDE["eps"],
        inside=False,
    )


def test_the_printed_recursion_would_climb():
    """X1: m_k = m̂_k + (1 − δ) g_k with m̂_k = m_k / (1 − δ^k) gives m_k = −(1 − δ)(1 − δ^k)/δ^k g_k."""
    delta, g, k = Fraction(9, 10), Fraction(2), 3
    m = -(1 - delta) * (1 - delta**k) / delta**k * g
    assert m == m / (1 - delta**k) + (1 - delta) * g
    assert m < 0 < g


@pytest.mark.parametrize("epsilon", ["inside", "outside"])
@pytest.mark.parametrize(("decay", "decoupled"), [(0.0, False), (0.1, False), (0.1, True)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_agrees_with_plain_numpy(rng, epsilon, decay, decoupled, dtype):
    shapes = [(3, 4), (4,), ()]
    tensors = [ag.tensor(rng.normal(size=s), dtype, requires_grad=True) for s in shapes]
    optimizer = optim.Adam(
        tensors,
        lr=0.01,
        betas=(0.8, 0.95),
        eps=1e-3,
        weight_decay=decay,
        epsilon=epsilon,
        decoupled=decoupled,
    )
    theta = [t.numpy().astype(np.float64) for t in tensors]
    m, v = [0.0] * 3, [0.0] * 3
    for k in range(1, 8):
        for i, t in enumerate(tensors):
            g = rng.normal(size=t.shape)
            t.grad = ag.tensor(g, dtype)
            if decoupled:
                theta[i] = theta[i] - 0.01 * decay * theta[i]
            else:
                g = g + decay * theta[i]
            m[i] = 0.8 * m[i] + 0.2 * g
            v[i] = 0.95 * v[i] + 0.05 * g**2
            m_hat, v_hat = m[i] / (1 - 0.8**k), v[i] / (1 - 0.95**k)
            below = np.sqrt(v_hat + 1e-3) if epsilon == "inside" else np.sqrt(v_hat) + 1e-3
            theta[i] = theta[i] - 0.01 * m_hat / below
        optimizer.step()
        for t, expected in zip(tensors, theta, strict=True):
            assert t.dtype == dtype
            np.testing.assert_allclose(
                t.numpy(),
                expected,
                rtol=1e-12 if dtype == np.float64 else 2e-5,
                atol=1e-6 if dtype == np.float32 else 0,
            )


def test_a_parameter_that_joins_late_is_corrected_from_its_own_first_step():
    early, late = (ag.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = optim.Adam([early, late], lr=0.1)
    for k in range(5):
        early.grad = ag.tensor([3.0])
        late.grad = ag.tensor([3.0]) if k == 4 else None
        optimizer.step()
    np.testing.assert_allclose(late.numpy(), [0.9])
    assert optimizer.state_dict()["arrays"]["steps"].tolist() == [5, 1]


def test_the_slides_epsilon_is_the_default_and_a_larger_floor():
    w, u = (ag.tensor([1.0], requires_grad=True) for _ in range(2))
    inside, outside = optim.Adam([w]), optim.Adam([u], epsilon="outside")
    for t, optimizer in ((w, inside), (u, outside)):
        t.grad = ag.tensor([1e-6])
        optimizer.step()
    # 1e-6 is far below √1e-8 = 1e-4 and far above 1e-8.
    assert 1 - w.item() < 0.02 * 1e-3
    assert 1 - u.item() > 0.98 * 1e-3


def test_betas_are_delta_and_gamma():
    w = ag.tensor([1.0], requires_grad=True)
    assert dict(optim.Adam([w], betas=(0.5, 0.6)).param_groups[0]) == dict(
        optim.Adam([w], delta=0.5, gamma=0.6).param_groups[0]
    )
    assert optim.Adam([w]).param_groups[0]["delta"] == 0.9
    with pytest.raises(ConfigError, match="another name for"):
        optim.Adam([w], delta=0.5, betas=(0.5, 0.6))
    with pytest.raises(ConfigError, match="betas: expected two numbers"):
        optim.Adam([w], betas=0.9)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"lr": -1}, r"Adam: lr: expected a finite number in \[0, inf\)"),
        ({"delta": 1.0}, r"Adam: delta: expected a finite number in \[0, 1\); received 1.0"),
        ({"gamma": -0.1}, "Adam: gamma"),
        ({"eps": 0}, r"Adam: eps: expected a finite number in \(0, inf\); received 0"),
        ({"weight_decay": -1}, "Adam: weight_decay"),
        (
            {"epsilon": "outer"},
            "Adam: epsilon: expected one of 'inside', 'outside'; received 'outer'",
        ),
        ({"decoupled": None}, "Adam: decoupled"),
    ],
)
def test_hyperparameters_outside_their_range_are_refused(option, message):
    with pytest.raises(ConfigError, match=message):
        optim.Adam([ag.tensor([1.0], requires_grad=True)], **option)


@pytest.mark.parametrize(
    ("options", "steps"),
    [({"lr": 0.05}, 2_500), ({"lr": 0.05, "epsilon": "outside"}, 2_500)],
)
def test_it_goes_down_rosenbrocks_valley(options, steps):
    w = ag.tensor([-1.2, 1.0], requires_grad=True)
    optimizer = optim.Adam([w], **options)
    for _ in range(steps):
        optimizer.zero_grad()
        x, y = w[0], w[1]
        ((1 - x) ** 2 + 100 * (y - x * x) ** 2).backward()
        optimizer.step()
    np.testing.assert_allclose(w.numpy(), [1.0, 1.0], atol=0.05)
