"""The engine: tensors that remember how they were made, and everything that reads the record.

See ``autograd_core/README.md`` for one page on how it works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any as _Any

from . import (
    allocation as _allocation,
    array_api as array_api,
    errors as errors,
    functional as _functional,
    introspect as introspect,
    ops as ops,
    storage as storage,
    transforms as _transforms,
)
from .abstract import Abstract as Abstract
from .aliases import ArrayLike as ArrayLike
from .array_api import from_dlpack as from_dlpack
from .compiler import jit as jit, static as static
from .context import (
    detect_anomaly as detect_anomaly,
    enable_grad as enable_grad,
    named_scope as named_scope,
    no_grad as no_grad,
)
from .errors import *
from .functional import *
from .functional import (
    linalg as linalg,
    signal as signal,
    special as special,
    stats as stats,
)
from .functional.constants import *
from .kinds import (
    Contract as Contract,
    Elementwise as Elementwise,
    Gather as Gather,
    Kind as Kind,
    Loop as Loop,
    Opaque as Opaque,
    Random as Random,
    Reduce as Reduce,
    Scan as Scan,
    View as View,
)
from .ops import *
from .ops import absolute as abs
from .primitives import (
    REGISTRY as REGISTRY,
    ZERO as ZERO,
    Primitive as Primitive,
    composite as composite,
    primitive as primitive,
)
from .program import Program as Program
from .replay import Replay as Replay
from .shapes import Dim as Dim, dims as dims
from .storage import load_arrays as load, save as save
from .tensors import Tensor as Tensor, mark as mark, tensor as tensor
from .tracing import trace as trace
from .transforms import *

if not TYPE_CHECKING:  # type checkers follow the stars above, not a list that is put together
    __all__ = (
        errors.__all__
        + _functional.__all__
        + _functional.constants.__all__
        + ops.__all__
        + _transforms.__all__
        + [
            "Abstract",
            "ArrayLike",
            "Contract",
            "Dim",
            "Elementwise",
            "Gather",
            "Kind",
            "Loop",
            "Opaque",
            "Primitive",
            "Program",
            "REGISTRY",
            "Random",
            "Reduce",
            "Replay",
            "Scan",
            "Tensor",
            "View",
            "ZERO",
            "abs",
            "array_api",
            "composite",
            "detect_anomaly",
            "dims",
            "enable_grad",
            "errors",
            "from_dlpack",
            "introspect",
            "jit",
            "linalg",
            "load",
            "mark",
            "named_scope",
            "no_grad",
            "ops",
            "primitive",
            "save",
            "signal",
            "special",
            "stats",
            "storage",
            "tensor",
            "trace",
        ]
    )

# What users of other libraries type here -> what to write.
_ELSEWHERE = {
    "Variable": "ag.tensor(values, requires_grad=True)",
    "asarray": "ag.tensor(values)",
    "bmm": "ag.matmul(a, b)",
    "cat": "ag.concatenate(tensors, axis)",
    "chunk": "ag.array_split(t, n)",
    "clamp": "ag.clip(t, low, high)",
    "div": "ag.divide(a, b)",
    "empty": "ag.zeros(shape)",
    "empty_like": "ag.zeros_like(t)",
    "from_numpy": "ag.tensor(array)",
    "jacfwd": "ag.jacobian",
    "jacrev": "ag.jacobian",
    "lax": "ag.scan, ag.where",
    "manual_seed": "rng=np.random.default_rng(seed) where random numbers are made",
    "masked_fill": "ag.where(mask, value, t)",
    "mm": "ag.matmul(a, b)",
    "mul": "ag.multiply(a, b)",
    "neg": "ag.negative(t)",
    "nn": "a package of its own: import nn",
    "numpy": "import numpy as np: NumPy's functions take tensors",
    "optim": "a package of its own: import optim",
    "permute": "ag.transpose(t, axes)",
    "pow": "ag.power(a, b)",
    "rand": "ag.tensor(rng.random(shape))",
    "randn": "ag.tensor(rng.normal(size=shape))",
    "random": "rng = np.random.default_rng(seed), and ag.tensor(rng.normal(size=shape))",
    "set_grad_enabled": "ag.no_grad() or ag.enable_grad()",
    "sub": "ag.subtract(a, b)",
    "unsqueeze": "ag.expand_dims(t, axis)",
    "view": "ag.reshape(t, shape)",
}


def __dir__() -> list[str]:
    return [
        *globals()["__all__"],
        "__all__",
        "__doc__",
        "__file__",
        "__name__",
        "__path__",
        "__version__",
    ]


def __getattr__(name: str) -> _Any:
    if name == "__version__":
        import importlib.metadata

        try:
            return importlib.metadata.version("gradproof")
        except importlib.metadata.PackageNotFoundError:  # run from a folder, not installed
            return "0+unknown"
    if name in _ELSEWHERE:
        raise AttributeError(
            f"autograd_core.{name}: there is no such name here. Use {_ELSEWHERE[name]}."
        )
    raise AttributeError(f"module 'autograd_core' has no attribute {name!r}")
