"""The engine: tensors that remember how they were made, and everything that reads the record.

See ``autograd_core/README.md`` for one page on how it works.
"""

from __future__ import annotations

from . import errors, introspect, ops, storage
from .abstract import Abstract
from .aliases import ArrayLike
from .context import detect_anomaly, enable_grad, named_scope, no_grad
from .errors import *
from .functional import *
from .kinds import Contract, Elementwise, Gather, Kind, Opaque, Random, Reduce, Scan, View
from .ops import *
from .primitives import REGISTRY, ZERO, Primitive, primitive
from .primitives import provide as composite
from .program import Program
from .replay import Replay
from .shapes import Dim, dims
from .tensors import Tensor, mark, tensor
from .tracing import trace
from .transforms import *
