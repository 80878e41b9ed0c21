import autograd_core as ag
import viz
from viz.graphs.calls import Calls


def traced(f, *args):
    return list(ag.trace(f)(*args))


def f(x):
    with ag.named_scope("a"):
        y = ag.tanh(x)
        with ag.named_scope("b"):
            y = ag.exp(y)
    y = ag.sin(y)
    with ag.named_scope("a"):
        return ag.cos(y)


def test_calls_are_nested_runs_of_steps():
    calls = Calls(traced(f, ag.Abstract((2,))), boxed=False)
    assert [(c.entry, c.parent, c.level, c.first, c.last, c.again) for c in calls.all] == [
        ("a", None, 0, 0, 1, 1),
        ("b", 0, 1, 1, 1, 1),
        ("a", None, 0, 3, 3, 2),
    ]
    assert calls.of_step == [0, 1, None, 2]
    assert calls.chain(1) == [0, 1]
    assert calls.deepest == 2


def test_the_backward_has_a_box_around_it_and_the_same_levels():
    steps = traced(ag.grad(lambda x: f(x).sum()), ag.Abstract((2,)))
    calls = Calls(steps, boxed=True)
    backward = [c for c in calls.all if c.backward]
    assert backward[0].entry == "backward"
    assert backward[0].level == -1
    assert {c.level for c in backward} == {-1, 0, 1}
    k = next(i for i, c in enumerate(calls.all) if c.backward and c.entry == "b")
    made = next(i for i, step in enumerate(steps) if step.result is calls.beginning(k).phase)
    forward = calls.all[calls.forward_of(k, made)]
    assert forward.entry == "b"
    assert not forward.backward


def test_boxes_of_the_second_call_say_so():
    picture = viz.draw_graph(f, ag.Abstract((2,))).picture
    assert [c.title for c in picture.clusters] == ["a", "b", "a, call 2"]


def test_the_backward_of_the_second_call_is_named_after_it(batch):
    import numpy as np

    import nn

    layer = nn.Linear(6, 6, rng=np.random.default_rng(0))

    def twice(x):
        return layer(ag.tanh(layer(x)))

    picture = viz.draw_graph(twice, batch, view="combined", depth=0).picture
    partners = {
        n.title: picture.nodes[n.partner].title
        for n in picture.nodes
        if n.kind == "adjoint" and n.title.startswith("backward of")
    }
    assert partners == {
        "backward of Linear": "Linear (6)",
        "backward of Linear, call 2": "Linear (6), call 2",
    }
