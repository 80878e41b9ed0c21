"""One look for every picture: colours, fonts, sizes, spacings.

The hues are those of Okabe and Ito (2008), told apart by readers with any common form of colour
blindness; each kind of node has a shape of its own as well, so no picture depends on colour alone.
Text on every fill has a contrast of at least 7 : 1 (checked by the tests).
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "BACKGROUND",
    "CLUSTER_FILLS",
    "CLUSTER_LINE",
    "CYCLE",
    "DOT_FONT",
    "EDGE",
    "EDGE_BACKWARD",
    "EDGE_SAVED",
    "FAINT",
    "FONT",
    "INK",
    "KINDS",
    "LINE_SIZE",
    "MUTED",
    "SEQUENTIAL",
    "TITLE_SIZE",
    "WARNING",
    "Look",
    "look_of",
]

BACKGROUND = "#ffffff"
INK = "#1b1f24"  # titles
MUTED = "#4a525c"  # shapes, values, captions
FAINT = "#c9ced6"  # what was dropped, grid lines
WARNING = "#a80000"  # nan and infinity
EDGE = "#5b6570"
EDGE_BACKWARD = "#b94a00"
EDGE_SAVED = "#9aa2ad"
CLUSTER_LINE = "#c3cad3"
CLUSTER_FILLS = ("#f7f9fb", "#eef2f7")  # by depth, in turn: nested boxes stay apart

FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
DOT_FONT = "Helvetica,Arial,sans-serif"
TITLE_SIZE = 13.0
LINE_SIZE = 10.5

# For curves: blue, vermillion, green, purple, orange, sky.
CYCLE = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#e69f00", "#56b4e9")
SEQUENTIAL = "cividis"


@dataclass(frozen=True, slots=True)
class Look:
    """How one kind of node is drawn.

    Attributes
    ----------
    shape : str
        "round" (rounded box), "stadium" (round ends), "cylinder", "hexagon", "box", "double"
        (box with two borders), "plain" (no border), "circle".
    fill, line : str
        Colours, ``#rrggbb``.
    dashed : bool
        Whether the border is dashed.
    legend : str
        The word for it in the legend; "" keeps it out.
    """

    shape: str
    fill: str
    line: str
    dashed: bool = False
    legend: str = ""


KINDS: dict[str, Look] = {
    "input": Look("stadium", "#d9eaf7", "#0072b2", legend="input"),
    "target": Look("stadium", "#e8f3fb", "#0072b2", dashed=True, legend="target"),
    "parameter": Look("cylinder", "#fdebc8", "#b87400", legend="parameter"),
    "buffer": Look("cylinder", "#f4efe3", "#8a7350", dashed=True, legend="buffer"),
    "constant": Look("plain", "#f1f2f4", "#8c939c", legend="constant"),
    "operation": Look("round", "#ffffff", "#5b6570", legend="operation"),
    "random": Look("round", "#efe3f3", "#8e4585", legend="random bits"),
    "mask": Look("hexagon", "#f6d9ec", "#a0337d", legend="dropout mask"),
    "adjoint": Look("round", "#fde3d2", "#c25100", legend="backward operation"),
    "saved": Look("plain", "#f1f2f4", "#5b6570", dashed=True, legend="saved forward value"),
    "module": Look("double", "#e9edf3", "#4a525c", legend="module, folded"),
    "output": Look("double", "#d4efe4", "#00805d", legend="output"),
    "loss": Look("double", "#d4efe4", "#00805d", legend="loss"),
    "hidden": Look("round", "#ffffff", "#8c939c", dashed=True, legend="not shown"),
    "unit": Look("circle", "#d9eaf7", "#0072b2", legend="unit without dropout"),
    "kept": Look("circle", "#0072b2", "#004d78", legend="kept unit"),
    "dropped": Look("circle", "#ffffff", "#9aa2ad", dashed=True, legend="dropped unit"),
    "room": Look("round", "#ffffff", "#5b6570", legend="folder"),
    "files": Look("plain", "#f1f2f4", "#8c939c", legend="files beside the folders"),
    "face": Look("double", "#e9edf3", "#4a525c", legend="what a package exports"),
    "heading": Look("none", BACKGROUND, BACKGROUND),
}


def look_of(kind: str) -> Look:
    """The look of a kind of node; an unknown kind is drawn as an operation."""
    return KINDS.get(kind, KINDS["operation"])
