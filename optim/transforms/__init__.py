"""Transforms of update rules: what stands around an optimizer's rule, one a file."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .average import Average
from .clip_adaptively import ClipAdaptively
from .clip_by_norm import ClipByNorm
from .clip_by_value import ClipByValue
from .clip_parameter_by_norm import ClipParameterByNorm
from .proximal_l1 import ProximalL1
from .transform import Transform
from .weight_decay import WeightDecay

__all__ = [
    "Average",
    "ClipAdaptively",
    "ClipByNorm",
    "ClipByValue",
    "ClipParameterByNorm",
    "ProximalL1",
    "Transform",
    "WeightDecay",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
