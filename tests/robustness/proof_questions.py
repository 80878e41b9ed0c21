"""Random programs made into statements, each put to the prover and its verdict to the judge."""

from __future__ import annotations

import contextlib
import inspect

import numpy as np

import autograd_core as ag
from autograd_core import introspect
from autograd_core.errors import AutogradError, DisagreementError
from autograd_core.graph import operands_of
from autograd_core.symbolic import (
    arrays,
    facts,
    labels,
    prove,
)
from tests.robustness.proof_judge import (
    FindingError,
    Sides,
    Slopes,
    judge_gradients,
    judge_proved,
    judge_refuted,
    judge_refuted_gradient,
    points,
)
from tests.robustness.proof_programs import Draw, Input, Program, Shelf
from tests.robustness.proof_words import DECLARED, LOOKS, PLANTED, Word, declared, planted

SECONDS = 0.3  # for each proof
GRAPH_SECONDS = 10.0  # what was decided is kept: most take a hundredth of it


def asked(draw, question):
    """The verdict, or None where the question is refused by name; all else is a finding."""
    try:
        with np.errstate(all="ignore"):
            return question()
    except DisagreementError as error:
        raise FindingError("disagreement", draw, str(error)) from error
    except AutogradError:
        return None
    except Exception as error:
        raise FindingError(f"crash: {type(error).__name__}: {error}", draw) from error


def recorded(draw):
    """Leaves for a statement on tensors: of open sizes, or with values."""
    found = []
    for i, v in zip(draw.program.inputs, draw.values(draw.program.sizes, "recorded"), strict=True):
        if i.captured is not None:
            found.append(ag.tensor(v, name=i.name) if v.dtype.kind == "f" else ag.tensor(v))
        elif not draw.program.named:
            found.append(ag.tensor(v, requires_grad=True, name=i.name) if i.kind == "f" else v)
        else:
            sizes = ",".join(
                str(n) if n in draw.program.named else str(draw.program.sizes.get(n, n))
                for n in i.shape
            )
            text = f"{i.name}:{sizes}"
            found += arrays(text) if i.kind == "f" else labels(text)
    return found


def as_recorded(draw, root, leaves):
    """What was recorded from leaves, run on other values: what was computed at once stays as it was."""
    which = [n for n, t in enumerate(leaves) if isinstance(t, ag.Tensor)]
    if root._op is None:
        return lambda values: [root]
    program = introspect.program(root, [leaves[n] for n in which])

    def run(values):
        given = [values[n] for n in which]
        shapes = zip(program.inputs, given, strict=True)
        pairs = [p for var, t in shapes for p in zip(var.shape, t.shape, strict=True)]
        sizes = {str(name): size for name, size in pairs if isinstance(name, ag.Dim)}
        return [program.at(sizes).as_function()(*given)]

    return run


def as_function(draw, run):
    """A function of what is not closed over, with its names."""
    inputs = draw.program.inputs
    closed = draw.closed
    for n, i in enumerate(inputs):
        if i.captured is not None and n not in closed:  # one tensor for both sides
            closed[n] = ag.tensor(np.asarray(i.captured), name=i.name)
    given = [n for n in range(len(inputs)) if n not in closed]

    def function(*values):
        rest = iter(values)
        found = run(Shelf(), [closed[n] if n in closed else next(rest) for n in range(len(inputs))])
        return (
            found if not isinstance(found, list) else found[0] if len(found) == 1 else tuple(found)
        )

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    function.__signature__ = inspect.Signature(
        [inspect.Parameter(inputs[n].name, kind) for n in given]
    )
    values = draw.values(draw.program.sizes, "recorded")
    return function, [values[n] for n in given]


def facts_for(draw):
    """Facts of x: none, one, two, or two that contradict one another."""
    if draw.theme != "facts" or draw.rng.random() < 0.15:
        return []
    drawn = [(0, int(draw.rng.integers(-1, 2)))]
    if draw.rng.random() < 0.6:
        drawn.append((1, int(drawn[0][1])))
    if draw.rng.random() < 0.2:
        drawn = drawn[1:] or [(1, 1)]
    if draw.rng.random() < 0.1:
        drawn.append((drawn[0][0], drawn[0][1] + 1))
    return drawn


