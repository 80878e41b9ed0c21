"""Modes of models, training and evaluation, and back again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

__all__ = ["mode"]


@contextlib.contextmanager
def mode(model: Any, training: bool | None = None) -> Iterator[None]:
    """Context with a model in training (True) or evaluation (False), or as it is; then as it was.

    Parameters
    ----------
    model : object
        Each of its ``modules()`` gets its own mode back. Without them it goes back by its ``train()`` or
        ``eval()``, if it says by ``training`` which of them it was in. A function has no mode.
    """
    if hasattr(model, "modules"):
        modules = [(module, module.training) for module in model.modules()]
        try:
            if training is not None:
                for module, _ in modules:
                    module.training = training
            yield
        finally:
            for module, before in modules:
                module.training = before
        return
    before = getattr(model, "training", None)
    try:
        if training is not None and before is not None:
            (model.train if training else model.eval)()
        yield
    finally:
        if before is not None:
            (model.train if before else model.eval)()
