"""Loop nests as instructions: which axis is a vector, what stands outside of which loop.

Every value knows how deep it must stand: inside the loops whose index it depends on, and no others.
What does not depend on the innermost axis is a scalar, computed once outside and spread over the
lanes where it meets a vector. The rest of an axis that is no multiple of the lanes is done once
more under a constant mask.

``out[10 i + j] = b[i] a[10 i + j]`` over (3, 10), in vectors of four::

    for i in 0, 1, 2:
        row = 10 i                            an address as far as i decides it
        s = b[i]                              depth 1: a scalar, outside of the loop over j
        for j in 0, 4:
            out[row + j : + 4] = spread(s) * a[row + j : + 4]
        out[row + 8 : + 4] = spread(s) * a[row + 8 : + 4]       under the mask 1100

A sum over j would be four sums in a register, from 0, added up after the loop.

`axes` arranges a nest before anything is written, and `reciprocals` takes quotients out of its loops. Then each file
knows those before it: `addresses` (index arithmetic), `values` (in which dtype, in how many lanes), `memory` (loads,
stores, gather, scatter), `folds` (sums and maxima), `loops` (what is written where), `factors` (the axes of a product),
`tails` (the same at the end of a product).
"""

from __future__ import annotations

import math

from ...kernels import Buffer, Fold, Nest
from ..assembly import Code, V
from ..machine import Machine
from .axes import Axes
from .loops import Loops
from .reciprocals import divide_once
from .tails import Tail, workspace

__all__ = ["emit_nest", "shareable", "workspace"]


def emit_nest(
    code: Code,
    machine: Machine,
    nest: Nest,
    pointers: dict[Buffer, V],
    errors: V,
    scratch: V,
    share: tuple[V, V] | None = None,
) -> None:
    """Write one nest at the present place.

    Parameters
    ----------
    pointers : dict of Buffer to V
    errors : V
        Where 1 is written if a computed index is out of range.
    scratch : V
        Memory of `workspace` bytes.
    share : (V, V), optional
        This thread's part of the nest, and the number of parts; see `shareable`.
    """
    if nest.product is not None and 0 not in nest.sizes:
        Tail(code, machine, nest, pointers, errors, share).write_product(scratch)
        return
    axes = Axes(nest)
    writer = Loops(code, machine, axes, pointers, errors, share)
    folds = axes.folds()
    if 0 in nest.sizes:  # of nothing a fold is the neutral number
        for fold in folds:
            writer.fill(fold)
        return
    axes.arrange(machine, share is not None)
    divide_once(axes)
    for fold in folds:
        if axes.in_memory(fold):
            writer.fill(fold)
    writer.write()


def shareable(nest: Nest, machine: Machine) -> bool:
    """Whether threads can share a nest, and it is large enough to be worth it."""
    p = nest.product
    if p is not None:
        # Threads' parts of a product meet where folds overlap.
        alone = not any(isinstance(statement, Fold) for statement in nest.body)
        return alone and math.prod(p.batch) * p.m * p.n * p.k >= 1 << 20
    if math.prod(nest.sizes) < 1 << 15:
        return False
    axes = Axes(nest)
    axes.arrange(machine, True)
    return axes.split is not None