def equation(draw):
    """A program beside a rewriting of itself, true or not."""
    draw.grow()
    program, rng = draw.program, draw.rng
    if not program.steps:
        return None
    choices = [(n, f) for n, (w, *_) in enumerate(program.steps) for f in w.twins]
    lies = [(n, f) for n, (w, *_) in enumerate(program.steps) for f in w.friends]
    pool = lies if lies and (not choices or rng.random() < 0.5) else choices
    change = pool[int(rng.integers(len(pool)))] if pool else None
    outputs = 2 if len(program.steps) > 1 and rng.random() < 0.15 else 1
    known = facts_for(draw)
    sides = Sides(
        draw,
        lambda t: [v * 1.0 for v in program(Shelf(), t, None, outputs)],
        lambda t: [v * 1.0 for v in program(Shelf(), t, change, outputs)],
    )
    again = sides
    if draw.tensors:
        leaves = recorded(draw)
        with np.errstate(all="ignore"):
            try:
                pair = sides.left(leaves)[-1], sides.right(leaves)[-1]
            except AutogradError:
                return None  # sizes that fit by chance
        if not all(isinstance(t, ag.Tensor) for t in pair):
            return None
        sides = Sides(draw, lambda t, f=sides.left: f(t)[-1:], lambda t, f=sides.right: f(t)[-1:])
        again = Sides(draw, *(as_recorded(draw, t, leaves) for t in pair))
        wrt = [
            t
            for t, i in zip(leaves, program.inputs, strict=True)
            if i.kind == "f" and i.captured is None
        ]
        given = [facts.sums_to(leaves[0], a, v) for a, v in known]
        if not draw.program.named:
            wrt = [t for t in wrt if isinstance(t, ag.Tensor)]
        method = draw.of([None, None, "INDEXED"] if program.named else [None, "EXACT", "INDEXED"])
        listed = {str(f): k for f, k in zip(given, known, strict=True)}

        if not known and program.named and rng.random() < 0.3:
            wrt = None  # leaves in the order in which they are met

        def question():
            return prove.equal(*pair, wrt=wrt, given=given, seconds=SECONDS, method=method)
    else:
        functions = [as_function(draw, lambda s, t, f=f: f(t)) for f in (sides.left, sides.right)]
        given = [facts.sums_to("xs", a, v) for a, v in known]
        method = draw.of([None, "EXACT", "INDEXED"])
        listed = {str(f): k for f, k in zip(given, known, strict=True)}

        def question():
            return prove.equal(
                functions[0][0],
                functions[1][0],
                args=functions[0][1],
                given=given,
                seconds=SECONDS,
                method=method,
            )

    verdict = asked(draw, question)
    if verdict is None:
        return "refused"
    if verdict.status in ("PROVED", "PROBABLE"):
        judge_proved(
            draw,
            verdict,
            sides,
            [k for text, k in listed.items() if text in map(str, verdict.facts)],
        )
    elif verdict.status == "REFUTED":
        judge_refuted(draw, verdict, sides, known, again)
    return verdict.status


def gradients(draw):
    """The gradient of a program, by prove.backward."""
    draw.grow()
    return _gradients(draw, prove.backward, draw.tensors)


def _scalar(draw):
    program = draw.program

    def function(shelf, t):
        value = program(shelf, t)[0]
        return ag.sum(value * value) if draw.seed % 3 == 0 else ag.sum(value)

    return function


def _gradients(draw, ask, tensors, function=None):
    program = draw.program
    if not program.steps:
        return None
    function = function or _scalar(draw)
    slopes = Slopes(draw, function)
    if tensors:
        leaves = recorded(draw)
        with np.errstate(all="ignore"):
            try:
                loss = function(Shelf(), leaves)
            except AutogradError:
                return None
        wrt = [
            t
            for t, i in zip(leaves, program.inputs, strict=True)
            if i.kind == "f" and i.captured is None
        ]
        if not isinstance(loss, ag.Tensor) or not loss.requires_grad:
            return None
        if ask is prove.graph:
            used = _behind(loss)
            named = {t.name: t for t in wrt if id(t) in used}
            if not named:
                return None
            verdict = asked(draw, lambda: prove.graph(named, loss, seconds=GRAPH_SECONDS))
        else:
            verdict = asked(draw, lambda: prove.backward(loss, wrt=wrt, seconds=SECONDS))
    else:
        f, args = as_function(draw, function)
        wrt = [n for n, a in enumerate(args) if np.asarray(a).dtype.kind == "f"]
        method = draw.of([None, "EXACT"])
        verdict = asked(
            draw, lambda: prove.backward(f, wrt, args=args, seconds=SECONDS, method=method)
        )
    if verdict is None:
        return "refused"
    judge_gradients(draw, verdict, slopes, ())
    if verdict.status == "REFUTED" and ask is prove.backward and verdict.witness is not None:
        judge_refuted_gradient(draw, verdict, slopes, ())
    if verdict.status == "REFUTED" and ask is prove.graph:
        refuted = {n for n, i in enumerate(program.inputs)
                   if i.name in verdict.leaves and verdict.leaves[i.name].status == "REFUTED"}  # fmt: skip
        found = [slopes.wrong(v, refuted) for _, v in points(draw, (), 24, verdict)]
        if "" in found and not any(found):
            raise FindingError("false REFUTED of a graph", draw, verdict)
    return verdict.status


def _behind(t):
    known, stack = set(), [t]
    while stack:
        one_ = stack.pop()
        if isinstance(one_, ag.Tensor) and id(one_) not in known:
            known.add(id(one_))
            stack += operands_of(one_)
    return known


