from __future__ import annotations

import copy
import gc
import pickle
import sys
import weakref

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.memory import pack, stamp


def variable(*values):
    return ag.tensor(np.array(values), requires_grad=True)


# --- making ---------------------------------------------------------------------------------


def test_tensor_copies_what_it_is_given():
    array = np.ones(3)
    t = ag.tensor(array)
    array[0] = 5
    assert t.data[0] == 1


@pytest.mark.parametrize("values", [[1, 2], np.array([True]), np.array([1], np.uint8)])
def test_an_integer_leaf_cannot_ask_for_a_gradient(values):
    with pytest.raises(ag.DTypeError, match=r"has no gradient.*Write 1.0 rather than 1"):
        ag.tensor(values, requires_grad=True)


@pytest.mark.parametrize("values", [[1j], np.array([1j])])
def test_complex_numbers_are_refused(values):
    with pytest.raises(ag.DTypeError, match="complex numbers are not supported"):
        ag.tensor(values)


@pytest.mark.parametrize("values", ["abc", object(), [None]])
def test_objects_are_refused(values):
    with pytest.raises(ag.DTypeError, match="not supported"):
        ag.tensor(values)


def test_ragged_lists_are_refused():
    with pytest.raises(ag.ShapeError, match="do not form an array"):
        ag.tensor([[1.0], [1.0, 2.0]])


def test_the_class_is_not_called_and_not_subclassed():
    with pytest.raises(ag.DTypeError, match=r"ag\.tensor"):
        ag.Tensor(1.0)
    with pytest.raises(ag.DTypeError, match="final"):
        type("Sub", (ag.Tensor,), {})


def test_an_unknown_attribute_is_named():
    # By Python's own message: a __getattr__ of ours would slow the reading of every slot.
    with pytest.raises(AttributeError, match="no attribute 'foo'"):
        ag.tensor(1.0).foo  # noqa: B018


def test_repr_shows_values_dtype_and_history():
    assert repr(ag.tensor([1.0, 2.0])) == "Tensor([1., 2.])"
    x = ag.tensor(np.ones(2, np.float32), requires_grad=True, name="w")
    assert repr(x) == "Tensor([1., 1.], dtype=float32, name='w', requires_grad=True)"
    assert "op=tanh" in repr(ag.tanh(x))


# --- reading --------------------------------------------------------------------------------


def test_data_is_a_view_that_explains_why_it_cannot_be_written():
    x = ag.tensor([1.0, 2.0])
    with pytest.raises(ag.GraphError, match="assign"):
        x.data[0] = 5
    with pytest.raises(ag.GraphError, match="assign"):
        x.numpy()[...] = 5
    view = x.data
    with pytest.raises(ag.GraphError, match="assign"):
        view += 1
    assert (x.data + 1).flags.writeable
    assert type(x.data + 1) is np.ndarray


def test_asarray_refuses_to_cut_a_gradient():
    x = variable(1.0, 2.0)
    with pytest.raises(ag.NotDifferentiableError, match="detach"):
        np.asarray(x)
    assert np.asarray(x.detach()).tolist() == [1, 2]
    assert not np.asarray(x.detach()).flags.writeable


def test_numbers_come_out_of_one_element():
    x = variable(2.5)
    assert (x.item(), float(x), int(x), bool(x)) == (2.5, 2.5, 2, True)
    with pytest.raises(ag.ShapeError, match="one element"):
        float(variable(1.0, 2.0))
    with pytest.raises(ag.ShapeError, match=r"ag\.where"):
        bool(variable(1.0, 2.0))


def test_len_and_iteration_go_along_the_first_axis():
    x = ag.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert len(x) == 3
    assert [row.data.sum() for row in x] == [3, 7, 11]
    with pytest.raises(ag.ShapeError):
        len(ag.tensor(1.0))
    with pytest.raises(ag.ShapeError):
        iter(ag.tensor(1.0))


