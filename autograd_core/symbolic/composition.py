"""Proofs of models of any depth: each rule that its graph uses, in the pattern in which it is used.

A reverse walk is right if every rule is right and the walk puts the rules together as the chain
rule says. The first is decided here for each distinct pattern of a program: a primitive, its
params, its operands' shapes up to the names of their sizes, the operands that are asked for and the
outputs that have a cotangent; so that one proof serves every layer and every batch. The second is
decided end to end, on graphs that have all that a walk has to get right: fan-out, an operand given
twice, operands that were broadcast, several outputs, leaves that are reached by several paths and
at several depths.

A rule is decided off its kinks. In a model they may hold on an open set: a - b = 0 where both come
from dead units, and are one function. Where a kink holds an operand at a value it stands still
there, and a rule has only to be finite. Where it ties operands they move together, and the partials
must add up to the derivative along the tie: that is decided as well.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import introspect, ops
from ..abstract import Abstract
from ..errors import AutogradError, DisagreementError
from ..fingerprints import CodeHash
from ..kinds import Contract, Elementwise, Gather, Loop, Reduce
from ..primitives import REGISTRY, Primitive, apply
from ..program import Application, Literal, Program, Var
from ..shapes import Dim
from ..shelves import ARRAYS, TENSORS
from ..tensors import Tensor
from ..tracing import trace
from .assumed import Fact
from .decide import PROVED, REFUTED, UNDECIDED, worst
from .flows import behind, bodies, held, is_float, passes, through
from .givens import arrays
from .shrinking import small
from .sizes import bounds_of, bounds_of_step, hold, in_words
from .uses import RULES, Use
from .verdict import LeafVerdict, Verdict

__all__ = ["Prover", "composed"]

LETTERS = "MNPQRSTUVWXYZABCDEFGHIJKL"


@dataclass(frozen=True)
class Prover:
    """The questions that composition puts, and how long they may take in all.

    Attributes
    ----------
    backward, rule, decide_rule : callable
        Those of `prove`.
    engine : str or None
    end : float
        By `time.thread_time`.
    """

    backward: Callable[..., Verdict]
    rule: Callable[..., Verdict]
    decide_rule: Callable[..., Verdict]
    engine: str | None
    end: float

    @property
    def options(self) -> dict[str, Any]:
        """What is left, as keywords."""
        return {"seconds": max(0.0, self.end - time.thread_time()), "engine": self.engine}


def composed(named: Mapping[str, Tensor], loss: Tensor, prover: Prover) -> Verdict:
    """The verdict on the gradient of ``loss`` by each of the named leaves; see `prove.graph`."""
    start = time.perf_counter()
    leaves = list(named.values())
    program = introspect.program(loss, wrt=leaves, name="loss")
    known = _Known(bounds_of([program]))
    uses = list(_uses(program, leaves, known))
    patterns = {u.pattern.key: u.pattern for u in uses}
    verdicts = {key: patterns[key].decided(prover, known) for key in sorted(patterns, key=str)}
    walk = _walk(prover, known)
    decided = {
        name: _leaf(program, tensor, number, uses, verdicts, walk)
        for number, (name, tensor) in enumerate(named.items())
    }
    decisions = list(verdicts.values())
    every = [*(d.verdict for d in decisions), walk]
    return Verdict(
        claim="the gradient of loss by every parameter is its derivative, by composition",
        status=worst(leaf.status for leaf in decided.values()),
        scope="; ".join(
            [
                f"{len(verdicts)} patterns of {len(program)} steps, {_scope(verdicts.values())}",
                *_sizes(known.bounds),
            ]
        ),
        leaves=decided,
        excluded=tuple(
            sorted({f"{d.primitive}: {e}" for d in decisions for e in d.verdict.excluded})
        ),
        domain=tuple(sorted({f"{d.primitive}: {e}" for d in decisions for e in d.verdict.domain})),
        facts=(
            Fact("chain rule"),
            Fact("walk"),
            *_at_kinks(decisions),
            *(h.fact for h in held(program, program.inputs)),
            *_facts(decisions),
        ),
        witness=next((v.witness for v in every if v.witness is not None), None),
        rules={k: h for v in every for k, h in v.rules.items()},
        seconds=time.perf_counter() - start,
    )


def _leaf(
    program: Program[Any],
    tensor: Tensor,
    number: int,
    uses: Sequence[_PatternUse],
    verdicts: Mapping[Any, _Decided],
    walk: Verdict,
) -> LeafVerdict:
    """The verdict on the gradient by one leaf: on all that lies between it and the loss."""
    own = program.inputs[number]
    between = [
        verdicts[u.pattern.key].at(n)
        for u in uses
        for n, names in u.leaves.items()
        if number in names
    ]
    open_ = [(status, reason) for status, reason in between if status != PROVED]
    if walk.status != PROVED:
        open_.append((walk.status, f"the walk: {walk.reason or walk.status}"))
    status = worst([PROVED, *(s for s, _ in open_)])
    reason = next((r for s, r in open_ if s == status), "")
    if not between and own not in program.outputs:
        status, reason = UNDECIDED, "the loss does not depend on it"
        if own in behind(program, program.outputs):
            reason += " but through what is held constant"
    return LeafVerdict(status, tuple(tensor.shape), tensor.size, reason, method="COMPOSED")


def _scope(decided: Iterable[_Decided]) -> str:
    by_shape: dict[str, set[str]] = {}
    for d in decided:
        if d.where:
            by_shape.setdefault(d.where, set()).add(d.primitive)
    listed = "; ".join(f"{', '.join(sorted(n))}: {w}" for w, n in sorted(by_shape.items()))
    return "each at every size" + (f" but {listed}" if listed else "")


def _sizes(bounds: Sequence[Dim]) -> list[str]:
    """At which sizes the model is there, where that is not all."""
    names = sorted({name for bound in bounds for name in bound.names})
    return [f"for every {in_words(names, bounds)}"] if names else []


def _at_kinks(decided: Iterable[_Decided]) -> list[Fact]:
    """What the conditions on the whole model mean, where there are any."""
    decided = list(decided)
    found = [d.verdict for d in decided]
    if not any(v.excluded or v.domain for v in found):
        return []
    tied = sorted({d.primitive for d in decided if d.tied})
    facts = [Fact("inside")]
    if tied:
        facts.append(Fact("ties", (", ".join(tied),)))
    return facts


def _facts(decided: Iterable[_Decided]) -> list[Fact]:
    """The facts of rules, each with its rule; a number in a pattern is part of the pattern."""
    found: set[Fact] = set()
    for d in decided:
        program = getattr(d.verdict.derivation, "program", None)  # the model's own steps are listed
        ends = {h.fact for h in held(program, program.inputs)} if program is not None else set()
        found.update(
            fact.of_rule(d.primitive)
            for fact in d.verdict.facts
            if fact.kind != "numbers" and fact not in ends
        )
    return sorted(found, key=str)


# --- what a program uses --------------------------------------------------------------------


@dataclass(frozen=True)
class _PatternUse:
    """A pattern, and the leaves behind each operand that is asked for, by position."""

    pattern: _Pattern
    leaves: Mapping[int, frozenset[int]]


def _uses(program: Program[Any], leaves: Sequence[Tensor], known: _Known) -> Iterator[_PatternUse]:
    """The patterns of the steps between leaves and outputs, with what is asked of each."""
    depends = {v: frozenset([n]) for n, v in enumerate(program.inputs)}
    trained = set(program.inputs) | {v for v, t in program.captures if t.requires_grad}
    reached = {o for o in program.outputs if isinstance(o, Var)}
    yield from _steps(program, depends, trained, reached, known)


def _steps(
    program: Program[Any],
    inputs: Mapping[Var, frozenset[int]],
    trained: set[Var],
    reached: set[Var],
    known: _Known,
) -> Iterator[_PatternUse]:
    """As `_uses`, of a program or the body of a loop.

    Parameters
    ----------
    inputs : mapping of Var to set of int
        The leaves behind inputs.
    trained : set of Var
        What else the engine passes a cotangent to: leaves that nobody asks about.
    reached : set of Var
        Outputs that have a cotangent.
    """
    depends = dict(inputs)
    trained = set(trained)
    for step in program:
        if not through(step):
            continue
        floats = {n: o for n, o in enumerate(step.operands) if isinstance(o, Var) and is_float(o)}
        behind = [depends[o] for o in floats.values() if o in depends]
        # What is held constant is so by declaration; a rule that is missing is not.
        if behind and not step.primitive.stops:
            depends[step.result] = frozenset().union(*behind)
        if any(o in trained and not passes(step, n) for n, o in floats.items()):
            trained.add(step.result)
    reached = set(reached)
    outputs: dict[Var, set[int]] = {}
    for step in reversed(program.applications):
        if step.result not in reached or step.result not in depends:
            continue
        live = {n: o for n, o in enumerate(step.operands) if isinstance(o, Var) and o in depends}
        if step.primitive.picks:
            outputs.setdefault(live[0], set()).add(step.params["index"])
            reached.add(live[0])
            continue
        live = {n: o for n, o in live.items() if is_float(o)}
        asked = list(live)
        reached.update(o for n, o in live.items() if not passes(step, n))
        names = {n: depends[o] for n, o in live.items()}
        count = len(step.result.parts or (None,))
        parts = tuple(sorted(outputs.get(step.result, range(count))))
        also = [n for n, o in enumerate(step.operands) if isinstance(o, Var) and o in trained]
        each = [asked]
        if step.primitive.joint and set(also) - set(asked):
            each.append(sorted({*asked, *also}))
        for positions in each:
            pattern = _Pattern.of(step, Use(tuple(positions), parts), known)
            yield _PatternUse(pattern, names)
        if isinstance(step.primitive.kind, Loop):
            yield from _of_body(step, names, set(also), set(parts), known)


def _of_body(
    step: Application,
    names: Mapping[int, frozenset[int]],
    also: set[int],
    parts: set[int],
    known: _Known,
) -> Iterator[_PatternUse]:
    """The patterns of a loop's body, on which its rule relies: what is carried comes round again."""
    first, carries = step.params["consts"], step.params["carries"]
    for body in bodies(step):
        behind, trained, live = dict(names), set(also), set(parts)
        while True:
            inputs = {body.inputs[n]: leaves for n, leaves in behind.items()}
            again = {body.inputs[n] for n in trained}
            reached = {o for k, o in enumerate(body.outputs) if k in live and isinstance(o, Var)}
            found = list(_steps(body, inputs, again, reached, known))
            depends = _closure(body, inputs)
            needed = _closure_back(body, reached)
            before = dict(behind), set(live)
            for k in range(carries):
                leaves = depends.get(body.outputs[k], frozenset())
                if leaves:
                    behind[first + k] = behind.get(first + k, frozenset()) | leaves
                if body.inputs[first + k] in needed:
                    live.add(k)
            if (behind, live) == before:
                break
        yield from found


