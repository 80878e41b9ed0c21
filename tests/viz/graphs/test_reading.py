import numpy as np

import autograd_core as ag
from viz.graphs.options import Options
from viz.graphs.reading import Reading
from viz.graphs.source import Source


def reading(f, *args, **options):
    return Reading(Source(ag.trace(f)(*args), "f", list(args)), Options(**options))


def test_only_what_the_outputs_need_is_read(model, batch):
    names = [step.primitive.name for step in reading(model, batch).steps]
    assert len(names) == 19
    with_updates = reading(model, batch, updates=True).steps
    assert len(with_updates) == 27


def test_copies_that_change_nothing_are_left_out():
    def f(x):
        return ag.tanh(ag.broadcast_to(ag.cast(x, np.float64), (2,)))

    made = reading(f, np.ones(2))
    assert [step.primitive.name for step in made.steps] == ["tanh"]
    ((_, var),) = made.operands(made.steps[0])
    assert var is made.program.inputs[0]


def test_casts_and_broadcasts_that_change_something_stay():
    def f(x):
        return ag.broadcast_to(ag.cast(x, np.float64), (3, 2))

    assert len(reading(f, np.ones(2, np.float32)).steps) == 2


def test_views_keep_their_part():
    f = ag.value_and_grad(lambda x: ag.tanh(x).sum())
    phases = {
        view: {step.phase is None for step in reading(f, np.ones(3), view=view).steps}
        for view in ("forward", "backward", "combined")
    }
    assert phases == {"forward": {True}, "backward": {False}, "combined": {True, False}}


def test_leaves_are_known_by_their_role(model, batch):
    made = reading(model, batch)
    kinds = {var.name: made.leaf_kind(var) for var in made.leaves}
    assert kinds["0.weight"] == "parameter"
    assert kinds["3.key"] == "buffer"
    assert made.leaf_kind(made.program.inputs[0]) == "input"


def test_what_is_not_known_is_not_computed():
    made = Reading(Source(ag.trace(ag.tanh)(ag.Abstract((2,))), "f"), Options())
    texts = made.texts(made.steps[0].result)
    assert texts.lines == ("(2,)",)
    assert dict(texts.details)["value"] == "not computed"


def test_lines_are_those_asked_for():
    made = reading(ag.tanh, np.zeros(2), show=("letter", "dtype"))
    assert made.texts(made.steps[0].result).lines == ("float64", "as b")
    rare = reading(lambda x: ag.tanh(x) > 0, np.zeros(2), show=("shape",))
    assert rare.texts(rare.steps[-1].result).lines == ("(2,) bool",)


def test_several_outputs_are_counted():
    made = reading(lambda x: ag.slogdet(x), np.eye(2))
    assert made.texts(made.steps[0].result).lines[0] == "2 outputs"


def test_gradients_are_shown_from_the_leaf():
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    y = (x * x).sum()
    y.backward(retain_graph=True)
    program = ag.introspect.program(y)
    made = Reading(Source(program, "y", []), Options(show=("grad",)))
    ((var, _),) = program.captures
    assert made.gradient_lines(var) == ("gradient [2, 4]",)
    x.grad = None
    assert made.gradient_lines(var) == ("gradient not computed",)