def test_copies_and_pickles_are_leaves_of_their_own():
    x = ag.tensor([1.0, 2.0], requires_grad=True, name="w", role="parameter")
    for y in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert (y.requires_grad, y.name, y.role) == (True, "w", "parameter")
        with ag.no_grad():
            y += 1
        assert x.data[0] == 1
    with pytest.raises(ag.GraphError, match="detach"):
        pickle.dumps(x * 2)


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda t: pickle.loads(pickle.dumps(t)),
    "deepcopy in a list": lambda t: copy.deepcopy([t, t])[1],
}


@pytest.mark.parametrize("again", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0, 2)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int8, np.bool_])
def test_every_attribute_of_a_leaf_survives_a_copy(again, shape, dtype):
    x = ag.tensor(np.ones(shape, dtype), name="w", role="parameter")
    if x.dtype.kind == "f":
        x.requires_grad = True
        x.grad = ag.tensor(np.full(shape, 3, dtype), name="g", role="gradient")
    y = again(x)
    assert y is not x
    # What the class holds beside values is compared by name, so that a new slot is met here.
    private = {"_value", "_context", "_seq", "_written", "_grad", "_second", "__weakref__"}
    for slot in set(ag.Tensor.__slots__) - private:
        assert getattr(y, slot) == getattr(x, slot), slot
    assert (y.shape, y.dtype, y.tolist()) == (x.shape, x.dtype, x.tolist())
    if x.grad is None:
        assert y.grad is None
        return
    assert y.grad is not x.grad
    assert (y.grad.dtype, y.grad.name, y.grad.role) == (dtype, "g", "gradient")
    assert y.grad.tolist() == x.grad.tolist()
    with ag.no_grad():
        y += 1
        y.grad += 1
    assert x.grad.tolist() == np.full(shape, 3.0).tolist()
    assert x.tolist() == np.ones(shape).tolist()


def test_a_copied_gradient_keeps_its_graph_as_long_as_it_has_one():
    x = variable(1.0, 2.0)
    ag.sum(x**3).backward(create_graph=True)
    twin = copy.deepcopy(x)
    ag.sum(twin.grad).backward()  # through the copy, to the copy
    np.testing.assert_array_equal(twin.grad, [9.0, 24.0])
    np.testing.assert_array_equal(x.grad.detach(), [3.0, 12.0])
    assert pickle.loads(pickle.dumps(x)).grad.tolist() == [3, 12]
    x = variable(1.0, 2.0)
    ag.sum(x**3).backward(create_graph=True)
    first = x.grad
    x.grad = None
    ag.sum(first).backward()
    x.grad = first  # whose graph is freed
    assert copy.deepcopy(x).grad.tolist() == [3, 12]


def test_copies_of_computed_tensors_keep_gradients_that_were_asked_for():
    x = variable(1.0, 2.0)
    y = (x * 2).retain_grad()
    asked = copy.deepcopy(y)
    ag.sum(y * y).backward(retain_graph=True)
    ag.sum(asked * asked).backward()
    assert asked.grad.tolist() == y.grad.tolist() == [4, 8]
    twin, leaf = copy.deepcopy((y, x))
    assert twin.grad.tolist() == [4, 8]
    assert leaf.grad.tolist() == [8, 16]


def test_a_deep_copy_has_a_graph_and_leaves_of_its_own():
    x, c = variable(1.0, 2.0), ag.tensor([3.0, 4.0])
    y = ag.exp(x) * c + x
    twin, leaf = copy.deepcopy((y, x))  # what is shared stays shared
    twin.sum().backward(retain_graph=True)
    np.testing.assert_array_equal(leaf.grad, np.exp([1.0, 2.0]) * [3.0, 4.0] + 1)
    assert x.grad is None
    with ag.no_grad():
        leaf += 1
        c += 1
    with pytest.raises(ag.GraphError):  # the copy's leaf was written, the original's was not
        twin.sum().backward()
    again = copy.deepcopy(twin)
    with pytest.raises(ag.GraphError):
        again.sum().backward()
    with ag.no_grad():
        c -= 1
    z = variable(2.0)
    product = copy.deepcopy(z * z)
    product.backward()
    with pytest.raises(ag.GraphError, match="freed"):
        copy.deepcopy(product)


