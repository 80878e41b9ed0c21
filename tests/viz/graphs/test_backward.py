import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import GraphError
from viz.graphs.backward import with_backward
from viz.graphs.source import Source


def test_the_gradients_are_those_of_the_engine(model, batch):
    model.eval()
    program = ag.trace(model)(batch)
    source = with_backward(Source(program, "model", [batch]))
    assert source.has_backward
    values = source.program.values(*source.arrays)
    model(batch).sum().backward()
    found = 0
    for output, leaf in source.gradients.items():
        if leaf in source.leaves:
            expected = source.leaves[leaf].grad
            np.testing.assert_allclose(values[output], expected.numpy(), rtol=1e-5, atol=1e-6)
            found += 1
    assert found == len(list(model.parameters()))


def test_names_and_roles_are_kept(model, batch):
    source = with_backward(Source(ag.trace(model)(batch), "model", [batch]))
    names = {leaf.name for leaf in source.gradients.values()}
    assert {"input", "0.weight", "1.gamma", "4.bias"} <= names
    (cotangent,) = source.cotangents
    assert cotangent.name == "cotangent"
    np.testing.assert_array_equal(source.arrays[-1], np.ones((8, 3)))


def test_a_program_with_a_backward_stays_as_it_is():
    program = ag.trace(ag.grad(lambda x: ag.tanh(x).sum()))(np.ones(3))
    source = Source(program, "f")
    assert with_backward(source) is source


def test_shapes_alone_are_enough(model):
    program = ag.trace(model)(ag.Abstract((8, 6), np.float32))
    assert with_backward(Source(program, "model")).arrays is None


def test_nothing_to_differentiate_by_is_an_error():
    program = ag.trace(lambda x: x + 1)(np.arange(3))
    with pytest.raises(GraphError, match=r'counting has no backward.*view="forward"'):
        with_backward(Source(program, "counting"))
