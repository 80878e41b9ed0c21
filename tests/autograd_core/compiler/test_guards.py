"""Nothing that a step depends on changes without being seen."""

from __future__ import annotations

import types

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

X = np.array([1.0, 2.0])
FACTOR = 2.0
TABLE = {"factor": [2.0]}
SPACE = types.SimpleNamespace(factor=2.0)


def compiled(function, **options):
    return ag.jit(function, backend="numpy", **options)


def _scaled(x):
    return FACTOR * x


def both(step, function, *args):
    """The same from the step and from the function."""
    found, expected = step(*args), function(*args)
    np.testing.assert_allclose(
        np.asarray(found.detach()), np.asarray(expected.detach()), rtol=1e-14
    )
    return found.tolist()


@pytest.fixture
def assign(monkeypatch):
    """``assign(NAME=value)`` to globals of this file, as other code would."""

    def to(**values):
        for name, value in values.items():
            monkeypatch.setitem(globals(), name, value)

    return to


def test_a_closure_value():
    factor = 2.0

    def f(x):
        return factor * ag.tensor(x)

    step = compiled(f)
    assert both(step, f, X) == [2, 4]
    factor = 3.0
    assert both(step, f, X) == [3, 6]
    factor = "text"
    with pytest.raises(ag.AutogradError):
        step(X)
    factor = 3.0
    assert both(step, f, X) == [3, 6]


def test_a_global_read_here_or_in_a_function_that_is_called(assign):
    def f(x):
        return ag.tensor(FACTOR * x)

    def g(x):
        def inner(y):
            return _scaled(y)

        return ag.sum(ag.tensor([1.0, 1.0]) * inner(x))

    steps = compiled(f), compiled(g)
    assert both(steps[0], f, X) == [2, 4]
    assert both(steps[1], g, X) == 6
    assign(FACTOR=5.0)
    assert both(steps[0], f, X) == [5, 10]
    assert both(steps[1], g, X) == 15


def test_what_is_in_a_container_and_the_attribute_of_an_object(monkeypatch):
    monkeypatch.setitem(TABLE, "factor", [2.0])
    monkeypatch.setattr(SPACE, "factor", 2.0)

    def f(x):
        return ag.tensor(x) * TABLE["factor"][0] * SPACE.factor

    step = compiled(f)
    assert both(step, f, X) == [4, 8]
    TABLE["factor"][0] = 3.0
    assert both(step, f, X) == [6, 12]
    SPACE.factor = 1.0
    assert both(step, f, X) == [3, 6]


def test_an_attribute_under_another_name(monkeypatch):
    monkeypatch.setattr(SPACE, "factor", 2.0)

    def f(x):
        space = SPACE
        return ag.sum(ag.tensor([space.factor * v for v in (1.0, 2.0)]) * x)

    step = compiled(f)
    assert both(step, f, ag.tensor(X)) == 10
    SPACE.factor = 1.0
    assert both(step, f, ag.tensor(X)) == 5


def test_an_attribute_of_an_argument():
    def f(options, x):
        return ag.tensor(x) * options.factor

    options = types.SimpleNamespace(factor=2.0)
    step = compiled(f)
    assert both(step, f, options, X) == [2, 4]
    options.factor = 3.0
    assert both(step, f, options, X) == [3, 6]
    assert both(step, f, types.SimpleNamespace(factor=1.0), X) == [1, 2]


def test_an_attribute_of_the_object_of_a_method():
    class Model:
        def __init__(self):
            self.factor, self.steps = 2.0, [1.0]

        @ag.jit(backend="numpy")
        def step(self, x):
            return ag.tensor(x) * self.scale()

        def scale(self):
            return self.factor + self.steps[-1]

    model, other = Model(), Model()
    other.factor = 10.0
    assert model.step(X).tolist() == [3, 6]
    assert other.step(X).tolist() == [11, 22]
    model.factor = 3.0
    assert model.step(X).tolist() == [4, 8]
    model.steps.append(2.0)
    assert model.step(X).tolist() == [5, 10]
    assert other.step(X).tolist() == [11, 22]


def test_an_array_that_is_closed_over_is_read_where_it_is():
    offset, inside = np.array([1.0, 1.0]), np.array([0.0, 0.0])

    def f(x):
        return x + offset + ag.tensor(inside)

    step = compiled(f)
    assert both(step, f, X) == [2, 3]
    offset[0] = 10.0
    assert both(step, f, X) == [11, 3]
    inside[1] = 5.0
    assert both(step, f, X) == [11, 8]
    offset = np.array([0.0, 0.0])
    assert both(step, f, X) == [1, 7]


