"""The primitive record, its registry, and the recorder.

A primitive is declared once::

    @primitive(Elementwise(lambda s, x: s.tanh(x)), vjp=lambda xp, g, y, x: g - g * y * y, ufunc=np.tanh)
    def tanh(x: ArrayLike) -> Tensor:
        \"\"\"Hyperbolic tangent, element by element.\"\"\"

The ``def`` gives name, signature, documentation and (unless a ufunc or ``forward`` is given) the
NumPy forward; parameters annotated ``ArrayLike`` are operands, the rest are params. What the kind
can give (shape rule, meaning, lowering) is derived from it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, Literal, ParamSpec, TypeVar

import numpy as np

from .abstract import Abstract, AbstractOperand
from .aliases import ArrayLike, Params
from .arrays import as_array
from .context import CONTEXT
from .elsewhere import WORDS
from .errors import (
    AnomalyError,
    AutogradError,
    ConfigError,
    DTypeError,
    LinAlgError,
    OutOfRangeError,
    ShapeError,
    SingularError,
)
from .fingerprints import text_hash
from .frames import called, user_line
from .graph import ZERO, where_made
from .kinds import Contract, Elementwise, Kind, Opaque, Random, Reduce, View, shape_of
from .memory import SEQUENCE
from .shapes import Dim, broadcast
from .shelves import ARRAYS, TENSORS
from .tensors import NUMPY, Tensor, leaf

__all__ = ["REGISTRY", "ZERO", "Primitive", "apply", "composite", "primitive", "told"]

REGISTRY: dict[str, Primitive] = {}
_F = TypeVar("_F", bound=Callable[..., Any])
_P = ParamSpec("_P")
_NO_PARAMS: Params = {}
_NEW = Tensor.__new__


class Primitive:
    """One declared operation.

    Attributes
    ----------
    name : str
    kind : Kind
        What it is; evaluators dispatch on it.
    forward : callable
        Raw arrays (positional) and params (keywords) to a raw array, or a tuple of them.
    vjp : tuple of (callable, None or ZERO), or a callable for variadic primitives
        Cotangent of each operand: ``rule(xp, g, y, *operands, **params)``. None: not
        differentiable in that operand. ZERO: the derivative is zero off the kinks. A variadic
        rule is ``rule(xp, index, g, y, *operands, **params)``.
    meaning : callable or None
        Mathematical definition in terms of other primitives: ``meaning(xp, *operands, **params)``.
    label : str
        Short text for drawings; ``str.format`` with the params.
    ufunc : numpy.ufunc or None
        Set where forward is a NumPy ufunc, so that a replay can write into given memory.
    prepare : callable or None
        ``prepare(operands, params) -> params``: canonical, hashable params; raises ShapeError.
    blocked : bool
        Whether some operand has no rule.
    domain : tuple of float
        Open interval in which tests sample operands.
    outputs : int
        Number of outputs. Any number above 1 where params decide it (`scan`): the result is a tuple.
    joint : bool
        Whether one rule gives the cotangents of all operands: a variadic one,
        ``rule(xp, asked, g, y, *operands, **params)``, that returns them by position for those of the
        positions in ``asked`` that a cotangent reaches. Of several outputs ``g`` then holds None for
        one that none has reached.
    reach : callable or None
        ``reach(**params)`` gives for each of several outputs the positions of the operands that a
        gradient of it goes to. None: to all.
    passes : str
        What a rule does to a cotangent. "scaled": multiplies it by what may be infinite or nan, so that
        the reverse walk sees to it that a zero from a mask stays zero. "parts": puts zeros in some
        places, which is what a mask is. "whole": neither. Default: "scaled" for elementwise
        operations, reductions and opaque calls, "whole" for the others.
    pulls : tuple of (int, callable)
        The operands that a cotangent flows to, by position, with their rules; empty for a variadic
        primitive, whose `rules` depend on the number of operands.
    differentiable : bool
        Whether a gradient passes through some operand.
    into : callable or None
        ``into(whole, g, *other operands, **params)`` adds what the rule of the first operand gives,
        zero but for a part, to an array: in place, and in the time of the part.
    lean : bool
        Whether it has one result, a fixed number of operands and nothing random.
    multiplies : bool
        Whether a rule multiplies a cotangent by anything: element by element, or in a contraction.
    wary : bool
        Whether a backward walk has to ask if this masks: it does, or holds a program that may.
    cases : callable or None
        Operands and params at which it is proved and tested; see `cases`.
    cheap : bool
        Whether to compute an element anew takes no longer than to store it and read it back.
    commutes : bool
        Whether its two operands may change places.
    flops : int
        About as many additions as an element takes, of an elementwise primitive.
    same : bool
        Whether the result is the operand itself, of which a program may say more.
    converts : bool
        Whether the result is the operand's numbers in the dtype that a param names.
    stops : bool
        Whether it is the operand itself, and no gradient passes.
    picks : bool
        Whether it takes one of several outputs, by param ``index``.
    view : bool
        Whether each element of the result is one of its only operand.
    ordered : bool
        Whether those keep their order, in C's, and are repeated at most.
    predicate : bool
        Whether it compares or asks, so that booleans come of numbers.
    """

    __slots__ = (
        "_vjp", "arity", "blocked", "cases", "cheap", "commutes", "converts", "differentiable", "doc", "domain", "flops", "forward", "function", "into",
        "joint", "kind", "label", "lean", "masks", "meaning", "multiplies", "name", "ordered", "outputs", "passes", "picks", "predicate",
        "prepare", "pulls", "random", "reach", "same", "scales", "stops", "ufunc", "variadic", "view", "wary",
    )  # fmt: skip

    def __init__(
        self, name: str, kind: Kind, forward: Callable[..., Any], vjp: Any, **rest: Any
    ) -> None:
        self.name = name
        self.kind = kind
        self.forward = forward
        self.arity: int = rest["arity"]
        self.variadic: bool = rest["variadic"]
        self.same: bool = rest.get("same", False)
        self.vjp = vjp
        self.cases: Callable[..., Any] | None = rest.get("cases")
        self.cheap: bool = rest.get("cheap", False)
        self.commutes: bool = rest.get("commutes", False)
        self.converts: bool = rest.get("converts", False)
        self.flops: int = rest.get("flops", 1)
        self.picks: bool = rest.get("picks", False)
        self.view = isinstance(kind, View) and not (kind.pads or self.variadic or self.picks)
        self.ordered = isinstance(kind, View) and kind.ordered
        self.predicate = (
            isinstance(kind, Elementwise) and kind.formula is None and not self.differentiable
        )
        self.doc: str = rest["doc"]
        self.domain: tuple[float, float] = rest["domain"]
        self.label: str = rest["label"]
        self.meaning = rest["meaning"]
        self.outputs: int = rest["outputs"]
        self.joint: bool = rest.get("joint", False)
        self.reach: Callable[..., Sequence[frozenset[int]]] | None = rest.get("reach")
        self.into: Callable[..., None] | None = rest.get("into")
        self.passes: str = rest.get("passes") or (
            "scaled" if isinstance(kind, (Elementwise, Reduce, Opaque)) else "whole"
        )
        self.masks, self.scales = self.passes == "parts", self.passes == "scaled"
        self.multiplies = self.scales or isinstance(kind, Contract)
        self.wary = self.masks or self.joint
        self.random = isinstance(kind, Random)
        self.prepare = rest["prepare"]
        self.ufunc = rest["ufunc"]
        self.function: Callable[..., Any] = None  # type: ignore[assignment]
        self.lean = self.outputs == 1 and not self.variadic and not self.random

    @property
    def vjp(self) -> Any:
        """The rules as declared."""
        return self._vjp

    @vjp.setter
    def vjp(self, rules: Any) -> None:
        self._vjp = rules
        self.blocked = not self.variadic and any(rule is None for rule in rules)
        self.differentiable = rules is not None and (
            self.variadic or any(rule is not None for rule in rules)
        )
        self.stops = self.same and not self.differentiable
        self.pulls = (
            ()
            if self.variadic
            else tuple(
                [(i, rule) for i, rule in enumerate(rules) if rule is not None and rule is not ZERO]
            )
        )

    def rules(
        self, inputs: Any, useful: Any, xp: Any, g: Any, y: Any, args: Any, params: Params
    ) -> list[tuple[int, Any]]:
        """As `pulls`, for these operands; of a variadic primitive all of them.

        Parameters
        ----------
        inputs : sequence of operands
        useful : container of int or None
            The ids of operands that a cotangent is wanted for. None: all.
        xp, g, y, args, params
            What a rule is given.
        """
        if not self.variadic or self.vjp is None:
            return []
        if not self.joint:
            return [(i, functools.partial(_indexed, self.vjp, i)) for i in range(len(inputs))]
        asked = tuple(
            [
                i
                for i, a in enumerate(inputs)
                if type(a) is Tensor and a.requires_grad and (useful is None or id(a) in useful)
            ]
        )
        cotangents = self.vjp(xp, asked, g, y, *args, **params)
        return [(i, functools.partial(_known, cotangents[i])) for i in asked if i in cotangents]

    def abstract(self, operands: tuple[Any, ...], params: Params) -> Any:
        """Shape and dtype of the result, from the kind."""
        return self.kind.abstract(self.forward, operands, params)

    def rule_hash(self) -> str:
        """SHA-256 of the VJP rules, for proof records; see `fingerprints.text_hash`."""
        return text_hash((self.vjp,) if callable(self.vjp) else (self.vjp or ()))

    def __repr__(self) -> str:
        return f"<primitive {self.name}: {type(self.kind).__name__}>"


def _is_operand(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return annotation.split(".")[-1] == "ArrayLike"
    return annotation is ArrayLike


def _indexed(rule: Any, index: int, xp: Any, g: Any, y: Any, *operands: Any, **params: Any) -> Any:
    return rule(xp, index, g, y, *operands, **params)


def _known(part: Any, *_: Any, **__: Any) -> Any:
    return part


def primitive(
    kind: Kind,
    *,
    vjp: Any = (),
    forward: Callable[..., Any] | None = None,
    ufunc: Any = None,
    meaning: Callable[..., Any] | None = None,
    label: str | None = None,
    prepare: Callable[..., Params] | None = None,
    domain: tuple[float, float] = (-2.0, 2.0),
    outputs: int = 1,
    joint: bool = False,
    reach: Callable[..., Sequence[frozenset[int]]] | None = None,
    into: Callable[..., None] | None = None,
    passes: Literal["scaled", "parts", "whole"] | None = None,
    numpy: Any = None,
    cases: Callable[..., Any] | None = None,
    cheap: bool = False,
    commutes: bool = False,
    flops: int = 1,
    same: bool = False,
    picks: bool = False,
    converts: bool = False,
) -> Callable[[Callable[_P, Any]], Callable[_P, Tensor]]:
    """Declare a primitive; the decorated function becomes the public, recording one.

    Parameters
    ----------
    kind : Kind
        Elementwise, View, Reduce, Contract, Gather, Random, Scan, Loop, Call or Opaque.
    vjp : callable or tuple of (callable, None or ZERO)
        One rule per operand (a bare callable for one operand). Rules use ``xp``, infix operators,
        ``g``, ``y``, their operands and params, and nothing else.
    ufunc : numpy.ufunc, optional
        The NumPy ufunc that computes it and that, given a Tensor, comes here.
    forward : callable, optional
        Default: the ufunc, else the decorated function itself.
    numpy : function, optional
        Another NumPy function that, given a Tensor, comes here.
    meaning, label, prepare, domain, outputs, joint, reach, into, passes, cases, cheap, commutes, flops, same, picks, converts
        See `Primitive`.

    Raises
    ------
    ConfigError
        If the name is taken, or rules and operands differ in number.

    Examples
    --------
    See ``tutorials/02_write_your_own_primitive.py``.
    """

    def declare(definition: Callable[_P, Any]) -> Callable[_P, Tensor]:
        name = definition.__name__
        if name in REGISTRY:
            raise ConfigError("primitive", f"the name {name!r} is taken. Choose another.")
        parameters = list(inspect.signature(definition).parameters.values())
        operands = [p for p in parameters if _is_operand(p.annotation)]
        variadic = any(p.kind is p.VAR_POSITIONAL for p in operands)
        rules: Any = vjp
        if not variadic:
            rules = (vjp,) if callable(vjp) or vjp is ZERO else tuple(vjp)
            rules = rules or (None,) * len(operands)
            if len(rules) != len(operands):
                raise ConfigError(
                    f"primitive {name}",
                    f"expected one VJP rule per operand, {len(operands)}; received "
                    f"{len(rules)}. Annotate operands as ArrayLike; give None where there is no gradient.",
                )
        record = Primitive(
            name, kind, forward or ufunc or definition, rules or None if variadic else rules,
            arity=len(operands), variadic=variadic, doc=inspect.getdoc(definition) or "",
            domain=domain, label=label or name, meaning=meaning, outputs=outputs, joint=joint, reach=reach, into=into,
            passes=passes,
            prepare=prepare or getattr(kind, "prepare", None), ufunc=ufunc, cases=cases, cheap=cheap,
            commutes=commutes, flops=flops, same=same, picks=picks, converts=converts,
        )  # fmt: skip
        names = [p.name for p in parameters if p not in operands]
        defaults = {p.name: p.default for p in parameters if p not in operands}
        public = functools.wraps(definition)(_recorder(record, names, defaults))
        record.function = public
        REGISTRY[name] = record
        setattr(ARRAYS, name, record.forward)
        setattr(TENSORS, name, public)
        for key in (ufunc, numpy):
            if key is not None:
                NUMPY[key] = public
        return public

    return declare


# What PyTorch calls a parameter -> what it is called here.
_WORDS = {**WORDS, "other": "the second operand"}


def told(function: _F) -> _F:
    """The function, whose bare errors from below (of Python, of NumPy) become the library's own.

    What is foreseen has a message of its own. This is for the rest: a text for a flag, an integer that no
    machine holds, a list where an axis is meant.
    """

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (TypeError, ValueError, AttributeError, IndexError, ArithmeticError) as error:
            if isinstance(error, (AutogradError, AbstractOperand)):
                raise
            raise _misfit(function, args, kwargs, error) from error

    return checked  # type: ignore[return-value]


def _misfit(function: Any, args: Any, kwargs: Params, error: Exception) -> AutogradError:
    """A bare error as one that says operation, arguments, and what to look at."""
    kind = DTypeError if isinstance(error, (TypeError, AttributeError)) else ConfigError
    received = ", ".join([*map(_brief, args), *(f"{k}={_brief(v)}" for k, v in kwargs.items())])
    words = [f"{k}= is {_WORDS[k]}= here" for k in kwargs if k in _WORDS]
    remedy = f" {'; '.join(words)}." if words else ""
    return kind(
        called(function.__name__),
        f"the arguments do not fit: {str(error).rstrip('.')}. Expected "
        f"{function.__name__}{inspect.signature(function)}; received ({received}).{remedy}",
    )


def _brief(value: Any) -> str:
    shape = getattr(value, "shape", None)
    if shape is not None and not callable(shape):
        return f"{type(value).__name__} of shape {shape}"
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python writes
        return "an integer too large to write"
    return text if len(text) < 40 else text[:37] + "..."


def composite(function: _F) -> _F:
    """Put a composite on the TENSORS shelf, for operators, methods and NumPy's name; returns it."""
    function = function if hasattr(function, "__wrapped__") else told(function)
    setattr(TENSORS, function.__name__, function)
    counterpart = getattr(np, function.__name__, None)
    if counterpart is not None:
        NUMPY.setdefault(counterpart, function)
    return function


