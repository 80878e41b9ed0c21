"""A product's axes before anything is written: which are its rows and columns, which are loops around it.

An operand of a product is an index map: a stride for each axis of the domain, and for each axis that is summed over. The
windows of an image are such a map, so a convolution is a product. Axes that all accesses walk through in one stride are
one. Of several that are left one is the rows, or the columns, of a product of two matrices, and the
others are loops around it; of those that are summed over, the last one is its steps and the others are rounds of them.

A convolution of two channels of 5 by 5 with 3 by 3, eight images side by side: rows are the kernels, columns
(place, place, image), of which the last two are one axis; so three products, one for each line of places::

    for i in 0, 1, 2:
        C[kernel, 24 columns] = Σ c Σ u Σ v  A[kernel, (c, u, v)] B[(c, u, v), 24 columns]   2 · 3 rounds of 3 steps
"""

from __future__ import annotations

import math

from ...kernels import Nest, Product, refined, refitted, without_ones
from ..products import Round
from .axes import Axes

__all__ = ["Factors"]

FEW = 12  # columns of which dots are taken at once


class Factors:
    """What is left of a product's axes: loops around a product of matrices, and its rounds.

    Parameters
    ----------
    nest : Nest
    axes : Axes
        Of the body that is written on the product's parts; it is brought into the same order.

    Attributes
    ----------
    loops : tuple of int
        Sizes of the axes around the product of matrices.
    m, n, k : int
        Of the product of matrices.
    rows : tuple of int
        Sizes of the axes of the body that its rows are.
    rounds : tuple of Round
    a, b : list of int
        Strides over the loops, and then (m, k) or (k, n).
    """

    def __init__(self, nest: Nest, axes: Axes) -> None:
        p = nest.product
        assert p is not None  # noqa: S101
        fine = refined(without_ones(tuple(nest.sizes)), without_ones(p.sizes))
        assert fine is not None  # noqa: S101
        cut = len(p.sizes)
        a, b = (refitted(x.strides[:cut], p.sizes, fine) for x in (p.a, p.b))
        for s in axes.strides.values():
            s[:] = refitted(s, nest.sizes, fine)
        maps = [a, b, *axes.strides.values()]
        kinds = _kinds(fine, p)
        i = 0
        while i + 1 < len(fine):
            inner = fine[i + 1]
            if kinds[i] == kinds[i + 1] and all(s[i] == s[i + 1] * inner for s in maps):
                fine[i : i + 2] = [fine[i] * inner]
                del kinds[i]
                for s in maps:
                    del s[i]
            else:
                i += 1
        for kind, at in (("rows", None), ("columns", len(fine))):
            if kind not in kinds:
                at = len(fine) - kinds.count("columns") if at is None else len(fine)
                fine.insert(at, 1)
                kinds.insert(at, kind)
                for s in maps:
                    s.insert(at, 0)
        self._steps(p, cut)
        rows = [i for i, kind in enumerate(kinds) if kind == "rows"]
        columns = [i for i, kind in enumerate(kinds) if kind == "columns"]
        # Rows that A walks through in one stride are those of one product, whatever the body does with them.
        runs = [[rows[0]]]
        for i in rows[1:]:
            if a[i - 1] == a[i] * fine[i]:
                runs[-1].append(i)
            else:
                runs.append([i])
        row = max(runs, key=lambda run: math.prod(fine[i] for i in run))
        column = columns[-1]
        if b[column] != 1 and self._b_step == 1:  # dots, of a few columns at once
            column = max(columns, key=lambda i: (fine[i] if fine[i] <= FEW else 0, i))
        around = [i for i, kind in enumerate(kinds) if kind == "batch"]
        around += [i for i in (*columns, *rows) if i not in (*row, column)]
        order = [*around, *row, column]
        axes.sizes = [fine[i] for i in order]
        for s in axes.strides.values():
            s[:] = [s[i] for i in order]
        self.loops = tuple(fine[i] for i in around)
        self.rows = tuple(fine[i] for i in row)
        self.m, self.n = math.prod(self.rows), fine[column]
        self.a = [*(a[i] for i in around), a[row[-1]], self._a_step]
        self.b = [*(b[i] for i in around), self._b_step, b[column]]

    def _steps(self, p: Product, cut: int) -> None:
        """The axes that are summed over: neighbours that both operands walk through in one stride are one."""
        steps = [
            [n, a, b]
            for n, a, b in zip(p.terms, p.a.strides[cut:], p.b.strides[cut:], strict=True)
            if n != 1
        ]
        merged: list[list[int]] = []
        for n, a, b in steps:
            if merged and merged[-1][1] == a * n and merged[-1][2] == b * n:
                merged[-1] = [merged[-1][0] * n, a, b]
            else:
                merged.append([n, a, b])
        *rounds, (self.k, self._a_step, self._b_step) = merged or [[p.k, 1, 1]]
        self.rounds = tuple(Round(*r) for r in rounds)


def _kinds(sizes: list[int], p: Product) -> list[str]:
    """Of each axis, from the last one on: whether it is of the columns, of the rows or of the batch."""
    kinds, total = [], 1
    for n in reversed(sizes):
        total *= n
        kinds.append("columns" if total <= p.n else "rows" if total <= p.m * p.n else "batch")
    return kinds[::-1]