def rules(draw):
    """Primitives with rules of all sorts: by prove.rule, prove.graph and prove.backward."""
    rng = draw.rng
    name = draw.of(list(DECLARED))
    k = draw.of([2, 2, 3])
    look = draw.of(list(LOOKS)) if k != 2 and rng.random() < 0.6 else "always"
    draw.stops = stopped = bool(rng.random() < 0.3)
    with declared(name, k, LOOKS[look], stopped) as (p, arity):
        word = Word("f" * arity, lambda s, o, *xs: p(*xs))
        words = {f"{name}, {k} {look}{', stopped' if stopped else ''}": word}
        if arity == 2:
            words["dead"] = Word(
                "ff",
                lambda s, o, w, z: p(ag.sum(w) + ag.relu(z), ag.sum(w) + ag.exp(ag.relu(z)) - 1),
            )
            words["dead twice"] = Word(
                "ff", lambda s, o, w, z: p(ag.sum(w) + ag.relu(z), ag.sum(w) + ag.relu(z - 1))
            )
        else:
            words["its slope"] = Word("f", lambda s, o, x: ag.grad(lambda z: ag.sum(p(z)))(x))
        with contextlib.suppress(AutogradError):
            draw.grow(words)
        which = draw.of(["rule", "graph", "graph", "backward"])
        try:
            if which == "rule":
                return _rule(draw, arity, p)
            if which == "graph":
                draw.program.named = ()
                draw.tensors = True
                return _gradients(draw, prove.graph, True)
            return _gradients(draw, prove.backward, draw.tensors)
        except FindingError as finding:
            # The engine says so where a rule is not what it is read as: that is what is wanted. What a
            # rule does on tensors is wrong where gradients are recorded, not where a model trains.
            if finding.what == "disagreement" and (name == "misread" or look != "always"):
                return "disagreed"
            if "false REFUTED of" in finding.what and look == "at tensors":
                return "REFUTED"
            raise


def _rule(draw, arity, p):
    verdict = asked(draw, lambda: prove.rule("drawn_", seconds=SECONDS))
    if verdict is None or verdict.status not in ("PROVED", "REFUTED"):
        return "refused" if verdict is None else verdict.status
    inputs = [Input(n, ("M", "N"), "f") for n in ("xs", "ys", "zs")[: arity + 1]]
    draw.program = Program(inputs, {"M": 2, "N": 2}, ("M", "N"), [], [])
    slopes = Slopes(draw, lambda s, t: ag.sum(p(*t[:-1]) * t[-1]))
    wrong = [slopes.wrong(v, set(range(arity))) for _, v in points(draw, (), 16, verdict)]
    if verdict.status == "PROVED" and sum(map(bool, wrong)) > 1:
        raise FindingError("false PROVED of a rule", draw, verdict, wrong=wrong)
    if verdict.status == "REFUTED" and "" in wrong and not any(wrong):
        raise FindingError("false REFUTED of a rule", draw, verdict)
    return verdict.status


def library(draw):
    """What uses many operands, steps, loops and axes; with a fault in a rule, or without."""
    rng = draw.rng
    fault = draw.of([None, *PLANTED])
    kind = PLANTED[fault] if fault else draw.of(list(PLANTED.values()))
    n, step = int(rng.integers(2, 6)), int(rng.integers(1, 4))
    axis = int(rng.integers(2))

    def joined(s, o, x, y):
        return ag.concatenate([x if i % 2 else y for i in range(n)]) ** 2

    def stepped(s, o, x, y):
        return ag.concatenate([x, x * x, y])[::step] ** 2

    def looped(s, o, x, y):
        last, ys = ag.scan(lambda h, t: (ag.tanh(h * t + y), h * h), x, np.array([0.5, 1.0]))
        return last * 2 if step == 1 else ag.sum(ys) if step == 2 else ag.sum(last) + ag.sum(ys)

    def summed(s, o, x, y):
        return ag.sum(ag.expand_dims(x, 0) * ag.expand_dims(y, 1), axis) ** 2

    def largest(s, o, x, y):
        return ag.max(ag.exp(x[0] + ag.relu(y)))

    make = {
        "concatenate_": joined,
        "slice_": stepped,
        "scan": looped,
        "sum": summed,
        "max": largest,
    }[kind]
    size = int(rng.integers(1, 4))
    draw.fixed, draw.tensors = True, True
    draw.program = Program(
        [Input("xs", (size,), "f"), Input("ys", (size,), "f")], {"M": 2, "N": 2}, ()
    )
    draw.program.steps.append((Word("ff", make), (0, 1), {}))
    draw.program.names.append(f"{kind} n={n} step={step} axis={axis}, fault: {fault}")
    with planted(fault):
        return _gradients(draw, draw.of([prove.graph, prove.graph, prove.backward]), True)


def check(seed, theme=None):
    """Draw a statement, have it decided and judge the verdict; how it ended."""
    draw = Draw(seed, theme)
    with np.errstate(all="ignore"):
        if draw.theme in ("declared", "library"):
            return draw.theme, (rules if draw.theme == "declared" else library)(draw)
        share = {"stopped": 0.9, "unrecorded": 0.0, "facts": 0.0}.get(draw.theme, 0.3)
        if draw.rng.random() < share:
            return draw.theme, gradients(draw)
        return draw.theme, equation(draw)
