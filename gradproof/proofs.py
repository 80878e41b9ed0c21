"""What the demo proves: the gradients that trained its network, on symbols, at every size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag
import nn
from autograd_core.symbolic import Verdict, prove

__all__ = ["Claim", "Statement", "statements"]

SECONDS = 120.0  # for one proof; each takes a second or two
B, D, C = ag.dims("B D C")  # batch, units, classes: any
NETWORK = (64, 128, 10)  # inputs, hidden units, classes, as it is trained
BATCH = 32


@dataclass(frozen=True)
class Statement:
    """Something that can be proved or not.

    Attributes
    ----------
    topic : str
        "Batch norm", "Cross-entropy" or "The whole network".
    text : str
        The statement, in words.
    decide : callable
        Returns the `Verdict`.
    """

    topic: str
    text: str
    decide: Callable[[], Verdict]


@dataclass(frozen=True)
class Claim:
    """A `Statement` that was decided."""

    topic: str
    text: str
    verdict: Verdict


def statements(eps: float, network: Callable[[int, int, int], nn.Module]) -> Iterator[Statement]:
    """Everything the demo claims about its own functions.

    Parameters
    ----------
    eps : float
        ε of the trained network's batch norm.
    network : callable
        Builds a network like the trained one from numbers of inputs, hidden units and classes.
    """
    arguments = [ag.Abstract(shape) for shape in ((B, D), (D,), (D,), (B, D))]

    def normalized(z: ag.Tensor, gamma: ag.Tensor, beta: ag.Tensor, g: ag.Tensor) -> ag.Tensor:
        # Weighed by free symbols g, the gradient is what is passed down for any loss above.
        return ag.sum(g * nn.functional.batch_norm(z, gamma, beta, eps=eps))

    def slide(z: Any, gamma: Any, beta: Any, g: Any) -> tuple[Any, Any, Any]:
        """[Batch normalization: Backpropagation], as printed; g is ∂Div/∂ẑ."""
        mu = ag.sum(z, axis=0) / B
        variance = ag.sum((z - mu) ** 2, axis=0) / B
        root = ag.sqrt(variance + eps)
        by_u = gamma * g
        by_variance = ag.sum(by_u * (z - mu), axis=0) * (-1 / 2) * (variance + eps) ** (-3 / 2)
        by_mu = ag.sum(by_u * -1 / root, axis=0) + by_variance * ag.sum(-2 * (z - mu), axis=0) / B
        by_z = by_u / root + by_variance * 2 * (z - mu) / B + by_mu / B
        return by_z, ag.sum((z - mu) / root * g, axis=0), ag.sum(g, axis=0)

    yield Statement(
        "Batch norm",
        "The gradient by z, γ and β is the derivative, whatever comes after the layer.",
        lambda: prove.backward(normalized, [0, 1, 2], args=arguments, seconds=SECONDS),
    )
    yield Statement(
        "Batch norm",
        "That gradient is the one of the lecture’s formulas.",
        lambda: prove.equal(
            ag.grad(normalized, argnums=(0, 1, 2)),
            slide,
            args=arguments,
            seconds=SECONDS,
        ),
    )

    def entropy(z: ag.Tensor, labels: ag.Tensor) -> ag.Tensor:
        return nn.functional.cross_entropy(z, labels)

    def difference(z: ag.Tensor, labels: ag.Tensor) -> ag.Tensor:
        return (ag.softmax(z, axis=1) - ag.one_hot(labels, C)) / B

    rows = [ag.Abstract((B, C)), ag.Abstract((B,), np.dtype(np.int64))]
    yield Statement(
        "Cross-entropy",
        "The gradient by the logits z is the derivative.",
        lambda: prove.backward(entropy, [0], args=rows, seconds=SECONDS),
    )
    yield Statement(
        "Cross-entropy",
        "That gradient is (softmax(z)\u00a0−\u00a0y)/B.",
        lambda: prove.equal(ag.grad(entropy), difference, args=rows, seconds=SECONDS),
    )
    yield Statement(
        "The whole network",
        "The gradient by every parameter is the derivative of the loss, through linear layers, "
        "batch norm, ReLU, dropout, cross-entropy and L2, at its full size: each rule in the "
        "pattern in which the network uses it, and the walk that puts them together.",
        lambda: _network(network),
    )


def _network(build: Callable[[int, int, int], nn.Module]) -> Verdict:
    """The trained layers, from the input to the loss."""
    inputs, _, classes = NETWORK
    model = build(*NETWORK)
    # Values do not matter: all become symbols.
    x = ag.tensor(np.zeros((BATCH, inputs), np.float32), name="x", role="input")
    labels = ag.tensor(np.arange(BATCH) % classes, name="labels", role="target")
    loss = nn.functional.cross_entropy(model(x), labels) + nn.L2(1e-4)(model)
    return prove.graph(model, loss, seconds=SECONDS)
