"""What the engine can differentiate, function by function; found by walking its registries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import autograd_core as ag
from autograd_core import functional, ops
from autograd_core.ops import piecewise
from autograd_core.symbolic import prove
from autograd_core.tensors import NUMPY

__all__ = ["Function", "kinks", "listed", "verdict"]

# Composites that give booleans, integers or constants, whatever they are made of.
_CONSTANT = frozenset(
    [
        "all",
        "any",
        "argmin",
        "full_like",
        "imag",
        "isclose",
        "iscomplex",
        "isreal",
        "logical_and",
        "logical_or",
        "logical_xor",
        "one_hot",
        "ones_like",
        "signbit",
        "zeros_like",
    ]
)
# A composite that only hands its operands, in another form, to one primitive.
_THROUGH = {"concatenate": "concatenate_", "einsum": "einsum_", "getitem": "gather"}


@dataclass(frozen=True)
class Function:
    """A row of the table.

    Attributes
    ----------
    name : str
        As in ``ag.name``: ``linalg.inv``, ``special.gamma``, ``stats.norm.logpdf``.
    made : str
        "primitive" or "composite".
    kind : str
        Of a primitive: Elementwise, View, Reduce …
    numpy : str
        NumPy's function that, given a Tensor, comes here.
    kink : str
        The convention where the derivative jumps or has a pole, if there is one.
    differentiable : bool
    """

    name: str
    made: str
    kind: str
    numpy: str
    kink: str
    differentiable: bool


def kinks() -> dict[str, str]:
    """The table of conventions in `autograd_core.ops.piecewise`, by function."""
    found: dict[str, str] = {}
    table = re.split(r"^=+ .*=$\n", piecewise.__doc__ or "", flags=re.MULTILINE)[2]
    for line in table.splitlines():
        names, at, what = re.split(r"\s{2,}", line.strip(), maxsplit=2)
        for name in names.split(","):
            found[name.strip()] = what if at == "--" else f"{at}: {what}"
    return found


def listed() -> list[Function]:
    """Every public function of the engine that takes arrays, in order of name."""
    names: dict[str, Any] = {
        n: getattr(ag, n) for n in (*vars(ops)["__all__"], *vars(functional)["__all__"])
    }
    names = {n: f for n, f in names.items() if callable(f) and not isinstance(f, type)}
    for family in ("linalg", "special", "signal"):
        module = getattr(ag, family)
        found = {n: getattr(module, n) for n in module.__all__}
        names |= {f"{family}.{n}": f for n, f in found.items() if f not in names.values()}
    names |= {f"stats.{n}": f for n, f in _distributions().items()}
    by_function: dict[int, list[str]] = {}
    for theirs, ours in NUMPY.items():
        by_function.setdefault(id(ours), []).append(_numpys(theirs))
    conventions = kinks()
    rows = []
    for name, function in names.items():
        p = ag.REGISTRY.get(_THROUGH.get(name, _primitive(name)))
        rows.append(
            Function(
                name,
                "primitive" if p is not None and name not in _THROUGH else "composite",
                type(p.kind).__name__ if p is not None and name not in _THROUGH else "",
                ", ".join(sorted(by_function.get(id(function), []))),
                conventions.get(name, ""),
                p.differentiable if p is not None else name not in _CONSTANT,
            )
        )
    return sorted(rows, key=lambda row: row.name)


def _primitive(name: str) -> str:
    """The name that a public function has in the registry, if it is a primitive."""
    family, _, rest = name.partition(".")
    return rest if family == "special" and rest in ops.special.__all__ else name


def _distributions() -> dict[str, Any]:
    """The functions of every distribution, such as ``norm.logpdf``."""
    found: dict[str, Any] = {}
    for family in sorted(set(ag.stats.__all__) - {"Continuous"}):
        distribution = getattr(ag.stats, family)
        kind = distribution if isinstance(distribution, type) else type(distribution)
        found |= {
            f"{family}.{n}": getattr(distribution, n)
            for n, f in vars(kind).items()
            if not n.startswith("_") and isinstance(f, (staticmethod, FunctionType))
        }
    return found


def _numpys(function: Any) -> str:
    if isinstance(function, str):  # one of SciPy's ufuncs
        return function
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module.replace('numpy', 'np', 1)}.{function.__name__}"


def verdict(function: Function) -> tuple[str, str]:
    """The verdict on a primitive's rules, and the reason where they are not proved.

    A composite has no rule of its own: its verdict is "by its parts".
    """
    if function.made == "composite":
        return ("by its parts" if function.differentiable else ""), ""
    if not function.differentiable:
        return "", ""
    found = prove.rule(_primitive(function.name))
    return found.status, found.reason if found.status != "PROVED" else ""
