"""Penalties on weights, to be added to the loss."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .activity import KLSparsity
from .norms import L1, L2, ElasticNet, GroupLasso

__all__ = ["L1", "L2", "ElasticNet", "GroupLasso", "KLSparsity"]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
