"""Transforms of data as layers: what an input may be turned into without becoming another thing.

Each is a module that changes its input in training and leaves it as it is in evaluation; what it draws
comes from its key and counter, as the masks of `nn.Dropout` do.
"""

# The rest is made by `make docs`, of the `__all__` of each file.
__all__: list[str] = []


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
