"""The examples at the heads of the compiler's hardest files are what the code does."""

from __future__ import annotations

import re

import numpy as np

import autograd_core as ag
from autograd_core.compiler.fusion.scheduler import schedule
from autograd_core.compiler.kernels import Compute, Fold, Load, Store
from autograd_core.compiler.native import nests
from autograd_core.compiler.native.assembly import Code, V
from autograd_core.compiler.native.machine import Machine
from autograd_core.compiler.native.products import plans
from autograd_core.compiler.passes import simplified

AVX2 = Machine("", "", width=32, registers=16)  # four doubles to a register


def _kernels(function, *arrays):
    program, *_ = simplified(ag.trace(function)(*arrays))
    return schedule(program, len(arrays), computes=lambda step: True).kernels


def _body(nest):
    """A line for each statement: what is done, where, with which strides."""
    for s in nest.body:
        if isinstance(s, Compute):
            yield s.primitive.name
        else:
            verb = {Load: "load", Store: "store", Fold: "fold"}[type(s)]
            yield f"{verb} {s.access.buffer} {s.access.offset} {s.access.strides}"


def test_four_steps_are_two_kernels_and_no_transpose():
    def columns(a):
        c = ag.exp(ag.transpose(a))
        return c / ag.sum(c, axis=1, keepdims=True)

    first, second = _kernels(columns, np.ones((5, 3)))
    assert first.sizes == second.sizes == [3, 5]
    assert list(_body(first)) == [
        "load argument0 0 [1, 3]",
        "exp",
        "fold scratch1 0 [1, 0]",
        "store scratch2 0 [5, 1]",
    ]
    assert list(_body(second)) == [
        "load scratch2 0 [5, 1]",
        "load scratch1 0 [1, 0]",
        "divide",
        "store output0 0 [5, 1]",
    ]


def _code(function, *arrays):
    (nest,) = _kernels(function, *arrays)
    code, pointer = Code(), V("%memory", "ptr")
    pointers = {a.buffer: V(f"%{a.buffer}", "ptr") for a, _ in nest.accesses()}
    nests.emit_nest(code, AVX2, nest, pointers, pointer, pointer)
    return "\n".join(code.lines)


def test_what_does_not_depend_on_the_innermost_axis_is_a_scalar_outside_of_it():
    text = _code(lambda a, b: b[:, None] * a, np.ones((3, 10)), np.ones(3))
    outer, inner, rest = re.split(r"\n(?:loop7|done8):\n", text)
    assert "load double" in outer
    assert "mul i64 %i3, 10" in outer
    assert "fmul <4 x double>" in inner
    assert "load double" not in inner
    assert inner.endswith(", 8\n  br i1 %v19, label %loop7, label %done8")
    mask = "<i1 true, i1 true, i1 false, i1 false>"
    assert re.search(rf"masked\.store.*{mask}", rest)
    text = _code(lambda a: ag.sum(a, axis=1), np.ones((3, 10)))
    assert "phi <4 x double> [ splat (double 0x0000000000000000)" in text


def test_a_product_is_panels_of_tiles():
    n = 96
    plan = plans.planned(AVX2, "double", n, n, n, (n, 1), (n, 1), True)
    assert plan.way == "panels"
    assert (plan.rows, plan.vectors, plan.lanes, plan.group) == (6, 2, 4, 6)
    assert (plan.depth, plan.block, plan.packed, plan.by_rows) == (n, n, False, False)
    n = 128
    assert plans.planned(AVX2, "double", n, n, n, (n, 1), (n, 1), True).packed