_HERE = __name__.partition(".")[0] + "."


# --- the recorder ---------------------------------------------------------------------------


def _recorder(p: Primitive, names: list[str], defaults: Params) -> Callable[..., Any]:
    """The public function of a primitive, specialised by arity for speed."""
    if p.variadic:

        def variadic(*operands: Any, **params: Any) -> Any:
            return apply(p, operands, {**defaults, **params})

        return variadic
    arity = p.arity
    if names:
        total, known = arity + len(names), frozenset(names)
        optional = not any(value is inspect.Parameter.empty for value in defaults.values())

        def with_params(*args: Any, **params: Any) -> Any:
            count = len(args)
            if not params and count == total:
                params, args = dict(zip(names, args[arity:], strict=True)), args[:arity]
            elif optional and count == arity and params.keys() <= known:
                params = {**defaults, **params}
            elif optional and not params and arity < count < total:
                params = {**defaults, **dict(zip(names, args[arity:], strict=False))}
                args = args[:arity]
            elif count != arity or params.keys() != known:
                args, params = _bind(p, names, defaults, args, params)
            return apply(p, args, params)

        return with_params
    # No dictionaries and no loops where an operation has one or two operands and no params, and
    # its result has memory of its own.
    forward, get, new, plain = p.forward, CONTEXT.get, Tensor.__new__, _NO_PARAMS
    differentiable = p.differentiable
    fresh = p.outputs == 1 and p.prepare is None and not isinstance(p.kind, (Random, View))
    # (What a stranger's code returns is looked at.)
    strange = isinstance(forward, FunctionType) and not forward.__module__.startswith(_HERE)
    fresh = fresh and not strange
    if fresh and arity == 1:

        def unary(x: Any) -> Any:
            context = get()
            if type(x) is not Tensor or not context.plain:
                return apply(p, (x,), plain)
            try:
                data = forward(x._value)
            except Exception:  # noqa: BLE001 - apply meets it again and explains it
                return apply(p, (x,), plain)
            if not context.recording or (x._op is None and not x.requires_grad):
                return leaf(data)
            t = new(Tensor)
            t._value = data
            t._op = p
            t._inputs = x
            t._params = plain
            t._seq = SEQUENCE()
            t._context = context
            t._grad = t._line = t.name = t.role = None
            t.requires_grad = differentiable and x.requires_grad
            return t

        return unary
    if fresh and arity == 2:
        left, right = (rule is not None for rule in p.vjp)
        weak = isinstance(p.kind, Elementwise)  # takes Python numbers as they are

        def binary(a: Any, b: Any) -> Any:
            context = get()
            grad = keep = False
            if type(a) is Tensor:
                x = a._value
                if a.requires_grad:
                    grad, keep = left, True
                elif a._op is not None:
                    keep = True
            elif weak and (type(a) is float or type(a) is int) and type(b) is Tensor:
                x = a
            else:
                return apply(p, (a, b), plain)
            if type(b) is Tensor:
                y = b._value
                if b.requires_grad:
                    grad, keep = grad or right, True
                elif b._op is not None:
                    keep = True
            elif weak and (type(b) is float or type(b) is int):
                y = b
            else:
                return apply(p, (a, b), plain)
            if not context.plain:
                return apply(p, (a, b), plain)
            try:
                data = forward(x, y)
            except Exception:  # noqa: BLE001 - as above
                return apply(p, (a, b), plain)
            if not keep or not context.recording:
                return leaf(data)
            t = new(Tensor)
            t._value = data
            t._op = p
            t._inputs = a
            t._second = b
            t._params = plain
            t._seq = SEQUENCE()
            t._context = context
            t._grad = t._line = t.name = t.role = None
            t.requires_grad = grad
            return t

        return binary

    def positional(*operands: Any) -> Any:
        if len(operands) != arity:
            raise DTypeError(p.name, f"expected {arity} operands; received {len(operands)}.")
        return apply(p, operands, plain)

    return positional


