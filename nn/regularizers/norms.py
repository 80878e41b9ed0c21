"""Penalties on the weights, to be added to the loss."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.options import NON_NEGATIVE, Choice

from .. import functional
from ..contract import Example
from ..module import Module

__all__ = ["L2"]


class L2(Module):
    """Penalty on the squared size of the weights: ½ λ Σ_k ‖W_k‖².

    Its gradient is λ W_k, the slides' ΔW_k + λ W_k in every update [Regularizing the weights].

    Parameters
    ----------
    lam : float
        λ ≥ 0.
    half : bool
        False gives λ Σ_k ‖W_k‖², the form of [Summary: Regularization] and [Regularization as soft
        constraint], whose gradient is 2 λ W_k.
    parameters : {"weights", "all"}
        Which parameters of a model are meant: those with at least two axes, so neither biases nor
        the scales and shifts of batch norm; or all.

    Raises
    ------
    ConfigError
        If λ is negative or not finite, ``parameters`` is no such name, or there is nothing to
        penalize.

    Notes
    -----
    With plain gradient descent this equals an optimizer's weight decay λ (PyTorch's
    ``weight_decay``, applied to the same parameters). It is a part of the loss, so it is recorded,
    drawn and proved like any other.

    References
    ----------
    [Smoothness through weight constraints], [Regularizing the weights]

    Examples
    --------
    >>> import numpy as np, autograd_core as ag, nn
    >>> weight = ag.tensor([[1.0, 2.0]], requires_grad=True)
    >>> penalty = nn.L2(0.1)([weight])
    >>> penalty.backward()
    >>> float(penalty.detach()), weight.grad.numpy().tolist()
    (0.25, [[0.1, 0.2]])
    """

    def __init__(
        self,
        lam: float,
        *,
        half: bool = True,
        parameters: Literal["weights", "all"] = "weights",
    ) -> None:
        self.lam = NON_NEGATIVE.check("L2: lam", lam)
        self.half = bool(half)
        self.penalized = Choice(("weights", "all")).check("L2: parameters", parameters)

    @classmethod
    def example(cls) -> Example:
        """A matrix and a vector."""
        return Example(
            cls, (0.5,), calls=[[[(5, 3), (4,)]]], variants=[{"half": False}, {"parameters": "all"}]
        )

    def forward(self, weights: Module | Iterable[ArrayLike]) -> ag.Tensor:
        """Return the penalty, shape ().

        Parameters
        ----------
        weights : Module, or iterable of array_like
            A model, of which the weights are taken; or the very arrays to penalize, all of them.
        """
        if isinstance(weights, Module):
            weights = [w for w in weights.parameters() if self.penalized == "all" or w.ndim >= 2]
        penalty = self.lam * functional.l2(weights)
        return penalty if self.half else 2 * penalty

    def extra_repr(self) -> str:
        """Give the strength, and what is not the default."""
        options = [f"{self.lam:g}"]
        options += [] if self.half else ["half=False"]
        options += [] if self.penalized == "weights" else [f'parameters="{self.penalized}"']
        return ", ".join(options)
