"""The inside of HIPS/autograd, but for what another engine has too."""

import collections

from . import differential_operators as operators
from .extend import defjvp, defvjp, primitive, vspace  # noqa: F401

primitive_vjps = collections.defaultdict(dict)


def make_vjp(function, x):
    """There, the inner one takes the argument too."""
    return operators.make_vjp(function)(x)


def make_jvp(function, x):
    return operators.make_jvp(function)(x)
