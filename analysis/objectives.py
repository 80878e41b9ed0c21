"""A loss as a function of one vector: of an array, of a nesting of arrays, or of a model's parameters.

What looks at a loss at a point (its spectrum, its saddles, its lines) takes an `Objective`, so that one way to
write a loss serves all of it, from a parabola to a network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import autograd_core as ag
import nn
from autograd_core.aliases import Array
from autograd_core.errors import AnomalyError, CaptureError, ConfigError, DTypeError
from autograd_core.trees import flatten, unflatten

__all__ = ["Objective", "objective", "objective_of"]


@dataclass(frozen=True, eq=False)
class Objective:
    """A loss E of n numbers, end to end; made by `objective` and `objective_of`.

    Attributes
    ----------
    function : callable
        E of a vector of shape (n,), in Tensor operators, to one number.
    at : ndarray, shape (n,)
        The point that it was made with; in the dtype in which E is computed.
    names : tuple of str
        Of the arrays that it is cut into.
    shapes : tuple of tuple of int
        And their shapes.
    remark : str
        What of a model decides what is looked at: a mask that is drawn, batch statistics.

    Raises
    ------
    AnomalyError
        By `value`, `gradient` and `products`, where what they give is not finite.
    """

    function: Callable[[Any], ag.Tensor] = field(repr=False)
    at: Array = field(repr=False)
    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    remark: str = ""

    @property
    def size(self) -> int:
        """n."""
        return self.at.size

    @property
    def epsilon(self) -> float:
        """Of the dtype in which E is computed: what rounding is measured by."""
        return float(np.finfo(self.at.dtype).eps)

    def point(self, w: Any = None) -> Array:
        """``w`` as a vector of this objective's dtype; `at` if it is None.

        Raises
        ------
        ConfigError
            If it is not n finite numbers.
        """
        if w is None:
            return self.at
        values = w.numpy() if isinstance(w, ag.Tensor) else w
        try:
            found = np.array(values, self.at.dtype).ravel()
        except (TypeError, ValueError):
            found = np.empty(0)
        if found.size != self.size or not np.isfinite(found).all():
            raise ConfigError(
                "objective", f"expected {self.size} finite numbers; received {w!r:.60}."
            )
        return found

    def parts(self, w: Any = None) -> dict[str, Array]:
        """The arrays that a vector is made of, by name."""
        return dict(zip(self.names, _cut(self.point(w), self.shapes), strict=True))

    def value(self, w: Any = None) -> float:
        """E at w."""
        found = float(self.function(ag.tensor(self.point(w))).item())
        if not np.isfinite(found):
            raise AnomalyError("objective", f"expected a finite loss; received {found}. {_REMEDY}")
        return found

    def gradient(self, w: Any = None) -> Array:
        """∇E at w, shape (n,), float64."""
        g = ag.grad(self.function)(self.point(w)).numpy().astype(np.float64)
        return _checked(g, "gradient")

    def products(self, w: Any = None) -> Callable[[Array], Array]:
        """v to Hv at w: the gradient is recorded once, and pulled back for each v.

        At a kink (a ReLU at 0) H is that of the side that the engine's table of kinks takes.
        """
        at = self.point(w)
        with np.errstate(over="ignore", invalid="ignore"):
            g, pull = ag.vjp(ag.grad(self.function), at, unreachable="zero")
        _checked(g.numpy(), "gradient")

        def product(v: Array) -> Array:
            with np.errstate(over="ignore", invalid="ignore"):
                found = pull(np.asarray(v, at.dtype))[0].numpy()
            return _checked(found.astype(np.float64), "product of the Hessian with a vector")

        return product

    def hessian(self, w: Any = None, *, max_entries: int = 10**8) -> Array:
        """H at w, shape (n, n), symmetric, float64; refused past ``max_entries`` numbers, as by `ag.hessian`."""
        found = ag.hessian(self.function, max_entries=max_entries)(self.point(w)).numpy()
        h = _checked(found.astype(np.float64), "Hessian")
        return (h + h.T) / 2


def compiled(e: Objective) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """`gradient` and `hessian` for many points: compiled, where the loss can be; a thousand times faster."""
    pair = []
    for derive, what in ((ag.grad, "gradient"), (ag.hessian, "Hessian")):
        function = derive(e.function)
        fast: Any = ag.jit(function)
        try:
            fast(e.at)
        except CaptureError:  # such as a loss that looks at its numbers
            fast = function

        def run(w: Array, fast: Any = fast, what: str = what) -> Array:
            with np.errstate(all="ignore"):
                found = fast(e.point(w)).numpy().astype(np.float64)
            return _checked((found + found.T) / 2 if what == "Hessian" else found, what)

        pair.append(run)
    return pair[0], pair[1]


def objective(loss: Callable[[Any], Any] | Objective, at: Any = None) -> Objective:
    """A function of an array, or of a nesting of arrays, as an `Objective`.

    Parameters
    ----------
    loss : callable, or Objective
        To one number, in Tensor operators. An Objective is taken as it is, at ``at`` if that is not None.
    at : array_like, or nesting (dict, list, tuple) of arrays
        What it is a function of, at the point that is looked at. Whole numbers are taken as floats.

    Raises
    ------
    ConfigError
        If ``loss`` is no function, gives no single number, or ``at`` holds no finite floats.

    Examples
    --------
    >>> import autograd_core as ag
    >>> from analysis import objective
    >>> e = objective(lambda p: ag.sum(p["w"] ** 2) + p["b"] * 3, {"w": [1.0, 2.0], "b": 0.5})
    >>> e.size, e.value(), e.gradient().tolist(), e.names
    (3, 6.5, [2.0, 4.0, 3.0], ('w', 'b'))
    """
    if isinstance(loss, Objective):
        return loss if at is None else _moved(loss, loss.point(at))
    if not callable(loss) or isinstance(loss, nn.Module):
        raise ConfigError(
            "objective",
            f"expected a function to one number; received {loss!r:.60}. Of a model take objective_of(model, "
            "criterion, inputs, targets).",
        )
    if at is None:
        raise ConfigError(
            "objective",
            "expected the point that is looked at, an array or a nesting of arrays; received None.",
        )
    at = _written(at)
    leaves, structure = flatten(at)
    arrays = [_floats(x) for x in leaves]
    names = tuple(_paths(at))

    def of(parts: Sequence[Any]) -> Any:
        return loss(unflatten(structure, list(parts)))

    return _made("objective", of, arrays, names, "")


def objective_of(
    model: nn.Module,
    criterion: Callable[..., Any],
    inputs: Any,
    targets: Any = None,
) -> Objective:
    """A model's loss on given examples, as a function of its parameters: an `Objective`.

    Parameters
    ----------
    model : nn.Module
        It is not changed. In the mode in which it is: in training mode a mask of dropout is the one that would be
        drawn next, the same for every w, and batch norm is by the batch. Frozen parameters are constants; a tied
        one is one parameter.
    criterion : callable
        ``criterion(outputs, targets)``, or ``criterion(outputs)`` if there are no targets.
    inputs : array, or tuple of arrays
        What the model is called with.
    targets : array, optional

    Returns
    -------
    Objective
        At the model's own parameters, in their dtype: float32 unless the model was made with another, which
        leaves seven digits.

    Raises
    ------
    ConfigError
        If no parameter is left to be looked at.

    Examples
    --------
    >>> import numpy as np, nn
    >>> from analysis import objective_of
    >>> e = objective_of(nn.Linear(2, 1, rng=0), nn.MSELoss(), np.eye(2), np.ones((2, 1)))
    >>> e.size, e.names
    (3, ('weight', 'bias'))
    """
    if not isinstance(model, nn.Module):
        raise ConfigError("objective_of", f"expected an nn.Module; received {model!r:.60}.")
    if not callable(criterion):
        raise ConfigError("objective_of", f"expected a criterion; received {criterion!r:.60}.")
    named = {name: t for name, t in model.named_parameters() if t.requires_grad}
    if not named:
        raise ConfigError(
            "objective_of",
            f"{type(model).__name__} has no parameter that is not frozen; expected at least one. "
            "requires_grad_(True) takes them up.",
        )
    names = tuple(named)

    def of(parts: Sequence[Any]) -> Any:
        outputs = nn.functional_call(model, dict(zip(names, parts, strict=True)), inputs)
        return criterion(outputs) if targets is None else criterion(outputs, targets)

    remark = "in training mode: masks as they would be drawn next, statistics of the batch"
    arrays = [t.numpy().copy() for t in named.values()]
    return _made("objective_of", of, arrays, names, remark if model.training else "")


_REMEDY = "Take another point, or find the operation with `with ag.detect_anomaly():`."


def _made(
    operation: str,
    of: Callable[[Sequence[Any]], Any],
    arrays: list[Array],
    names: tuple[str, ...],
    remark: str,
) -> Objective:
    if not sum(a.size for a in arrays):
        raise ConfigError(
            operation, "expected at least one number to be a function of; there is none."
        )
    for name, a in zip(names, arrays, strict=True):
        if not np.isfinite(a).all():
            raise ConfigError(
                operation, f"expected finite numbers; {name or 'the point'} holds others."
            )
    dtype = np.result_type(*arrays)
    shapes = tuple(a.shape for a in arrays)
    at = np.concatenate([a.ravel() for a in arrays]).astype(dtype)

    def function(w: Any) -> ag.Tensor:
        found = of(_cut(w, shapes))
        if not isinstance(found, ag.Tensor) or found.size != 1:
            shape = getattr(found, "shape", type(found).__name__)
            raise ConfigError(
                operation,
                f"expected a loss of one number, in Tensor operators; received {shape}. Take its mean or sum.",
            )
        return ag.reshape(found, ())

    return Objective(function, at, names, shapes, remark)


def _moved(e: Objective, at: Array) -> Objective:
    return Objective(e.function, at, e.names, e.shapes, e.remark)


def _cut(w: Any, shapes: Sequence[tuple[int, ...]]) -> list[Any]:
    """A vector as arrays of these shapes; a Tensor as Tensors."""
    if len(shapes) == 1:
        return [ag.reshape(w, shapes[0]) if isinstance(w, ag.Tensor) else w.reshape(shapes[0])]
    parts, begin = [], 0
    for shape in shapes:
        end = begin + int(np.prod(shape, dtype=int))
        parts.append(w[begin:end].reshape(shape))
        begin = end
    return parts


def _written(at: Any) -> Any:
    """A nesting with arrays where lists of nothing but numbers stand."""
    if isinstance(at, Mapping):
        return {name: _written(part) for name, part in at.items()}
    if not isinstance(at, (list, tuple)) or hasattr(at, "_fields"):
        return at
    if all(isinstance(x, (int, float)) for x in flatten(at)[0]):
        try:
            return np.asarray(at, np.float64)
        except ValueError:  # rows of different lengths
            pass
    return type(at)(map(_written, at))


def _floats(x: Any) -> Array:
    values = np.array(x.numpy() if isinstance(x, ag.Tensor) else x)
    if values.dtype.kind in "iu":
        return values.astype(np.float64)
    if values.dtype.kind != "f":
        raise DTypeError("objective", f"expected floats; received {values.dtype}.")
    return values


def _paths(at: Any, before: str = "") -> list[str]:
    """Names of the leaves of a nesting, in the order of `flatten`."""
    if isinstance(at, Mapping):
        keys: list[tuple[Any, Any]] = list(at.items())
    elif isinstance(at, (list, tuple)):
        keys = list(enumerate(at))
    else:
        return [before]
    return [
        p for key, part in keys for p in _paths(part, f"{before}.{key}" if before else str(key))
    ]


def _checked(values: Array, what: str) -> Array:
    if not np.isfinite(values).all():
        bad = int(values.size - np.isfinite(values).sum())
        raise AnomalyError(
            "objective",
            f"expected a finite {what}; {bad} of {values.size} elements are not. {_REMEDY}",
        )
    return values