def _closure(
    program: Program[Any], inputs: Mapping[Var, frozenset[int]]
) -> dict[Any, frozenset[int]]:
    depends: dict[Any, frozenset[int]] = dict(inputs)
    for step in program:
        behind = [depends[o] for o in step.operands if isinstance(o, Var) and o in depends]
        if behind and through(step) and not step.primitive.stops:
            depends[step.result] = frozenset().union(*behind)
    return depends


def _closure_back(program: Program[Any], reached: set[Any]) -> set[Any]:
    needed = set(reached)
    for step in reversed(program.applications):
        if step.result in needed:
            needed.update(
                o for n, o in enumerate(step.operands) if isinstance(o, Var) and not passes(step, n)
            )
    return needed


# --- patterns -------------------------------------------------------------------------------


class _Known:
    """Names for what was decided before, which agree while the code is the same.

    All code of the engine counts: rules, walk, formulas, readings. Primitives that are declared
    elsewhere count for each other, since their rules may use them, and for nothing of the engine's.
    """

    def __init__(self, bounds: Sequence[Dim] = ()) -> None:
        self.bounds = bounds  # of the sizes of the model's own steps
        package = __name__.split(".")[0]
        shelf = {name: _record(f) for name, f in vars(TENSORS).items()}
        self._others = {  # some may be gone from the registry, and still lie on the shelves
            name: p
            for name, p in (shelf | REGISTRY).items()
            if p is not None and not f"{p.function.__module__}.".startswith(f"{package}.")
        }
        tables = [
            {name: value for name, value in table.items() if name not in self._others}
            for table in (vars(ARRAYS), vars(TENSORS), REGISTRY)
        ]
        self._code = CodeHash(package, *tables)

    def key(self, *parts: Any) -> str:
        """What a verdict depends on."""
        return self._code.of(*parts)

    def of(self, p: Primitive, *parts: Any) -> str:
        """What a verdict on a primitive's rules depends on."""
        own = REGISTRY.get(p.name) is p and p.name not in self._others
        return self.key(p, None if own else self._others, *parts)


