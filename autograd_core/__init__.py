"""The engine: tensors that remember how they were made, and everything that reads the record.

See ``autograd_core/README.md`` for one page on how it works.
"""

from __future__ import annotations

from . import (
    array_api as array_api,
    errors as errors,
    introspect as introspect,
    ops as ops,
    storage as storage,
)
from .abstract import Abstract as Abstract
from .aliases import ArrayLike as ArrayLike
from .array_api import from_dlpack as from_dlpack
from .compiler import jit as jit
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
from .tensors import Tensor as Tensor, mark as mark, tensor as tensor
from .tracing import trace as trace
from .transforms import *