def _bind(
    p: Primitive, names: list[str], defaults: Params, args: tuple[Any, ...], params: Params
) -> tuple[tuple[Any, ...], Params]:
    """Operands and a complete dict of params from a call."""
    extra = dict(zip(names, args[p.arity :], strict=False))
    bound = {**defaults, **extra, **params}
    missing = [n for n in names if bound.get(n) is inspect.Parameter.empty]
    surplus = [n for n in bound if n not in defaults] + [n for n in extra if n in params]
    if missing or surplus or len(args) > p.arity + len(names) or len(args) < p.arity:
        options = "".join(f", {n}=" for n in names)
        raise DTypeError(
            p.name,
            f"expected {p.arity} operand(s) and the options {names}; received {len(args)} "
            f"positional arguments and {sorted(params)}. Call it as {p.name}(…{options[0:]}).",
        )
    return args[: p.arity], bound


def operand(p: Primitive, value: Any) -> Any:
    """An operand as the tape holds it: Tensor, Python number or Dim; anything else becomes a leaf."""
    kind = type(value)
    if kind is Tensor:
        return value
    if kind is float or kind is int or kind is bool or kind is Dim:
        return value if isinstance(p.kind, Elementwise) else leaf(as_array(p.name, value))
    if isinstance(value, (str, bytes, dict, set)) or value is None or callable(value):
        raise DTypeError(
            called(p.name),
            f"an operand is {value!r:.40} ({kind.__name__}). Expected a Tensor, an array or a number.",
        )
    if isinstance(value, (list, tuple)) and any(type(v) is Tensor for v in value):
        raise DTypeError(
            called(p.name), f"an operand is a {kind.__name__} of tensors. Join them with ag.stack."
        )
    if isinstance(value, Abstract):
        return leaf(value)
    return leaf(as_array(p.name, value))


