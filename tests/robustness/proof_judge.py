"""The judge of verdicts on random programs: it runs them, and knows nothing of proofs."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.errors import AutogradError
from autograd_core.graph import operands_of
from tests.robustness.proof_programs import STYLES, Draw, Shelf

POINTS = 8
SOUGHT = 200  # points at which a difference is looked for, of which one is enough
# Of differences; the second where the first meet kinks, as near values that are held.
_STEPS = (1e-3, 2e-4, 4e-5), (1e-5, 2e-6, 4e-7)


_PAIRS = {
    "greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "maximum", "minimum",
}  # fmt: skip
_AT_ZERO = {"relu", "absolute", "sign", "step", "logical_not"}
_AT_WHOLE = {"floor", "ceil", "rint", "floor_divide"}
_IN_ORDER = {"max", "min", "argmax", "argmin", "sort", "argsort"}


def _parts(value):
    """The arrays of a value; steps of several outputs have several."""
    value = getattr(value, "_value", value)
    return [np.asarray(v) for v in (value if isinstance(value, tuple) else (value,))]


def _floats(values):
    return [a for v in values for a in _parts(v) if a.dtype.kind == "f"]


def seen(roots):
    """Whether every step behind tensors has a value, none too large to tell, or too near to a tie."""
    stack, known, largest, state = list(roots), set(), 1.0, "defined"
    while stack:
        t = stack.pop()
        if not isinstance(t, ag.Tensor) or id(t) in known:
            continue
        known.add(id(t))
        stack += operands_of(t)
        operands = _floats(operands_of(t))
        inside = all(np.isfinite(a).all() for a in operands)
        for value in _floats([t]):
            if np.isfinite(value).all():
                largest = max(largest, float(np.abs(value).max(initial=0.0)))
            elif inside and max((np.abs(a).max(initial=0.0) for a in operands), default=0.0) > 300:
                return "unclear", largest  # an overflow
            else:
                state = "undefined"
        name = t._op.name if t._op is not None else ""
        if inside and _by_accident(name, [_parts(a)[0] for a in operands_of(t)]):
            return "unclear", largest
    return ("unclear" if largest > 1e5 else state), largest


def _by_accident(name, operands):
    floats = [a.astype(float) for a in operands if a.dtype.kind in "fiub"]
    if name in _PAIRS and len(floats) == 2:
        gaps = np.abs(floats[0] - floats[1])
    elif name in _AT_ZERO:
        gaps = np.abs(floats[0])
    elif name in _AT_WHOLE:
        gaps = np.abs(floats[0] - np.round(floats[0]))
    elif name in _IN_ORDER:
        gaps = np.diff(np.sort(floats[0], axis=None))
    else:
        return False
    return bool(((gaps > 0) & (gaps < 1e-9)).any())


def moved(draw, values, known, far=2.0**-10):
    """Neighbours, on which the facts hold; integers and truths stay, and captured values at hand."""
    by = [
        far * draw.rng.uniform(0.3, 1, v.shape) * draw.rng.choice([-1, 1], v.shape)
        if v.dtype.kind == "f" and (i.captured is None or not np.array_equal(v, i.captured))
        else None
        for v, i in zip(values, draw.program.inputs, strict=True)
    ]
    return draw.fitted(
        [
            v if b is None else v + b * np.maximum(1, np.abs(v))
            for v, b in zip(values, by, strict=True)
        ],
        known,
    )


class FindingError(Exception):
    """A verdict that is false, or an error that has no name."""

    def __init__(self, what, draw, verdict="", **values):
        shown = "\n  ".join(f"{k} = {v}" for k, v in values.items())
        super().__init__(
            f"{what}, seed {draw.seed} ({draw.theme})\n  {draw.program}\n  {shown}\n{verdict}"
        )
        self.what = what


@dataclass
class Sides:
    """Two functions of the same inputs, to be run."""

    draw: Draw
    left: Callable[..., list[Any]]
    right: Callable[..., list[Any]]

    def look(self, values):
        """What is known at a point, and both values where they are."""
        tensors = [leaf(v) for v in values]
        try:
            a, b = self.left(tensors), self.right(tensors)
        except (AutogradError, IndexError, ValueError):
            return "unclear", None, None, 1.0
        (one, big), (two, large) = seen(a), seen(b)
        largest = max(big, large)
        state = (
            "unclear"
            if "unclear" in (one, two)
            else "undefined"
            if "undefined" in (one, two)
            else "defined"
        )
        return state, *([np.asarray(t._value, float) for t in side] for side in (a, b)), largest


def leaf(v):
    return ag.tensor(np.array(v), requires_grad=np.asarray(v).dtype.kind == "f")


def apart(a, b, largest):
    return any(
        x.shape != y.shape
        or bool((np.abs(x - y) > 1e-6 * np.maximum(np.abs(x), np.abs(y)) + 1e-9 * largest).any())
        for x, y in zip(a, b, strict=True)
    )


def left_out(verdict, at):
    """Whether a verdict speaks of no such sizes: code asks about them, and they are listed."""
    for fact in map(str, verdict.facts) if hasattr(verdict, "facts") else ():
        if fact.startswith("left out: "):
            text = fact.removeprefix("left out: ").partition(" (")[0]
            parts = [p.split(" = ") for p in text.split(", ")]
            if all(
                eval(a.replace("·", "*"), {}, dict(at)) == eval(b, {}, dict(at)) for a, b in parts
            ):
                return True
    return False


def points(draw, known, count=POINTS, verdict=None):
    """Sizes and values: one, two, three of what is open; signs, zeros, ties."""
    cycles = ((1, 1), (2, 3), (3, 2), (1, 3), (2, 1), (3, 3), (2, 2), (1, 2))
    for n in range(count):
        sizes = dict(draw.program.sizes)
        sizes |= {name: cycles[n % 8]["MN".index(name)] for name in draw.program.named}
        if left_out(verdict, sizes):
            continue
        style = STYLES[(n + draw.seed) % len(STYLES)]
        try:
            yield sizes, draw.values(sizes, style, known=known)
        except ZeroDivisionError:
            return


def in_domain(verdict, draw, sizes, values):
    """Whether a point is in the domain that a verdict states; None: that cannot be told here."""
    inputs = list(zip(draw.program.inputs, values, strict=True))
    entries = {i.name: v for i, v in inputs}
    # With indices, an axis of size 1 has none.
    elements = {
        i.name: v.reshape(
            [k for n, k in zip(i.shape, v.shape, strict=True) if n in draw.program.named or k != 1]
        )
        for i, v in inputs
    }
    for text in verdict.domain:
        letters = sorted(set(re.findall(r"\b[a-z]\b", text)) - entries.keys())
        if "Sum" in text or "'" in text or not set(letters) <= set("mnijk"):
            return None
        held = _everywhere(text, elements if letters else entries, letters, sizes)
        if not held:
            return held
    return True


_SCOPE = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh, "Abs": np.abs, "floor": np.floor,
    "Step": lambda u: (u > 0) * 1.0, "Vanishes": lambda u: (u == 0) * 1.0,
    "KroneckerDelta": lambda a, b: (a == b) * 1.0,
}  # fmt: skip


def _everywhere(text, names, letters, sizes):
    """Whether a condition, as verdicts write it, holds for all of its indices."""
    ranges = {"m": sizes["M"], "n": sizes["N"]}
    met = False
    for at in itertools.product(*(range(ranges.get(c, 3)) for c in letters)):
        scope = {"__builtins__": {}} | _SCOPE | names | dict(zip(letters, at, strict=True))
        try:
            with np.errstate(all="ignore"):
                held = bool(eval(text, scope))
        except IndexError:
            continue
        except Exception:  # noqa: BLE001 - it is not for Python to read
            return None
        met = True
        if not held:
            return False
    return True if met else None


def judge_proved(draw, verdict, sides, known):
    """A PROVED equation beside what is run."""
    for sizes, values in points(draw, known, verdict=verdict):
        state, a, b, largest = sides.look(values)
        if state == "unclear" or (state == "defined" and not apart(a, b, largest)):
            continue
        near = [sides.look(moved(draw, values, known)) for _ in range(6)]
        if state == "undefined":
            told = in_domain(verdict, draw, sizes, values) if verdict.domain else True
            if told and all(n[0] == "undefined" for n in near):
                raise FindingError("PROVED where a step is not defined", draw, verdict, at=values)
        elif sum(n[0] == "defined" for n in near) > 3 and all(
            apart(*n[1:]) for n in near if n[0] == "defined"
        ):
            raise FindingError("false PROVED", draw, verdict, at=values, left=a, right=b)


def _size(witness):
    """How large the difference at a witness is, as far as floats go."""
    return float(min(abs(sum(witness.difference)) / 2, 2**1000))


def witness_at(draw, verdict, known):
    """Sizes and values at a witness; None where it speaks of what is not an input."""
    witness, sizes = verdict.witness, dict(draw.program.sizes)
    leaf_ = next(v for v in verdict.leaves.values() if v.witness is witness)
    for name, n in re.findall(r"(\w+) = (\d+)", leaf_.reason):
        sizes[name] = int(n)
    values = [np.ones_like(v) if v.dtype.kind == "f" and i.captured is None else v
              for v, i in zip(draw.values(sizes, "recorded"), draw.program.inputs, strict=True)]  # fmt: skip
    names = {i.name: n for n, i in enumerate(draw.program.inputs)}
    for key, value in witness.point.items():
        name, at = re.fullmatch(r"(\w+'*)(?:\[([\d,]+)\])?", key).groups()
        if name not in names:
            if re.fullmatch(r"c\d+", name):
                continue  # a constant, at its own value
            return None
        index = tuple(map(int, at.split(","))) if at else ()
        values[names[name]][index] = float(value)
    for axis, total in known:
        if values[0].shape[axis] and not np.allclose(values[0].sum(axis), total, atol=1e-9):
            raise FindingError("REFUTED where a fact does not hold", draw, verdict, at=values)
    return sizes, values


def judge_refuted(draw, verdict, sides, known, again=None):
    """A witness, computed again: by ``again``, if that is what the statement is of."""
    found = witness_at(draw, verdict, known)
    size = _size(verdict.witness)
    if found is None:
        # At values that constants do not have. The sides must differ at their own, be it rarely.
        told = False
        for _, values in points(draw, known, SOUGHT):
            state, *result = sides.look(values)
            if state == "defined":
                if apart(*result):
                    return
                told = True
        if told:
            raise FindingError("REFUTED by values of what is computed", draw, verdict)
        return
    _, values = found
    sides = again or sides
    which, _, at = verdict.witness.entry.partition("[")
    n = int(which.split()[-1]) if which.startswith("output") else 0
    index = tuple(map(int, at.rstrip("]").split(","))) if at else ()
    one = Sides(draw, lambda t: [sides.left(t)[n]], lambda t: [sides.right(t)[n]])
    state, a, b, largest = one.look(values)
    if state == "unclear" or size < 1e-7 * largest:
        return
    if state == "undefined":
        raise FindingError(
            "REFUTED where a step is not defined", draw, verdict, at=values, left=a, right=b
        )
    if abs(abs(a[0][index] - b[0][index]) - size) > 1e-5 * largest:
        raise FindingError("false REFUTED", draw, verdict, at=values, left=a, right=b)
    near = [one.look(moved(draw, values, known, 2.0**-18)) for _ in range(8)]
    if not any(n[0] != "defined" or apart(*n[1:]) for n in near):
        raise FindingError("REFUTED on a null set", draw, verdict, at=values)


class Slopes:
    """A scalar function of inputs: its gradient by the engine, and by differences."""

    def __init__(self, draw, function):
        self.draw, self.function = draw, function

    def gradient(self, values, recorded=False):
        """What is known there, and the gradients that training would use; or those that are recorded."""
        leaves = [leaf(v) for v in values]
        shelf = Shelf()
        try:
            loss = self.function(shelf, leaves)
            state, largest = seen([loss])
            if state == "defined" and loss.requires_grad:
                loss.backward(create_graph=recorded)
        except (AutogradError, IndexError, ValueError):
            return "unclear", None, None, 1.0
        found = [
            None
            if v.dtype.kind != "f"
            else np.zeros(v.shape)
            if t.grad is None
            else np.asarray(t.grad._value, float)
            for v, t in zip(values, leaves, strict=True)
        ]
        return state, found, shelf.met, largest

    def slope(self, values, by, held=None):
        """The derivative along a direction; None where there is no limit that can be seen."""

        def at(t):
            tensors = [leaf(v if d is None else v + t * d) for v, d in zip(values, by, strict=True)]
            return float(np.asarray(self.function(Shelf(held), tensors)._value))

        for steps in _STEPS:
            try:
                quotients = [(at(h) - at(-h)) / (2 * h) for h in steps]
            except (AutogradError, IndexError, ValueError):
                return None
            better = [(25 * b - a) / 24 for a, b in itertools.pairwise(quotients)]
            if np.isfinite(better).all() and abs(better[1] - better[0]) <= 1e-5 * (
                1 + abs(better[1])
            ):
                return better[1]
        return None

    def wrong(self, values, wanted):
        """How the gradient by some inputs is wrong at a point: None where that is not known."""
        state, found, met, largest = self.gradient(values)
        if state != "defined":
            return None
        by = [
            self.draw.rng.choice([-1, 1], v.shape) * self.draw.rng.uniform(0.5, 1, v.shape)
            if n in wanted and v.dtype.kind == "f" else None
            for n, v in enumerate(values)
        ]  # fmt: skip
        got = sum(float((g * d).sum()) for g, d in zip(found, by, strict=True) if d is not None)
        expected = self.slope(values, by)
        if expected is None:
            return None
        least = 1e-4 * (1 + abs(expected)) + 1e-9 * largest
        if not math.isfinite(got):
            return ("not finite", got, expected)
        if abs(got - expected) < least:
            return ""
        if met:
            held = self.slope(values, by, met)
            if held is None:
                return None
            if abs(got - held) < least:
                return ("held", got, expected)
        return ("wrong", got, expected)


def judge_gradients(draw, verdict, slopes, known):
    """Each leaf of a verdict on gradients beside what is run."""
    names = {i.name: n for n, i in enumerate(draw.program.inputs)}
    proved = {names[n] for n, v in verdict.leaves.items() if v.status in ("PROVED", "PROBABLE")}
    independent = {
        names[n]
        for n, v in verdict.leaves.items()
        if f"the loss does not depend on {n}" in map(str, verdict.facts) and v.status == "PROVED"
    }
    ever = 0
    for _, values in points(draw, known, verdict=verdict):
        for wanted in filter(None, (proved, independent)):
            found = slopes.wrong(values, wanted)
            ever += found is not None
            if not found:
                if found == "" and wanted is independent:
                    _, g, *_ = slopes.gradient(values)
                    if any(np.abs(g[n]).max(initial=0) > 1e-6 for n in wanted):
                        raise FindingError(
                            "said not to depend on what it depends on", draw, verdict, at=values
                        )
                continue
            near = [slopes.wrong(moved(draw, values, known), wanted) for _ in range(5)]
            if sum(bool(n) and n[0] == found[0] for n in near) < 3 or "" in near:
                continue
            held = found[0] == "held"
            if (held or draw.stops) and any("held constant" in f for f in map(str, verdict.facts)):
                continue
            what = "PROVED with something held constant in silence" if held else "false PROVED"
            raise FindingError(f"{what}: gradient {found}", draw, verdict, at=values)
    return ever


def judge_refuted_gradient(draw, verdict, slopes, known):
    """The witness of a gradient, computed again."""
    found = witness_at(draw, verdict, known)
    if found is None:
        return
    _, values = found
    entry = verdict.witness.entry
    if entry.startswith("(value)"):
        return
    name, _, at = entry.partition("[")
    names = {i.name: n for n, i in enumerate(draw.program.inputs)}
    if name not in names:
        return
    n, index = names[name], tuple(map(int, at.rstrip("]").split(","))) if at else ()
    state, gradients, *_ = slopes.gradient(values)
    if state == "undefined":
        raise FindingError("REFUTED where a step is not defined", draw, verdict, at=values)
    by = [None] * len(values)
    by[n] = np.zeros(values[n].shape)
    by[n][index] = 1.0
    slope = slopes.slope(values, by)
    if state == "unclear" or slope is None:
        return
    size = _size(verdict.witness)
    # A rule may do one thing as a model trains, and another where gradients are recorded: one is wrong.
    _, again, *_ = slopes.gradient(values, recorded=True)
    both = [g[n][index] for g in (gradients, again) if g is not None]
    if size > 1e-3 * (1 + abs(slope)) and all(
        abs(g - slope) < 1e-4 * (1 + abs(slope)) for g in both
    ):
        raise FindingError("false REFUTED", draw, verdict, at=values, got=gradients[n], slope=slope)
