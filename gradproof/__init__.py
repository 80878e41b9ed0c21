"""The command line of gradproof: the demo and its report, the doctor, the guard.

The engine and what stands on it are the packages `autograd_core`, `nn`, `optim`, `analysis` and
`viz`, which are installed beside this one. Importing `gradproof` imports none of them, so that `gradproof.guard`
can make sure first that it is really ours that Python will find.
"""

from __future__ import annotations

__all__ = ["__version__"]


def __dir__() -> list[str]:
    """The public names, for completion: what there is to do, the command line does."""
    return list(__all__)


def __getattr__(name: str) -> str:
    if name != "__version__":
        raise AttributeError(f"module 'gradproof' has no attribute {name!r}")
    import importlib.metadata

    try:
        return importlib.metadata.version("gradproof")
    except importlib.metadata.PackageNotFoundError:  # run from its folder, not installed
        return "0+unknown"
