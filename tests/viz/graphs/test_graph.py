import numpy as np
import pytest

import autograd_core as ag
import nn
import viz
from autograd_core.errors import ConfigError, GraphError
from autograd_core.modes import mode


def titles(drawing, *kinds):
    return [n.title for n in drawing.picture.nodes if not kinds or n.kind in kinds]


def test_a_loss_is_drawn_with_its_values():
    a = ag.tensor(3.0, requires_grad=True, name="a")
    b = ag.tensor(2.0, requires_grad=True, name="b")
    drawing = viz.draw_graph(a - b * a)
    assert titles(drawing) == ["b", "a", "×", "a − b", "output"]
    assert [n.lines for n in drawing.picture.nodes] == [
        ("= 2",), ("= 3",), ("= 6",), ("= −3",), ("= −3",),
    ]  # fmt: skip


def test_operands_are_ordered_and_repeated():
    x = ag.tensor(1.0, requires_grad=True, name="x")
    y = ag.tensor(2.0, requires_grad=True, name="y")
    edges = viz.draw_graph(x - y).picture.edges
    assert [(e.source, e.slot, e.label) for e in edges[:2]] == [(0, 0, "a"), (1, 1, "b")]
    swapped = viz.draw_graph(y - x).to_networkx()
    first = next(s for s, _, k in swapped.in_edges("n2", keys=True) if k == 0)
    assert swapped.nodes[first]["title"] == "y"
    assert viz.draw_graph(x * x).to_networkx().number_of_edges("n0", "n1") == 2


def test_a_freed_graph_names_the_remedy():
    x = ag.tensor([1.0], requires_grad=True)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(GraphError, match="retain_graph=True"):
        viz.draw_graph(y)


def test_a_tensor_without_history_is_an_error():
    with pytest.raises(GraphError, match="no recorded history"):
        viz.draw_graph(ag.tensor([1.0]))


def test_a_model_is_drawn_in_its_modules(model, batch):
    drawing = viz.draw_graph(model, batch)
    assert [c.title for c in drawing.picture.clusters] == [
        "Sequential (6 → 3)",
        "0 · Linear (6 → 5)",
        "1 · BatchNorm1d (5)",
        "2 · ReLU (5)",
        "3 · Dropout (5)",
        "4 · Linear (5 → 3)",
    ]
    assert titles(drawing, "parameter") == ["weight", "bias", "gamma", "beta", "weight", "bias"]
    assert titles(drawing, "mask") == ["dropout mask: bits < 0.6 · 2³²"]
    assert titles(drawing, "input") == ["input"]
    assert titles(drawing, "output") == ["output"]
    graph = drawing.to_networkx()
    weight = next(n for n, d in graph.nodes(data=True) if d["title"] == "weight")
    assert graph.nodes[weight]["clusters"] == ("Sequential (6 → 3)", "0 · Linear (6 → 5)")


def test_drawing_has_no_effect_on_the_model(model, batch):
    before = {key: value.copy() for key, value in model.state_dict().items()}
    for view in ("forward", "backward", "combined"):
        viz.draw_graph(model, batch, view=view, training=view != "forward").to_svg()
    after = model.state_dict()
    for key, value in before.items():
        np.testing.assert_array_equal(value, after[key])
    assert all(p.grad is None for p in model.parameters())
    assert model.training


def test_values_are_those_of_the_model(batch):
    layer = nn.Linear(6, 1, rng=np.random.default_rng(0))
    drawing = viz.draw_graph(layer, batch[:1])
    (output,) = (n for n in drawing.picture.nodes if n.kind == "output")
    value = float(layer(batch[:1]).numpy()[0, 0])
    assert output.lines == ("(1, 1)", f"= {value:.3g}".replace("-", "−"))


def test_shapes_alone_can_be_drawn(model):
    drawing = viz.draw_graph(model, ag.Abstract((8, 6), np.float32))
    assert "Values are not computed: the inputs have shapes only." in drawing.picture.notes
    assert all("0 ± 0" not in line for n in drawing.picture.nodes for line in n.lines)


def test_symbolic_sizes_are_written_as_they_are():
    rows, columns = ag.dims("B D")
    drawing = viz.draw_graph(ag.tanh, ag.Abstract((rows, columns)))
    assert drawing.picture.nodes[1].lines == ("(B, D)",)


@pytest.mark.parametrize(("training", "masks"), [(True, 1), (False, 0), (None, 1)])
def test_training_chooses_the_mode_and_restores_it(model, batch, training, masks):
    drawing = viz.draw_graph(model, batch, training=training)
    assert len(titles(drawing, "mask")) == masks
    assert model.training


def test_modes_are_restored_after_an_error(model):
    model[1].eval()

    def fail():
        with mode(model, training=True):
            assert model[1].training
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not model[1].training
    assert model[0].training


