"""Functions of each unit, and the softmax of all: the engine's own, under the names that are looked for here."""

from __future__ import annotations

from autograd_core import log_softmax, relu, sigmoid, softmax, softplus, tanh

__all__ = ["log_softmax", "relu", "sigmoid", "softmax", "softplus", "tanh"]
