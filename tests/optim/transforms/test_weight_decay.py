from __future__ import annotations

import pytest

import autograd_core as ag
import optim
from autograd_core.symbolic import prove


def program(**options):
    return optim.Adam([ag.tensor([1.0], requires_grad=True)], **options).program()


def test_around_adam_it_is_adam_with_decoupled_decay():
    """Both of them recorded; the numbers are the same symbols, since both are given the same λ."""
    a, b = (ag.tensor([3.0, -1.0], requires_grad=True) for _ in range(2))
    one = optim.Adam([a], lr=0.1, weight_decay=0.25, decoupled=True)
    other = optim.Adam([b], lr=0.1, transforms=[optim.WeightDecay(0.25)])
    for _ in range(5):
        for t, optimizer in ((a, one), (b, other)):
            optimizer.zero_grad()
            ag.sum(ag.sin(t)).backward()
            optimizer.step()
        assert a.tolist() == b.tolist()


def test_around_descent_it_is_the_decay_of_the_gradient_at_every_size():
    def inside(theta, g, eta, lam):
        return optim.SGD.update(
            theta, g, step=1, lr=eta, momentum=None, nesterov=False, weight_decay=lam
        )

    def beside(theta, g, eta, lam):
        def descent(theta, g):
            (new,) = optim.SGD.update(
                theta, g, step=1, lr=eta, momentum=None, nesterov=False, weight_decay=None
            )
            return new

        return optim.WeightDecay.update(descent, theta, g, step=1, lr=eta, weight_decay=lam)

    (n,) = ag.dims("n")
    args = [ag.Abstract((n,), float), ag.Abstract((n,), float), 0.5, 0.5]
    assert prove.equal(inside, beside, args=args).status == "PROVED"


def test_it_needs_a_learning_rate():
    class Signs(optim.Optimizer):
        @staticmethod
        def update(theta, g, *, step):
            return (theta - ag.sign(g),)

    with pytest.raises(ag.ConfigError, match="WeightDecay asks for lr"):
        Signs([ag.tensor([1.0], requires_grad=True)], transforms=[optim.WeightDecay(0.1)])