def apply(p: Primitive, operands: tuple[Any, ...], params: Params) -> Any:
    """Run a primitive and record it."""
    context = CONTEXT.get()
    if context.plain and p.lean:
        # Tensors and plain arrays, one result, nothing to watch: half the time of the general path.
        data, grad, keep, foreign = [], False, False, False
        for a in operands:
            if type(a) is Tensor:
                data.append(a._value)
                if a.requires_grad:
                    grad = True
                elif a._op is not None:
                    keep = True
            elif type(a) is np.ndarray and a.dtype.kind in "fiub" and a.dtype.isnative:
                data.append(a)
                foreign = True
            else:
                return _apply(p, operands, params, context)
        try:
            canonical = params if p.prepare is None else p.prepare(data, params)
            result = p.forward(*data, **canonical) if canonical else p.forward(*data)
        except Exception:  # noqa: BLE001 - what follows meets it again and explains it
            return _apply(p, operands, params, context)
        if not context.recording or not (grad or keep):
            return leaf(_owned(p, result, data))
        if foreign:  # what a graph holds must not change behind its back
            operands = tuple([a if type(a) is Tensor else leaf(a.copy()) for a in operands])
        if grad and p.blocked:
            grad = _flows(p, operands)
        return _node(
            p, operands, canonical, result if grad else _owned(p, result, data), context, grad
        )
    return _apply(p, operands, params, context)


