"""The gallery: every figure with its statement, and every layer as the graph of its example; one HTML file.

Nothing is listed here: figures come from `viz.registry`, layers from what `nn` exports. So a new one stands
in the gallery by existing.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import nn
import viz
from autograd_core.symbolic.verdict import versions
from nn.catalogue import public_modules
from nn.contract import example_of
from viz import registry
from viz.drawing.text import shape_text

from . import rendering

__all__ = ["Exhibit", "exhibits", "render"]

FIGURES = "Figures"


@dataclass(frozen=True)
class Exhibit:
    """One picture, and what stands beside it.

    Attributes
    ----------
    room : str
        The section that it stands in: "Figures", or a family of `nn`, such as "Layers".
    name : str
    words : str
        A figure's statement; what a layer computes.
    caption : str
        What is seen: what the figure draws; what the layer is called with.
    code : str
        How it is made: a command, or the layer as it prints itself.
    source : str
        The module that it is declared in.
    svg : str
        "" if there is nothing to draw.
    holds : bool
        Whether the picture shows what the words say, by its own numbers; layers state nothing.
    """

    room: str
    name: str
    words: str
    caption: str
    code: str
    source: str
    svg: str
    holds: bool = True

    @property
    def address(self) -> str:
        """Its own within the page."""
        return f"{self.room}-{self.name}".lower()


def exhibits() -> Iterator[tuple[str, Callable[[], Exhibit]]]:
    """The name of each exhibit, and what makes it now: figures, then layers, each by name."""
    for name in sorted(registry.FIGURES):
        yield name, functools.partial(_figure, registry.FIGURES[name])
    for kind in public_modules():
        yield kind.__name__, functools.partial(_layer, kind)


def _figure(figure: registry.Figure) -> Exhibit:
    picture = figure.make(figure.example())
    return Exhibit(
        FIGURES,
        figure.name,
        figure.statement,
        _first_line(figure.make),
        f"gradproof figure {figure.name}",
        figure.make.__module__,
        picture.to_svg(),
        figure.holds(picture),
    )


def _layer(kind: type[nn.Module]) -> Exhibit:
    """By the first of the ways to make and call it that it names itself."""
    module, caption, svg = None, "It is not called itself, so it has no graph.", ""
    case = next(example_of(kind).cases(), None)
    if case is not None:
        module, inputs = case.build(rng=0), case.inputs()
        caption = f"In training, called with {_called(inputs)}."
        svg = viz.draw_graph(module, *inputs, engine="layered").to_svg()  # everywhere the same
    family = kind.__module__.split(".")[1]
    return Exhibit(
        family.capitalize(),
        kind.__name__,
        _first_line(kind),
        caption,
        repr(module) if module is not None else f"nn.{kind.__name__}",
        kind.__module__,
        svg,
    )


def _first_line(thing: Any) -> str:
    """Of its docstring, without the marks around code."""
    return (inspect.getdoc(thing) or "").partition("\n")[0].replace("``", "").replace("`", "")


def _called(inputs: Sequence[Any]) -> str:
    """Shapes of inputs: ``(5, 3) and [(5, 3)]``."""
    told = [
        f"[{', '.join(shape_text(part.shape) for part in value)}]"
        if isinstance(value, list)
        else shape_text(value.shape)
        for value in inputs
    ]
    return " and ".join(told)


def render(shown: Sequence[Exhibit]) -> str:
    """The page as HTML.

    Parameters
    ----------
    shown : sequence of Exhibit

    Returns
    -------
    str
        UTF-8 text; asks nothing of the network and runs nothing. Equal exhibits give equal bytes.
    """
    rooms: dict[str, list[Exhibit]] = {}
    for exhibit in shown:
        rooms.setdefault(exhibit.room, []).append(exhibit)
    figures = rooms.pop(FIGURES, [])
    return rendering.render(
        "gallery.html",
        title="The gallery",
        links=[("figures", FIGURES), *((room.lower(), room) for room in rooms)],
        figures=figures,
        rooms=rooms,
        holding=sum(figure.holds for figure in figures),
        versions=versions(),
    )
