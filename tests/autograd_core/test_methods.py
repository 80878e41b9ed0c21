"""The methods that people type, and what those that are missing say; what the package shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.operators import ELSEWHERE

X = np.array([[0.5, 0.25, 0.75], [0.1, 0.2, 0.3]])
SAME = [
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "sqrt",
    "square",
    "reciprocal",
    "sign",
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
    "sinh",
    "cosh",
    "tanh",
    "arcsinh",
    "arctanh",
    "floor",
    "ceil",
    "rint",
    "isnan",
    "isfinite",
    "isinf",
    "abs",
    "absolute",
    "negative",
    "tril",
    "triu",
    "flip",
    "median",
    "sum",
    "mean",
    "std",
    "var",
    "max",
    "min",
    "prod",
    "cumsum",
    "cumprod",
    "argmax",
    "argmin",
    "argsort",
    "ravel",
    "sort",
    "any",
    "all",
    "round",
]
# PyTorch's words, beside those that are NumPy's.
TYPED = {
    "sigmoid": (lambda t: t.sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
    "relu": (lambda t: (t - 0.4).relu(), lambda x: np.maximum(x - 0.4, 0)),
    "softplus": (lambda t: t.softplus(), lambda x: np.log1p(np.exp(x))),
    "softmax": (lambda t: t.softmax(), lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
    "log_softmax": (
        lambda t: t.log_softmax(0),
        lambda x: x - np.log(np.exp(x).sum(0, keepdims=True)),
    ),
    "logsumexp": (lambda t: t.logsumexp(), lambda x: np.log(np.exp(x).sum())),
    "neg": (lambda t: t.neg(), lambda x: -x),
    "pow": (lambda t: t.pow(3), lambda x: x**3),
    "norm": (lambda t: t.norm(), np.linalg.norm),
    "norm of order 1": (lambda t: t.norm(1, axis=1), lambda x: np.abs(x).sum(1)),
    "view": (lambda t: t.view(3, -1), lambda x: x.reshape(3, 2)),
    "view of a shape": (lambda t: t.view((3, 2)), lambda x: x.reshape(3, 2)),
    "unsqueeze": (lambda t: t.unsqueeze(1), lambda x: x[:, None]),
    "permute": (lambda t: t.permute(1, 0), lambda x: x.T),
    "clone": (lambda t: t.clone(), lambda x: x),
    "flatten": (lambda t: t.flatten(), lambda x: x.ravel()),
    "matmul": (lambda t: t.matmul(X.T), lambda x: x @ X.T),
    "dot": (lambda t: t.dot(X[0]), lambda x: x @ X[0]),
    "outer": (lambda t: t.outer(X[0]), lambda x: np.outer(x, X[0])),
    "maximum": (lambda t: t.maximum(0.3), lambda x: np.maximum(x, 0.3)),
    "minimum": (lambda t: t.minimum(0.3), lambda x: np.minimum(x, 0.3)),
    "clip": (lambda t: t.clip(0.2, 0.4), lambda x: np.clip(x, 0.2, 0.4)),
    "det": (lambda t: (t @ t.T).det(), lambda x: np.linalg.det(x @ x.T)),
    "inv": (lambda t: (t @ t.T).inv(), lambda x: np.linalg.inv(x @ x.T)),
    "roll": (lambda t: t.roll(1, 0), lambda x: np.roll(x, 1, 0)),
    "split": (lambda t: t.split(3, 1)[1], lambda x: x[:, 1:2]),
    "erf": (lambda t: t.erf() * 0, lambda x: x * 0),
    "arccosh": (lambda t: (t + 1).arccosh(), lambda x: np.arccosh(x + 1)),
    "divmod": (lambda t: divmod(t, 0.3)[1], lambda x: divmod(x, 0.3)[1]),
    "divmod of a number": (lambda t: divmod(2.0, t)[0], lambda x: divmod(2.0, x)[0]),
    "round()": (lambda t: round(t, 1), lambda x: np.round(x, 1)),
    "round() to integers": (lambda t: round(t * 5), lambda x: np.round(x * 5)),
}


@pytest.mark.parametrize("name", SAME)
def test_methods_are_the_functions(name):
    found = getattr(ag.tensor(X), name)()
    want = getattr(np, name)(X) if hasattr(np, name) else getattr(X, name)()
    np.testing.assert_allclose(found.numpy(), want)
    if isinstance(found, ag.Tensor) and found.dtype.kind == "f":  # and recorded
        assert getattr(ag.tensor(X, requires_grad=True), name)().requires_grad


@pytest.mark.parametrize("case", TYPED)
def test_methods_of_pytorchs_names(case):
    ours, plain = TYPED[case]
    np.testing.assert_allclose(ours(ag.tensor(X)).numpy(), plain(X), rtol=1e-12)
    compiled = ag.jit(ours, backend="numpy")(X)
    np.testing.assert_allclose(compiled.numpy(), plain(X), rtol=1e-12)


def test_sizes_in_bytes():
    t = ag.tensor(np.ones((2, 3), np.float32))
    assert (t.itemsize, t.nbytes) == (4, 24)


@pytest.mark.together
@pytest.mark.parametrize("name", ELSEWHERE)
def test_names_of_other_libraries_say_what_to_write(name):
    for value in (ag.tensor(X), ag.tensor(1.0), ag.tensor(X, requires_grad=True) * 2):
        with pytest.raises(AttributeError, match=rf"^Tensor\.{name}: a tensor has no such name\. "):
            getattr(value, name)
        assert not hasattr(value, name)
        assert name not in dir(value)


def test_every_name_of_numpys_arrays_is_had_or_told():
    t = ag.tensor(X)
    for name in dir(np.ndarray):
        if not name.startswith("_"):
            assert name in ELSEWHERE or hasattr(t, name), name


def test_what_is_told_names_what_there_is():
    """Every ``ag.name`` and ``t.name`` in a hint exists."""
    for text in [*ELSEWHERE.values(), *ag._ELSEWHERE.values()]:
        for path in re.findall(r"ag\.([\w.]+)", text):
            value = ag
            for part in path.rstrip(".").split("."):
                value = getattr(value, part)
        for name in re.findall(r"\bt\.(\w+)", text):
            if name not in ELSEWHERE:
                assert hasattr(ag.tensor(X), name), text


def test_no_way_through_a_missing_attribute_on_the_hot_path():
    """With a ``__getattr__`` Python reads every slot the slow way."""
    for kind in ag.Tensor.__mro__[:-1]:
        assert "__getattr__" not in vars(kind)
        assert "__getattribute__" not in vars(kind)


def test_requires_grad_is_asked_of_leaves_of_floats():
    t = ag.tensor(X)
    assert t.requires_grad_() is t
    assert t.requires_grad
    assert not t.requires_grad_(False).requires_grad
    with pytest.raises(
        ag.DTypeError, match="requires_grad_: a tensor of dtype int64 has no gradient"
    ):
        ag.tensor([1]).requires_grad_()
    ag.tensor([1]).requires_grad_(False)
    with pytest.raises(ag.GraphError, match="requires_grad_: only a leaf"):
        (ag.tensor(X, requires_grad=True) * 2).requires_grad_()


def test_numbers_are_formatted_and_arrays_say_why_not():
    t = ag.tensor(2.0 / 3, requires_grad=True)
    assert (
        f"{t:.3f} {t * 2:8.2e} {ag.tensor([0.5]):.1%} {ag.tensor(7):03d}"
        == "0.667 1.33e+00 50.0% 007"
    )
    assert f"{t}" == str(t)
    assert ag.grad(lambda x: x * 2 if f"{x:.2f}" else x)(1.0).item() == 2
    with pytest.raises(ag.ShapeError, match=r"expected one element; received shape \(2, 3\)"):
        f"{ag.tensor(X):.3f}"
    with pytest.raises(ag.ConfigError, match=r"format.*dtype float64"):
        f"{t:d}"
    with pytest.raises(ag.CaptureError, match="format"):
        ag.jit(lambda x: (f"{x:.2f}", x)[1], backend="numpy")(np.array(1.0))
    with pytest.raises(ag.DTypeError, match="view: memory is not read as another dtype"):
        ag.tensor(X).view(np.int64)


def test_the_package_shows_public_names_alone():
    names = {n for n in dir(ag) if not n.startswith("__")}
    assert names == set(ag.__all__)
    assert len(ag.__all__) == len(names), "a name stands twice"
    for name in names:
        assert getattr(ag, name) is not None
        assert not name.startswith("_")
    modules = {n for n in names if type(getattr(ag, n)) is type(ag)}
    assert modules == {
        "array_api", "errors", "introspect", "linalg", "ops", "signal", "special", "stats", "storage",
    }  # fmt: skip
    root = Path(__file__).resolve().parents[2]
    script = "from autograd_core import *; print(tensor([1.0]).exp(), grad, jit, zeros)"
    subprocess.run([sys.executable, "-c", script], cwd=root, check=True, capture_output=True)
    assert re.match(r"\d+\.\d+|0\+unknown", ag.__version__)


def test_names_of_other_packages_are_told():
    for name in ag._ELSEWHERE:
        with pytest.raises(AttributeError, match=rf"autograd_core\.{name}: .* Use "):
            getattr(ag, name)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        ag.nonsense  # noqa: B018
    with pytest.raises(ImportError):
        from autograd_core import nonsense  # noqa: F401


def test_a_tensor_in_a_notebook_has_columns_that_line_up():
    html = ag.tensor(X)._repr_mimebundle_()["text/html"]
    assert 'style="font-family: monospace' in html


def test_a_table_that_is_read_by_a_traced_index_says_take():
    table = np.arange(3.0)
    with pytest.raises(ag.CaptureError, match=r"ag\.take\(table, i\)"):
        ag.jit(lambda i: table[i], backend="numpy")(np.array(1))
    assert ag.jit(lambda i: ag.take(table, i), backend="numpy")(np.array(1)).item() == 1


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "max", "min", "argmax", "cumsum"])
def test_pytorchs_word_for_an_axis_is_told(name):
    t = ag.tensor(np.ones((2, 3)))
    with pytest.raises(ag.AutogradError, match=f"{name}: .*dim= is axis= here.*axis"):
        getattr(t, name)(dim=1)
    with pytest.raises(TypeError):
        getattr(t, name)(bogus=1)
