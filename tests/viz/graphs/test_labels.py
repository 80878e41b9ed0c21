import pytest

import autograd_core as ag
from viz.graphs.labels import arrow_labels, operand_names, title_of

X, Y = ag.Abstract((2, 3)), ag.Abstract((2, 3))


def last_step(f, *args):
    return list(ag.trace(f)(*args))[-1]


@pytest.mark.parametrize(
    ("f", "title"),
    [
        (lambda x, y: ag.tanh(x), "tanh"),
        (lambda x, y: x - y, "a − b"),
        (lambda x, y: x / y, "a ÷ b"),
        (lambda x, y: x + y, "+"),
        (lambda x, y: x * x, "×"),
        (lambda x, y: x - 1, "x − 1"),
        (lambda x, y: 1 - x, "1 − x"),
        (lambda x, y: x > y, "a > b"),
        (lambda x, y: x @ y.T, "a @ b"),
        (lambda x, y: x.sum(axis=0), "Σ axis 0"),
        (lambda x, y: x.sum(), "Σ"),
        (lambda x, y: ag.mark(x - y, name="gap"), "gap = a − b"),
        (lambda x, y: ag.mark(x + y, name="total"), "total = a + b"),
        (lambda x, y: ag.max(x, axis=1), "max axis 1"),
        (lambda x, y: ag.mark(x > 0, role="dropout mask"), "dropout mask: x > 0"),
    ],
)
def test_titles_read_like_formulas(f, title):
    assert title_of(last_step(f, X, Y)) == title


def test_every_primitive_has_a_title():
    for primitive in ag.REGISTRY.values():
        assert primitive.label


def test_operands_are_named_where_order_matters():
    def labels(f):
        step = last_step(f, X, Y)
        return arrow_labels(
            step, [(k, o) for k, o in enumerate(step.operands) if hasattr(o, "shape")]
        )

    assert labels(lambda x, y: x - y) == ["a", "b"]
    assert labels(lambda x, y: x + y) == ["", ""]
    assert labels(lambda x, y: x - 1) == [""]
    assert labels(lambda x, y: ag.where(x > 0, x, y)) == ["cond…", "a", "b"]
    assert labels(lambda x, y: ag.concatenate([x, y])) == ["1", "2"]


def test_names_are_those_of_the_declaration():
    assert operand_names(last_step(lambda x, y: x - y, X, Y)) == ["a", "b"]
