"""SecondOrder: optimizers whose step evaluates the loss itself, at several points or along directions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.context import CONTEXT, refused
from autograd_core.errors import AnomalyError, CaptureError, ConfigError
from autograd_core.options import SWITCH

from .declared import argument
from .line_search import Found, Point, backtracking, strong_wolfe
from .objective import Evaluation, Loss, Objective
from .optimizer import NonFinite, Optimizer, Params
from .transforms.transform import Transform

__all__ = ["LineSearch", "Move", "SecondOrder"]

LineSearch = Literal["none", "backtracking", "strong_wolfe"]


class Move(NamedTuple):
    """Where a step leads.

    Attributes
    ----------
    displacement : array, shape (parameters,)
        Of the parameters that are trained, end to end.
    end : Evaluation or None
        At the new point, where it was computed.
    words : str
        ``"moved"``; else why nothing moves: ``"gradient"`` (it is 0), ``"line search"`` (nothing
        better was found).
    """

    displacement: Array
    end: Evaluation | None
    words: str = "moved"


class SecondOrder(Optimizer):
    """What optimizers share that evaluate the loss themselves: ``optimizer.step(closure, *args)``.

    Their loops depend on data, so they are no rule that could stand in a compiled step. They drive
    functions of the loss instead, each compiled with ``jit=True``: value and gradient, products of the
    Hessian with a vector.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        See `Optimizer`. One step is taken along one direction of all parameters: groups share their
        hyperparameters.
    transforms : sequence of Transform
        Around the step, which they are shown as a gradient of η = 1: ``Average`` keeps an average of the
        weights, ``ClipByNorm(θ)`` shortens steps that are longer than θ.
    nonfinite : {"raise", "skip"}
        What `step` does when the loss or its gradient is nan or inf where the step begins.
    jit : bool
        Whether to compile the closure's functions, once for each closure and shape of ``args``. Pass
        the same function at each step, and data as arguments.

    Attributes
    ----------
    evaluations, products : int
        How often the loss was computed with its gradient, and products of the Hessian with a vector.

    Raises
    ------
    ConfigError
        If groups differ in hyperparameters; see `Optimizer`.

    Notes
    -----
    * The closure computes the loss from the parameters and returns it, or a tuple that begins with it.
      One in PyTorch's manner, which calls ``zero_grad()`` and ``backward()`` too, gives the same.
    * All evaluations of a step see one function: masks of dropout stay as they are, and what the loss
      writes (running statistics, counters) is written once a step, as at the point where it began.
    * Numbers that the closure draws by itself, from NumPy, are outside of this: pass them as arguments.
    """

    _jit: bool = argument(alias="jit", default=False, kw_only=True)

    @staticmethod
    def update(theta: Any, g: Any, *, step: Any, **options: Any) -> tuple[Any, ...]:
        """The displacement that was found, taken; transforms stand around this."""
        return (theta - g,)

    def __init__(
        self,
        params: Params,
        *values: Any,
        transforms: Sequence[Transform] = (),
        nonfinite: NonFinite = "raise",
        jit: bool = False,
        **options: Any,
    ) -> None:
        kind = type(self).__name__
        super().__init__(params, *values, transforms=transforms, nonfinite=nonfinite, **options)
        self.jit = bool(SWITCH.check(f"{kind}: jit", jit))
        first = dict(self.param_groups[0])
        for k, group in enumerate(self.param_groups):
            if dict(group) != first:
                raise ConfigError(
                    kind,
                    f"group {k} has hyperparameters of its own. Expected the same in all groups, since one "
                    "step is taken along one direction of all parameters. Leave them out of the groups, or "
                    "give an optimizer to each.",
                )
        self.carried["counts"] = np.zeros(2, np.int64)
        self.loss: Loss | None = None
        self.prepare()

    # --- what a subclass says ---------------------------------------------------------------------

    def prepare(self) -> None:
        """Put into `carried` what is kept between steps; called once, when it is made."""

    @abstractmethod
    def move(self, objective: Objective, begin: Evaluation) -> Move:
        """Where to go from ``begin``, whose value and gradient are finite."""

    # --- use ----------------------------------------------------------------------------------------

    @property
    def evaluations(self) -> int:
        """How often the loss was computed with its gradient."""
        return int(self.carried["counts"][0])

    @property
    def products(self) -> int:
        """How many products of the Hessian with a vector were computed."""
        return int(self.carried["counts"][1])

    def step(self, closure: Any = None, *args: Any) -> Any:
        """Make one update, by as many evaluations of the loss as it takes.

        Parameters
        ----------
        closure : callable
            ``closure(*args)``: the loss, a Tensor of one element, or a tuple that begins with it.
        *args
            What it is called with: batches.

        Returns
        -------
        as the closure's
            What it returned where the step began, detached.

        Raises
        ------
        ConfigError
            If there is no closure, or it returns something else, depends on no parameter, or writes one.
        AnomalyError
            If loss or gradient are not finite where the step begins and ``nonfinite="raise"``.
        CaptureError
            Inside of a compiled step or a trace.
        """
        objective = objective_of(f"{type(self).__name__}.step", self, closure, args)
        begin = objective.at(objective.start())
        self.advance(objective, begin)
        write(begin)
        self.count(objective)
        return begin.result

    def advance(self, objective: Objective, begin: Evaluation) -> Move:
        """One update from where the parameters are, evaluated as ``begin``."""
        if not begin.finite:
            if self.nonfinite == "raise":
                raise self._not_finite(objective, begin)
            self.skipped += 1
            return Move(np.zeros_like(begin.x), begin, "not finite")
        with np.errstate(all="ignore"):  # what is not finite is looked at, and not gone to
            move = self.move(objective, begin)
        self._take(objective.loss, move.displacement)
        self.updates += 1
        return (
            move
            if not any(group.transforms for group in self.param_groups)
            else move._replace(end=None)
        )

    def _take(self, loss: Loss, displacement: Array) -> None:
        """Add the displacement to the parameters, with the transforms around."""
        gradient = (
            displacement if self.maximize else -displacement
        )  # which the rule then turns round
        gradients = {
            id(t): gradient[lo:hi].reshape(t.shape).astype(t.dtype)
            for (lo, hi), t in zip(loss.spans, loss.params, strict=True)
        }
        work = [(group, arena) for group in self.param_groups for arena in group.arenas]
        for group, arena in work:
            arena.load([gradients.get(id(t)) for t in arena.tensors])
            arena.update(group.rule, group.scalars)

    def count(self, objective: Objective) -> None:
        """Add to `evaluations` and `products` what an objective has seen."""
        self.carried["counts"] += (objective.evaluations, objective.products)

    def now(self, name: str) -> Any:
        """A hyperparameter at the next update; ConfigError if groups differ in it."""
        getattr(self, name)
        return self.param_groups[0].now(name)

    def columns(self, loss: Loss) -> Any:
        """Where the trained parameters stand among all, as an index."""
        if len(loss.params) == len(self.params):
            return slice(None)
        trained = {id(t) for t in loss.params}
        return np.concatenate([np.full(t.size, id(t) in trained) for t in self.params])

    # --- along a direction ----------------------------------------------------------------------------

    def along(
        self,
        objective: Objective,
        begin: Evaluation,
        direction: Array,
        first: float,
        search: str,
    ) -> Move:
        """A step along a direction of descent, from ``first`` times it on.

        Parameters
        ----------
        search : {"none", "backtracking", "strong_wolfe"}
            ``"none"``: that step as it is, and nothing is evaluated.
        """
        if search == "none":
            return Move(first * direction, None)
        start = Point(0.0, begin.value, float(begin.gradient @ direction), begin)
        displacements = {0.0: np.zeros_like(direction)}

        def line(alpha: float) -> Point:
            with np.errstate(all="ignore"):
                displacements[alpha] = alpha * direction
                end = objective.at(objective.moved(begin.x, displacements[alpha]))
                return Point(alpha, end.value, float(end.gradient @ direction), end)

        method: Callable[..., Found] = strong_wolfe if search == "strong_wolfe" else backtracking
        found = method(line, start, first, self.noise(begin))
        alpha = found.point.alpha
        end = found.point.evaluation
        return Move(displacements[alpha], end, "moved" if alpha else "line search")

    def noise(self, begin: Evaluation) -> float:
        """Differences of values up to here may be rounding: of sums whose terms are larger than they are."""
        eps = max(float(np.finfo(t.dtype).eps) for t in self.params)
        return float(eps ** (2 / 3)) * abs(begin.value)

    def _not_finite(self, objective: Objective, begin: Evaluation) -> AnomalyError:
        kind = type(self).__name__
        if np.isfinite(begin.value):
            for (lo, hi), t in zip(objective.loss.spans, objective.loss.params, strict=True):
                if not np.isfinite(begin.gradient[lo:hi]).all():
                    return self.anomaly(t, begin.gradient[lo:hi])
        return AnomalyError(
            f"{kind}.step",
            f"the loss is {begin.value} where step {self.updates + 1} begins. Expected a finite number. No "
            "parameter was changed. Start elsewhere, scale the inputs, find the operation with "
            '`with ag.detect_anomaly():`, or pass nonfinite="skip".',
        )

    @property
    def nonfinite(self) -> NonFinite:
        """What `step` does where the loss or a gradient is nan or inf."""
        return self._nonfinite

    @nonfinite.setter
    def nonfinite(self, value: NonFinite) -> None:
        if value == "ignore":
            raise ConfigError(
                type(self).__name__,
                'nonfinite: expected "raise" or "skip": no step can be found from numbers that are not '
                'finite; received "ignore".',
            )
        Optimizer.nonfinite.__set__(self, value)  # type: ignore[attr-defined]

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state["others"]["loss"] = None  # a closure belongs to whoever passes it
        return state


def objective_of(
    operation: str, optimizer: Optimizer, closure: Any, args: Sequence[Any] = ()
) -> Objective:
    """A closure as a function of the parameters that are trained, end to end in one vector.

    Raises
    ------
    ConfigError
        If it is no function, or every parameter is frozen.
    CaptureError
        Inside of a compiled step or a trace.
    """
    capture = CONTEXT.get().capture
    if capture is not None:
        raise refused(
            CaptureError(
                operation,
                "called inside of a compiled step or a trace, where its loop would depend on values "
                "that are not known. Call it outside, with jit=True: it compiles what it evaluates.",
            )
        )
    if not callable(closure):
        raise ConfigError(
            operation,
            f"expected a closure, a function that computes the loss; received {type(closure).__name__}. "
            "Write: optimizer.step(lambda: criterion(model(x), targets)).",
        )
    trained = tuple(t for t in optimizer.params if t.requires_grad)
    if not trained:
        raise ConfigError(
            operation,
            "every parameter is frozen. Expected one that requires a gradient. Unfreeze some "
            "with .requires_grad_(True).",
        )
    second = optimizer if isinstance(optimizer, SecondOrder) else None
    known = second and second.loss
    jit = second is not None and second.jit
    if not known or not known.belongs(closure, trained, jit):
        known = Loss(type(optimizer).__name__, closure, trained, jit)
    if second is None:
        return Objective(known, tuple(args))
    second.loss = known  # with what it has compiled
    return Objective(known, tuple(args), bool(second.maximize))


def write(evaluation: Evaluation) -> None:
    """Let what the loss wrote, in that evaluation, be written."""
    with ag.no_grad():
        for leaf, value in evaluation.written:
            leaf.assign(value)