def _record(public: Any) -> Primitive | None:
    """The primitive that a public function records, if it is one."""
    cells = [c.cell_contents for c in getattr(public, "__closure__", None) or ()]
    return next((c for c in cells if isinstance(c, Primitive) and c.function is public), None)


_KNOWN: dict[Any, Any] = {}


@dataclass(frozen=True)
class _Decided:
    """What was decided of a pattern.

    Attributes
    ----------
    primitive : str
    asked : tuple of int
    verdict : Verdict
    names : tuple of str
        Of the operands that were asked for, in the verdict; empty: all together.
    where : str
        At which shapes, unless at every size.
    tied : bool
        Whether the partials were found to add up where operands tie.
    open_ : str
        What is wrong at a tie.
    """

    primitive: str
    asked: tuple[int, ...]
    verdict: Verdict
    names: tuple[str, ...]
    where: str = ""
    tied: bool = False
    open_: str = ""

    def at(self, position: int) -> tuple[str, str]:
        """Status and reason for the operand at a position."""
        verdict = self.verdict
        status, reason = verdict.status, verdict.reason
        if len(self.names) == len(self.asked) and position in self.asked:
            leaf = verdict.leaves.get(self.names[self.asked.index(position)])
            wrong = verdict.leaves.get("(value)")
            if leaf is not None and wrong is None:
                status, reason = leaf.status, leaf.reason
        if status == PROVED and self.open_:
            status, reason = UNDECIDED, self.open_
        return status, f"the VJP rules of {self.primitive}: {reason or status}"


