"""From a Program to a Picture: nodes for steps, tokens for parameters, boxes for module calls.

The last that knows a model: what comes after, in `viz.drawing`, knows nodes and edges. A step becomes a
node, a call of a module a cluster. A parameter becomes a *token*, a small node beside each call that reads
it, so that its lines are short. A call of ``Linear(2, 3)`` on an input, ``x @ w + b``, becomes ::

    nodes      0 input   1 weight (token)   2 a @ b   3 bias (token)   4 a + b   5 output
    edges      0 → 2 as a, 1 → 2 as b, 2 → 4, 3 → 4, 4 → 5
    clusters   "Linear (2 → 3)", which holds 1, 2, 3 and 4

Where that is too much, calls are folded into a node each (`_depth`); what is still too much is left out in
the middle and counted in one (`_hidden`). In a picture of both parts, a step of the backward stands
opposite of the value that it differentiates, its *phase*, and a value that it reads again is the forward's
own node, by a dashed line.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from autograd_core.kinds import Random
from autograd_core.markup import visible
from autograd_core.program import Application, Literal, Var

from ..drawing.picture import Cluster, Edge, Node, Picture
from ..drawing.text import number, shorten
from .calls import BACKWARD, Calls
from .labels import arrow_labels, details_of, features, nth, size_of, title_of
from .options import Options
from .reading import Reading
from .source import Source

__all__ = ["picture_of"]


def picture_of(source: Source, options: Options) -> Picture:
    """The picture of a Program, as asked for."""
    return _Builder(Reading(source, options)).picture()


class _Unit(NamedTuple):
    """What becomes one node: a step, or a whole call folded."""

    first: int
    last: int
    call: int | None  # the folded one


class _Builder:
    """A picture as it grows, in the order of the computation: what an edge starts from is there already."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.options, self.source = reading.options, reading.source
        self.program, self.steps = reading.program, reading.steps
        self.combined = self.options.view == "combined"
        self.calls = Calls(self.steps, boxed=self.options.view != "backward")
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.clusters: list[Cluster] = []
        self.notes: list[str] = []
        self.node_of: dict[Var, int] = {}  # of each value that has one
        self.tokens: dict[tuple[Var, int | None], int] = {}  # by value and call that reads it
        self.first_token: dict[Var, int] = {}
        self.output_nodes: dict[Var, int] = {}

    def picture(self) -> Picture:
        """Draw everything, in the order of the computation."""
        units = self._units(self._depth())
        first_hidden, end_hidden = self._hidden(units)
        self._draw_inputs()
        for unit in units[:first_hidden]:
            self._draw(unit)
        if first_hidden < end_hidden:
            self._draw_hidden(units[first_hidden].first, units[end_hidden - 1].last)
        for unit in units[end_hidden:]:
            self._draw(unit)
        self._draw_outputs()
        if self.combined:
            self._face_cotangents()
        return Picture(
            shorten(self.source.title, 80),
            tuple(self.nodes),
            tuple(self.edges),
            tuple(self.clusters),
            self.options.direction,
            (*self._caption(), *self.notes),
        )

    # --- how much is drawn ------------------------------------------------------------------

    def _depth(self) -> int:
        """How many levels of calls are drawn as boxes."""
        deepest = self.calls.deepest
        if self.options.depth is not None:
            return min(self.options.depth, deepest)
        inside, folded = [0] * (deepest + 1), [0] * (deepest + 1)
        for k, step in enumerate(self.steps):
            call = self.calls.of_step[k]
            level = 0 if call is None else self.calls.all[call].level + 1
            inside[level] += 1 + self.reading.leaf_count(step)
        for entry in self.calls.all:
            if entry.level >= 0:
                folded[entry.level] += 1
        total = best = 0
        for depth in range(deepest + 1):
            total += inside[depth]
            if total + folded[depth] <= self.options.max_nodes:  # nothing is folded at the deepest
                best = depth
        if best < deepest:
            self.notes.append(
                f"Modules nested deeper than {best} are folded, to stay within "
                f"{self.options.max_nodes:,} nodes (depth=, max_nodes=)."
            )
        return best

    def _units(self, depth: int) -> list[_Unit]:
        """What is drawn, one after the other."""
        units = []
        k = 0
        while k < len(self.steps):
            call = self.calls.at_level(k, depth)
            last = k if call is None else self.calls.all[call].last
            units.append(_Unit(k, last, call))
            k = last + 1
        return units

    def _hidden(self, units: list[_Unit]) -> tuple[int, int]:
        """The units in the middle that are left out, from and up to."""
        room = self.options.max_nodes - len(self.program.inputs) - len(self.program.outputs) - 1
        costs = [
            1 + (self.reading.leaf_count(self.steps[unit.first]) if unit.call is None else 0)
            for unit in units
        ]
        left = max(room, 4)
        if sum(costs) <= left:
            return len(units), len(units)
        start, end = 0, len(units)
        while start < end and costs[start] <= left:
            left -= costs[start]
            start += 1
            if start < end and costs[end - 1] <= left:
                left -= costs[end - 1]
                end -= 1
        return start, end

    # --- boxes ------------------------------------------------------------------------------

    def _cluster(self, call: int | None) -> int | None:
        """The picture's cluster of a call; made, with those around it, when first needed."""
        for k in self.calls.chain(call):
            entry = self.calls.all[k]
            if entry.cluster is None:
                parent = None if entry.parent is None else self.calls.all[entry.parent].cluster
                self.clusters.append(Cluster(self._call_title(k), parent))
                entry.cluster = len(self.clusters) - 1
        return None if call is None else self.calls.all[call].cluster

    def _call_title(self, k: int) -> str:
        """Entry "0:Linear" as "0 · Linear (64 → 128)"."""
        call = self.calls.all[k]
        if call.level < 0:
            return BACKWARD
        name, colon, kind = call.entry.partition(":")
        title = shorten(f"{name} · {kind}" if colon else name, 60)
        again = self.calls.all[self._forward_call(k)].again
        if call.backward:
            title = f"backward of {title}"
        else:
            sizes = [features(var) for var in self._through(call.first, call.last)]
            if all(sizes):
                title += f" ({sizes[0]})" if sizes[0] == sizes[1] else f" ({' → '.join(sizes)})"
        return title if again == 1 else f"{title}, call {again}"

    def _forward_call(self, call: int) -> int:
        """The call that a call of the backward belongs to; else the call itself."""
        phase = self.calls.beginning(call).phase
        made = None if phase is None else self.reading.produced.get(self.reading.real(phase))
        return self.calls.forward_of(call, made)

    def _through(self, first: int, last: int) -> tuple[Var | None, Var | None]:
        """The main value that enters a run of steps, and the main one that leaves it.

        The first that enters and the last that leaves; batches go before single numbers.
        """
        entering: Var | None = None
        leaving: Var | None = None
        for step in self.steps[first : last + 1]:
            for _, var in self.reading.operands(step):
                inside = self.reading.produced.get(var, -1) >= first
                better = entering is None or len(entering.shape) < 2 <= len(var.shape)
                if better and not inside and var not in self.reading.leaves:
                    entering = var
            result = step.result
            better = leaving is None or len(result.shape) >= min(2, len(leaving.shape))
            if better and self.reading.last_use.get(result, -1) > last:
                leaving = result
        return entering, leaving

    # --- nodes ------------------------------------------------------------------------------

    def _add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _draw_inputs(self) -> None:
        for var in self.program.inputs:
            if var in self.reading.last_use and self.reading.is_central(var):
                self.node_of[var] = self._leaf(var, None)

    def _leaf(self, var: Var, call: int | None) -> int:
        """A leaf, within the box of a call."""
        reading = self.reading
        kind, cluster = reading.leaf_kind(var), self._cluster(call)
        title = reading.leaf_title(var, self.calls.path(call))
        texts = reading.texts(var)
        # A lone number is its own title.
        lines = () if kind == "constant" and not var.shape and texts.lines else texts.lines
        if kind in ("parameter", "input"):
            lines = (*lines, *reading.gradient_lines(var))
        return self._add(Node(kind, title, lines, cluster, texts.details, texts.warned))

    def _origin(self, var: Var, call: int | None) -> int:
        """The node from which an arrow of this value starts; a token is made where needed."""
        if var in self.node_of:
            return self.node_of[var]
        leaf = var in self.reading.leaves or var in self.reading.inputs
        if leaf and self.reading.is_central(var):
            self.node_of[var] = self._leaf(var, None)
            return self.node_of[var]
        reader_is_backward = call is not None and self.calls.all[call].backward
        if self.combined and reader_is_backward and var in self.first_token:
            # The forward's own token, by a dashed line.
            forward = None if call is None else self._forward_call(call)
            return self.tokens.get((var, forward), self.first_token[var])
        key = (var, call)
        if key not in self.tokens:
            self.tokens[key] = self._leaf(var, call) if leaf else self._saved(var, call)
            self.first_token.setdefault(var, self.tokens[key])
        return self.tokens[key]

    def _saved(self, var: Var, call: int | None) -> int:
        """A forward value, in a picture of the backward alone."""
        texts = self.reading.texts(var)
        title = shorten(var.name or var.role or f"value {var.letter}", 30)
        cluster = self._cluster(call)
        return self._add(Node("saved", title, texts.lines, cluster, texts.details, texts.warned))

    def _draw(self, unit: _Unit) -> None:
        if unit.call is None:
            self._draw_step(unit.first)
        else:
            self._draw_folded(unit.first, unit.last, unit.call)

    def _draw_step(self, k: int) -> None:
        step, call = self.steps[k], self.calls.of_step[k]
        operands = self.reading.operands(step)
        origins = [self._origin(var, call) for _, var in operands]
        texts = self.reading.texts(step.result)
        lines = texts.lines
        if "line" in self.options.show:
            lines = (*lines, shorten(step.line, 40) if step.line else "line not recorded")
        kind = "operation"
        if step.backward:
            kind = "adjoint"
        elif step.result.role == "dropout mask":
            kind = "mask"
        elif isinstance(step.primitive.kind, Random):
            kind = "random"
        details = (*texts.details, *details_of(step))
        node = Node(kind, title_of(step), lines, self._cluster(call), details, texts.warned)
        self.node_of[step.result] = place = self._add(replace(node, partner=self._partner([step])))
        labels = arrow_labels(step, operands)
        for slot, ((_, var), start) in enumerate(zip(operands, origins, strict=True)):
            self._connect(start, place, slot, var, step, labels[slot])

    def _partner(self, steps: list[Application]) -> int | None:
        """The node that backward steps stand opposite of, in a combined picture."""
        if not self.combined:
            return None
        phases = (self.reading.real(step.phase) for step in steps if step.phase is not None)
        return next((self.node_of[phase] for phase in phases if phase in self.node_of), None)

    def _connect(
        self, start: int, end: int, slot: int, var: Var, step: Application, label: str = ""
    ) -> None:
        backward = step.backward
        from_forward = var not in self.reading.backward and var not in self.source.cotangents
        saved = backward and from_forward and self.combined
        self.edges.append(Edge(start, end, slot, label, "saved" if saved else "solid", backward))

    def _draw_folded(self, first: int, last: int, call: int) -> None:
        """A whole call as one node."""
        steps = self.steps[first : last + 1]
        inside = {step.result for step in steps}
        entering: dict[Var, None] = {}
        held: dict[Var, None] = {}
        for step in steps:
            for _, var in self.reading.operands(step):
                if var in inside:
                    continue
                token = var in self.reading.leaves and not self.reading.is_central(var)
                (held if token else entering)[var] = None
        entry = self.calls.all[call]
        origins = [self._origin(var, entry.parent) for var in entering]
        leaving = self._through(first, last)[1] or steps[-1].result
        texts = self.reading.texts(leaving)
        weights = sum(size_of(var) for var in held if var.role == "parameter")
        counted = [f"{len(steps):,} operation{'s' if len(steps) > 1 else ''}"]
        counted += [f"{weights:,} parameters"] if weights and not entry.backward else []
        place = self._add(
            Node(
                "adjoint" if entry.backward else "module",
                self._call_title(call),
                (*counted, *texts.lines),
                self._cluster(entry.parent),
                (("scope", visible("/".join(steps[0].scope))), *texts.details),
                texts.warned,
                self._partner(steps),
            )
        )
        for result in inside:
            self.node_of[result] = place
        for var in held:
            self.first_token.setdefault(var, place)
        seen: set[int] = set()
        for var, start in zip(entering, origins, strict=True):
            if start not in seen:  # one arrow from each node, however many values it gives
                self._connect(start, place, len(seen), var, steps[0])
                seen.add(start)

    def _draw_hidden(self, first: int, last: int) -> None:
        """One honest node for all that did not fit."""
        around = [
            c
            for c in self.calls.chain(self.calls.of_step[first])
            if self.calls.all[c].first <= first and self.calls.all[c].last >= last
        ]
        origins: dict[int, None] = {}
        for step in self.steps[first : last + 1]:
            for _, var in self.reading.operands(step):
                if var in self.node_of:
                    origins[self.node_of[var]] = None
        count = f"{last - first + 1:,}"
        place = self._add(
            Node(
                "hidden",
                f"{count} operations not shown",
                (f"the picture is limited to {self.options.max_nodes:,} nodes",),
                self._cluster(around[-1] if around else None),
                (("operations", count),),
            )
        )
        self.edges += [Edge(start, place, slot) for slot, start in enumerate(origins)]
        for step in self.steps[first : last + 1]:
            self.node_of[step.result] = place
        self.notes.append(
            f"{count} operations in the middle are not shown (max_nodes={self.options.max_nodes})."
        )

    # --- outputs ----------------------------------------------------------------------------

    def _draw_outputs(self) -> None:
        view = self.options.view
        outputs = [
            o
            for o in self.program.outputs
            if view == "combined" or (o in self.reading.backward) == (view == "backward")
        ]
        plain = sum(1 for o in outputs if o not in self.source.gradients)
        count = 0
        for output in outputs:
            leaf = self.source.gradients.get(output) if isinstance(output, Var) else None
            if leaf is None:
                count += 1
            if isinstance(output, Literal):
                value = f"= {_literal_text(output)}"
                self._add(Node("output", nth("output", count, plain), (value,)))
            else:
                word = "output" if output not in self.reading.backward else "gradient"
                if output.role == "loss" or (output.name and output in self.reading.produced):
                    word = output.name or "loss"
                title = nth(word, count, plain)
                self._draw_output(output, shorten(title, 40), leaf)
        if self.options.updates:
            for target, new in self.program.writes:
                self._draw_write(target, new)

    def _draw_output(self, output: Var, title: str, leaf: Var | None) -> None:
        var = self.reading.real(output)
        start = self._origin(var, None)
        texts = self.reading.texts(var)
        partner = None
        if leaf is not None:
            title = f"gradient of {self.reading.leaf_title(leaf)}"
            if self.combined:
                partner = self.node_of.get(leaf, self.first_token.get(leaf))
        kind = "loss" if output.role == "loss" else "output"
        node = Node(kind, title, texts.lines, None, texts.details, texts.warned, partner)
        self.output_nodes[output] = self._add(node)
        backward = output in self.reading.backward
        self.edges.append(Edge(start, self.output_nodes[output], backward=backward))

    def _draw_write(self, target: Var, new: Any) -> None:
        """The new value of a buffer, beside what computes it."""
        if isinstance(new, Literal):
            title = self.reading.leaf_title(target)
            self._add(Node("buffer", f"{title} ←", (_literal_text(new),)))
            return
        var = self.reading.real(new)
        start = self._origin(var, None)
        made = self.reading.produced.get(var)
        call = None if made is None else self.calls.of_step[made]
        shown = [c for c in self.calls.chain(call) if self.calls.all[c].cluster is not None]
        cluster = self.calls.all[shown[-1]].cluster if shown else None
        title = self.reading.leaf_title(target, self.calls.path(shown[-1] if shown else None))
        texts = self.reading.texts(var)
        node = Node("buffer", f"{title} ←", texts.lines, cluster, texts.details, texts.warned)
        self.edges.append(Edge(start, self._add(node)))

    def _face_cotangents(self) -> None:
        """Put each cotangent opposite the output that it belongs to."""
        for cotangent, output in self.source.cotangents.items():
            place, partner = self.node_of.get(cotangent), self.output_nodes.get(output)
            if place is not None and partner is not None:
                self.nodes[place] = replace(self.nodes[place], partner=partner)

    def _caption(self) -> list[str]:
        many = len(self.steps)
        text = f"{many:,} operation{'' if many == 1 else 's'}"
        modules = sum(1 for call in self.calls.all if call.level >= 0 and not call.backward)
        if modules:
            text += f" in {modules:,} module call{'' if modules == 1 else 's'}"
        if self.reading.dtype is not None:
            text += f"; {self.reading.dtype} unless stated"
        notes = [f"{text}."]
        if self.options.values and self.source.arrays is None:
            notes.append("Values are not computed: the inputs have shapes only.")
        writes = self.program.writes
        if writes and not self.options.updates and self.options.view != "backward":
            names = [shorten(target.name or target.letter, 30) for target, _ in writes[:4]]
            names += [f"{len(writes) - 4} more"] if len(writes) > 4 else []
            notes.append(f"Not drawn: what updates {', '.join(names)} (updates=True).")
        return notes


def _literal_text(literal: Literal) -> str:
    value = literal.value
    return number(value) if isinstance(value, (bool, int, float)) else visible(value)
