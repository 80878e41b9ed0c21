"""Optimizers of second order, one a file: they evaluate the loss themselves, at several points or along directions."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .diagonal_newton import DiagonalNewton
from .gauss_newton import GaussNewton
from .lbfgs import LBFGS
from .newton import Newton
from .newton_cg import NewtonCG

__all__ = ["LBFGS", "DiagonalNewton", "GaussNewton", "Newton", "NewtonCG"]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
