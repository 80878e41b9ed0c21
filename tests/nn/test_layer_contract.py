"""What every public Module keeps to. The list is read from `nn`: a new layer is tested by existing.

A layer is built from its signature, by the names in `OPTIONS`, and called by the names of its
forward's arguments, found in `INPUTS`; a name that is not there fails with a word on where to add it.
"""

from __future__ import annotations

import copy
import inspect

import numpy as np
import pytest

import autograd_core as ag
import nn

LAYERS = [
    value
    for name in nn.__all__
    if inspect.isclass(value := getattr(nn, name))
    and issubclass(value, nn.Module)
    and value not in (nn.Module, nn.ModuleList)  # not to be called
]

# What a constructor's required arguments are given, by name.
OPTIONS = {
    "in_features": lambda rng, dtype: 3,
    "num_features": lambda rng, dtype: 3,
    "out_features": lambda rng, dtype: 2,
    "lam": lambda rng, dtype: 0.5,
    "rng": lambda rng, dtype: rng,
    "dtype": lambda rng, dtype: dtype,
    "layers": lambda rng, dtype: (
        nn.Linear(3, 4, rng=rng, dtype=dtype),
        nn.BatchNorm1d(4, dtype=dtype),
        nn.Dropout(0.3, rng=rng),
        nn.Tanh(),
    ),
}

_DRAW = np.random.default_rng(42)
BATCH = _DRAW.normal(size=(5, 3))
# What forward is given, by the name of its argument. Floats are differentiated.
INPUTS = {
    "x": BATCH,
    "z": BATCH,
    "output": BATCH,
    "logits": BATCH,
    "weights": [BATCH, _DRAW.normal(size=4)],
    "targets": _DRAW.normal(size=(5, 3)),
}
PARTICULAR = {("CrossEntropyLoss", "targets"): np.array([0, 2, 1, 1, 0])}