def _flows(p: Primitive, operands: tuple[Any, ...]) -> bool:
    """Whether some operand requires a gradient and has a rule."""
    return p.differentiable and any(
        type(a) is Tensor and a.requires_grad and (p.variadic or p.vjp[i] is not None)
        for i, a in enumerate(operands)
    )


def _owned(p: Primitive, result: Any, data: Any) -> Any:
    """A result in memory of its own, if it shares an operand's.

    The walk finds a written leaf behind what requires a gradient. It does not go behind the rest:
    that must not change when a leaf or the user's array is written. (What a function computes on the
    way is not written: in a ``private`` context its views are left.)
    """
    if type(result) is np.ndarray:
        if result.base is not None:
            if CONTEXT.get().private:
                return result
            shared = [d for d in data if type(d) is np.ndarray and np.may_share_memory(result, d)]
            return result.copy() if shared else result
        for d in data:
            if result is d:
                return result.copy()
    elif not hasattr(result, "dtype") and p.outputs == 1:
        raise _no_array(p, result)
    return result


def _node(
    p: Primitive, inputs: tuple[Any, ...], params: Params, data: Any, context: Any, grad: bool
) -> Tensor:
    t = _NEW(Tensor)
    t._value = data
    t._op = p
    t._inputs = inputs
    t._params = params
    t._seq = SEQUENCE()
    t._context = context
    t._grad = t._line = t.name = t.role = None
    try:
        t.requires_grad = grad and (p.outputs > 1 or data.dtype.kind == "f")
    except AttributeError:
        raise _no_array(p, data) from None
    return t


