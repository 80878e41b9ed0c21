"""Noise that is given: what a layer does with the bits that it drew."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .connections import connected, drop_connect, moment_matched, shakeout, whiteout_spread
from .draws import bernoulli, box_muller, standard_normal
from .dropout import alpha_dropout, dropout
from .labels import flip_labels

__all__ = [
    "alpha_dropout",
    "bernoulli",
    "box_muller",
    "connected",
    "drop_connect",
    "dropout",
    "flip_labels",
    "moment_matched",
    "shakeout",
    "standard_normal",
    "whiteout_spread",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