def test_a_shallow_copy_is_a_node_of_the_same_graph():
    x = variable(1.0, 2.0)
    copy.copy(x * 2).sum().backward()
    np.testing.assert_array_equal(x.grad, [2.0, 2.0])


# --- backward -------------------------------------------------------------------------------


def test_gradients_accumulate():
    x = variable(1.0, 2.0)
    (x * x).sum().backward()
    (x * 3).sum().backward()
    assert x.grad.data.tolist() == [5, 7]
    assert x.grad.is_leaf
    assert not x.grad.requires_grad


def test_a_used_twice_input_gets_both_contributions():
    x = variable(3.0)
    (x * x * x).sum().backward()
    assert x.grad.item() == 27


def test_backward_twice_names_the_remedy():
    y = (variable(1.0) ** 2).sum()
    y.backward()
    with pytest.raises(ag.GraphError, match="retain_graph=True"):
        y.backward()


def test_retain_graph_adds_exactly():
    x = variable(1.5)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 6


def test_a_part_shared_with_a_freed_graph_is_named():
    h = ag.exp(variable(1.0))
    h.sum().backward()
    with pytest.raises(ag.GraphError, match="freed"):
        (h * 2).sum().backward()


def test_backward_needs_a_seed_for_more_than_one_element():
    y = variable(1.0, 2.0) * 2
    with pytest.raises(ag.ShapeError, match=r"pass gradient=, of shape \(2,\)"):
        y.backward()
    with pytest.raises(ag.ShapeError, match=r"gradient has shape \(3,\)"):
        y.backward(np.ones(3))
    x = variable(1.0, 2.0)
    (x * x).backward(np.array([1.0, 10.0]))
    assert x.grad.data.tolist() == [2, 40]


def test_backward_of_a_constant_says_what_to_do():
    with pytest.raises(ag.NotDifferentiableError, match="requires_grad=True"):
        ag.tensor(1.0).backward()


def test_create_graph_differentiates_again():
    x = variable(2.0)
    y = (x**3).sum()
    y.backward(create_graph=True)
    g = x.grad
    assert g.requires_grad
    x.grad = None
    g.sum().backward()
    assert x.grad.item() == 12


def test_retain_grad_keeps_the_gradient_of_a_computed_tensor():
    x = variable(2.0)
    h = (x * 3).retain_grad()
    (h * h).sum().backward()
    assert h.grad.item() == 12
    with pytest.raises(ag.NotDifferentiableError):
        ag.tensor(1.0).retain_grad()


def test_gradients_of_different_leaves_never_share_memory():
    a, b = variable(1.0, 2.0), variable(3.0, 4.0)
    (a + b).backward(np.ones(2))
    with ag.no_grad():
        ga = a.grad
        ga += 1
    assert b.grad.data.tolist() == [1, 1]


def test_a_float32_leaf_has_a_float32_gradient():
    x = ag.tensor(np.ones(3, np.float32), requires_grad=True)
    (x * np.ones(3)).sum().backward()  # float64 in between
    assert x.grad.dtype == np.float32


def test_grad_accepts_only_a_tensor_of_its_shape():
    x = variable(1.0)
    with pytest.raises(ag.DTypeError):
        x.grad = np.ones(1)
    with pytest.raises(ag.ShapeError):
        x.grad = ag.tensor([1.0, 2.0])


# --- writing: the right gradient or a named error -------------------------------------------


def test_a_captured_array_may_change_without_harm():
    x, array = variable(1.0, 2.0), np.array([3.0, 4.0])
    y = (x * array).sum()
    array[:] = 100
    y.backward()
    assert x.grad.data.tolist() == [3, 4]


