"""What of a Program is drawn, and what is known of its values: the part before any picture."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

import autograd_core as ag
from autograd_core.markup import visible
from autograd_core.program import Application, Var

from ..drawing.text import describe, number, shape_text, shorten
from .options import Options
from .source import Source

__all__ = ["Reading", "Texts"]

# Steps that change nothing where shape and dtype stay as they are; they are not drawn.
_COPIES = frozenset({"broadcast_to", "cast", "identity"})


class Texts(NamedTuple):
    """The lines on a value, whether something in it is nan or infinite, and all that is known."""

    lines: tuple[str, ...]
    warned: bool
    details: tuple[tuple[str, str], ...]


class Reading:
    """The steps of a Program that are drawn, and its values in words.

    Attributes
    ----------
    steps : list of Application
        What the drawn outputs depend on, in order.
    produced : dict of Var to int
        The step that computes a value.
    last_use : dict of Var to int
        The last step that reads it; the number of steps for an output.
    leaves : dict of Var to Tensor
        Captured tensors.
    dtype : dtype or None
        The most frequent one among floats.
    """

    def __init__(self, source: Source, options: Options) -> None:
        self.source, self.options = source, options
        self.program = source.program
        self.leaves: dict[Var, ag.Tensor] = {**dict(self.program.captures), **source.leaves}
        self.inputs = set(self.program.inputs)
        self.backward = {s.result for s in self.program if s.backward}
        self._alias: dict[Var, Var] = {}
        self.steps = self._selected()
        self.produced = {step.result: k for k, step in enumerate(self.steps)}
        self.last_use: dict[Var, int] = {}
        for k, step in enumerate(self.steps):
            for _, var in self.operands(step):
                self.last_use[var] = k
        for output in self.program.outputs:
            if isinstance(output, Var):
                self.last_use[self.real(output)] = len(self.steps)
        self.values = self._values()
        kinds = Counter(s.result.dtype for s in self.steps if s.result.dtype.kind == "f")
        self.dtype = max(kinds, key=lambda d: (kinds[d], d.itemsize)) if kinds else None

    def _selected(self) -> list[Application]:
        view = self.options.view
        roots = [o for o in self.program.outputs if isinstance(o, Var)]
        if view != "combined":
            roots = [o for o in roots if (o in self.backward) == (view == "backward")]
        if self.options.updates:
            roots += [value for _, value in self.program.writes if isinstance(value, Var)]
        needed = set(roots)
        steps = []
        for step in reversed(self.program.applications):
            if step.result not in needed or (view == "backward" and not step.backward):
                continue
            needed.update(o for o in step.operands if isinstance(o, Var))
            steps.append(step)
        steps.reverse()
        return [step for step in steps if not self._is_copy(step)]

    def _is_copy(self, step: Application) -> bool:
        result, first = step.result, step.operands[0] if step.operands else None
        if (
            step.primitive.name not in _COPIES
            or not isinstance(first, Var)
            or (first.shape, first.dtype, first.weak) != (result.shape, result.dtype, result.weak)
            or result.role
        ):
            return False
        self._alias[result] = self.real(first)
        return True

    def _values(self) -> dict[Var, Any]:
        if not self.options.values or self.source.arrays is None:
            return {}
        with np.errstate(all="ignore"):  # nan and infinity are drawn, not warned of
            return self.program.values(*self.source.arrays)

    def real(self, var: Var) -> Var:
        """The value that a copy is a copy of; else the value itself."""
        return self._alias.get(var, var)

    def operands(self, step: Application) -> list[tuple[int, Var]]:
        """The operands that are values, with their places."""
        return [(k, self.real(o)) for k, o in enumerate(step.operands) if isinstance(o, Var)]

    def leaf_count(self, step: Application) -> int:
        """How many captured tensors a step reads."""
        return sum(1 for _, var in self.operands(step) if var in self.leaves)

    def leaf_kind(self, var: Var) -> str:
        """How a leaf is drawn: a key of the style's table."""
        if var.role in ("parameter", "buffer", "target"):
            return str(var.role)
        if var.role == "dropout mask":
            return "mask"
        tensor = self.leaves.get(var)
        if tensor is None or var in self.inputs or var.role == "input":
            return "input"
        return "input" if tensor.requires_grad or var.name else "constant"

    def is_central(self, var: Var) -> bool:
        """Whether a leaf is drawn once, rather than as a token beside each reader."""
        return self.leaf_kind(var) in ("input", "target")

    def leaf_title(self, var: Var, path: tuple[str, ...] = ()) -> str:
        """A leaf's name; inside the box of its own module, of that path, the last part of it."""
        kind = self.leaf_kind(var)
        if var.name:
            owner, _, own = var.name.rpartition(".")
            # Names count from the model that was built last; more or less of it may be drawn.
            here, owned = "." + ".".join(path), f".{owner}"
            inside = owner and path and (here.endswith(owned) or owned.endswith(here))
            return shorten(own if inside else var.name, 30)
        if kind == "input":
            return "input" if len(self.program.inputs) == 1 else f"leaf {var.letter}"
        if kind == "constant" and not var.shape and var in self.values:
            return number(np.asarray(self.values[var])[()])
        return visible(var.role or kind)

    def texts(self, var: Var) -> Texts:
        """What is written about a value."""
        show = self.options.show
        lines: list[str] = []
        words: tuple[str, ...] = ()
        warned = False
        if var.parts:
            lines.append(f"{len(var.parts)} outputs")
        elif var in self.values:
            words, warned = describe(self.values[var])
        if "shape" in show and not var.parts and (var.shape or "value" not in show or not words):
            lines.append(shape_text(var.shape))
        dtype = "number" if var.weak else str(var.dtype)
        if "dtype" in show or not (var.weak or var.dtype == self.dtype):
            lines.append(f"{lines.pop()} {dtype}" if lines else dtype)
        if "value" in show:
            lines += words
        if "letter" in show:
            lines.append(f"as {var.letter}")
        details = [
            ("variable", var.letter),
            ("shape", shape_text(var.shape)),
            ("dtype", dtype),
            ("value", ", ".join(words) or "not computed"),
        ]
        details += [("name", shorten(var.name, 120))] if var.name else []
        details += [("role", shorten(var.role, 120))] if var.role else []
        return Texts(tuple(lines), warned, tuple(details))

    def gradient_lines(self, var: Var) -> tuple[str, ...]:
        """What ``.grad`` of a leaf holds, if that is asked for."""
        tensor = self.leaves.get(var)
        if "grad" not in self.options.show or tensor is None or not tensor.requires_grad:
            return ()
        if tensor.grad is None:
            return ("gradient not computed",)
        first, *rest = describe(tensor.grad.detach().numpy())[0]
        return (f"gradient {first}", *rest)