def _no_array(p: Primitive, result: Any) -> DTypeError:
    return DTypeError(
        called(p.name),
        f"its forward returned {type(result).__name__}. Expected an array of NumPy's: "
        "end it with np.asarray(…), or return what the operations on its operands give.",
    )


def _apply(p: Primitive, operands: tuple[Any, ...], params: Params, context: Any) -> Any:
    """The general path: capture, anomaly, numbers and arrays, several results, errors."""
    inputs = tuple([o if type(o) is Tensor else operand(p, o) for o in operands])
    capture = context.capture
    blind = capture is not None and capture.blind
    if blind:
        capture.held.update(
            (id(o), o)
            for o, a in zip(operands, inputs, strict=True)
            if a is not o and a._value is o
        )
    if capture is not None and capture.writes:
        writes = capture.writes
        inputs = tuple([writes[id(a)][1] if id(a) in writes else a for a in inputs])
    data = [a._value if type(a) is Tensor else a for a in inputs]
    try:
        if p.prepare is not None:
            params = p.prepare(data, params)
        # (Which of several outputs is picked is known without values.)
        unknown = (blind and not p.picks) or _without_values(data, params)
        if unknown:
            result = p.abstract(tuple(data), params)
        else:
            result = p.forward(*data, **params)
            if isinstance(result, (float, int)) and not isinstance(result, np.generic):
                result = np.asarray(result)  # of Python numbers alone
    except (ValueError, TypeError, AttributeError, IndexError, ArithmeticError) as error:
        if isinstance(error, AutogradError) and not isinstance(error, (ShapeError, LinAlgError)):
            raise
        raise explained(p, data, params, error) from None
    keep = (
        capture is not None
        or unknown  # what has no value is known by its history alone
        or (
            context.recording
            and (
                p.random
                or any(type(a) is Tensor and (a.requires_grad or a._op is not None) for a in inputs)
            )
        )
    )
    if not keep:
        if p.outputs > 1:
            return tuple(leaf(_owned(p, part, data)) for part in result)
        t = leaf(_owned(p, result, data))
        if context.anomaly:
            t._line = user_line()
            _check_finite(p, t, data)
        return t
    # What a graph holds must not change behind its back: memory of others is copied. (A program that
    # is to run again reads it where it is, as the function would.)
    for passed, held in () if blind else zip(operands, inputs, strict=True):
        if held is not passed and held._op is None and type(passed) is not Tensor:
            held._value = held._value.copy() if type(held._value) is np.ndarray else held._value
    grad = context.recording and _flows(p, inputs)
    result = result if grad else _owned(p, result, data)
    t = _node(p, inputs, params, result, context, grad)
    if context.anomaly:
        t._line = user_line()
        _check_finite(p, t, data)
    if p.outputs > 1:
        pick = TENSORS.pick
        return tuple(pick(t, index=i) for i in range(len(result)))
    return t