@pytest.mark.parametrize(
    "view", [lambda a: a[:], lambda a: a.reshape(1, 2)[0], lambda a: np.broadcast_to(a, (2,))]
)
def test_a_view_of_an_array_may_change_without_harm(view):
    x, array = variable(1.0, 2.0), np.array([3.0, 4.0])
    y = (x * view(array)).sum()
    array[:] = 100
    y.backward()
    assert x.grad.data.tolist() == [3, 4]


def test_a_leaf_written_after_it_was_recorded_is_found_out():
    x = variable(1.0)
    for write in (lambda: x.assign([5.0]), lambda: stamp([x])):
        y = (x * x).sum()
        write()
        with pytest.raises(ag.GraphError, match="written after"):
            y.backward()
    (x * x).sum().backward()


def test_a_constant_leaf_that_a_rule_reads_is_watched_too():
    x, w = ag.tensor(np.ones((1, 2))), ag.tensor(np.ones((2, 1)), requires_grad=True)
    y = (x @ w).sum()
    x.assign(100.0)
    with pytest.raises(ag.GraphError, match="written after"):
        y.backward()


def test_operations_on_python_numbers_alone_give_tensors():
    assert ag.multiply(2.0, 3.0).shape == ()


def test_in_place_operators_write_a_leaf_only_under_no_grad():
    x = variable(1.0)
    for name in ("iadd", "isub", "imul", "itruediv"):
        with pytest.raises(ag.GraphError, match="no_grad"):
            getattr(x, f"__{name}__")(2.0)
    memory = x.data
    with ag.no_grad():
        x += 1
        x *= 4
        x -= 2
        x /= 3
    assert memory.tolist() == [2.0]
    y = x * 1
    same = y
    y += 1  # a computed tensor is bound anew
    assert same.item() == 2


def test_assign_checks_shape_and_kind():
    x = variable(1.0, 2.0)
    with pytest.raises(ag.ShapeError, match=r"expected values of shape \(2,\)"):
        x.assign(np.ones(3))
    with pytest.raises(ag.GraphError, match="only a leaf"):
        (x * 2).assign(1.0)
    with pytest.raises(ag.DTypeError, match="assign"):
        ag.tensor([1, 2]).assign(1.5)


def test_setitem_names_the_alternatives():
    x = variable(1.0, 2.0)
    with pytest.raises(ag.GraphError, match=r"ag\.index_update"):
        x[0] = 1.0
    with ag.no_grad():
        x[1:] = 7.0
    assert x.data.tolist() == [1, 7]


def test_packed_leaves_are_views_of_one_array():
    a, b = variable(1.0, 2.0), ag.tensor([[3.0]], requires_grad=True)
    arena = pack([a, b])
    assert arena.tolist() == [1, 2, 3]
    arena += 1
    assert (a.data.tolist(), b.data.tolist()) == ([2, 3], [[4]])


# --- NumPy's protocols ----------------------------------------------------------------------


def test_numpy_functions_on_tensors_are_recorded():
    x = variable(0.5, 1.5)
    y = np.sum(np.concatenate([np.exp(x), np.tanh(x) ** 2]))
    y.backward()
    expected = np.exp([0.5, 1.5]) + 2 * np.tanh([0.5, 1.5]) * (1 - np.tanh([0.5, 1.5]) ** 2)
    np.testing.assert_allclose(x.grad.data, expected)


def test_an_array_on_the_left_gives_a_tensor():
    x = variable(1.0, 2.0)
    for y in (np.ones(2) * x, np.ones(2) - x, np.ones(2) @ x, np.float64(2) / x, np.ones(2) < x):
        assert type(y) is ag.Tensor


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.fft.fft(x),
        lambda x: np.add.outer(x, x),
        lambda x: np.unwrap(x),
        lambda x: np.nextafter(x, x),
    ],
)
def test_what_numpy_function_is_not_supported_is_named(call):
    with pytest.raises(ag.DTypeError, match="not supported on a Tensor"):
        call(variable(1.0, 2.0))


