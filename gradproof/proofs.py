"""What the demo proves: the gradients that trained its network, at small shapes, on symbols."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag
import nn
from autograd_core.symbolic import Verdict, prove

__all__ = ["Claim", "Statement", "statements"]

SECONDS = 120.0  # for one proof; each takes a few
BATCH_NORM = (4, 2)  # batch, units
CROSS_ENTROPY = (3, 4)  # batch, classes
NETWORK = (2, 2, 2)  # inputs, hidden units, classes
BATCH = 3


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
    batch, units = BATCH_NORM
    arguments = [ag.Abstract(BATCH_NORM), ag.Abstract((units,)), ag.Abstract((units,))]

    def normalized(z: ag.Tensor, gamma: ag.Tensor, beta: ag.Tensor, g: ag.Tensor) -> ag.Tensor:
        # Weighed by free symbols g, the gradient is what is passed down for any loss above.
        return ag.sum(g * nn.functional.batch_norm(z, gamma, beta, eps=eps))

    def slide(z: Any, gamma: Any, beta: Any, g: Any) -> tuple[Any, Any, Any]:
        """[Batch normalization: Backpropagation], as printed; g is ∂Div/∂ẑ."""
        mu = ag.sum(z, axis=0) / batch
        variance = ag.sum((z - mu) ** 2, axis=0) / batch
        root = ag.sqrt(variance + eps)
        by_u = gamma * g
        by_variance = ag.sum(by_u * (z - mu), axis=0) * (-1 / 2) * (variance + eps) ** (-3 / 2)
        by_mu = (
            ag.sum(by_u * -1 / root, axis=0) + by_variance * ag.sum(-2 * (z - mu), axis=0) / batch
        )
        by_z = by_u / root + by_variance * 2 * (z - mu) / batch + by_mu / batch
        return by_z, ag.sum((z - mu) / root * g, axis=0), ag.sum(g, axis=0)

    yield Statement(
        "Batch norm",
        "The gradient by z, γ and β is the derivative, whatever comes after the layer.",
        lambda: prove.backward(
            normalized, [0, 1, 2], args=[*arguments, ag.Abstract(BATCH_NORM)], seconds=SECONDS
        ),
    )
    yield Statement(
        "Batch norm",
        "That gradient is the one of the lecture’s formulas.",
        lambda: prove.equal(
            ag.grad(normalized, argnums=(0, 1, 2)),
            slide,
            args=[*arguments, ag.Abstract(BATCH_NORM)],
            seconds=SECONDS,
        ),
    )

    rows, classes = CROSS_ENTROPY
    labels = ag.tensor(np.arange(rows) * 2 % classes, name="labels", role="target")

    def entropy(z: ag.Tensor) -> ag.Tensor:
        return nn.functional.cross_entropy(z, labels)

    def difference(z: ag.Tensor) -> ag.Tensor:
        return (ag.softmax(z, axis=1) - ag.one_hot(labels, classes)) / rows

    logits = [ag.Abstract(CROSS_ENTROPY)]
    yield Statement(
        "Cross-entropy",
        "The gradient by the logits z is the derivative.",
        lambda: prove.backward(entropy, args=logits, seconds=SECONDS),
    )
    yield Statement(
        "Cross-entropy",
        "That gradient is (softmax(z)\u00a0−\u00a0y)/B.",
        lambda: prove.equal(ag.grad(entropy), difference, args=logits, seconds=SECONDS),
    )
    yield Statement(
        "The whole network",
        "The gradient by every parameter is the derivative of the loss, through linear layers, "
        "batch norm, ReLU, dropout, cross-entropy and L2, for any input and any mask.",
        lambda: _network(network),
    )


def _network(build: Callable[[int, int, int], nn.Module]) -> Verdict:
    """The same layers with fewer units, from the input to the loss."""
    inputs, _, classes = NETWORK
    model = build(*NETWORK)
    # Values do not matter: all become symbols, except the labels.
    x = ag.tensor(np.zeros((BATCH, inputs), np.float32), name="x", role="input")
    labels = ag.tensor(np.arange(BATCH) % classes, name="labels", role="target")
    loss = nn.functional.cross_entropy(model(x), labels) + nn.L2(1e-4)(model)
    return prove.backward(loss, dict(model.named_parameters()), seconds=SECONDS)