def _without_values(data: list[Any], params: Params) -> bool:
    """Whether an operand is abstract, or a param holds a Dim, so that nothing can be computed."""
    for d in data:
        if type(d) is Abstract or type(d) is Dim:
            return True
    for v in params.values():
        if type(v) is Dim or (type(v) is tuple and any(type(n) is Dim for n in v)):
            return True
    return False


def explained(p: Primitive, data: list[Any], params: Params, error: Exception) -> AutogradError:
    """NumPy's complaint as a ShapeError or DTypeError with operation, shapes and place."""
    shapes, name = ", ".join(str(shape_of(d)) for d in data), called(p.name)
    scope = CONTEXT.get().scope
    where = f" In {'/'.join(scope)}." if scope else ""
    line = user_line()
    where += f" Called from {line}." if line else ""
    kinds = [str(d.dtype) for d in data if hasattr(d, "dtype")]
    if isinstance(error, (TypeError, OverflowError)):
        return DTypeError(
            name,
            f"the operands (dtypes {', '.join(kinds)}; shapes {shapes}) do not fit: {error}.{where}",
        )
    reason = str(error).rstrip(".")
    if p.name == "power" and _whole_to_negative(*data):
        return ConfigError(
            "power",
            f"{reason} (dtypes {', '.join(kinds)}; shapes {shapes}).{where} Expected a base of "
            "floats: write 2.0 rather than 2, or convert with t.astype(float).",
        )
    if isinstance(error, np.linalg.LinAlgError):
        kind = SingularError if isinstance(error, SingularError) else LinAlgError
        return kind(
            name,
            f"{reason}, among operands of shape {shapes}.{where} Expected matrices for which it "
            "is defined, all of a stack: check their values.",
        )
    if not isinstance(error, ShapeError):
        try:  # the kind's shape rule says what is wrong in words of ours
            p.kind.shape(tuple(data), params)
        except ShapeError as clearer:
            reason = str(clearer)
        except Exception:  # noqa: BLE001 - params that no rule can read; NumPy's words stay
            pass
    beyond = OutOfRangeError if isinstance(error, IndexError) else ShapeError
    if p.name == "slice_" and name in ("slice", "getitem"):
        return beyond(f"t{params['index']}", f"the tensor has shape {shapes}: {reason}.{where}")
    stated = {
        k: str(v).partition("\n")[0] for k, v in params.items() if v is not None and v is not False
    }
    options = "".join(f", {k}={v}" for k, v in stated.items())
    return beyond(
        name,
        f"operands of shape {shapes}{options} do not fit: {reason}.{where} "
        "Check the order of the operands and their axes.",
    )


