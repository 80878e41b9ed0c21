from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.symbolic import prove


class Slide(optim.RMSprop):
    """The two lines of [RMS Prop], as they are printed."""

    @staticmethod
    def update(
        theta, g, v, *, step, lr, gamma, eps, weight_decay, epsilon, momentum=None, centered=False
    ):
        derivative = g if weight_decay is None else weight_decay * theta + g
        mean_square = gamma * v + (1 - gamma) * derivative**2
        if epsilon == "outside":
            return theta - lr * derivative / (eps + ag.sqrt(mean_square)), mean_square
        return theta - lr * derivative / ag.sqrt(eps + mean_square), mean_square


class Twice(Slide):
    """A wrong one."""

    @staticmethod
    def update(theta, g, v, **options):
        new, mean_square = Slide.update(theta, g, v, **options)
        return new, mean_square + g * (1 - options["gamma"])


def program(kind, **options):
    return kind([ag.tensor([1.0], requires_grad=True)], **options).program()


@pytest.mark.parametrize("epsilon", ["inside", "outside"])
@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_its_program_is_the_slides_formula_at_every_size(epsilon, decay):
    options = {"epsilon": epsilon, "weight_decay": decay}
    ours = program(optim.RMSprop, **options)
    verdict = prove.equal(ours, program(Slide, **options))
    assert verdict.status == "PROVED", verdict
    assert prove.equal(ours, program(Twice, **options)).status == "REFUTED"


def test_the_first_step_is_the_same_whatever_the_gradient():
    t = ag.tensor([1.0, 1.0, 1.0], requires_grad=True)
    optimizer = optim.RMSprop([t], lr=0.1, gamma=0.75)
    t.grad = ag.tensor([1e3, -2.0, 0.5])
    optimizer.step()
    np.testing.assert_allclose(t.numpy(), [0.8, 1.2, 0.8], rtol=1e-6)


def test_it_agrees_with_plain_numpy(rng):
    t = ag.tensor(rng.normal(size=(4, 3)), requires_grad=True)
    optimizer = optim.RMSprop([t])
    theta, mean = t.numpy().copy(), 0.0
    for _ in range(7):
        slope = rng.normal(size=(4, 3))
        t.grad = ag.tensor(slope)
        optimizer.step()
        mean = 0.9 * mean + 0.1 * slope**2
        theta -= 0.001 / np.sqrt(mean + 1e-8) * slope
        np.testing.assert_allclose(t.numpy(), theta, rtol=1e-13)
    np.testing.assert_allclose(optimizer.slots_of(t)["v"], mean, rtol=1e-13)


def test_it_goes_down_rosenbrocks_valley_on_a_schedule():
    w = ag.tensor([-1.2, 1.0], requires_grad=True)
    optimizer = optim.RMSprop([w], lr=optim.schedules.Exponential(0.05, beta=1 / 500), gamma=0.99)
    for _ in range(2_500):
        optimizer.zero_grad()
        x, y = w[0], w[1]
        ((1 - x) ** 2 + 100 * (y - x * x) ** 2).backward()
        optimizer.step()
    np.testing.assert_allclose(w.numpy(), [1.0, 1.0], atol=0.05)


def test_centred_it_divides_by_the_variance_which_is_never_negative(rng):
    """v − m² by itself, in numbers where it would be; and of one gradient far from 0, where it rounds below 0."""
    w = ag.tensor(np.zeros(3), requires_grad=True)
    optimizer = optim.RMSprop([w], lr=0.1, alpha=0.9, centered=True, momentum=0.5, eps=1e-3)
    theta, m, v, velocity = np.zeros((4, 3))
    for g in rng.normal(size=(6, 3)):
        m, v = 0.9 * m + 0.1 * g, 0.9 * v + 0.1 * g * g
        velocity = 0.5 * velocity - 0.1 * g / np.sqrt(v - m * m + 1e-3)
        theta = theta + velocity
        w.grad = ag.tensor(g)
        optimizer.step()
    np.testing.assert_allclose(w.numpy(), theta, rtol=1e-12)
    np.testing.assert_allclose(optimizer.slots_of(w)["variance"], v - m * m, rtol=1e-12)

    m, v, least = 0.0, 0.0, 0.0
    t = ag.tensor(np.zeros(1), requires_grad=True)
    optimizer = optim.RMSprop([t], lr=0.1, gamma=0.5, centered=True, eps=1e-30, epsilon="outside")
    for _ in range(1000):
        m, v = 0.5 * m + 0.5 * 3.3, 0.5 * v + 0.5 * (3.3 * 3.3)
        least = min(least, v - m * m)
        t.grad = ag.tensor(np.array([3.3]))
        optimizer.step()
    assert least < 0
    assert optimizer.slots_of(t)["variance"] >= 0
    assert np.isfinite(t.item())