def build(layer, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    args, options = [], {}
    if "__init__" in layer.__dict__:
        for p in list(inspect.signature(layer.__init__).parameters.values())[1:]:
            if p.name in OPTIONS:
                value = OPTIONS[p.name](rng, dtype)
                if p.kind is p.VAR_POSITIONAL:
                    args.extend(value)
                else:
                    options[p.name] = value
            elif p.default is p.empty:
                pytest.fail(f"{layer.__name__}({p.name}=…): add the name to OPTIONS in this file.")
    return layer(*args, **options)


def inputs(layer):
    found = []
    for name in list(inspect.signature(layer.forward).parameters)[1:]:
        value = PARTICULAR.get((layer.__name__, name), INPUTS.get(name))
        if value is None:
            pytest.fail(f"{layer.__name__}.forward({name}): add the name to INPUTS in this file.")
        found.append(value)
    return found


def as_dtype(value, dtype):
    if isinstance(value, list):
        return [as_dtype(v, dtype) for v in value]
    return value.astype(dtype) if value.dtype.kind == "f" else value


def arrays(values):
    """The float arrays among arguments, lists looked into."""
    flat = [a for value in values for a in (value if isinstance(value, list) else [value])]
    return [a for a in flat if a.dtype.kind == "f"]


def tensors(values):
    """Arguments with every float array as a leaf that requires a gradient, and those leaves."""
    leaves = []

    def wrap(value):
        if isinstance(value, list):
            return [wrap(v) for v in value]
        if value.dtype.kind != "f":
            return value
        leaves.append(ag.tensor(value, requires_grad=True))
        return leaves[-1]

    return [wrap(value) for value in values], leaves


@pytest.fixture(params=LAYERS, ids=lambda layer: layer.__name__)
def layer(request):
    return request.param


@pytest.fixture(params=[True, False], ids=["training", "evaluation"])
def mode(request):
    return request.param


def equal(a, b):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


def test_there_are_layers_to_test():
    assert {"Linear", "BatchNorm1d", "Dropout", "ReLU", "CrossEntropyLoss", "L2"} <= {
        layer.__name__ for layer in LAYERS
    }


def test_no_primitive_is_declared_in_nn():
    declared = {p.name: p.function.__module__ for p in ag.REGISTRY.values()}
    assert not [name for name, module in declared.items() if module.split(".")[0] == "nn"]


def test_the_result_is_finite_and_deterministic_under_equal_generators(layer, mode):
    first, second = (build(layer, seed=3).train(mode) for _ in range(2))
    equal(first.state_dict(), second.state_dict())
    result = first(*inputs(layer)).detach().numpy()
    assert np.isfinite(result).all()
    np.testing.assert_array_equal(result, second(*inputs(layer)).detach().numpy())
    equal(first.state_dict(), second.state_dict())


def test_the_batch_stays_the_first_axis_or_the_result_is_a_scalar(layer, mode):
    shape = build(layer).train(mode)(*inputs(layer)).shape
    assert shape == () or shape[0] == 5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_layer_and_input_is_that_of_the_result(layer, mode, dtype):
    module = build(layer, dtype=dtype).train(mode)
    assert module(*as_dtype(inputs(layer), dtype)).dtype == dtype
    assert {p.dtype for p in module.parameters()} <= {np.dtype(dtype)}


def test_layers_are_float32_unless_told_otherwise(layer):
    options = inspect.signature(layer.__init__).parameters
    if "dtype" in options:
        assert options["dtype"].default is np.float32


def test_parameters_and_buffers_are_counted_and_labelled(layer):
    module = build(layer)
    state, parameters = module.state_dict(), dict(module.named_parameters())
    assert module.parameter_count() == sum(state[name].size for name in parameters)
    assert {p.role for p in module.parameters()} <= {"parameter"}
    assert {b.role for b in module.buffers()} <= {"buffer"}
    named = {**parameters, **dict(module.named_buffers())}
    assert all(tensor.name == path for path, tensor in named.items())
    assert set(state) == set(named)


def test_gradients_agree_with_differences_in_inputs_and_parameters(layer, mode):
    module = build(layer).train(mode)
    for p in module.parameters():  # off the symmetric start of zeros and ones
        p.assign(p.numpy() + np.random.default_rng(p.size).normal(scale=0.1, size=p.shape))
    state = module.state_dict()
    given = copy.deepcopy(inputs(layer))
    g = np.random.default_rng(1).normal(size=module(*given).shape)

    def value():
        module.load_state_dict(state)  # the same mask and statistics every time
        return float((module(*given).detach().numpy() * g).sum())

    module.load_state_dict(state)
    args, leaves = tensors(given)
    module(*args).backward(g)
    names = dict(module.named_parameters())
    pairs = list(zip(arrays(given), leaves, strict=True))
    pairs += [(state[name], p) for name, p in names.items()]
    assert pairs
    for array, tensor in pairs:
        assert tensor.grad is not None
        numeric = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            middle = array[index]
            sides = []
            for step in (1e-6, -1e-6):
                array[index] = middle + step
                sides.append(value())
            array[index] = middle
            numeric[index] = (sides[0] - sides[1]) / 2e-6
        np.testing.assert_allclose(tensor.grad.numpy(), numeric, rtol=1e-6, atol=1e-8)


def test_a_state_carries_all_that_the_next_results_depend_on(layer, mode):
    module, other = build(layer, seed=0).train(mode), build(layer, seed=1).train(mode)
    module(*inputs(layer))
    other.load_state_dict(module.state_dict())
    for _ in range(2):
        np.testing.assert_array_equal(
            module(*inputs(layer)).detach().numpy(), other(*inputs(layer)).detach().numpy()
        )
    equal(module.state_dict(), other.state_dict())


def test_evaluation_changes_no_state_and_gives_the_same_twice(layer):
    module = build(layer).eval()
    state = module.state_dict()
    first, second = (module(*inputs(layer)).detach().numpy() for _ in range(2))
    np.testing.assert_array_equal(first, second)
    equal(module.state_dict(), state)


def test_a_deep_copy_is_equal_and_independent(layer, mode):
    module = build(layer).train(mode)
    module(*inputs(layer))
    twin, state = copy.deepcopy(module), module.state_dict()
    np.testing.assert_array_equal(
        twin(*inputs(layer)).detach().numpy(), module(*inputs(layer)).detach().numpy()
    )
    equal(twin.state_dict(), module.state_dict())
    module.load_state_dict(state)
    for tensor in [*twin.parameters(), *twin.buffers()]:
        tensor.assign(np.zeros(tensor.shape, tensor.dtype))
    equal(module.state_dict(), state)


def test_a_trace_has_no_effect_and_its_program_has_the_same_results_and_writes(layer, mode):
    module = build(layer).train(mode)
    state = module.state_dict()
    program = ag.trace(module)(*inputs(layer))
    equal(module.state_dict(), state)
    flat = [a for v in inputs(layer) for a in (v if isinstance(v, list) else [v])]
    values = program.values(*flat)
    result = program(*flat)
    np.testing.assert_array_equal(result, module(*inputs(layer)).detach().numpy())
    written = {target.name: values[value] for target, value in program.writes}
    equal({**state, **written}, module.state_dict())


def test_it_is_traced_for_every_batch_size_at_once(layer, mode):
    (B,) = ag.dims("B")

    def symbolic(value):
        if isinstance(value, list):
            return [symbolic(v) for v in value]
        return ag.Abstract((B, *value.shape[1:]), value.dtype)

    module = build(layer).train(mode)
    program = ag.trace(module)(*map(symbolic, inputs(layer)))
    if isinstance(inputs(layer)[0], list):
        return  # arrays of several lengths do not share one B
    np.testing.assert_array_equal(program(*inputs(layer)), module(*inputs(layer)).detach().numpy())


def test_its_operations_carry_its_scope(layer, mode):
    module = build(layer).train(mode)
    program = ag.trace(module)(*inputs(layer))
    assert all(step.scope[0] == layer.__name__ for step in program.applications)


def test_repr_names_the_class_and_no_address(layer):
    text = repr(build(layer))
    assert text.startswith(f"{layer.__name__}(")
    assert text.endswith(")")
    assert " at 0x" not in text


def test_it_is_documented_with_an_example(layer):
    assert ">>> " in inspect.getdoc(layer)
    assert inspect.getdoc(layer.forward)
