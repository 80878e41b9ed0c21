"""A loss as a function of one flat vector: what second-order optimizers and line searches evaluate.

The loss is a closure that reads the parameters. It is evaluated with other values standing in for them,
so a trial leaves nothing behind: no parameter is written, no running statistic, no counter of a random
layer. All evaluations of one step therefore see one and the same function, dropout's masks included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import is_
from typing import Any, NamedTuple

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.errors import ConfigError, UnreachableError
from autograd_core.ops import identity
from autograd_core.substitution import standing_in
from autograd_core.trees import map_tree

__all__ = ["Evaluation", "Loss", "Objective"]


class Loss:
    """A closure as pure functions of the parameters, end to end in one vector; compiled on demand.

    Parameters
    ----------
    kind : str
        The optimizer, for messages.
    closure : callable
        ``closure(*args)``: the loss, or a tuple of it and more.
    params : sequence of Tensor
        By which it is differentiated.
    jit : bool
        Whether to compile each function at its first use.

    Attributes
    ----------
    evaluate : callable
        ``(x, *args) -> (loss, result of the closure, what it wrote), gradient``.
    product, gauss_newton : callable
        ``(x, v, *args)``: the Hessian, or its Gauss-Newton part, times v.
    hessian : callable
        ``(x, *args)``: all of it.
    """

    def __init__(
        self, kind: str, closure: Callable[..., Any], params: Sequence[ag.Tensor], jit: bool
    ) -> None:
        self.kind, self.closure, self.params, self.jit = kind, closure, tuple(params), jit
        ends = np.cumsum([t.size for t in self.params]).tolist()
        self.spans = list(zip([0, *ends[:-1]], ends, strict=True))
        self.size = ends[-1]
        # What the closure writes, by `id`: a compiled function hands numbers through, and no objects.
        self.leaves: dict[int, ag.Tensor] = {}
        ready: Callable[..., Any] = ag.jit if jit else lambda function: function
        self.evaluate = ready(self._evaluate)
        self.product = ready(self._product)
        self.gauss_newton = ready(self._gauss_newton)
        self.hessian = ready(self._hessian)

    def belongs(self, closure: Any, params: Sequence[ag.Tensor], jit: bool) -> bool:
        """Whether it is of this closure, by these parameters."""
        same = len(params) == len(self.params) and all(map(is_, params, self.params))
        return self.closure is closure and same and self.jit == jit

    def _run(self, x: Any, args: Sequence[Any]) -> tuple[ag.Tensor, Any, list[Any], list[Any]]:
        """The loss at x, all that the closure returned, what it wrote, and the gradients that it left."""
        values = [
            identity(ag.cast(ag.reshape(x[lo:hi], t.shape), t.dtype))
            for (lo, hi), t in zip(self.spans, self.params, strict=True)
        ]
        with standing_in(list(zip(self.params, values, strict=True))) as capture:
            before = dict(capture.writes)
            for t, value in zip(self.params, values, strict=True):
                value.retain_grad()
                capture.owners[id(value)] = t  # where a backward() of its own leaves the gradient
            result = self.closure(*args)
            written = [
                (key, value)
                for key, (t, value) in capture.writes.items()
                if key not in before or before[key][1] is not value
            ]
            left = [capture.gradients.get(id(t), (t, None))[1] for t in self.params]
            for value in values:
                capture.owners.pop(id(value), None)
            self.leaves.update({key: capture.writes[key][0] for key, _ in written})
        for key, _ in written:
            if any(self.leaves[key] is t for t in self.params):
                raise ConfigError(
                    f"{self.kind}.step",
                    "the closure writes a parameter. Expected one that computes the loss and leaves "
                    "parameters to the optimizer. Take optimizer.step() and assignments out of it.",
                )
        loss = result[0] if isinstance(result, tuple) and result else result
        return self._checked(loss), result, written, [g for g in left if g is not None]

    def _checked(self, loss: Any) -> ag.Tensor:
        if type(loss) is not ag.Tensor or loss.size != 1 or loss.dtype.kind != "f":
            what = (
                f"a tensor of shape {loss.shape}, {loss.dtype}"
                if type(loss) is ag.Tensor
                else type(loss).__name__
            )
            raise ConfigError(
                f"{self.kind}.step",
                "expected a closure that returns the loss, a tensor of one element, or a tuple that begins "
                f"with it; received {what}. Return the loss itself, without .item(), float() or .numpy().",
            )
        if not loss.requires_grad:
            raise self._unreachable()
        return ag.reshape(loss, ())

    def _unreachable(self) -> ConfigError:
        return ConfigError(
            f"{self.kind}.step",
            f"the loss depends on none of the {len(self.params)} parameters that require a gradient. "
            "Expected a closure that computes it from them, on each call. Compute it inside of the "
            "closure, without ag.no_grad(), .detach() and .numpy().",
        )

    def _evaluate(self, x: Any, *args: Any) -> Any:
        def loss(x: Any) -> Any:
            value, *kept = self._run(x, args)
            return value, tuple(kept)

        try:
            (value, kept), gradient = ag.value_and_grad(loss, has_aux=True)(x)
        except UnreachableError:  # a loss of what was computed before the closure was called
            raise self._unreachable() from None
        return value, gradient, map_tree(_detached, kept)

    def _product(self, x: Any, v: Any, *args: Any) -> Any:
        return ag.hvp(lambda x: self._run(x, args)[0], unreachable="zero")(x, v)

    def _gauss_newton(self, x: Any, v: Any, *args: Any) -> Any:
        def loss(x: Any) -> Any:
            value, result, _, _ = self._run(x, args)
            if not isinstance(result, tuple) or len(result) < 2:
                raise ConfigError(
                    f"{self.kind}.step",
                    "expected a closure that returns the loss together with the model's outputs, which it was "
                    "computed from; received the loss alone. Write: return loss, outputs.",
                )
            return value, result[1]

        return ag.gnvp(loss)(x, v)

    def _hessian(self, x: Any, *args: Any) -> Any:
        return ag.hessian(lambda x: self._run(x, args)[0], unreachable="zero")(x)


def _detached(t: Any) -> Any:
    return t.detach() if type(t) is ag.Tensor else t


class Evaluation(NamedTuple):
    """Value and slope of an objective at a point; what the closure returned there, and wanted to write.

    Attributes
    ----------
    written : list of (leaf, value)
    """

    x: Array
    value: float
    gradient: Array
    result: Any
    written: list[Any]

    @property
    def finite(self) -> bool:
        """Whether value and gradient are."""
        return bool(np.isfinite(self.value) and np.isfinite(self.gradient).all())


@dataclass(eq=False)
class Objective:
    """What is minimized in one step: a loss of given arguments, turned round where it is maximized.

    Attributes
    ----------
    evaluations, products : int
        How often value and gradient were computed together, and products with a vector.
    """

    loss: Loss
    args: tuple[Any, ...]
    maximize: bool = False
    evaluations: int = 0
    products: int = 0
    _sign: float = field(init=False)

    def __post_init__(self) -> None:
        self._sign = -1.0 if self.maximize else 1.0

    def start(self) -> Array:
        """Where the parameters are, float64 of shape (size,)."""
        return np.concatenate([np.ravel(t.numpy()).astype(float) for t in self.loss.params])

    def moved(self, x: Array, displacement: Array) -> Array:
        """x and a displacement added as parameters of their dtypes are: the very numbers they will have."""
        if all(t.dtype == np.float64 for t in self.loss.params):
            found: Array = x + displacement
            return found
        found = np.empty_like(x)
        for (lo, hi), t in zip(self.loss.spans, self.loss.params, strict=True):
            found[lo:hi] = x[lo:hi].astype(t.dtype) + displacement[lo:hi].astype(t.dtype)
        return found

    def at(self, x: Array) -> Evaluation:
        """Value and gradient at a point."""
        self.evaluations += 1
        with np.errstate(all="ignore"):
            value, gradient, (result, written, left) = self.loss.evaluate(x, *self.args)
            self._compare(gradient, left)
        slope = self._sign * gradient.numpy().astype(float)
        leaves = [(self.loss.leaves[key], new) for key, new in written]
        return Evaluation(x, self._sign * float(value.item()), slope, result, leaves)

    def _compare(self, gradient: ag.Tensor, left: list[ag.Tensor]) -> None:
        """Refuse gradients that a closure has left by itself and that are not those of its loss."""
        if not left:
            return
        own = np.concatenate([np.ravel(g.numpy()) for g in left])
        ours = gradient.numpy()
        eps = max(float(np.finfo(t.dtype).eps) for t in self.loss.params)
        if own.size == ours.size and not np.allclose(
            own, ours, rtol=eps**0.5, atol=eps**0.5 * np.abs(ours).max(initial=0.0), equal_nan=True
        ):
            raise ConfigError(
                f"{self.loss.kind}.step",
                "the closure calls backward(), and the gradients that it leaves are not those of the loss that it "
                "returns. Expected one function. Return the whole loss, of which the gradient is taken here; clip steps by "
                "transforms=[optim.ClipByNorm(…)].",
            )

    def product(self, x: Array, gauss_newton: bool = False) -> Callable[[Array], Array]:
        """The Hessian at a point, or its Gauss-Newton part, as a function of a vector."""
        function = self.loss.gauss_newton if gauss_newton else self.loss.product

        def times(v: Array) -> Array:
            self.products += 1
            with np.errstate(all="ignore"):
                found: Array = self._sign * function(x, v, *self.args).numpy().astype(float)
            return found

        return times

    def hessian(self, x: Array, limit: int) -> Array:
        """The whole Hessian at a point, shape (size, size).

        Raises
        ------
        ConfigError
            If it would have more than ``limit`` numbers.
        """
        n = self.loss.size
        if n * n > limit:
            raise ConfigError(
                f"{self.loss.kind}.step",
                f"the Hessian of {n:,} parameters has {n * n:,} entries ({8e-9 * n * n:.3g} GB). Expected at "
                f"most {limit:,}. Use optim.NewtonCG or optim.LBFGS, which never form it.",
            )
        self.products += n
        with np.errstate(all="ignore"):
            curve = self.loss.hessian(x, *self.args).numpy().astype(float)
        found: Array = self._sign * (curve + curve.T) / 2
        return found
