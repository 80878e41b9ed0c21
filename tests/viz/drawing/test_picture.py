from viz.drawing.picture import Node, Picture


def test_ancestors_go_from_the_inside_out(picture):
    drawn = picture(1, [], home=[2], parents=(None, 0, 1))
    assert list(drawn.ancestors(2)) == [2, 1, 0]
    assert list(drawn.ancestors(None)) == []


def test_kinds_come_in_the_order_of_the_style():
    drawn = Picture("p", (Node("output", "y"), Node("input", "x"), Node("input", "z")))
    assert drawn.kinds() == ("input", "output")


def test_a_picture_is_placed_only_if_every_node_is():
    free, put = Node("kept", "a"), Node("kept", "b", at=(0.0, 0.0))
    assert Picture("p", (put,)).placed
    assert not Picture("p", (free, put)).placed
    assert not Picture("p", ()).placed


def test_a_picture_is_mirrored_if_a_node_has_a_partner():
    assert Picture("p", (Node("operation", "f"), Node("adjoint", "g", partner=0))).mirrored
    assert not Picture("p", (Node("operation", "f"),)).mirrored
