"""Flattening of nested arguments."""

import numpy as np

from autograd_core import trees

from .differential_operators import array
from .internal import placeholder

const_graph = placeholder("const_graph")


def flatten(value):
    """All numbers of a nesting in one vector, and the way back."""
    leaves, structure = trees.flatten(value)
    shapes = [array(a).shape for a in leaves]
    sizes = [int(np.prod(s)) for s in shapes]
    vector = np.concatenate([np.reshape(a, -1) for a in leaves]) if leaves else np.zeros(0)

    def unflatten(flat):
        parts, start = [], 0
        for shape, size in zip(shapes, sizes, strict=True):
            parts.append(np.reshape(flat[start : start + size], shape))
            start += size
        return trees.unflatten(structure, parts)

    return vector, unflatten