def test_a_program_is_drawn_as_it_is():
    program = ag.trace(ag.value_and_grad(lambda x: ag.tanh(x).sum()))(np.ones(3))
    drawing = viz.draw_graph(program)
    kinds = {n.kind for n in drawing.picture.nodes}
    assert {"operation", "adjoint", "output"} <= kinds
    assert titles(drawing, "output") == ["output 1", "gradient 2"]
    forward = viz.draw_graph(program, view="forward")
    assert "adjoint" not in {n.kind for n in forward.picture.nodes}
    valued = viz.draw_graph(program, np.zeros(3))
    assert any("[0, 0, 0]" in n.lines for n in valued.picture.nodes)


@pytest.mark.parametrize("depth", range(4))
def test_depth_folds_modules(model, batch, depth):
    drawing = viz.draw_graph(model, batch, depth=depth)
    folded = titles(drawing, "module")
    assert len(folded) == (1, 5, 0, 0)[depth]
    if depth == 1:
        assert folded[0] == "0 · Linear (6 → 5)"
        (node,) = (n for n in drawing.picture.nodes if n.title == folded[0])
        assert node.lines[:2] == ("1 operation", "35 parameters")


def test_beyond_the_budget_modules_are_folded_and_the_picture_says_so(model, batch):
    drawing = viz.draw_graph(model, batch, max_nodes=12)
    assert len(drawing.picture.nodes) <= 12
    assert any("folded, to stay within 12 nodes" in note for note in drawing.picture.notes)


def test_what_cannot_be_folded_is_left_out_and_counted():
    x = ag.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(500):
        y = ag.sin(y)
    drawing = viz.draw_graph(y, max_nodes=50)
    nodes = drawing.picture.nodes
    assert len(nodes) <= 50
    (hidden,) = (n for n in nodes if n.kind == "hidden")
    shown = sum(n.kind == "operation" for n in nodes)
    assert hidden.title == f"{500 - shown} operations not shown"
    assert any("not shown" in note for note in drawing.picture.notes)


def test_a_combined_picture_faces_gradients_with_their_leaves(model, batch):
    picture = viz.draw_graph(model, batch, view="combined").picture
    partners = {
        n.title: picture.nodes[n.partner].title
        for n in picture.nodes
        if n.kind == "output" and n.partner is not None
    }
    assert partners["gradient of 0.weight"] == "weight"
    assert partners["gradient of input"] == "input"
    (cotangent,) = (n for n in picture.nodes if n.title == "cotangent")
    assert picture.nodes[cotangent.partner].title == "output"


def test_the_backward_alone_shows_what_was_saved(model, batch):
    drawing = viz.draw_graph(model, batch, view="backward")
    assert "operation" not in {n.kind for n in drawing.picture.nodes}
    assert titles(drawing, "saved")


def test_updates_show_the_new_statistics(model, batch):
    drawing = viz.draw_graph(model, batch, updates=True)
    assert {"running_mean ←", "running_var ←", "counter ←"} <= set(titles(drawing, "buffer"))
    plain = viz.draw_graph(model, batch)
    assert any("what updates" in note for note in plain.picture.notes)


def test_nan_and_infinity_are_marked():
    x = ag.tensor(0.0, requires_grad=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = ag.log(x) * 0
    warned = {n.title: n.warned for n in viz.draw_graph(y).picture.nodes}
    assert warned["log"]
    assert not warned["leaf a"]


def test_hostile_names_are_drawn(tmp_path):
    names = ["<lambda>", "</script>", "a\x00b", "\u202e", 'q"q', "\\", "n" * 20_000]
    x = [ag.tensor(1.0, requires_grad=True, name=name) for name in names]
    total = x[0]
    for t in x[1:]:
        total = total + t
    for engine in ("auto", "layered"):
        drawing = viz.draw_graph(total, engine=engine)
        from viz.drawing.renderers import svg_is_sound

        assert svg_is_sound(drawing.to_svg())
        assert "(" not in drawing.engine
    drawing.save(tmp_path / "hostile.html")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"view": "sideways"}, "view: expected"),
        ({"direction": "BT"}, "direction: expected"),
        ({"show": ("shape", "colour")}, "show: expected .*colour"),
        ({"depth": -1}, "depth: expected"),
        ({"depth": 1.5}, "depth: expected"),
        ({"max_nodes": 3}, "max_nodes: expected"),
        ({"engine": "neato"}, "engine: expected"),
    ],
)
def test_options_are_checked(model, batch, options, message):
    with pytest.raises(ConfigError, match=message):
        viz.draw_graph(model, batch, **options)


def test_what_cannot_be_drawn_is_refused(model, batch):
    with pytest.raises(ConfigError, match="needs inputs to be traced on"):
        viz.draw_graph(model)
    with pytest.raises(ConfigError, match="received int"):
        viz.draw_graph(3)
    x = ag.tensor(1.0, requires_grad=True)
    with pytest.raises(ConfigError, match="Expected no inputs"):
        viz.draw_graph(x * 2, batch)