def test_a_tensor_that_is_closed_over_is_read_and_may_be_replaced():
    w = ag.tensor([2.0, 2.0])

    def f(x):
        return x * w

    step = compiled(f)
    assert both(step, f, X) == [2, 4]
    w.assign([3.0, 3.0])
    assert both(step, f, X) == [3, 6]
    w = ag.tensor([4.0, 4.0])
    assert both(step, f, X) == [4, 8]
    w = ag.tensor(5.0)
    assert both(step, f, X) == [5, 10]
    w.assign(6.0)
    assert both(step, f, X) == [6, 12]


def test_arguments_that_are_no_arrays():
    def f(x, n=1, flag=True, how="a"):
        y = x * n if flag else x
        return y + 1 if how == "b" else y

    step = compiled(f)
    assert step(X, 2).tolist() == [2, 4]
    assert step(X, 3).tolist() == [3, 6]
    assert step(X, 3, False).tolist() == [1, 2]
    assert step(X, 3, flag=False).tolist() == [1, 2]
    assert step(X, 3, how="b").tolist() == [4, 7]
    assert step(X, True).tolist() == [1, 2]
    assert step(X, 1.5).tolist() == [1.5, 3]
    assert step(X, 2.5).tolist() == [2.5, 5]


def test_shapes_and_dtypes():
    step = compiled(lambda x: ag.sum(x * 2))
    for x in (
        np.ones(3),
        np.ones((2, 2)),
        np.ones(3, np.float32),
        np.ones(3, np.int64),
        np.ones(0),
    ):
        for _ in range(2):
            found = step(x)
            assert found.item() == 2 * x.size
            assert found.dtype == (x * 2).dtype
    assert len(step._entries) == 5


def test_arguments_in_other_guises():
    step = compiled(lambda x: x * 2)
    swapped = X.astype(X.dtype.newbyteorder())
    for x in (X, ag.tensor(X), np.asfortranarray(X), swapped, X[::-1][::-1], ag.tensor(X).numpy()):
        assert step(x).tolist() == [2, 4]
    assert step(np.float64(3)).item() == 6
    assert step(np.array(3.0)).item() == 6
    assert step(ag.tensor(3.0)).item() == 6
    with pytest.raises(ag.DTypeError):
        step(np.array([1j]))


def test_the_learning_rate_and_others_need_no_new_capture(kit):
    a, b = kit.small(momentum=0.9), kit.small(momentum=0.9)
    step = compiled(a.step)
    x, t = kit.batch(kit.small)
    entries = []
    for lr, momentum in ((0.1, 0.9), (0.2, 0.9), (0.2, 0.5), (0.01, 0.1)):
        for twin in (a, b):
            twin.opt.lr = lr
            twin.opt.param_groups[0]["momentum"] = momentum
        step(x, t)
        b.step(x, t)
        kit.alike(a, b)
        entries.append(next(iter(step._entries.values())))
    assert all(entry is entries[0] for entry in entries)


def test_a_change_of_the_rule(kit):
    a, b = kit.small(momentum=0.9), kit.small(momentum=0.9)
    step = compiled(a.step)
    x, t = kit.batch(kit.small)
    for name, value in (
        ("nesterov", True),
        ("weight_decay", 0.1),
        ("weight_decay", 0.0),
        ("nesterov", False),
    ):
        for twin in (a, b):
            twin.opt.param_groups[0][name] = value
        step(x, t)
        b.step(x, t)
        kit.alike(a, b)
    for twin in (a, b):
        twin.opt.nonfinite = "ignore"
    bad = np.full_like(x, np.nan)
    step(bad, t)
    b.step(bad, t)
    kit.alike(a, b)


def test_training_and_evaluation(kit):
    a, b = kit.classifier(), kit.classifier()
    step = compiled(lambda x: a.model(x))
    x, _ = kit.batch(kit.classifier)
    for mode in (True, False, False, True, False):
        a.model.train(mode)
        b.model.train(mode)
        np.testing.assert_allclose(step(x).numpy(), b.model(x).detach().numpy(), rtol=1e-12)
        kit.alike(a, b)
    assert len(step._runners) == 2  # prepared once for each mode


