"""What `draw_graph` was asked for, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from autograd_core.options import Choice, Whole

__all__ = ["SHOWABLE", "Options", "View"]

View = Literal["forward", "backward", "combined"]

SHOWABLE = ("dtype", "grad", "letter", "line", "shape", "value")


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `draw_graph` that decide what is drawn; it says what each means."""

    view: View = "forward"
    show: tuple[str, ...] = ("shape", "value")
    direction: Literal["TB", "LR"] = "TB"
    depth: int | None = None
    values: bool = True
    updates: bool = False
    max_nodes: int = 400

    def __post_init__(self) -> None:
        """Refuse what is none of the choices."""
        Choice(("forward", "backward", "combined")).check("draw_graph: view", self.view)
        Choice(("TB", "LR")).check("draw_graph: direction", self.direction)
        for word in self.show:
            Choice(SHOWABLE).check("draw_graph: show", word)
        if self.depth is not None:
            Whole().check("draw_graph: depth", self.depth)
        Whole(10).check("draw_graph: max_nodes", self.max_nodes)
