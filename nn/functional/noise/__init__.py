"""Noise that is given: what a layer does with the bits that it drew."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .draws import bernoulli, standard_normal
from .dropout import alpha_dropout, dropout

__all__ = ["alpha_dropout", "bernoulli", "dropout", "standard_normal"]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
