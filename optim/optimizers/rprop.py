"""Rprop: steps by the sign of each derivative alone, each weight with a step size of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Annotated, Any, Literal

import autograd_core as ag
from autograd_core.errors import ConfigError

from ..declared import also
from ..hyperparameters import Interval, Positive, Term
from ..optimizer import Optimizer
from ..schedules.schedule import Schedule

__all__ = ["Rprop"]

Growth = Annotated[float | Schedule, Interval(1.0)]
Shrinkage = Annotated[float | Schedule, Interval(0.0, 1.0, open_low=True)]
Bound = Annotated[float | Schedule, Term(0.0)]


class Rprop(Optimizer):
    """Steps of each weight's own size, along the sign of its derivative; resilient propagation.

    With the slides' letters, D = ∂Err/∂w at the weights as they all are now, and prevD the one before::

        sign(D) = sign(prevD)   |Δw| ← min(α |Δw|, Δ_max)    w ← w − sign(D) |Δw|
        sign(D) ≠ sign(prevD)   w ← w + Δw, back to where it was
                                |Δw| ← max(β |Δw|, Δ_min), and prevD is forgotten
        no prevD, or D = 0      w ← w − sign(D) |Δw|

    where Δw = sign(prevD) |Δw| is the step before. The smaller step forward is thus made by the next update, in
    the direction of the derivative that it finds where all weights then are.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`.
    delta0 : float, > 0
        Δ_0, the size of the first step; PyTorch's ``lr``.
    alpha : float, ≥ 1
        α, by which a size grows while the sign stays.
    beta : float, in (0, 1)
        β, by which it shrinks when the sign changes.
    delta_min, delta_max : float, ≥ 0
        Δ_min and Δ_max, floor and ceiling of the size |Δw|; 0 for none, as on the second of the slides.
    form : {"rprop+", "reverse", "irprop-", "irprop+", "printed"}
        What a change of sign does beside shrinking the size.

        * ``"rprop+"``: the weight goes back, and its direction is taken anew. The slides' procedure, corrected, is
          this one: Riedmiller and Braun's, with weight backtracking.
        * ``"reverse"``: the smaller step is made from here, the other way, as [RProp] says in words; known as Rprop−.
        * ``"irprop-"``: the weight stays for one update, and its direction is taken anew. PyTorch's Rprop.
        * ``"irprop+"``: as ``"rprop+"`` if the loss has risen, else as ``"irprop-"``. It has to be told the loss:
          ``optimizer.step(loss)``, which `fit` does.
        * ``"printed"``: **for demonstration only**: the procedure as [Rprop (simplified)] prints it. It keeps its
          direction when the sign changes, and with it stands still at points that are not critical, as soon as
          weights are coupled (erratum X31); its floor and ceiling act on the signed step (erratum X9).
    etas : (float, float), optional
        β and α under PyTorch's name, instead of ``beta`` and ``alpha``.
    step_sizes : (float, float), optional
        Δ_min and Δ_max under PyTorch's name.
    transforms, nonfinite
        See `Optimizer`.

    Raises
    ------
    ConfigError
        If a hyperparameter is outside its range, or the floor is above the ceiling; from ``step()`` without a loss,
        if ``form="irprop+"``.

    Notes
    -----
    Slots: ``delta``, |Δw|, from Δ_0; ``direction``, sign(prevD), or 0 if there is none; ``error``, for
    ``"irprop+"``, the loss of the update before; ``way``, for ``"printed"``, the sign of Δw.

    All weights step at once, by derivatives at the same point: "for each i, j … while not converged", taken to the
    letter, is a descent of one weight after the other (X29). A weight whose derivative is exactly 0 stays where it
    is, and keeps its size for the time when it is not.

    The sign of a derivative is that of the whole training set on the slides. Of mini-batches it is that of the
    noise, near the minimum; a schedule for ``delta_max`` lets the steps die out.

    References
    ----------
    [RProp], [Rprop], [Rprop (simplified)]. Riedmiller and Braun (1993), A direct adaptive method for faster
    backpropagation learning: the RPROP algorithm, whose Δ_0, Δ_min and Δ_max are the defaults. Igel and Hüsken
    (2003), Empirical evaluation of the improved Rprop learning algorithms.

    Examples
    --------
    Only signs count, whatever the size of the derivatives:

    >>> import autograd_core as ag, optim
    >>> w = ag.tensor([1.0, -1.0], requires_grad=True)
    >>> optimizer = optim.Rprop([w])
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (ag.tensor([30.0, 0.5]) * w).sum().backward()
    ...     optimizer.step()
    >>> w.numpy().round(6).tolist()  # 0.1, then 1.2 times as far
    [0.78, -1.22]
    """

    examples = (
        {},
        {"delta_min": 0.0, "delta_max": 0.0},
        {"form": "reverse"},
        {"form": "irprop-"},
        {"form": "irprop+"},
    )

    delta0: Positive = 0.1
    alpha: Growth = 1.2
    beta: Shrinkage = 0.5
    delta_min: Bound = 1e-6
    delta_max: Bound = 50.0
    _: KW_ONLY
    form: Literal["rprop+", "reverse", "irprop-", "irprop+", "printed"] = "rprop+"
    etas: tuple[float, float] | None = also("beta", "alpha")
    step_sizes: tuple[float, float] | None = also("delta_min", "delta_max")

    @classmethod
    def slots(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """``delta`` and ``direction``; and ``error``, if losses are compared, or ``way``, as printed."""
        more = {"irprop+": ("error",), "printed": ("way",)}
        return ("delta", "direction", *more.get(options["form"], ()))

    @classmethod
    def asks_for_loss(cls, options: Mapping[str, Any]) -> bool:
        """Whether losses are compared."""
        return bool(options["form"] == "irprop+")

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """The floor is below the ceiling."""
        low, high = options["delta_min"], options["delta_max"]
        if not isinstance(low, Schedule) and not isinstance(high, Schedule) and low > high > 0:
            raise ConfigError(
                "Rprop",
                f"expected delta_min ≤ delta_max, the floor and the ceiling of a step; received {low:g} and "
                f"{high:g}. Lower delta_min, or pass 0 for none.",
            )

    @staticmethod
    def update(
        theta: Any,
        g: Any,
        delta: Any,
        direction: Any,
        kept: Any = None,
        *,
        step: Any,
        delta0: Any,
        alpha: Any,
        beta: Any,
        delta_min: Any,
        delta_max: Any,
        form: str,
        loss: Any = None,
    ) -> tuple[Any, ...]:
        """One update: ``(theta, g, delta, direction) -> (theta, delta, direction)``, without side effects."""
        sign, first = ag.sign(g), step == 1
        if form == "printed":
            return _printed(
                theta,
                sign,
                delta,
                direction,
                kept,
                first,
                delta0,
                alpha,
                beta,
                delta_min,
                delta_max,
            )
        before = ag.where(first, delta0, delta)
        agreement = sign * direction
        turned = agreement < 0
        # Products in both branches, and not factors: of numbers alone `where` would be of double precision.
        smaller = ag.where(turned, beta * before, before)
        size = ag.where(agreement > 0, alpha * before, smaller)
        if delta_min is not None:
            size = ag.maximum(size, delta_min)
        if delta_max is not None:
            size = ag.minimum(size, delta_max)
        if form == "reverse":
            return theta - sign * size, size, sign
        # Where the sign has turned, the way back is by the step before, along the new sign.
        back: Any = before
        if form == "irprop-":
            back = 0
        elif form == "irprop+":
            now = loss + 0 * sign  # in each element
            back, kept = ag.where(now > kept, before, 0), now
        more = (kept,) if form == "irprop+" else ()
        theta = theta - sign * ag.where(turned, back, size)
        return theta, size, ag.where(turned, 0, sign), *more


def _printed(
    theta: Any,
    sign: Any,
    delta: Any,
    direction: Any,
    way: Any,
    first: Any,
    delta0: Any,
    alpha: Any,
    beta: Any,
    delta_min: Any,
    delta_max: Any,
) -> tuple[Any, ...]:
    """One pass of the loop of [Rprop (simplified)], from derivative to derivative; its Δw has a sign."""
    same = sign == direction
    step = way * delta
    grown, shrunk = alpha * step, beta * step
    if delta_max is not None:
        grown = ag.minimum(grown, delta_max)
    if delta_min is not None:
        shrunk = ag.maximum(shrunk, delta_min)
    stay = ag.where(first, True, same)
    step_next = ag.where(first, sign * delta0, ag.where(same, grown, shrunk))
    theta = ag.where(stay, theta, theta + step) - step_next
    kept = ag.where(first, sign, direction)
    return theta, ag.absolute(step_next), kept, ag.sign(step_next)
