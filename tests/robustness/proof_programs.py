"""Random programs: words drawn over inputs of open or fixed sizes, and values on which facts hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.errors import AutogradError
from tests.robustness.proof_words import BASE, THEMES, TRUTHS, Word, number


class Shelf:
    """What stops a gradient; its values may be held while the inputs move."""

    def __init__(self, held=None):
        self.held, self.met = held, []

    def stop(self, x):
        if self.held is not None:
            value = self.held[len(self.met)]
            self.met.append(value)
            return value
        self.met.append(np.array(np.asarray(getattr(x, "_value", x), object), float)
                        if not isinstance(getattr(x, "_value", x), ag.Abstract) else None)  # fmt: skip
        return ag.stop_gradient(x)


@dataclass
class Input:
    name: str
    shape: tuple[Any, ...]  # names of sizes, and numbers
    kind: str  # f, i
    captured: Any = None  # values that belong to the statement, if it closes over them
    free: bool = True  # whether captured values may be others


@dataclass
class Program:
    """Steps over a growing list of values: inputs first."""

    inputs: list[Input]
    sizes: dict[str, int]
    named: tuple[str, ...]  # of the sizes, those that the statement leaves open
    steps: list[tuple[Word, tuple[int, ...], dict[str, Any]]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def __call__(self, shelf, values, change=None, outputs=1):
        """The last values; ``change`` puts another function for a step."""
        pool = list(values)
        for n, (word, places, options) in enumerate(self.steps):
            make = change[1] if change is not None and change[0] == n else word.make
            pool.append(make(shelf, options, *(pool[i] for i in places)))
        return pool[len(pool) - outputs :]

    def __str__(self):
        lines = [f"sizes {self.sizes}, open: {', '.join(self.named) or 'none'}"]
        for n, i in enumerate(self.inputs):
            held = (
                "" if i.captured is None else f" = {np.asarray(i.captured).tolist()}, closed over"
            )
            lines.append(f"v{n} = {i.name} {i.shape} {i.kind}{held}")
        for n, (name, (_, places, options)) in enumerate(zip(self.names, self.steps, strict=True)):
            lines.append(
                f"v{len(self.inputs) + n} = {name}: {' '.join(f'v{p}' for p in places)} {options}"
            )
        return "\n  ".join(lines)


def _kind_of(value):
    return {"f": "f", "b": "b"}.get(np.asarray(getattr(value, "_value", value)).dtype.kind, "k")


class Draw:
    """A random statement."""

    def __init__(self, seed, theme=None):
        self.seed = seed
        self.rng = rng = np.random.default_rng([11, seed])
        chosen = rng.choice(list(THEMES), p=_WEIGHTS)
        self.theme = theme or str(chosen)
        self.program = self._program()
        self.stops = False  # whether a rule stops a gradient
        self.closed: dict[int, Any] = {}  # tensors that functions close over

    def of(self, items):
        return items[int(self.rng.integers(len(items)))]

    # --- inputs ---------------------------------------------------------------------------

    def _program(self):
        rng, theme = self.rng, self.theme
        self.fixed = rng.random() < {"unrecorded": 1.0, "declared": 0.6}.get(theme, 0.45)
        self.sizes = {"M": 2, "N": 3}
        named = ("M", "N")
        if self.fixed:
            self.sizes = {"M": int(rng.integers(1, 4)), "N": int(rng.integers(1, 4))}
            named = ()
        elif rng.random() < 0.5 or theme in ("integers",):
            named, self.sizes["N"] = ("M",), int(rng.integers(1, 4))
        if theme == "facts" and rng.random() < 0.7:
            self.sizes["M"] = self.sizes["N"]
        inputs = [Input("xs", ("M", "N"), "f")]
        if theme == "ties":
            inputs = [
                Input("xs", ("N",), "f"),
                Input("ys", ("N",), "f"),
                Input("zs", ("M", "N"), "f"),
            ]
        elif theme == "indices":
            inputs.append(Input("ys", self.of([("M", "N"), ("M", "N"), ("N",)]), "f"))
            if named and rng.random() < 0.5:
                inputs.append(Input("ks", ("M",), "i"))
            elif not named:
                top = self.sizes["N"]
                values = rng.integers(0, top, (self.sizes["M"], 1))
                inputs.append(Input("ks", ("M", 1), "i", values, free=False))
        else:
            shapes = [("M", "N"), ("N",), ("M", 1), (1, "N"), ()]
            inputs += [
                Input(n, self.of(shapes), "f") for n in ("ys", "zs")[: int(rng.integers(1, 3))]
            ]
        closed = [s for s in (("N",), ("M", "N"), (1, "N")) if not set(s) & set(named)]
        if closed and theme in ("integers", "truths", "base", "indices") and (
            theme == "integers" or rng.random() < 0.4
        ):  # fmt: skip
            shape = tuple(self.sizes.get(n, n) for n in self.of(closed))
            values = (
                rng.integers(0, 2, shape).astype(bool)
                if theme == "truths"
                else rng.integers(-2, 3, shape)
            )
            inputs.append(Input("cs", shape, "k", values, free=False))
        if theme == "integers" and not closed:
            inputs.append(Input("cs", (), "k", rng.integers(-2, 3, ()), free=False))
        often = {"unrecorded": 1.0, "declared": 0.5}.get(theme, 0.1)
        if closed and rng.random() < often:
            shape = tuple(self.sizes.get(n, n) for n in self.of(closed))
            inputs.append(Input("ds", shape, "f", rng.integers(-4, 5, shape) / 2.0))
        self.tensors = bool(named) or theme == "unrecorded" or rng.random() < 0.3
        return Program(inputs, self.sizes, named)

    def grow(self, extra=None):
        """Steps, of which the first is of the theme."""
        words = extra or THEMES[self.theme]
        program, shelf = self.program, Shelf()
        pool = [
            ag.tensor(v, requires_grad=True) if v.dtype.kind == "f" else v
            for v in self.values(program.sizes, "inner", program)
        ]
        wanted = int(self.rng.integers(1, 4))
        last: int | None = None
        for attempt in range(60):
            if len(program.steps) == wanted:
                break
            source = words if not program.steps or self.rng.random() < 0.4 else BASE
            if (
                attempt == 0
                and self.theme in ("declared", "stopped", "domains")
                and self.rng.random() < 0.4
            ):
                source = BASE
            name = self.of(list(source))
            word = source[name]
            places = self._places(word, pool, last)
            if places is None:
                continue
            operands = [pool[p] for p in places]
            if not word.when(*operands):
                continue
            axes = max(1, operands[0].ndim)
            options = {
                "axis": int(self.rng.integers(axes)), "keep": bool(self.rng.integers(2)),
                "c": self.of([-2, 0.5, 3, 0.1]),
            }  # fmt: skip
            try:
                value = word.make(shelf, options, *operands)
            except (AutogradError, ValueError, TypeError, IndexError):
                continue
            if value.size > 30 or value.ndim > 2:
                continue
            program.steps.append((word, places, options))
            program.names.append(name)
            pool.append(value)
            if word.gives == "b" and wanted < 4:
                wanted += 1
            last = len(pool) - 1
        self._finish(pool)
        return self

    def _finish(self, pool):
        """A last step that makes numbers of truths."""
        if self.program.steps and _kind_of(pool[-1]) != "f":
            self.program.steps.append((Word("b", lambda s, o, b: number(b)), (len(pool) - 1,), {}))
            self.program.names.append("1.0 *")

    def _places(self, word, pool, last):
        places, used = [], False
        for kind in word.takes:
            have = _KINDS[kind]
            fitting = [n for n, v in enumerate(pool) if _kind_of(v) in have]
            if kind == "i":
                fitting = [n for n in fitting if n < len(self.program.inputs) and self.program.inputs[n].kind == "i"
                           and pool[n].ndim == 2]  # fmt: skip
            if not fitting:
                made = self._made(kind, pool)
                if made is None:
                    return None
                fitting = [made]
            if last in fitting and not used and self.rng.random() < 0.8:
                places.append(last)
                used = True
            else:
                places.append(self.of(fitting))
        if last is not None and not used:
            return None
        return tuple(places)

    def _made(self, kind, pool):
        """Truths and labels out of what there is."""
        shelf, program = Shelf(), self.program
        floats = [n for n, v in enumerate(pool) if _kind_of(v) == "f"]
        if kind == "b":
            word, places = TRUTHS["a > b"], (self.of(floats), self.of(floats))
            name = "a > b"
        elif kind == "i":
            lines = [n for n, i in enumerate(program.inputs) if i.kind == "i"]
            flat = [n for n in floats if pool[n].ndim == 2]
            if lines:
                name, word, places = (
                    "column",
                    Word("i", lambda s, o, k: ag.expand_dims(k, 1)),
                    (lines[0],),
                )
            elif flat:
                name, places = "argmax", (self.of(flat),)
                word = Word("f", lambda s, o, x: ag.argmax(x, 1, keepdims=True), (
                    lambda s, o, x: ag.argmin(-x, 1, keepdims=True),))  # fmt: skip
            else:
                return None
        else:
            return None
        try:
            value = word.make(shelf, {}, *(pool[p] for p in places))
        except (AutogradError, ValueError):
            return None
        program.steps.append((word, places, {}))
        program.names.append(name)
        pool.append(value)
        return len(pool) - 1

    # --- values ---------------------------------------------------------------------------

    def values(self, sizes, style, program=None, known=()):
        """Numbers for the inputs, on which the facts hold."""
        program = program or self.program
        found = []
        for i in program.inputs:
            shape = tuple(sizes.get(n, n) if isinstance(n, str) else n for n in i.shape)
            if i.captured is not None and (
                not i.free or style == "recorded" or self.tensors or np.size(i.captured) == 1
            ):  # (What is computed of it and recorded nowhere is as it is; so is a number.)
                value = np.asarray(i.captured)
            elif i.kind == "i":
                value = self.rng.integers(0, max(1, min(sizes["N"], 3)), shape)
            else:
                value = _drawn(self.rng, style, shape)
            found.append(value)
        return self.fitted(found, known, program)

    def fitted(self, values, known, program=None):
        """Values moved onto facts of x."""
        values = list(values)
        for _ in range(80 if len(known) > 1 else 1):
            for axis, value in known:
                x = values[0]
                values[0] = x + (value - x.sum(axis, keepdims=True)) / x.shape[axis]
        return values


_KINDS = {"f": "f", "b": "b", "k": "k", "i": "k"}
_WEIGHTS = (0.117, 0.14, 0.14, 0.11, 0.10, 0.12, 0.07, 0.05, 0.02, 0.03, 0.003, 0.10)


def _drawn(rng, style, shape):
    if style == "ties":
        return rng.integers(-2, 3, shape) / 2.0
    low, high = _RANGES[style]
    return np.asarray(rng.uniform(low, high, shape))


_RANGES = {
    "both": (-2.0, 2.0), "negative": (-2.0, -0.5), "positive": (0.5, 1.5), "inner": (-0.9, 0.9),
    "small": (0.01, 0.3), "far": (-5.0, 5.0), "recorded": (-1.0, 1.0),
}  # fmt: skip
STYLES = ("both", "negative", "positive", "ties", "inner", "both", "small", "far")