class _Pattern:
    """A primitive as a program uses it: shapes up to the names of sizes."""

    def __init__(self, step: Application, use: Use, operands: Sequence[Any], params: Any) -> None:
        self.step = step
        self.primitive: Primitive = step.primitive
        self.use = use
        self.operands = operands
        self.params = params
        self.key: Any = None
        self.general = True

    @classmethod
    def of(cls, step: Application, use: Use, known: _Known) -> _Pattern:
        """The pattern of a step; equal sizes get one name, in order, and 1 stays 1."""
        names: dict[Any, Dim] = {}

        def size(n: Any) -> Any:
            if n == 1:
                return 1
            if n not in names:
                names[n] = Dim.named(_letter(len(names)))
            return names[n]

        operands = [_operand(o, size) for o in step.operands]
        params = {k: _sized(k, v, size) for k, v in step.params.items()}
        found = cls(step, use, operands, params)
        found.general = _fits(step, operands, params, {str(d): n for n, d in names.items()}, known)
        described = [
            ("array", str(o.shape), str(o.dtype)) if isinstance(o, Abstract) else (type(o), repr(o))
            for o in operands
        ]
        found.key = (
            step.primitive.name,
            str(described),
            str(use),
            found.general,
            known.of(step.primitive, sorted(params.items()), small(step) if _moves(step) else None),
        )
        return found

    def decided(self, prover: Prover, known: _Known) -> _Decided:
        """The verdicts on the rules in this pattern."""
        if self.key not in _KNOWN:
            decided = self._decide(prover)
            if decided.verdict.status != PROVED or decided.open_:
                return decided
            _KNOWN[self.key] = decided
        found: _Decided = _KNOWN[self.key]
        return found

    def _decide(self, prover: Prover) -> _Decided:
        p, use = self.primitive, self.use
        tried: list[_Decided] = []
        for operands, params, where in self._cases():
            try:
                verdict = prover.decide_rule(p, operands, params, use, **prover.options)
            except DisagreementError:
                raise
            except (AutogradError, ValueError, IndexError, TypeError) as error:
                # Sizes that depend on one another (axes merged, parts of axes) have no such names.
                verdict = _open(p, str(error))
            if not where and any(leaf.method == "EXACT" for leaf in verdict.leaves.values()):
                where = "at the shapes of the graph"
            names = tuple(verdict.leaves)  # the operands, and then the cotangents
            names = names[: len(names) - len(use.outputs)]
            decided = _Decided(p.name, use.asked, verdict, names, where)
            if verdict.status == PROVED:
                return self._at_ties(decided, prover)
            tried.append(decided)
            if verdict.status == REFUTED:
                return decided
        if isinstance(p.kind, Loop):
            # A loop's own body, if it is large, is decided step by step; the loop itself on small ones.
            verdict = prover.rule(p, **prover.options)
            if verdict.status != UNDECIDED:
                return _Decided(p.name, use.asked, verdict, (), "on small bodies")
        return tried[-1] if tried else _Decided(p.name, use.asked, _open(p, _NOWHERE), ())

    def _cases(self) -> Iterator[tuple[Sequence[Any], Any, str]]:
        """Where the pattern is tried: at every size, and at small sizes with the params of the graph."""
        if self.general:
            yield self.operands, self.params, ""
        found = small(self.step)
        if found is not None:
            yield *found, "at small fixed shapes"

    # --- ties -------------------------------------------------------------------------------

    def _at_ties(self, decided: _Decided, prover: Prover) -> _Decided:
        """Whether partials add up where operands tie, if the rules have kinks that tie them."""
        ties = list(self._ties()) if decided.verdict.excluded else []
        for n, (program, which) in enumerate(ties):
            try:
                found = prover.backward(program, **prover.options)
            except DisagreementError:
                raise
            except AutogradError as error:
                found = _open(self.primitive, str(error))
            if found.status != PROVED:
                reason = (
                    f"where {which} tie, its partials do not add up to the derivative along the tie "
                    f"({found.status}: {found.reason}); in a model that may be an open set. Prove this "
                    "model end to end, with prove.backward"
                )
                return replace(decided, open_=reason)
            decided = replace(decided, tied=n == len(ties) - 1)
        return decided

    def _ties(self) -> Iterator[tuple[Program[Any], str]]:
        """Programs in which operands, or elements of one, are one and the same."""
        p, kind = self.primitive, self.primitive.kind
        floats = [n for n in self.use.asked if isinstance(self.operands[n], Abstract)]
        (size,) = (Dim.named("M"),)
        if isinstance(kind, Elementwise):
            shapes = [
                Abstract((size,), o.dtype) if isinstance(o, Abstract) else o for o in self.operands
            ]
            groups = [
                g for r in range(2, len(floats) + 1) for g in itertools.combinations(floats, r)
            ]
            for group in groups:
                yield (
                    _tied(p, shapes, self.params, group),
                    f"operands {' and '.join(map(str, group))}",
                )
        elif isinstance(kind, Reduce):
            (x,) = self.operands
            axes = [a for a in self.params["axis"] if x.shape[a] != 1]
            if not axes:
                return
            shape = [1 if n == 1 else 3 if a == axes[0] else 2 for a, n in enumerate(x.shape)]
            for picked in ([0, 0, 0], [0, 0, 1]):
                yield _tied_along(p, tuple(shape), axes[0], picked, self.params), "elements"


