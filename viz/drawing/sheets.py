"""From a figure of matplotlib's to plain shapes, so that our one writer makes its SVG.

matplotlib's own SVG refers to parts of itself (clip paths, markers) and carries a style sheet and a
date; ours are plain shapes and words, as every other picture here. A renderer is handed paths in
pixels: curves are cut off at the edge of their panel here, and letters stay letters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .shapes import Group, Outline, Sheet, Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["sheet_of"]

_BOLD = 600  # the least weight that is called bold


def sheet_of(figure: Figure) -> Sheet:
    """All that a figure shows, as shapes, back to front."""
    from matplotlib import colors
    from matplotlib.backend_bases import RendererBase
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.path import Path
    from matplotlib.text import Text
    from matplotlib.transforms import Affine2D

    width, height = (float(n) for n in figure.bbox.size)
    letters = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE4: "C", Path.CLOSEPOLY: "Z"}
    marks: list[Outline | Words] = []
    # Lines of one text come one by one, without the text: it is known by its id.
    sides: dict[str, str] = {}
    for count, text in enumerate(figure.findobj(Text)):
        text.set_gid(f"text {count}")
        sides[f"text {count}"] = text.get_horizontalalignment()

    def colour(rgba: Any) -> str:
        return "none" if rgba is None or rgba[3] == 0 else str(colors.to_hex(rgba[:3]))

    def written(path: Any) -> Any:
        """A path in pixels from the top, in the letters of SVG; quadratic curves become cubic."""
        parts: list[Any] = []
        last = (0.0, 0.0)
        for points, code in path.iter_segments(simplify=False):
            values = [float(v) for v in points]
            values[1::2] = [height - v for v in values[1::2]]
            if code == Path.CURVE3:
                (a, b), (c, d, e, f) = last, values
                values = [(a + 2 * c) / 3, (b + 2 * d) / 3, (e + 2 * c) / 3, (f + 2 * d) / 3, e, f]
            if code == Path.CLOSEPOLY:
                parts.append(("Z",))
                continue
            parts.append((letters.get(code, "C"), *values))
            last = (values[-2], values[-1])
        return tuple(parts)

    class ToShapes(RendererBase):  # type: ignore[misc, unused-ignore]  # untyped where absent
        """What matplotlib draws on."""

        def __init__(self) -> None:
            super().__init__()
            agg: Any = RendererAgg  # which has no types
            self.measure = agg(int(width), int(height), figure.dpi)
            self.side = "left"

        def open_group(self, s: str, gid: str | None = None) -> None:
            self.side = sides.get(gid or "", "left") if s == "text" else self.side

        def get_canvas_width_height(self) -> tuple[float, float]:
            return width, height

        def points_to_pixels(self, points: Any) -> Any:
            return points * figure.dpi / 72

        def get_text_width_height_descent(self, s: Any, prop: Any, ismath: Any) -> Any:
            return self.measure.get_text_width_height_descent(s, prop, ismath)

        def _add(self, gc: Any, path: Any, fill: Any, line: bool = True) -> None:
            rgb = gc.get_rgb()
            wide = self.points_to_pixels(gc.get_linewidth()) if line and rgb[3] > 0 else 0.0
            shape = written(path)
            if not shape or (colour(fill) == "none" and not wide):
                return
            _, dashes = gc.get_dashes()
            alpha = gc.get_alpha() if gc.get_forced_alpha() else (rgb if wide else fill)[3]
            marks.append(
                Outline(
                    shape,
                    colour(fill),
                    colour(rgb) if wide else "none",
                    wide or 1.0,
                    tuple(self.points_to_pixels(d) for d in dashes or ()),
                    float(alpha),
                )
            )

        def draw_path(self, gc: Any, path: Any, transform: Any, rgbFace: Any = None) -> None:
            path = transform.transform_path(path)
            clip = gc.get_clip_rectangle()
            if rgbFace is not None and len(rgbFace) == 3:
                rgbFace = (*rgbFace, 1.0)
            vertices = path.vertices[np.isfinite(path.vertices).all(axis=1)]
            if not len(vertices):
                return
            inside = clip is None or (
                (vertices >= clip.min - 0.01).all() and (vertices <= clip.max + 0.01).all()
            )
            if inside:
                self._add(gc, path.cleaned(remove_nans=True, curves=True), rgbFace)
                return
            if rgbFace is not None:
                self._add(gc, path.clip_to_bbox(clip), rgbFace, line=False)
            # `cleaned` cuts straight pieces, and no areas: curves are made of such first, and what is
            # cut is written without its filling.
            cut = path.cleaned(remove_nans=True).cleaned(clip=tuple(clip.extents))
            self._add(gc, cut, None)

        def draw_markers(
            self,
            gc: Any,
            marker_path: Any,
            marker_trans: Any,
            path: Any,
            trans: Any,
            rgbFace: Any = None,
        ) -> None:
            # A single form of a collection comes this way, too, as a marker at a point far outside.
            clip = gc.get_clip_rectangle()
            for x, y in trans.transform(path.vertices):
                if np.isfinite([x, y]).all():
                    inside = clip is not None and clip.padded(1.0).contains(x, y)
                    gc.set_clip_rectangle(None if inside else clip)  # one at the edge stays whole
                    self.draw_path(
                        gc, marker_path, marker_trans + Affine2D().translate(x, y), rgbFace
                    )
            gc.set_clip_rectangle(clip)

        def draw_text(
            self,
            gc: Any,
            x: float,
            y: float,
            s: str,
            prop: Any,
            angle: float,
            ismath: Any = False,
            mtext: Any = None,
        ) -> None:
            size = self.points_to_pixels(prop.get_size_in_points())
            wide = self.get_text_width_height_descent(s, prop, ismath)[0]
            # Anchored as it is aligned: with another font it keeps its place.
            share = {"left": 0.0, "center": 0.5, "right": 1.0}["center" if angle else self.side]
            turned = np.deg2rad(angle)
            weight = prop.get_weight()
            marks.append(
                Words(
                    float(x + share * wide * np.cos(turned)),
                    float(y - share * wide * np.sin(turned)),
                    s,
                    float(size),
                    colour(gc.get_rgb()),
                    bold=weight == "bold" or (isinstance(weight, int) and weight >= _BOLD),
                    anchor={0.0: "start", 0.5: "middle", 1.0: "end"}[share],
                    turn=float(angle),
                )
            )

        def draw_image(self, gc: Any, x: Any, y: Any, im: Any, transform: Any = None) -> None:
            raise NotImplementedError("a chart has no images: a Grid is drawn cell by cell")

    figure.draw(ToShapes())
    return Sheet((Group("chart", tuple(marks)),), width, height)