def test_folds_of_ufuncs_are_the_functions_that_they_are():
    x = ag.tensor(np.arange(1.0, 7.0).reshape(2, 3), requires_grad=True)
    for fold, function in (
        (np.add.reduce, np.sum), (np.multiply.reduce, np.prod), (np.maximum.reduce, np.max),
        (np.minimum.reduce, np.min), (np.add.accumulate, np.cumsum), (np.multiply.accumulate, np.cumprod),
    ):  # fmt: skip
        for axis in (0, 1):
            np.testing.assert_array_equal(fold(x, axis=axis).data, function(x.data, axis=axis))
    np.testing.assert_array_equal(np.add.reduce(x).data, x.data.sum(axis=0))
    np.maximum.reduce(x, axis=1, keepdims=True).sum().backward()
    np.testing.assert_array_equal(x.grad, [[0, 0, 1], [0, 0, 1]])
    with pytest.raises(ag.DTypeError, match="where"):
        np.add.reduce(x, where=np.array([True, False, True]))


def test_ufunc_options_are_refused():
    with pytest.raises(ag.DTypeError, match="out"):
        np.exp(variable(1.0), out=np.empty(1))


# --- memory ---------------------------------------------------------------------------------


def test_there_are_no_cycles():
    gc.disable()
    try:
        x = variable(1.0, 2.0)
        y = ag.tanh(x * 2).sum()
        watch = weakref.ref(y)
        y.backward()
        del y
        assert watch() is None
        y = ag.tanh(x * 2).sum()
        watch = weakref.ref(y)
        del y
        assert watch() is None
    finally:
        gc.enable()


def test_long_chains_need_no_recursion():
    limit = sys.getrecursionlimit()
    x = variable(1.0)
    sys.setrecursionlimit(200)
    try:
        y = x
        for _ in range(20_000):
            y = y + 1.0
        y.sum().backward()
        y = x
        for _ in range(20_000):
            y = y + 1.0
        del y
    finally:
        sys.setrecursionlimit(limit)
    assert x.grad.item() == 1


@pytest.mark.parametrize(
    "view",
    [
        ag.identity,
        ag.stop_gradient,
        ag.transpose,
        lambda t: ag.reshape(t, (4,)),
        lambda t: t[0] if isinstance(t, ag.Tensor) else ag.tensor(t)[0],
    ],
)
@pytest.mark.parametrize("origin", ["array", "leaf", "no_grad", "parameter"])
def test_a_view_that_needs_no_gradient_has_memory_of_its_own(view, origin):
    values = np.ones((2, 2))
    source = values if origin == "array" else ag.tensor(values, requires_grad=origin != "leaf")
    with ag.no_grad() if origin != "parameter" else ag.enable_grad():
        part = view(source)
    w = ag.tensor(2.0, requires_grad=True)
    loss = (w * part).sum()
    if origin == "array":
        values[...] = 5.0
    else:
        source.assign(np.full((2, 2), 5.0))
    if part.requires_grad:
        with pytest.raises(ag.GraphError, match="written"):
            loss.backward()
    else:
        loss.backward()
        assert float(w.grad) == part.size


def test_what_is_copied_from_a_read_only_view_is_ones_own():
    t = ag.tensor([1.0, 2.0, 3.0], requires_grad=True)
    mine = t.numpy().copy()
    assert type(mine) is np.ndarray
    mine[0] = 9.0
    picked = t.numpy()[[0, 2]]
    picked[0] = 7.0
    picked += 1.0
    picked *= 2.0
    assert picked.tolist() == [16.0, 8.0]
    scaled = t.numpy().astype(np.float32)
    scaled -= 1
    assert scaled.tolist() == [0.0, 1.0, 2.0]
    assert t.tolist() == [1.0, 2.0, 3.0]
    for view in (t.numpy(), t.numpy()[1:], t.numpy().reshape(3, 1), t.data.T):
        with pytest.raises(ag.GraphError, match="this view is read-only"):
            view[0] = 5.0
        with pytest.raises(ag.GraphError, match="this view is read-only"):
            view += 1.0
    assert t.tolist() == [1.0, 2.0, 3.0]
