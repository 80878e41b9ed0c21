"""Pictures: computation graphs, dropout masks, curves of a training run.

``draw_*`` return a `Drawing`, text first and then any file; ``plot_*`` return matplotlib Axes;
`viz.figures` has ``chart_*``, which take a result and give a `Chart`, for Axes and for files.
Importing this loads neither matplotlib nor graphviz nor networkx. See ``viz/README.md``.
"""

from __future__ import annotations

from autograd_core.frames import register

from .drawing.chart import Chart
from .drawing.drawing import Drawing
from .figures import plot_dropout_mask, plot_history
from .graphs.graph import draw_graph
from .graphs.masks import DropoutMask, read_dropout_masks
from .graphs.subnetwork import draw_dropout_mask

register(__name__)

__all__ = [
    "Chart",
    "Drawing",
    "DropoutMask",
    "draw_dropout_mask",
    "draw_graph",
    "plot_dropout_mask",
    "plot_history",
    "read_dropout_masks",
]


def __dir__() -> list[str]:
    """The public names, for completion."""
    return list(__all__)
