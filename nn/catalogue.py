"""The modules that there are: found in what the package exports, which is made of its files.

Above all others here, so that what a module says of itself (`contract`) knows nothing of them.
"""

from __future__ import annotations

import nn

from .module import Module

__all__ = ["public_modules"]


def public_modules() -> list[type[Module]]:
    """The classes of modules that this package exports, by name; but for those that are bases of others alone."""
    packages = (nn, nn.data)
    found = {
        value
        for package in packages
        for value in (getattr(package, name) for name in package.__all__)
        if isinstance(value, type) and issubclass(value, Module)
    }
    return sorted(found - {Module, nn.data.Augmentation}, key=lambda kind: kind.__name__)
