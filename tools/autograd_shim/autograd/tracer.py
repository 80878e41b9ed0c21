"""Boxes are our tensors that a gradient flows through."""

import autograd_core as ag

from .extend import notrace_primitive, primitive  # noqa: F401
from .internal import placeholder

getval = placeholder("getval")
trace = placeholder("trace")


def isbox(value):
    return type(value) is ag.Tensor and value.requires_grad
