"""What the engine can differentiate, function by function; found by walking its registries."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import autograd_core as ag
from autograd_core import functional, ops
from autograd_core.fingerprints import text_hash
from autograd_core.ops.kinks import KINKS
from autograd_core.symbolic import Verdict, prove
from autograd_core.symbolic.assumed import FORMULAS
from autograd_core.symbolic.uses import NO_PART
from autograd_core.tensors import NUMPY

__all__ = ["Function", "Proof", "kinks", "listed", "primitives", "proof"]

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

    @property
    def primitive(self) -> str:
        """The primitive's name in the registry; empty for a composite."""
        return _primitive(self.name) if self.made == "primitive" else ""


@dataclass(frozen=True)
class Proof:
    """What is decided of a primitive's rules, and how.

    Attributes
    ----------
    name, kind : str
    status : str
        That of the verdict; "no gradient" for a primitive without rules.
    scope : str
        "every size", "fixed shapes", or both.
    reason : str
        Why it is not PROVED, not at every size, or has no gradient.
    given : str
        What the proof takes as given.
    seconds : float
    """

    name: str
    kind: str
    status: str
    scope: str = ""
    reason: str = ""
    given: str = ""
    seconds: float = 0.0


def kinks() -> dict[str, str]:
    """The conventions of `autograd_core.ops.kinks`, by function."""
    found: dict[str, list[str]] = {}
    for kink in KINKS:
        said = f"{kink.at}: {kink.derivative}" if kink.at else kink.derivative
        for name in kink.functions:
            found.setdefault(name, []).append(said)
    return {name: "; ".join(said) for name, said in found.items()}


def listed() -> list[Function]:
    """Every public function of the engine that takes arrays, in order of name."""
    names: dict[str, Any] = {
        n: getattr(ag, n) for n in (*vars(ops)["__all__"], *vars(functional)["__all__"])
    }
    names = {n: f for n, f in names.items() if callable(f) and not isinstance(f, type)}
    for family in ("linalg", "special", "signal"):
        module = getattr(ag, family)
        members = {n: getattr(module, n) for n in module.__all__}
        names |= {f"{family}.{n}": f for n, f in members.items() if f not in names.values()}
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


# Why a primitive has no rules, unless its values are whole numbers or booleans.
_WITHOUT = {
    "eye": "it depends on its size alone",
    "random_bits": "its values are random whole numbers",
    "stop_gradient": "its derivative is left out, by definition",
}
_SINCE = frozenset({"entries", "no reading"})  # facts that say why it is decided entry by entry


def primitives() -> list[str]:
    """Every registered primitive, public or not, in order of name."""
    return sorted(ag.REGISTRY)


def readings() -> tuple[list[str], list[list[str]]]:
    """What each evaluator has for each primitive of the engine: the evaluators, and a row a primitive.

    "own": a rule of its own. "kind": that of its kind. "absent": none, for a reason that is stated. Empty:
    none, where none is needed.
    """
    from autograd_core.compiler import (  # they register what they have
        backends,
        fusion,
        straight_line,
    )
    from autograd_core.readings import READINGS

    del backends, fusion, straight_line
    own = [p for n, p in sorted(ag.REGISTRY.items()) if _is_of_the_engine(p)]
    table = [[p.name, type(p.kind).__name__, *(r.how(p) for r in READINGS.values())] for p in own]
    return ["primitive", "kind", *READINGS], table


def _is_of_the_engine(p: ag.Primitive) -> bool:
    return str(p.function.__module__).startswith("autograd_core.")


def proof(name: str) -> Proof:
    """Decide the rules of a registered primitive; kept for as long as the rules are the same."""
    p = ag.REGISTRY[name]
    kind = type(p.kind).__name__
    if not p.differentiable:
        reason = _WITHOUT.get(name, "its values are whole numbers or booleans")
        return Proof(name, kind, "no gradient", reason=reason)
    if p.picks:
        return _of_outputs(kind)
    verdict = _decided(name, text_hash((p.vjp, p.kind, p.meaning, p.forward)))
    methods = {leaf.method for leaf in verdict.leaves.values()}
    scopes = (("INDEXED", "every size"), ("EXACT", "fixed shapes"))
    since = [f for f in verdict.facts if f.kind in _SINCE]
    return Proof(
        name,
        kind,
        verdict.status,
        " and ".join(scope for method, scope in scopes if method in methods),
        verdict.reason if verdict.status != "PROVED" else "; ".join(f.about[-1] for f in since),
        "; ".join(str(f) for f in verdict.facts if f.kind not in _SINCE and f != FORMULAS),
        verdict.seconds,
    )


@functools.cache
def _decided(name: str, code: str) -> Verdict:
    return prove.rule(name)


def _of_outputs(kind: str) -> Proof:
    """`pick` has no rule that is called: it is decided with the primitives whose outputs it picks."""
    users = [p.name for p in ag.REGISTRY.values() if p.outputs > 1 and p.differentiable]
    proofs = [proof(name) for name in sorted(users)]
    # (Of the others no rule took part there.)
    deciding = [p for p in proofs if p.reason != NO_PART.format(p.name)]
    open_ = [p for p in deciding if p.status != "PROVED"]
    return Proof(
        "pick",
        kind,
        open_[0].status if open_ else "PROVED",
        "fixed shapes",
        f"the walk does its work: decided with {', '.join(p.name for p in open_ or deciding)}",
    )
