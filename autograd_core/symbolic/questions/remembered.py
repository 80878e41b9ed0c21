"""Verdicts that were found before, under names that agree while the code is the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ...fingerprints import CodeHash
from ...primitives import REGISTRY, Primitive
from ...shapes import Dim
from ...shelves import ARRAYS, TENSORS

__all__ = ["Remembered"]

T = TypeVar("T")

_VERDICTS: dict[Any, Any] = {}


class Remembered:
    """Names for what was decided before, which agree while the code is the same.

    All code of the engine counts: rules, walk, formulas, readings. Primitives that are declared
    elsewhere count for each other, since their rules may use them, and for nothing of the engine's.
    """

    def __init__(self, bounds: Sequence[Dim] = ()) -> None:
        self.bounds = bounds  # of the sizes of the model's own steps
        package = __name__.split(".")[0]
        shelf = {name: _record(f) for name, f in vars(TENSORS).items()}
        self._others = {  # some may be gone from the registry, and still lie on the shelves
            name: p
            for name, p in (shelf | REGISTRY).items()
            if p is not None and not f"{p.function.__module__}.".startswith(f"{package}.")
        }
        tables = [
            {name: value for name, value in table.items() if name not in self._others}
            for table in (vars(ARRAYS), vars(TENSORS), REGISTRY)
        ]
        self._code = CodeHash(package, *tables)

    def kept(self, key: Any, decide: Callable[[], T], proved: Callable[[T], bool]) -> T:
        """What was decided before under a key, or is decided now; what is ``proved`` is kept."""
        if key not in _VERDICTS:
            decided = decide()
            if not proved(decided):
                return decided
            _VERDICTS[key] = decided
        verdict: T = _VERDICTS[key]
        return verdict

    def key(self, *parts: Any) -> str:
        """What a verdict depends on."""
        return self._code.of(*parts)

    def of(self, p: Primitive, *parts: Any) -> str:
        """What a verdict on a primitive's rules depends on."""
        own = REGISTRY.get(p.name) is p and p.name not in self._others
        return self.key(p, None if own else self._others, *parts)


def _record(public: Any) -> Primitive | None:
    """The primitive that a public function records, if it is one."""
    cells = [c.cell_contents for c in getattr(public, "__closure__", None) or ()]
    return next((c for c in cells if isinstance(c, Primitive) and c.function is public), None)