def test_a_layer_is_replaced_removed_or_changed(kit):
    a, b = kit.classifier(), kit.classifier()
    step = compiled(a.step)
    x, t = kit.batch(kit.classifier)

    def run():
        step(x, t)
        b.step(x, t)
        kit.alike(a, b)

    run()
    for twin in (a, b):
        setattr(twin.model, "2", nn.Tanh())
    run()
    for twin in (a, b):
        twin.model[3].keep = 0.9
    run()
    for twin in (a, b):
        twin.model[1].momentum = 0.5
    run()
    for twin in (a, b):
        setattr(twin.model, "3", nn.Tanh())
    run()
    for twin in (a, b):
        del twin.model[4].bias
        twin.model[4].bias = None
    run()


def test_attributes_of_the_users_own_module():
    class Scale(nn.Module):
        def __init__(self):
            self.factor, self.options = 2.0, {"shift": 0.0}

        def forward(self, x):
            return x * self.factor + self.options["shift"] + FACTOR

    layer = Scale()
    step = compiled(layer)
    assert both(step, layer, ag.tensor(X)) == [4, 6]
    layer.factor = 3.0
    assert both(step, layer, ag.tensor(X)) == [5, 8]
    layer.options["shift"] = 1.0
    assert both(step, layer, ag.tensor(X)) == [6, 9]


def test_a_global_read_by_a_module_of_a_module(assign):
    class Scale(nn.Module):
        def forward(self, x):
            return x * FACTOR

    model = nn.Sequential(nn.Identity() if hasattr(nn, "Identity") else nn.Tanh(), Scale())
    step = compiled(lambda x: model(x))
    before = both(step, model, ag.tensor(X))
    assign(FACTOR=7.0)
    assert both(step, model, ag.tensor(X)) != before


def test_whether_a_leaf_requires_a_gradient(kit):
    a, b = kit.small(), kit.small()
    step = compiled(a.step)
    x, t = kit.batch(kit.small)
    for frozen in (False, True, False):
        for twin in (a, b):
            twin.model[0].weight.requires_grad = not frozen
        step(x, t)
        b.step(x, t)
        kit.alike(a, b)


def test_what_an_optimizer_is_given_back(kit):
    a, b = kit.classifier(), kit.classifier()
    step = compiled(a.step)
    x, t = kit.batch(kit.classifier)
    saved = []
    for twin, run in ((a, step), (b, b.step)):
        run(x, t)
        saved.append((twin.model.state_dict(), twin.opt.state_dict()))
        run(x, t)
        run(x, t)
        twin.model.load_state_dict(saved[-1][0])
        twin.opt.load_state_dict(saved[-1][1])
        run(x, t)
    kit.alike(a, b)
    assert a.opt.updates == b.opt.updates == 2


def test_eager_and_compiled_steps_in_turn(kit):
    a, b = kit.classifier(), kit.classifier()
    step = compiled(a.step)
    for k in range(6):
        x, t = kit.batch(kit.classifier, seed=k)
        (step if k % 2 else a.step)(x, t)
        b.step(x, t)
        kit.alike(a, b)
    assert a.opt.updates == 6


def test_parameters_with_other_counts_of_steps():
    def make():
        v, w = (ag.tensor(np.ones(2), requires_grad=True) for _ in range(2))
        opt = optim.Adam([v, w], lr=0.1)

        def one(x):
            opt.zero_grad()
            ag.sum(v * v * x).backward()
            opt.step()

        def two(x):
            opt.zero_grad()
            ag.sum(v * w * w * x).backward()
            opt.step()

        return v, w, opt, one, two

    v, w, opt, one, two = make()
    v2, w2, opt2, one2, two2 = make()
    steps = compiled(one), compiled(two)
    for order in (1, 0, 0, 1, 1, 0, 1):
        steps[order](X)
        (one2, two2)[order](X)
        np.testing.assert_allclose(v.numpy(), v2.numpy(), rtol=1e-13)
        np.testing.assert_allclose(w.numpy(), w2.numpy(), rtol=1e-13)
        assert opt.param_groups[0].arenas[0].steps == opt2.param_groups[0].arenas[0].steps


def test_a_second_optimizer_takes_the_parameters_over(kit):
    a, b = kit.small(), kit.small()
    step = compiled(a.step)
    x, t = kit.batch(kit.small)
    step(x, t)
    b.step(x, t)
    for twin in (a, b):
        twin.other = optim.SGD(twin.model.parameters(), lr=0.1)  # moves the parameters
    step(x, t)
    b.step(x, t)
    kit.alike(a, b)


