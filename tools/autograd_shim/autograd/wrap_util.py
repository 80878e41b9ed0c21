"""A function of one argument out of one of many."""

from .differential_operators import unary_to_nary  # noqa: F401
