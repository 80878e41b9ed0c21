import numpy as np

import autograd_core as ag
import nn
import viz
from viz.graphs.options import Options
from viz.graphs.programs import picture_of
from viz.graphs.source import Source


def drawn(f, *args, **options):
    return picture_of(Source(ag.trace(f)(*args), "f", list(args)), Options(**options))


def test_parameters_are_tokens_beside_each_reader():
    layer = nn.Linear(2, 2, rng=np.random.default_rng(0))
    picture = drawn(lambda x: layer(ag.tanh(layer(x))), np.ones((3, 2), np.float32))
    weights = [n for n in picture.nodes if n.title == "weight"]
    assert len(weights) == 2
    assert weights[0].cluster != weights[1].cluster


def test_a_token_bears_its_full_name_outside_of_its_module(model, batch):
    penalty = nn.L2(0.1)
    picture = viz.draw_graph(lambda x: model(x).sum() + penalty(model), batch).picture
    titles = {
        (picture.clusters[n.cluster].title, n.title) for n in picture.nodes if n.kind == "parameter"
    }
    assert ("0 · Linear (6 → 5)", "weight") in titles
    assert ("L2", "0.weight") in titles


def test_within_one_call_a_token_is_shared():
    w = ag.tensor(2.0, requires_grad=True, name="w", role="parameter")
    picture = drawn(lambda x: x * w + w, np.ones(2))
    assert sum(n.title == "w" for n in picture.nodes) == 1


def test_constants_show_their_number():
    c = ag.tensor(0.5)
    picture = drawn(lambda x: x * c, np.ones(2))
    (token,) = (n for n in picture.nodes if n.kind == "constant")
    assert (token.title, token.lines) == ("0.5", ())


def test_unused_inputs_are_left_out_and_returned_inputs_are_drawn():
    picture = drawn(lambda x, y: x, np.ones(2), np.ones(2))
    assert [n.title for n in picture.nodes] == ["x", "output"]
    assert len(picture.edges) == 1


def test_plain_numbers_can_be_outputs():
    picture = drawn(lambda x: (x * 2, 3.0), np.ones(2))
    assert [(n.title, n.lines) for n in picture.nodes if n.kind == "output"] == [
        ("output 1", ("(2,)", "[2, 2]")),
        ("output 2", ("= 3",)),
    ]


def test_roles_and_names_title_the_outputs():
    picture = drawn(lambda x: ag.mark(x.sum(), role="loss"), np.ones(9))
    assert picture.nodes[-1].kind == "loss"
    assert picture.nodes[-1].title == "loss"


def test_the_caption_counts():
    picture = drawn(lambda x: ag.tanh(x), np.ones(2))
    assert picture.notes == ("1 operation; float64 unless stated.",)


def test_folded_calls_read_each_node_once(model, batch):
    picture = viz.draw_graph(model, batch, depth=1).picture
    pairs = [(e.source, e.target) for e in picture.edges]
    assert len(pairs) == len(set(pairs)) == 6


def test_the_hidden_middle_stands_in_the_box_that_holds_it():
    def f(x):
        with ag.named_scope("outer"):
            for _ in range(60):
                x = ag.sin(x)
        return x

    picture = drawn(f, np.ones(2), depth=1, max_nodes=20)
    (hidden,) = (n for n in picture.nodes if n.kind == "hidden")
    assert picture.clusters[hidden.cluster].title == "outer"


def test_nodes_are_numbered_in_the_order_of_the_computation(model, batch):
    for view in ("forward", "backward", "combined"):
        picture = viz.draw_graph(model, batch, view=view).picture
        assert all(edge.source < edge.target for edge in picture.edges)


def test_the_line_of_the_user_is_shown_where_it_was_recorded():
    x = ag.tensor(1.0, requires_grad=True)
    with ag.detect_anomaly():
        y = ag.tanh(x)
    (node,) = (n for n in viz.draw_graph(y, show=("line",)).picture.nodes if n.title == "tanh")
    assert "test_programs.py" in dict(node.details)["line"]
    (other,) = (
        n for n in viz.draw_graph(ag.tanh(x), show=("line",)).picture.nodes if n.title == "tanh"
    )
    assert other.lines == ("line not recorded",)


def test_a_loop_is_one_box_that_says_how_often():
    w = ag.tensor(np.ones((2, 2)), requires_grad=True)
    last, _ = ag.scan(lambda h, x: (ag.tanh(h @ w + x), None), np.zeros(2), np.ones((5, 2)))
    assert viz.draw_graph(ag.sum(last)).source.count("<B>scan ×5</B>") == 1