def _tied(
    p: Primitive, shapes: Sequence[Any], params: Mapping[str, Any], group: Sequence[int]
) -> Program[Any]:
    """The sum of a primitive, weighted, with one array in the place of several operands."""

    def tied(g: Any, *given: Any) -> Any:
        rest = iter(given[1:])
        full = [
            given[0] if n in group else next(rest) if isinstance(o, Abstract) else o
            for n, o in enumerate(shapes)
        ]
        return ops.sum(g * apply(p, tuple(full), dict(params)))

    others = [o for n, o in enumerate(shapes) if n not in group and isinstance(o, Abstract)]
    one = shapes[group[0]]
    return trace(tied, p.name)(Abstract(one.shape), one, *others)


def _tied_along(
    p: Primitive,
    shape: tuple[int, ...],
    axis: int,
    picked: Sequence[int],
    params: Mapping[str, Any],
) -> Program[Any]:
    """As `_tied`, with some of the elements along an axis."""
    distinct = max(picked) + 1
    given = tuple(distinct if a == axis else n for a, n in enumerate(shape))
    index = np.array(picked)
    result = p.abstract((Abstract(shape),), dict(params))

    def tied(g: Any, x: Any) -> Any:
        whole = x[(*(slice(None),) * axis, index)]
        return ops.sum(g * apply(p, (whole,), dict(params)))

    return trace(tied, p.name)(Abstract(result.shape), Abstract(given))


