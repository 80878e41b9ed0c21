"""What a step gives, without its values: what a pass asks before it writes another step."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...abstract import Abstract
from ...kinds import Elementwise, is_weak, stand_in
from ...primitives import Primitive
from ...program import Atom, Literal

__all__ = ["abstract_of", "inferred"]

_DTYPES: dict[Any, tuple[Any, bool]] = {}


def abstract_of(atom: Atom) -> Any:
    """An operand as kinds see it: an Abstract (a tuple of them for several outputs), or a number."""
    if isinstance(atom, Literal):
        return atom.value
    if atom.parts:
        return atom.parts
    return Abstract(atom.shape, atom.dtype, atom.weak)


def inferred(p: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """The result without its values; dtypes of elementwise results are looked up, not computed anew."""
    if not isinstance(p.kind, Elementwise):
        return p.abstract(operands, params)
    key = (
        p.name,
        tuple((o.dtype, o.weak) if isinstance(o, Abstract) else type(o) for o in operands),
        tuple(params.items()),
    )
    known = _DTYPES.get(key)
    if known is None:
        with np.errstate(all="ignore"):
            dtype = np.asarray(p.forward(*map(stand_in, operands), **params)).dtype
        weak = all(map(is_weak, operands)) and params.get("dtype") is None
        known = _DTYPES[key] = dtype, weak
    return Abstract(p.kind.shape(operands, params), *known)
