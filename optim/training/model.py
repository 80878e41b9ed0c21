"""What the training loop asks of a model: six methods, and no base class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

import autograd_core as ag

__all__ = ["Model"]


@runtime_checkable
class Model(Protocol):
    """A function of a batch with parameters, two modes and a state; `nn.Module` is one."""

    def __call__(self, inputs: Any, /) -> ag.Tensor:
        """Outputs for a batch of inputs."""

    def parameters(self) -> Iterable[ag.Tensor]:
        """The tensors that are trained."""

    def train(self) -> Any:
        """Go into training mode: masks are drawn, batch statistics used."""

    def eval(self) -> Any:
        """Go into evaluation mode."""

    def state_dict(self) -> Mapping[str, Any]:
        """Parameters and buffers by name."""

    def load_state_dict(self, state: Mapping[str, Any], /) -> Any:
        """Take over what `state_dict` gave."""
