"""Data sets as plain arrays: ``train, validation, test``, each ``inputs, targets``."""

# The rest is made by `make docs`, of the `__all__` of each file.
from .bundled import Splits, digits
from .idx import mnist, read_idx
from .splits import Parts, Split, random_split, stratified

__all__ = ["Parts", "Split", "Splits", "digits", "mnist", "random_split", "read_idx", "stratified"]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
