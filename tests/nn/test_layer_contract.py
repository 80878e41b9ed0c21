"""What every public module keeps to: layers, losses, regularizers, transforms of data.

They are found by walking the package, and made and called as their own ``example()`` says: a new one
is tested by existing, each variant, in training and in evaluation. Of more than two ways to make and
call a module one in three is tried by default, and all by ``make slow``.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
import re

import numpy as np
import pytest

import autograd_core as ag
import nn
import viz
from autograd_core.kinds import Gather, Loop, Random
from autograd_core.symbolic import prove
from autograd_core.trees import flatten, unflatten
from nn.catalogue import public_modules
from nn.contract import example_of

MODULES = public_modules()
CASES = {
    f"{kind.__name__}({case.words})" if case.words else kind.__name__: (kind, case)
    for kind in MODULES
    for case in example_of(kind).cases()
}


def chosen(variants=True):
    """The names of cases; those that are left to ``make slow`` are marked so: all but the first, without variants."""
    places = dict.fromkeys(MODULES, 0)
    for name, (kind, _) in CASES.items():
        left = places[kind] > 1 and places[kind] % 3 != 1 if variants else places[kind] > 0
        yield pytest.param(name, marks=pytest.mark.slow if left else ())
        places[kind] += 1


each_case = pytest.mark.parametrize(
    "case", [pytest.param(CASES[c.values[0]][1], id=c.values[0], marks=c.marks) for c in chosen()]
)
each_kind = pytest.mark.parametrize("kind", MODULES, ids=lambda kind: kind.__name__)
each_mode = pytest.mark.parametrize("mode", [True, False], ids=["training", "evaluation"])


@pytest.fixture(params=chosen(variants=False))
def plain(request):
    """For what is dear: the first way to make and call a module, and the others in ``make slow``."""
    return CASES[request.param][1]


@pytest.fixture(params=[True, False], ids=["training", "evaluation"])
def mode(request):
    return request.param


def arrays(inputs):
    """The arrays among inputs or results, lists and tuples looked into."""
    return [a for a in flatten(inputs)[0] if a is not None]


def filled(inputs, values):
    """The same nesting with other arrays in it."""
    values, (leaves, nesting) = iter(values), flatten(inputs)
    return unflatten(nesting, [None if a is None else next(values) for a in leaves])


def joined(result):
    """A result as one tensor: of several, all of their elements."""
    parts = arrays(result)
    return parts[0] if len(parts) == 1 else ag.concatenate([ag.ravel(part) for part in parts])


def numbers(result):
    """Results as arrays."""
    return [part.detach().numpy() for part in arrays(result)]


def same(found, expected):
    for a, b in zip(numbers(found), numbers(expected), strict=True):
        np.testing.assert_array_equal(a, b)


def name_of(case):
    return next(name for name, (_, other) in CASES.items() if other is case)


def kind_of(case):
    return CASES[name_of(case)][0]


def equal(a, b):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


def near(found, expected, tolerance=1e-12):
    for a, b in zip(found, expected, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.dtype == b.dtype
        if a.dtype.kind == "f":
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
        else:
            np.testing.assert_array_equal(a, b)


class Pure:
    """A module as a function of arrays: those that it is called with, and its parameters.

    Parameters are moved off the start of zeros and ones. ``floats`` are what is differentiated by.
    """

    def __init__(self, case, mode):
        self.module = case.build(dtype=np.float64).train(mode)
        self.names = [name for name, _ in self.module.named_parameters()]
        rng = np.random.default_rng(7)
        for p in self.module.parameters():
            p.assign(p.numpy() + rng.normal(scale=0.1, size=p.shape))
        self.inputs = case.inputs(np.float64)
        self.count = len(arrays(self.inputs))
        self.given = [*arrays(self.inputs), *(p.numpy() for p in self.module.parameters())]
        self.floats = tuple(i for i, a in enumerate(self.given) if a.dtype.kind == "f")
        self.g = rng.uniform(0.5, 1.5, size=self(*self.given).shape)

    def called(self, *given):
        """The outputs, and the buffers after the call."""
        inputs = filled(self.inputs, given[: self.count])
        state = dict(zip(self.names, given[self.count :], strict=True))
        output, buffers = nn.functional_call(self.module, state, tuple(inputs), buffers=True)
        return arrays(output), buffers

    def __call__(self, *given):
        return joined(self.called(*given)[0])

    def step(self, *given):
        """Outputs, new buffers, and the gradients."""
        outputs, buffers = self.called(*given)
        gradients = ag.grad(lambda *given: ag.sum(self(*given) * self.g), self.floats)(*given)
        return [*outputs, *buffers.values(), *gradients]


@functools.cache
def program_of(name, mode):
    case = CASES[name][1]
    return ag.trace(case.build(dtype=np.float64).train(mode))(*case.inputs(np.float64))


def reached(program):
    """The steps that the output depends on: without new running statistics, counters, seeds."""
    needed, found = set(program.outputs), []
    for step in reversed(program.applications):
        if step.result in needed:
            needed.update(step.operands)
            found.append(step)
    return found[::-1]


def whole(program):
    return str(program)


def formula(program):
    """The program up to its constants, which a proof takes as any."""
    return re.sub(r"\d+(\.\d+)?e-?\d+|\d+\.\d+", "c", str(reached(program)))


def once(case, mode, text=whole):
    """Skip what would be done again, as evaluation is where it computes what training does."""
    own = [(name, m) for name, (k, _) in CASES.items() if k is kind_of(case) for m in (True, False)]
    before = own[: own.index((name_of(case), mode))]
    mine = text(program_of(name_of(case), mode))
    if any(text(program_of(*other)) == mine for other in before):
        pytest.skip("the same program as before")


def test_there_are_modules_to_test():
    names = {kind.__name__ for kind in MODULES}
    assert {"Linear", "BatchNorm1d", "Dropout", "ReLU", "CrossEntropyLoss", "L2"} <= names
    assert {"Dropout(keep=0.8, scale=test)", "CrossEntropyLoss(call 1)"} <= CASES.keys()


def test_no_primitive_is_declared_in_nn():
    declared = {p.name: p.function.__module__ for p in ag.REGISTRY.values()}
    assert not [name for name, module in declared.items() if module.split(".")[0] == "nn"]


@pytest.mark.together
@each_kind
def test_its_example_reaches_every_option(kind):
    """Each option of a constructor that is no source and no dtype has another value in a variant."""
    example = example_of(kind)
    if kind.__init__ is object.__init__ or example.make is not kind or not example.calls:
        return
    options = list(inspect.signature(kind).parameters)[len(example.args) :]
    tried = {name for case in example.cases() for name in case.options}
    assert set(options) - tried <= {"rng", "dtype"}


@pytest.mark.together
@each_case
@each_mode
def test_the_result_is_a_finite_tensor_and_deterministic_under_equal_generators(case, mode):
    first, second = (case.build(rng=np.random.default_rng(3)).train(mode) for _ in range(2))
    equal(first.state_dict(), second.state_dict())
    result = first(*case.inputs())
    assert all(isinstance(part, ag.Tensor) for part in arrays(result))
    assert all(np.isfinite(values).all() for values in numbers(result))
    same(result, second(*case.inputs()))
    equal(first.state_dict(), second.state_dict())


@pytest.mark.together
@each_case
@each_mode
def test_the_batch_stays_the_first_axis_or_the_result_is_a_scalar(case, mode):
    shape = arrays(case.build().train(mode)(*case.inputs()))[0].shape
    if case.batched:
        assert shape == () or shape[case.axis] == case.inputs()[0].shape[case.axis]


@pytest.mark.together
@each_case
@each_mode
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_layer_and_input_is_that_of_the_result(case, mode, dtype):
    module = case.build(dtype=dtype).train(mode)
    assert {part.dtype for part in arrays(module(*case.inputs(dtype)))} == {np.dtype(dtype)}
    assert {p.dtype for p in module.parameters()} <= {np.dtype(dtype)}


@pytest.mark.together
@each_kind
def test_layers_are_float32_unless_told_otherwise(kind):
    options = inspect.signature(kind.__init__).parameters
    if "dtype" in options:
        assert options["dtype"].default is np.float32


@pytest.mark.together
@each_case
def test_parameters_and_buffers_are_counted_and_labelled(case):
    module = case.build()
    state, parameters = module.state_dict(), dict(module.named_parameters())
    assert module.parameter_count() == sum(state[name].size for name in parameters)
    assert {p.role for p in module.parameters()} <= {"parameter"}
    assert {b.role for b in module.buffers()} <= {"buffer"}
    named = {**parameters, **dict(module.named_buffers())}
    assert all(tensor.name == path for path, tensor in named.items())
    assert set(state) == set(named)


def test_gradients_agree_with_differences_in_inputs_and_parameters(plain, mode):
    pure = Pure(plain, mode)
    assert pure.floats
    ag.gradcheck(pure, *pure.given)


def test_gradients_of_gradients_agree_with_differences(plain, mode):
    """Element by element; of many, along a direction of each array (all of them: `make slow`)."""
    once(plain, mode, formula)
    pure = Pure(plain, mode)
    if sum(pure.given[i].size for i in pure.floats) > 50:
        rng = np.random.default_rng(11)
        towards = {i: rng.normal(size=pure.given[i].shape) for i in pure.floats}

        def moved(*by):
            by = dict(zip(pure.floats, by, strict=True))
            return pure(
                *(a + by[i] * towards[i] if i in by else a for i, a in enumerate(pure.given))
            )

        ag.gradgradcheck(moved, *(np.zeros(()) for _ in pure.floats))
    else:
        ag.gradgradcheck(pure, *pure.given)


@each_case
@each_mode
@pytest.mark.slow
def test_gradients_of_gradients_agree_with_differences_in_every_element(case, mode):
    once(case, mode, formula)
    pure = Pure(case, mode)
    ag.gradgradcheck(pure, *pure.given)


@pytest.mark.together
@each_case
@each_mode
def test_backward_of_the_module_is_the_gradient_of_the_function(case, mode):
    pure = Pure(case, mode)
    expected = pure.step(*pure.given)
    inputs = [
        ag.tensor(a, requires_grad=i in pure.floats) for i, a in enumerate(pure.given[: pure.count])
    ]
    outputs = arrays(pure.module(*filled(pure.inputs, inputs)))
    ag.sum(joined(outputs) * pure.g).backward()
    found = [*outputs, *pure.module.buffers()]
    found += [t.grad for t in (*inputs, *pure.module.parameters()) if t.requires_grad]
    near([t.detach().numpy() for t in found], [t.detach().numpy() for t in expected])


@pytest.mark.parametrize("backend", ["numpy", "native"])
def test_compiled_it_computes_the_same(plain, mode, backend):
    if backend == "native":
        pytest.importorskip("llvmlite")
    once(plain, mode)
    pure = Pure(plain, mode)
    expected = pure.step(*pure.given)
    compiled = ag.jit(pure.step, backend=backend)
    near([t.numpy() for t in compiled(*pure.given)], [t.numpy() for t in expected])
    assert compiled.explain().backend == backend


@functools.cache
def verdict(name, mode, rows):
    """Of the gradient of the output, weighted in any way: with a number of rows, or None for all."""
    case = CASES[name][1]
    if case.example.small:
        case = dataclasses.replace(case, call=case.example.small)
    pure, batched = Pure(case, mode), case.batched
    size = ag.dims("B")[0] if rows is None else rows
    places = pure.floats if rows or not batched else range(len(pure.given))
    known = {}  # integers at a fixed shape, which a proof takes as they are
    given = []
    for i, a in enumerate(pure.given):
        moved = batched and i < pure.count
        if i not in places:
            known[i] = np.take(a, range(rows), case.axis) if moved else a
        else:
            shape = resized(a.shape, case.axis, size) if moved else a.shape
            given.append(ag.Abstract(shape, a.dtype))

    def called(*given):
        given = iter(given)
        return pure.called(
            *(known[i] if i in known else next(given) for i in range(len(pure.given)))
        )[0]

    weights = [ag.Abstract(y.shape, np.float64) for y in ag.trace(called)(*given).outputs]

    def loss(*all_):
        parts = zip(called(*all_[: len(given)]), all_[len(given) :], strict=True)
        return sum(ag.sum(y * g) for y, g in parts)

    asked = [list(places).index(i) for i in pure.floats]
    seconds = 2 if case.undecided and rows is None else 20
    return prove.backward(loss, wrt=asked, args=[*given, *weights], seconds=seconds)


def resized(shape, axis, size):
    return (*shape[:axis], size, *shape[axis + 1 :])


def composed(case, mode):
    """Of the same by composition: each rule as it is used, at every size of its own."""
    pure = Pure(case, mode)
    tensors = [ag.tensor(a, requires_grad=i in pure.floats) for i, a in enumerate(pure.given)]
    leaves = {f"given {i}": tensors[i] for i in pure.floats}
    return prove.graph(leaves, ag.sum(pure(*tensors) * pure.g))


def test_its_gradient_is_proved(plain, mode):
    """At every batch size; or where its example says why no more is known, by composition or at a fixed one.

    What draws is proved at a fixed one; but for loops, and what is taken from places that are drawn, as entry by
    entry each may be any.
    """
    case = plain
    once(case, mode, formula)
    kinds = {type(s.primitive.kind) for s in program_of(name_of(case), mode)}
    loops = Loop in kinds or kinds >= {Gather, Random}
    if not (case.undecided and (mode or loops)):  # what draws is undecided in training only
        general = verdict(name_of(case), mode, None)
        if general.status == "PROVED":
            return
        said = "Say why in the `undecided` of its example, if it must be."
        assert case.undecided, f"{general}. {said}"
    if (loops or Random not in kinds) and composed(case, mode).status == "PROVED":
        return
    assert verdict(name_of(case), mode, 2).status == "PROVED"


@pytest.mark.sampled(8)
@pytest.mark.parametrize(
    "kind", [k for k in MODULES if example_of(k).undecided], ids=lambda kind: kind.__name__
)
def test_what_is_said_to_be_undecided_is(kind):
    names = [name for name, (k, case) in CASES.items() if k is kind and case.undecided]
    assert any(verdict(name, True, None).status != "PROVED" for name in names)


@pytest.mark.together
@each_case
@each_mode
def test_it_is_drawn_with_its_operations(case, mode):
    module = case.build().train(mode)
    state = module.state_dict()
    shown = {step.primitive.name for step in reached(ag.trace(module)(*case.inputs()))}
    drawing = viz.draw_graph(module, *case.inputs())
    assert kind_of(case).__name__ in drawing.source
    details = [dict(node.details) for node in drawing.picture.nodes]
    assert {d["operation"] for d in details if "operation" in d} >= shown
    equal(module.state_dict(), state)


@pytest.mark.together
@each_case
@each_mode
def test_a_state_carries_all_that_the_next_results_depend_on(case, mode, tmp_path):
    module, other = case.build(rng=0).train(mode), case.build(rng=1).train(mode)
    module(*case.inputs())
    module.save(tmp_path / "state")
    other.load(tmp_path / "state")
    for _ in range(2):
        same(module(*case.inputs()), other(*case.inputs()))
    equal(module.state_dict(), other.state_dict())


@pytest.mark.together
@each_case
def test_training_differs_from_evaluation_where_there_is_a_state_for_it_and_only_there(case):
    """What a pass of training changes, evaluation goes by; what has no state does the same in both."""
    module = case.build(dtype=np.float64).train()
    state = module.state_dict()
    module(*case.inputs(np.float64))
    changed = any(not np.array_equal(state[k], v) for k, v in module.state_dict().items())
    training, evaluation = (str(reached(program_of(name_of(case), m))) for m in (True, False))
    if changed:
        assert training != evaluation
    if training != evaluation:
        assert list(module.buffers())


@pytest.mark.together
@each_case
def test_what_draws_draws_anew_in_each_pass_and_for_each_seed(case):
    counters = [
        path for path, _ in case.build().named_buffers() if path.rpartition(".")[2] == "counter"
    ]
    if not counters or case.options:
        pytest.skip("it does not draw, or at some limit of its options")

    def passes(seed):
        # The weights of one seed, and the keys of another.
        module, other = case.build(rng=0).train(), case.build(rng=seed).state_dict()
        keys = [path.replace("counter", "key") for path in counters]
        module.load_state_dict({path: other[path] for path in keys}, strict=False)
        given = case.inputs()
        found = [[a.detach().numpy().tobytes() for a in arrays(module(*given))] for _ in range(12)]
        return [b"".join(one) for one in found]

    assert len(set(passes(0))) > 1
    assert passes(0) == passes(0)
    assert passes(0) != passes(1)


@pytest.mark.together
@each_case
def test_evaluation_changes_no_state_and_gives_the_same_twice(case):
    module = case.build().eval()
    state = module.state_dict()
    same(module(*case.inputs()), module(*case.inputs()))
    equal(module.state_dict(), state)


@pytest.mark.together
@each_case
@each_mode
def test_a_deep_copy_is_equal_and_independent(case, mode):
    module = case.build().train(mode)
    module(*case.inputs())
    twin, state = copy.deepcopy(module), module.state_dict()
    same(twin(*case.inputs()), module(*case.inputs()))
    equal(twin.state_dict(), module.state_dict())
    module.load_state_dict(state)
    for tensor in [*twin.parameters(), *twin.buffers()]:
        tensor.assign(np.zeros(tensor.shape, tensor.dtype))
    equal(module.state_dict(), state)


@pytest.mark.together
@each_case
@each_mode
def test_a_trace_has_no_effect_and_its_program_has_the_same_results_and_writes(case, mode):
    module, inputs = case.build().train(mode), case.inputs()
    state = module.state_dict()
    program = ag.trace(module)(*inputs)
    equal(module.state_dict(), state)
    flat = arrays(inputs)
    values = program.values(*flat)
    for a, b in zip(arrays(program(*flat)), numbers(module(*inputs)), strict=True):
        np.testing.assert_array_equal(a, b)
    written = {target.name: values[value] for target, value in program.writes}
    equal({**state, **written}, module.state_dict())


@pytest.mark.together
@each_case
@each_mode
def test_it_is_traced_for_every_batch_size_at_once(case, mode):
    module, inputs = case.build().train(mode), case.inputs()
    (batch,) = ag.dims("B")
    if not case.batched:
        pytest.skip("its inputs do not share a batch")
    program = ag.trace(module)(
        *(ag.Abstract(resized(a.shape, case.axis, batch), a.dtype) for a in inputs)
    )
    for a, b in zip(arrays(program(*inputs)), numbers(module(*inputs)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.together
@each_case
@each_mode
def test_its_operations_carry_its_scope(case, mode):
    module = case.build().train(mode)
    program = ag.trace(module)(*case.inputs())
    assert all(step.scope[0] == type(module).__name__ for step in program.applications)


@pytest.mark.together
@each_case
def test_repr_names_the_class_and_no_address(case):
    module = case.build()
    text = repr(module)
    assert text.startswith(f"{type(module).__name__}(")
    assert text.endswith(")")
    assert " at 0x" not in text


@pytest.mark.together
@each_kind
def test_it_is_documented_with_an_example(kind):
    assert ">>> " in inspect.getdoc(kind)
    assert inspect.getdoc(kind.forward)
