import pytest

from viz.drawing.layout import lay_out
from viz.drawing.picture import Edge, Node, Picture
from viz.drawing.shapes import NARROWEST, Outline, Words, compose
from viz.drawing.style import KINDS
from viz.drawing.text import text_width


def sheet(picture):
    return compose(picture, lay_out(picture), "a test")


def test_everything_is_on_the_sheet(model, batch):
    import viz

    for direction in ("TB", "LR"):
        for view in ("forward", "combined"):
            drawing = viz.draw_graph(model, batch, direction=direction, view=view)
            made = sheet(drawing.picture)
            for group in made.groups:
                for mark in group.marks:
                    if isinstance(mark, Outline):
                        for _, *numbers in mark.path:
                            assert all(0 <= x <= made.width for x in numbers[::2])
                            assert all(0 <= y <= made.height for y in numbers[1::2])
                    else:
                        wide = text_width(mark.text, mark.size, mark.bold)
                        left = mark.x - {"start": 0, "middle": wide / 2, "end": wide}[mark.anchor]
                        assert left >= 0
                        assert left + wide <= made.width
                        assert mark.size * 0.7 <= mark.y <= made.height


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_drawn(kind):
    made = sheet(Picture("p", (Node(kind, "title", ("line",)),)))
    words = [m.text for g in made.groups for m in g.marks if isinstance(m, Words)]
    assert ("title" in words) == (KINDS[kind].shape != "circle")
    legend = KINDS[kind].legend
    assert not legend or legend in words


def test_the_engine_and_the_notes_stand_under_the_picture():
    picture = Picture("p", (Node("input", "x"),), notes=("A note " * 30 + "end.",))
    words = [m.text for g in sheet(picture).groups for m in g.marks if isinstance(m, Words)]
    assert "Drawn by a test." in words
    assert sum("note" in text for text in words) > 1  # wrapped


def test_small_pictures_are_centred():
    made = sheet(Picture("p", (Node("operation", "x"),)))
    assert made.width == NARROWEST
    (title,) = (m for g in made.groups for m in g.marks if getattr(m, "text", "") == "x")
    assert title.x == pytest.approx(made.width / 2)


def test_arrows_end_in_heads_that_point_at_the_target():
    picture = Picture("p", (Node("input", "x"), Node("operation", "y")), (Edge(0, 1),))
    made = sheet(picture)
    (edge,) = (group for group in made.groups if group.role == "edge")
    line, head = edge.marks
    assert line.fill == "none"
    tip, base = head.path[0], head.path[1]
    assert tip[2] > base[2]
    assert edge.hover == "x → operand 1 of y"


def test_what_is_not_finite_is_red():
    from viz.drawing.style import WARNING

    made = sheet(Picture("p", (Node("operation", "log", ("= nan",), warned=True),)))
    (node,) = (group for group in made.groups if group.role == "operation")
    assert node.marks[0].line == WARNING
    assert node.marks[-1].colour == WARNING
