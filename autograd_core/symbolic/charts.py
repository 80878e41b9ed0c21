"""Factorizations, read on coordinates in which the matrix and its factors are rational.

Eigenvectors and singular vectors are roots of polynomials in the entries of their matrix, but the
entries are rational functions of the factors: a = v diag(w) vᵀ. So a matrix whose entries are
inputs is written as the product of its factors, and the derivative of anything by these entries is
found from its derivatives along the coordinates, by the chain rule.

Orthonormal columns are coordinated by Cayley's transform: with K = [[X, -Yᵀ], [Y, 0]] and X
antisymmetric, they are the first columns of (1 - K)(1 + K)⁻¹, times a sign for each column. Every
matrix u of orthonormal columns, with u₁ its square upper part, is of this form: the determinant of
1 + u₁ D is a polynomial in the signs D with a term that is their product and no squares, so it is
not zero for all signs at once, and where it is not zero, Y and X follow from u₁ and the rest of u.
So every matrix of the domain is covered, with every sign that LAPACK may choose.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from ..errors import ProofError
from .assumed import Fact
from .atoms import Side

__all__ = ["FACTORIZATIONS", "Chart", "Charts"]


@dataclass(frozen=True)
class Chart:
    """A matrix of inputs as a function of coordinates.

    Attributes
    ----------
    entries : dict of Symbol to expression
        What each entry that is read stands for.
    coordinates : tuple of Symbol
        As many as entries.
    """

    entries: dict[sympy.Symbol, sympy.Expr]
    coordinates: tuple[sympy.Symbol, ...]

    @functools.cached_property
    def along(self) -> dict[sympy.Symbol, dict[sympy.Symbol, sympy.Expr]]:
        """For each coordinate the derivative of each entry by it."""
        return {c: {s: sympy.diff(e, c) for s, e in self.entries.items()} for c in self.coordinates}

    def slopes(self, point: Mapping[sympy.Symbol, Fraction]) -> sympy.Matrix:
        """Derivatives of the coordinates (rows) by the entries at a rational point.

        Raises
        ------
        ValueError
            If the coordinates do not determine them there.
        """
        at = {c: sympy.Rational(str(point[c])) for c in self.coordinates}
        columns = [self.along[c].values() for c in self.coordinates]
        return sympy.Matrix([[e.xreplace(at) for e in column] for column in columns]).T.inv()

    def is_regular(self) -> bool:
        """Whether derivatives along the coordinates determine those by the entries, everywhere.

        The determinant of the Jacobian is a rational function: as it is not zero at one point, it
        is zero on a null set at most, and there by continuity.
        """
        draw = random.Random(0)
        for _ in range(4):
            try:
                self.slopes({c: Fraction(draw.randint(1, 64), 16) for c in self.coordinates})
            except ValueError:
                continue
            return True
        return False


class Charts:
    """The charts of one proof, and the factors that have been read on them.

    Parameters
    ----------
    fresh : callable
        Makes arrays of new symbols, by name and shape.
    facts : dict of Fact
        Gets what the readings take as given; in order, each once.

    Attributes
    ----------
    all : list of Chart
    sides : set of Symbol
        Symbols whose side of 0 is the sign of a column: nothing is differentiated by them.
    """

    def __init__(self, fresh: Callable[..., Any], facts: dict[Fact, None]) -> None:
        self.all: list[Chart] = []
        self.sides: set[sympy.Symbol] = set()
        self.facts = facts
        self._fresh = fresh
        self._factors: dict[Any, tuple[Any, ...]] = {}

    @property
    def entries(self) -> dict[sympy.Symbol, sympy.Expr]:
        """What each entry of a matrix that has been factored stands for."""
        return {s: e for chart in self.all for s, e in chart.entries.items()}

    def values(self, point: Mapping[str, Fraction]) -> dict[str, Fraction]:
        """The entries, by name, where the coordinates have these values; exact."""
        found = {}
        for s, e in self.entries.items():
            if all(c.name in point for c in e.free_symbols):
                at = {c: sympy.Rational(str(point[c.name])) for c in e.free_symbols}
                value = e.xreplace(at)
                found[s.name] = Fraction(int(value.p), int(value.q))
        return found

    def factors(self, name: str, a: Any, params: Mapping[str, Any]) -> tuple[Any, ...]:
        """The factors of a matrix, or of a batch of them, whose entries are inputs.

        Raises
        ------
        ProofError
            If an entry is not a symbol of its own, or has been factored in another way.
        """
        lead = a.shape[:-2]
        found = [self._of_one(name, a[i], params) for i in np.ndindex(*lead)]
        return tuple(
            np.array(parts, object).reshape(*lead, *parts[0].shape)
            for parts in zip(*found, strict=True)
        )

    def _of_one(self, name: str, a: Any, params: Mapping[str, Any]) -> tuple[Any, ...]:
        key = (name, a.shape, tuple(a.flat), tuple(sorted(params.items())))
        if key not in self._factors:
            plain = all(e.is_Symbol for e in a.flat) and len(set(a.flat)) == a.size
            if not plain or not self.entries.keys().isdisjoint(a.flat):
                raise ProofError(
                    "symbolic",
                    f"{name} was given a matrix that is computed, or that has been factored in "
                    "another way. Expected an input, as it is: it is written as the product of its "
                    f"factors. Prove the rule with prove.rule({name!r}), and the whole with prove.graph.",
                )
            matrix, coordinates, factors = FACTORIZATIONS[name](self, a.shape, **params)
            read = {s: e for s, e in zip(a.flat, matrix.flat, strict=True) if e is not None}
            chart = Chart(read, tuple(coordinates))
            if not chart.is_regular():
                raise ProofError("symbolic", f"{name} at {a.shape} has no coordinates of its own.")
            self.all.append(chart)
            self._factors[key] = factors
        return self._factors[key]

    # --- factors ------------------------------------------------------------------------------

    def orthonormal(self, n: int, m: int) -> tuple[Any, Any, list[sympy.Symbol]]:
        """Any n by m matrix of orthonormal columns, but for their signs; those; and coordinates."""
        turns = self._fresh("turn", (n * m - m * (m + 1) // 2,))
        k = sympy.zeros(n, n)
        places = ((i, j) for j in range(m) for i in range(j + 1, n))
        for (i, j), turn in zip(places, turns, strict=True):
            k[i, j], k[j, i] = turn, -turn
        one = sympy.eye(n)
        below = (one + k).det(method="berkowitz").expand()
        above = ((one - k) * (one + k).adjugate()).expand()
        columns = np.array(above[:, :m].tolist(), object).reshape(n, m) / below
        sides = self._fresh("side", (m,))
        self.sides.update(sides)
        return columns, np.array([Side(s) for s in sides], object), list(turns)

    def eigh(self, shape: tuple[int, ...], UPLO: str) -> Any:
        """Distinct eigenvalues, in any order, and eigenvectors."""
        n = shape[-1]
        v, signs, coordinates = self.orthonormal(n, n)
        w = self._fresh("eigenvalue", (n,))
        matrix = (v * w) @ v.T
        matrix[np.triu_indices(n, 1) if UPLO == "L" else np.tril_indices(n, -1)] = None
        self.facts[Fact("eigenvalues", of="eigh")] = None
        self.facts[Fact("signs", ("eigenvector",), "eigh")] = None
        return matrix, [*coordinates, *w], (w, v * signs)

    def svd(self, shape: tuple[int, ...]) -> Any:
        """Distinct singular values that are not 0, in any order, and singular vectors."""
        k = min(shape)
        u, left, turns = self.orthonormal(shape[0], k)
        v, right, others = self.orthonormal(shape[1], k)
        s = self._fresh("stretch", (k,))  # the singular values, with signs
        self.facts[Fact("singular values", of="svd")] = None
        self.facts[Fact("signs", ("pair of singular vectors",), "svd")] = None
        return (u * s) @ v.T, [*turns, *others, *s], (u * left, s * left * right, (v * right).T)

    def qr(self, shape: tuple[int, ...]) -> Any:
        """An upper triangle with no 0 on its diagonal."""
        n, m = shape
        q, signs, coordinates = self.orthonormal(n, m)
        r = self._fresh("r", (m, m))
        r[np.tril_indices(m, -1)] = sympy.S.Zero
        self.facts[Fact("rank", of="qr")] = None
        self.facts[Fact("signs", ("column",), "qr")] = None
        free = list(r[np.triu_indices(m)])
        return q @ r, [*coordinates, *free], (q * signs, signs[:, None] * r)


# Primitive -> its matrix on a chart (None: an entry that is not read), coordinates and factors.
FACTORIZATIONS: dict[str, Callable[..., Any]] = {
    "eigh": Charts.eigh,
    "qr": Charts.qr,
    "svd": Charts.svd,
}