def test_no_more_captures_are_kept_than_need_be():
    step = compiled(lambda x: x + 1, captures=16)
    for n in range(1, 40):
        assert step(np.ones(n)).shape == (n,)
    assert len(step._entries) == len(step._runners) == 16
    with pytest.warns(ag.RecompileWarning, match="16"):
        assert step(np.ones(1)).shape == (1,)


def test_recording_or_not(weight):
    def f():
        return ag.sum(weight * weight)

    step = compiled(f)
    with ag.no_grad():
        assert step().item() == 14
        assert not step().requires_grad
    assert step().item() == 14
    step().backward()
    assert weight.grad.tolist() == [2, -4, 6]


def test_an_identical_value_in_another_object_needs_no_capture():
    factor = [1.0, 2.0]
    number = 1e10

    def f(x):
        return x * factor[1] * number

    step = compiled(f)
    step(X)
    entry = step._last
    number = float("1e10")
    step(X)
    assert step._last is entry
    number = float("nan")
    assert np.isnan(step(X).numpy()).all()


class Options:
    scale = 2.0


class Slotted:
    __slots__ = ("scale",)

    def __init__(self):
        self.scale = 2.0


class Wrapped:
    def __init__(self):
        self._scale = 2.0

    @property
    def scale(self):
        return self._scale


class Inherited(Options):
    pass


@pytest.mark.parametrize("kind", [Options, Slotted, Wrapped, Inherited])
def test_attributes_of_classes_slots_and_properties(kind, monkeypatch):
    monkeypatch.setattr(Options, "scale", 2.0)
    options = kind()

    def f(x):
        return ag.tensor(x) * options.scale

    step = compiled(f)
    assert both(step, f, X) == [2, 4]
    if kind is Wrapped:
        options._scale = 3.0
    elif kind is Slotted:
        options.scale = 3.0
    else:
        Options.scale = 3.0
    assert both(step, f, X) == [3, 6]
    if kind in (Options, Inherited):
        options.scale = 4.0
        assert both(step, f, X) == [4, 8]

        def g(x):
            return ag.tensor(x) * kind.scale

        step = compiled(g)
        assert both(step, g, X) == [3, 6]
        Options.scale = 5.0
        assert both(step, g, X) == [5, 10]


def test_an_attribute_of_the_class_of_a_module_and_a_method_that_is_overridden(assign):
    class Base(nn.Module):
        power = 2.0

        def forward(self, x):
            return x * self.power + FACTOR

    class Derived(Base):
        def forward(self, x):
            return super().forward(x) + 1

    layer = Derived()
    step = compiled(layer)
    assert both(step, layer, ag.tensor(X)) == [5, 7]
    Base.power = 3.0
    assert both(step, layer, ag.tensor(X)) == [6, 9]
    assign(FACTOR=0.0)
    assert both(step, layer, ag.tensor(X)) == [4, 7]


def test_a_function_that_remembers(assign):
    import functools

    @functools.cache
    def constant():
        return FACTOR

    def f(x):
        return ag.tensor(x) * constant()

    step = compiled(f)
    assert both(step, f, X) == [2, 4]
    assign(FACTOR=3.0)
    constant.cache_clear()
    assert both(step, f, X) == [3, 6]


def test_what_a_step_changes_itself_it_changes_each_time():
    count = 0

    def f(x):
        nonlocal count
        count += 1
        return ag.tensor(x) * count

    step = compiled(f)
    assert [step(X).tolist() for _ in range(3)] == [[1, 2], [2, 4], [3, 6]]


@pytest.mark.parametrize("source", ["generator", "state", "python", "numpy", "shared"])
def test_random_numbers_are_not_drawn_when_it_is_captured(source):
    import random

    drawn = {
        "generator": np.random.default_rng(0),
        "state": np.random.RandomState(0),
        "python": random.Random(0),
        "numpy": np.random,
        "shared": random,
    }[source]
    name = {"state": "RandomState", "numpy": r"numpy\.random", "shared": "random"}.get(source, "")

    def draw():
        return drawn.random()

    def f(x):
        return ag.tensor(x) * draw()

    before = random.getstate()
    with pytest.raises(
        ag.CaptureError, match=rf"random numbers were drawn from .*{name}.*Draw them outside"
    ):
        compiled(f)(X)
    assert random.getstate() == before
    if source == "generator":
        assert drawn.random() == np.random.default_rng(0).random()
