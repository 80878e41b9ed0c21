"""NumPy's masked arrays at every door: refused by name, since a tensor has no mask."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

M = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])
PLACES = np.ma.array([0, 1, 2], mask=[False, True, False])
CHOICE = np.ma.array([True, False, True], mask=[False, True, False])
ROWS = np.ma.array(np.ones((2, 3)), mask=np.eye(2, 3, dtype=bool))


def t(grad=True):
    return ag.tensor([1.0, 2.0, 3.0], requires_grad=grad)


def in_place(function, *operands):
    with ag.no_grad():
        function(*operands)


INFIX = [
    getattr(operator, name)
    for name in ("add", "sub", "mul", "truediv", "pow", "mod", "floordiv", "matmul", "lt", "le", "gt", "ge", "eq", "ne")
]  # fmt: skip
DOORS = {
    "tensor": lambda: ag.tensor(M),
    "tensor in a dtype": lambda: ag.tensor(M, np.float32),
    "tensor of a list": lambda: ag.tensor([[M, M]]),
    "tensor of a masked number": lambda: ag.tensor([1.0, np.ma.masked]),
    "asarray": lambda: ag.array_api.asarray(M),
    "from_dlpack": lambda: ag.from_dlpack(M),
    "array API, by NumPy": lambda: ag.array_api.bitwise_and(PLACES, PLACES),
    "array API, values": lambda: ag.array_api.unique_all(M),
    "full": lambda: ag.array_api.full(3, M),
    "ufunc": lambda: np.multiply(M, t()),
    "ufunc, behind": lambda: np.multiply(t(), M),
    "np.where": lambda: np.where(CHOICE, t(), 0.0),
    "np.concatenate": lambda: np.concatenate([M, t()]),
    "np.stack": lambda: np.stack([t(), M]),
    "primitive": lambda: ag.exp(M),
    "reduction": lambda: ag.sum(M),
    "composite": lambda: ag.mean(M),
    "condition": lambda: ag.where(CHOICE, 1.0, 0.0),
    "einsum": lambda: ag.einsum("i,i", M, t()),
    "clip": lambda: ag.clip(t(), M, None),
    "average": lambda: ag.average(t(), weights=M),
    "quantile": lambda: ag.quantile(t(), np.ma.array([0.5])),
    "interp": lambda: ag.interp(M, [1.0, 2.0], [1.0, 2.0]),
    "one_hot": lambda: ag.one_hot(PLACES, 3),
    "select": lambda: ag.select([CHOICE], [t()]),
    "norm": lambda: ag.linalg.norm(M),
    "squared_distance": lambda: ag.squared_distance(M, t()),
    "special": lambda: ag.special.logsumexp(t(), b=M),
    "stats": lambda: ag.stats.norm.pdf(M),
    "index": lambda: t()[PLACES],
    "index, boolean": lambda: t()[CHOICE],
    "index among others": lambda: ag.tensor(np.ones((3, 3)))[:, PLACES],
    "take": lambda: ag.take(t(), PLACES),
    "repeat": lambda: ag.repeat(t(), PLACES),
    "index_update, where": lambda: ag.index_update(t(), PLACES, 1.0),
    "index_update, what": lambda: ag.index_update(t(), slice(None), M),
    "searchsorted": lambda: t(False).searchsorted(M),
    "assign": lambda: t(False).assign(M),
    "setitem": lambda: in_place(operator.setitem, t(False), slice(None), M),
    "setitem, where": lambda: in_place(operator.setitem, t(False), CHOICE, 1.0),
    "in place": lambda: in_place(operator.iadd, t(False), M),
    "in place, behind": lambda: operator.iadd(M.copy(), t()),
    "backward": lambda: ag.exp(t()).backward(M),
    "backward, recorded": lambda: ag.exp(t()).backward(M, create_graph=True),
    "grad": lambda: ag.grad(ag.sum)(M),
    "grad, closed over": lambda: ag.grad(lambda x: ag.sum(x * M))(np.ones(3)),
    "grad, closed over, before": lambda: ag.grad(lambda x: (M * x).sum())(np.ones(3)),
    "vjp": lambda: ag.vjp(ag.exp, M),
    "jvp": lambda: ag.jvp(ag.exp, (M,), (np.ones(3),)),
    "jvp, tangent": lambda: ag.jvp(ag.exp, (np.ones(3),), (M,)),
    "hessian": lambda: ag.hessian(ag.sum)(M),
    "jacobian": lambda: ag.jacobian(ag.exp)(M),
    "gradcheck": lambda: ag.gradcheck(ag.exp, M),
    "vmap": lambda: ag.vmap(ag.exp)(M),
    "vmap, closed over": lambda: ag.vmap(lambda x: x * M)(np.ones(3)),
    "scan": lambda: ag.scan(lambda c, x: (c + x, c), 0.0, M),
    "scan, closed over": lambda: ag.scan(lambda c, x: (c + x * M, c), np.zeros(3), np.ones(3)),
    "trace": lambda: ag.trace(lambda x: x * 2.0)(M),
    "jit": lambda: ag.jit(lambda x: x * 2.0)(M),
    "jit by NumPy": lambda: ag.jit(lambda x: x * 2.0, backend="numpy")(M),
    "jit, nested": lambda: ag.jit(lambda x: x["a"] * 2.0)({"a": M}),
    "jit, closed over": lambda: ag.jit(lambda x: x * M)(np.ones(3)),
    "jit, closed over, before": lambda: ag.jit(lambda x: M * x)(np.ones(3)),
    "linear": lambda: nn.Linear(3, 2, rng=np.random.default_rng(0))(ROWS),
    "loss": lambda: nn.functional.mse_loss(M, t()),
    "loss, labels": lambda: nn.functional.cross_entropy(np.ones((3, 3)), PLACES),
    "examples": lambda: optim.training.batches._array("fit", "inputs", ROWS),
}  # fmt: skip
REFUSED = (ag.DTypeError, ag.CaptureError)


@pytest.mark.parametrize("door", DOORS)
def test_a_masked_array_is_refused_by_name(door):
    with pytest.raises(REFUSED, match="mask"):
        DOORS[door]()


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_a_compiled_function_that_has_run_refuses_it_too(backend):
    double = ag.jit(lambda x: x * 2.0, backend=backend)
    double(np.ones(3))
    with pytest.raises(ag.DTypeError, match="jit: an operand is a NumPy masked array"):
        double(M)


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("infix", INFIX, ids=lambda f: f.__name__)
def test_infix_operators_refuse_it_on_either_side(infix, grad):
    for operands in ((t(grad), M), (M, t(grad))):
        with pytest.raises(ag.DTypeError, match="mask"):
            infix(*operands)


# What asks a tensor for its shape, or whether it is masked; or is ours, called by NumPy.
_HARMLESS = frozenset(
    [
        "amax",
        "amin",
        "round",
        "round_",
        "transpose",
        "shape",
        "size",
        "ndim",
        "isMA",
        "isMaskedArray",
        "isarray",
        "is_mask",
        "is_masked",
        "common_fill_value",
        "default_fill_value",
        "maximum_fill_value",
        "minimum_fill_value",
        "set_fill_value",
        "make_mask_descr",
        "mask_or",
        "ndenumerate",
        "getmask",
    ]
)


@pytest.mark.together
@pytest.mark.parametrize("name", sorted(np.ma.__all__))
def test_functions_of_masked_arrays_never_cut_a_gradient(name):
    function = getattr(np.ma, name)
    if not callable(function) or isinstance(function, type) or name in _HARMLESS:
        return
    for operands in ((t(),), (t(), t()), (M, t())):
        x = operands[-1]
        try:
            found = function(*operands)
        except Exception:  # noqa: BLE001 - an error of whatever kind is not silent
            continue
        assert type(found) is ag.Tensor or found is operands[0] or len(operands) == 2, (name, found)
        if type(found) is ag.Tensor:
            assert found.requires_grad is x.requires_grad


@pytest.mark.parametrize(
    "call",
    [
        lambda: np.ma.log(t()),
        lambda: np.ma.exp(t()),
        lambda: np.ma.add(t(), 1.0),
        lambda: np.ma.multiply(M, t()),
        lambda: np.ma.where(CHOICE, t(), 0.0),
    ],
)
def test_functions_of_masked_arrays_say_why(call):
    with pytest.raises(ag.DTypeError, match=r"np\.ma: an operand is a Tensor.*ag\.where"):
        call()


def test_a_plain_array_beside_a_mask_of_its_own_is_what_the_message_advises():
    x = M.filled(0.0)
    kept = ~np.ma.getmaskarray(M)
    found = ag.grad(lambda v: ag.sum(ag.where(kept, v * v, 0.0)))(x)
    np.testing.assert_array_equal(found.numpy(), [2.0, 0.0, 6.0])