def _whole_to_negative(base: Any, exponent: Any) -> bool:
    """Whether integers are raised to a negative power, which is none."""
    if isinstance(exponent, Abstract):  # without values, which are looked at when it runs
        return False
    try:
        broadcast(shape_of(base), shape_of(exponent))
    except ShapeError:  # their shapes are what does not fit
        return False
    kinds = [
        v.dtype.kind if hasattr(v, "dtype") else np.asarray(v).dtype.kind for v in (base, exponent)
    ]
    return all(kind in "iub" for kind in kinds) and bool((np.asarray(exponent) < 0).any())


def _check_finite(p: Primitive, t: Tensor, data: list[Any]) -> None:
    for part in t._value if type(t._value) is tuple else (t._value,):
        if isinstance(part, Abstract) or part.dtype.kind != "f" or np.isfinite(part).all():
            continue
        if all(not hasattr(d, "dtype") or d.dtype.kind != "f" or np.isfinite(d).all() for d in data
               if not isinstance(d, Abstract)):  # fmt: skip
            made = where_made(t) or f"called from {user_line()}"
            raise AnomalyError(
                p.name,
                f"the forward gave the first non-finite value, {made}. Expected finite "
                "numbers. Look at this operation's inputs: a logarithm or a division at 0, an overflow.",
            )
