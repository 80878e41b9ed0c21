"""Gradient descent, with the slides' momentum."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY
from typing import Any, ClassVar, Literal

import autograd_core as ag
from autograd_core.errors import ConfigError

from ..hyperparameters import Decay, Memory, NonNegative
from ..optimizer import Optimizer
from ..terms import decayed

__all__ = ["SGD"]


class SGD(Optimizer):
    """Gradient descent on batches, mini-batches or single samples; momentum and Nesterov by option.

    With the slides' letters, g = ∇_W Err + λ W::

        plain      W ← W − η g
        momentum   ΔW ← β ΔW − η g        W ← W + ΔW
        Nesterov   ΔW ← β ΔW − η g        W ← W + β ΔW − η g

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    lr : float, ≥ 0
        Learning rate η, per step.
    momentum : float, in [0, 1)
        β. The slides' typical value is 0.9, the default of `Momentum`; here it is 0, which is plain descent
        and keeps no slot.
    nesterov : bool
        Gradient after the extension by βΔW instead of before it; needs momentum. `Nesterov` by name.
    weight_decay : float, ≥ 0
        λ; adds λ W to the gradient, which is the gradient of ½ λ ‖W‖² [Regularizing the weights].
        `optim.masked` leaves out biases; or use a regularizer in the loss.
    dampening : float, in [0, 1)
        τ: from the second step on the velocity takes (1 − τ) g for g, as in PyTorch. Not with Nesterov.
    eta : {"inside", "outside"}
        η inside of the velocity, as on the slides; or outside, as in PyTorch: v ← β v + g, W ← W − η v, for
        Nesterov's W ← W − η (g + β v).
    transforms, nonfinite, maximize
        See `Optimizer`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range, or Nesterov is asked for without momentum or with
        dampening, or dampening without momentum.

    Notes
    -----
    Slot: ``velocity``, ΔW or v, from 0. [Training with momentum] prints ΔW = 0 inside the loop, which
    would be plain descent for every β (erratum X26); here it is set once.

    Conventions that differ elsewhere:

    * η inside and outside are the same, ΔW = −ηv, while η is constant. When η drops, the step of the
      outside form shrinks at once, the slides' velocity dies out with β.
    * Nesterov: parameters here are the look-ahead point θ = W + βΔW, where the gradient is taken; that
      turns the slides' two-point recursion, its index corrected (erratum X3), into one that needs
      the gradient only where the parameters are. The slides' own form is momentum, with the gradient taken
      inside of `look_ahead`; its weights are W = θ − βΔW (claim X3b).

    References
    ----------
    [Momentum Update], [Training with momentum], [Nestorov's Accelerated Gradient],
    [Incremental Update: Stochastic Gradient Descent], [Incremental Update: Mini-batch update].
    Polyak (1964), Some methods of speeding up the convergence of iteration methods.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag, optim
    >>> W = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = optim.SGD([W], lr=0.5, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (0.5 * W * W).sum().backward()
    ...     optimizer.step()
    >>> W  # 1 − ½ = ½, then ½ + (½·(−½) − ½·½) = 0
    Tensor([0., 0.], requires_grad=True)
    """

    examples: ClassVar[Sequence[Mapping[str, Any]]] = (
        {"lr": 0.1},
        {"lr": 0.05, "momentum": 0.8},
        {"lr": 0.05, "momentum": 0.8, "nesterov": True},
        {"lr": 0.05, "momentum": 0.8, "eta": "outside"},
    )

    lr: NonNegative
    momentum: Memory = 0.0
    nesterov: bool = False
    weight_decay: Decay = 0.0
    _: KW_ONLY
    dampening: Memory = 0.0
    eta: Literal["inside", "outside"] = "inside"

    @classmethod
    def slots(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """``velocity``, if there is momentum."""
        return ("velocity",) if options["momentum"] else ()

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Nesterov's is a way of using momentum, and dampening another."""
        for name in ("nesterov", "dampening"):
            if options[name] and not options["momentum"]:
                raise ConfigError(
                    cls.__name__, f"{name}={options[name]} needs momentum. Pass momentum=0.9."
                )
        if options["nesterov"] and options["dampening"]:
            raise ConfigError(
                cls.__name__, "nesterov=True and dampening do not go together. Pass one of them."
            )

    @staticmethod
    def update(
        theta: Any,
        g: Any,
        velocity: Any = None,
        *,
        step: Any,
        lr: Any,
        momentum: Any,
        nesterov: bool,
        weight_decay: Any,
        dampening: Any = None,
        eta: str = "inside",
    ) -> tuple[Any, ...]:
        """One update: ``(theta, g, velocity) -> (theta, velocity)``, without side effects."""
        beta, tau = momentum, dampening
        theta, g = decayed(theta, g, lr, weight_decay)
        if beta is None:
            return (theta - lr * g,)
        if eta == "outside":
            velocity = beta * velocity + _share(step, tau, g)
            return theta - lr * (g + beta * velocity if nesterov else velocity), velocity
        descent = _share(step, tau, lr * g)
        velocity = beta * velocity - descent
        if nesterov:
            return theta + (beta * velocity - descent), velocity
        return theta + velocity, velocity

    @contextlib.contextmanager
    def look_ahead(self) -> Iterator[None]:
        """Inside of it the parameters are extended by the previous step, W + βΔW; after it they are W again.

        With it momentum is Nesterov's method as the slides draw it: first extend the previous step, then
        compute the gradient at the resultant position, then add the two. Parameters without a velocity yet
        stay where they are.

        Raises
        ------
        ConfigError
            If there is no momentum, or ``nesterov=True``, which looks ahead by itself.
        CaptureError
            Inside of a compiled step.

        Examples
        --------
        >>> import autograd_core as ag, optim
        >>> W = ag.tensor([1.0], requires_grad=True)
        >>> optimizer = optim.Momentum([W], lr=0.5, momentum=0.5)
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     with optimizer.look_ahead():
        ...         (0.5 * W * W).sum().backward()
        ...     optimizer.step()
        >>> W  # 1 − ½ = ½; then the gradient at ½ − ¼ = ¼: ½ − ¼ − ⅛
        Tensor([0.125], requires_grad=True)
        """
        kind = f"{type(self).__name__}.look_ahead"
        ahead: list[tuple[ag.Tensor, Any]] = []
        for group in self.param_groups:
            if not group["momentum"] or group["nesterov"]:
                raise ConfigError(
                    kind,
                    "expected momentum, and nesterov=False, which is the same with the parameters where the "
                    f"gradient is taken; received momentum={group['momentum']}, nesterov={group['nesterov']}.",
                )
            outside = group["eta"] == "outside"
            reach = group.now("momentum") * (-group.now("lr") if outside else 1.0)
            ahead += [(t, reach * self.slots_of(t)["velocity"]) for t in group.params]
        before = [t.numpy().copy() for t, _ in ahead]
        try:
            for (t, further), values in zip(ahead, before, strict=True):
                t.assign((values + further).astype(t.dtype))
            yield
        finally:
            for (t, _), values in zip(ahead, before, strict=True):
                t.assign(values)


def _share(step: Any, tau: Any, g: Any) -> Any:
    """What a velocity takes of a gradient: all of the first, 1 − τ of the others."""
    return g if tau is None else ag.where(step == 1, 1, 1 - tau) * g
