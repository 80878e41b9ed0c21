"""Faults that the prover had, put back: each a change of its code."""

from __future__ import annotations

import inspect
import sys
from dataclasses import replace

import numpy as np
import sympy

import autograd_core as ag
from autograd_core.errors import AutogradError
from autograd_core.program import Var
from autograd_core.symbolic import (
    decide,
    exact,
    fixed_shape,
    flows,
    indexed,
    normal_form,
    sizes as looked_at,
)
from autograd_core.symbolic.flows import through
from autograd_core.symbolic.questions import (
    composition,
    paths,
    patterns,
    remembered,
    rules,
    subjects,
)


def everywhere(patch, before, after):
    """Put one function for another wherever a module of the prover holds it, whatever it calls it."""
    held = [
        (module, name)
        for path, module in list(sys.modules.items())
        if path.startswith("autograd_core.symbolic")
        for name, value in vars(module).items()
        if value is before
    ]
    assert held, before
    for module, name in held:
        patch.setattr(module, name, after)


def captured_indices(patch):
    """A1: sums bind the very index of the axis, and terms are put for indices without a look."""

    def put(body, into):
        return body.xreplace(dict(into)) if into else body

    everywhere(patch, indexed._binder, lambda i: i)
    everywhere(patch, indexed.put, put)


def added_truths(patch):
    """A2: booleans are added as numbers."""
    for evaluator in (indexed.Indexed, exact.Exact):
        patch.setattr(evaluator, "truth", lambda self, found: found)


def nonnegative_integers(patch):
    """A3: every array of integers is one of labels."""
    like = indexed.IndexedSymbols.like

    def labels_all(self, var, name):
        if var.dtype.kind in "iu":
            return self.array(name, var.shape, integer=True, nonnegative=True)
        return like(self, var, name)

    patch.setattr(indexed.IndexedSymbols, "like", labels_all)
    patch.setattr(indexed.IndexedSymbols, "indexes", lambda self, label, n: None)


def ties_on_null_sets(patch):
    """A4: what is not zero everywhere is zero almost nowhere."""
    patch.setattr(normal_form.NormalForm, "surely", lambda self, u: True)


def facts_in_silence(patch):
    """A5: facts that were used are not listed."""
    completed = fixed_shape._completed
    patch.setattr(
        fixed_shape,
        "_completed",
        lambda part, symbols, decider, facts, named: completed(part, symbols, decider, (), named),
    )


def lost_domains(patch):
    """A6: what sympy cancels is not asked for."""
    patch.setattr(exact.OnSteps, "ask", lambda self, conditions: None)


def facts_one_by_one(patch):
    """B1: each fact is put in alone, and what it gives is free where another fact looks."""

    def solved(given, inputs):
        found = {}
        for name, fact in given:
            lines = np.moveaxis(inputs[name], fact.axis, -1)
            for at in np.ndindex(*lines.shape[:-1]):
                *rest, last = lines[at]
                found[last] = fact.value - sympy.Add(*rest)
        return found

    decider = decide.Decider.__init__

    def started(self, *args, **options):
        decider(self, *args, **options)
        self._related = set()

    patch.setattr(fixed_shape, "solved", solved)
    patch.setattr(decide.Decider, "__init__", started)
    patch.setattr(
        decide.Decider, "_point", lambda self, symbols, k: {s: self._value(s, k) for s in symbols}
    )


def operands_that_are_data(patch):
    """B2: rules are asked for by every operand, whether a gradient flows there or not.

    And a graph is refuted by its rules, without a run of the whole: since that is run, the first alone
    makes no verdict false, and the second alone is found, too.
    """
    of = patterns.Pattern.of

    def of_all(step, use, known):
        every = tuple(
            n for n, o in enumerate(step.operands) if isinstance(o, Var) and o.dtype.kind == "f"
        )
        return of(step, replace(use, asked=every), known)

    def whole(self, position):
        return self.verdict.status, self.verdict.reason

    patch.setattr(patterns.Pattern, "of", of_all)
    patch.setattr(patterns.Decided, "at", whole)
    patch.setattr(composition, "_run", lambda verdict, statement: verdict)


def witnesses_anywhere(patch):
    """B3: a witness may lie where a step is not defined."""
    patch.setattr(decide.Decider, "_meet", lambda self, enclosure: None)


def paths_without_a_rule(patch):
    """C1: a step without a rule leads nowhere."""
    patch.setattr(paths, "through", lambda step: through(step) and step.primitive.differentiable)


def rules_at_ties(patch):
    """C2: rules compose at their kinks."""
    patch.setattr(patterns.Pattern, "_at_ties", lambda self, decided, remaining: decided)


def default_params(patch):
    """C3: what has no reading at every size is decided at the primitive's own params."""

    def decided(self, remaining):
        try:
            found = rules.decide_rule(
                self.primitive, self.operands, self.params, self.use, method="INDEXED",
                **remaining.options,
            )  # fmt: skip
        except (AutogradError, ValueError, IndexError, TypeError):
            found = None
        if found is None or found.status == "UNDECIDED":
            found = rules.rule(self.primitive, **remaining.options)
        return patterns.Decided(self.primitive.name, self.use.asked, found, ())

    patch.setattr(patterns.Pattern, "_decide", decided)


def every_cotangent(patch):
    """C4: every output has a cotangent."""
    of = patterns.Pattern.of

    def of_all(step, use, known):
        return of(
            step, replace(use, outputs=tuple(range(len(step.result.parts or (None,))))), known
        )

    patch.setattr(patterns.Pattern, "of", of_all)


def kept_by_text(patch):
    """C5: what was decided is kept by the text of the rules."""

    def of(self, p, *parts):
        return (
            p.name,
            *(inspect.getsource(r) for r in (p.vjp if isinstance(p.vjp, tuple) else (p.vjp,)) if r),
        )

    patch.setattr(remembered.Remembered, "of", of)


def sizes_not_looked_for(patch):
    """D1: that code asks about sizes is not seen."""
    everywhere(patch, looked_at.decide_apart, lambda *_: [])


def doubled_biases(patch):
    """D2: the walk on arrays is not that on tensors."""
    patch.setattr(ag.graph, "_ones", lambda rows, dtype: 2 * np.ones(rows, dtype))


def held_in_silence(patch):
    """D3: what is held constant is not said."""
    everywhere(patch, flows.held, lambda *a, **k: [])


def misread_code(patch):
    """D4: code is taken to be its formula. (Nothing but the second look is in between.)"""


def leaves_as_they_are_met(patch):
    """x - y and y - x, each of the leaf that is met first."""
    subject = subjects.subject

    def own(operation, loss, wrt, args, given, sides=()):
        return subject(
            operation, loss, wrt, args, given, [loss, *(s for s in sides if s is not loss)]
        )

    everywhere(patch, subjects.subject, own)