def _open(p: Primitive, reason: str) -> Verdict:
    """A verdict that says nothing, and why."""
    leaf = LeafVerdict(UNDECIDED, (), 0, reason)
    return Verdict(RULES.format(p.name), UNDECIDED, "", {"": leaf})


def _letter(n: int) -> str:
    return LETTERS[n] if n < len(LETTERS) else f"M{n}"


def _operand(o: Any, size: Callable[[Any], Any]) -> Any:
    if isinstance(o, Literal):
        return o.value
    dtype = o.dtype if o.dtype.kind in "biu" else np.dtype(np.float64)
    return Abstract(tuple(map(size, o.shape)), dtype)


_NOWHERE = "no sizes were found at which its pattern can be decided. Prove it at a fixed shape"


def _fits(
    step: Application, operands: Sequence[Any], params: Any, sizes: Mapping[str, Any], known: _Known
) -> bool:
    """Whether a step is one of its pattern: not if a slice ends early for want of elements.

    Where the pattern has no shape there is nothing that could be proved of it.
    """
    shapes = [tuple(o.shape) for o in operands if isinstance(o, Abstract)]
    try:
        result = step.primitive.abstract(tuple(operands), dict(params))
    except (AutogradError, ValueError, IndexError, TypeError):
        return True
    parts = result if isinstance(result, tuple) else (result,)
    bounds = [
        b for x in parts for b in bounds_of_step(step.primitive, shapes, params, tuple(x.shape))
    ]
    return hold(bounds, sizes, known.bounds)


def _moves(step: Application) -> bool:
    """Whether a step may have to be decided at small sizes, and so its own numbers matter."""
    return not isinstance(step.primitive.kind, (Elementwise, Contract, Reduce, Gather))


def _sized(name: str, value: Any, size: Callable[[Any], Any]) -> Any:
    """A param with its sizes named."""
    if name == "shape" and isinstance(value, tuple):
        return tuple(map(size, value))
    if name == "size" and isinstance(value, int):
        return size(value)
    return value


def _walk(prover: Prover, known: _Known) -> Verdict:
    """The walk's own theorem, end to end on a graph that has everything it must get right."""
    key = known.key("walk")
    if key not in _KNOWN:
        a, b, c, w = arrays("a:B,D b:D c:B,1 w:D,D")
        shared = ops.tanh(a * b + c)  # fan-out below; b and c are broadcast
        twice = shared * shared  # an operand given twice
        deep = ops.matmul(shared, w)
        again = ops.matmul(deep, w)  # one leaf at two depths
        parts = ops.stop_gradient(twice) * again
        loss = ops.sum(twice * again + parts + shared) + ops.sum(w * w) + ops.sum(b)
        verdict = prover.backward(loss, wrt={"a": a, "b": b, "c": c, "w": w}, **prover.options)
        if verdict.status != PROVED:
            return verdict
        _KNOWN[key] = verdict
    found: Verdict = _KNOWN[key]
    return found
