"""What here answers to what in PyTorch: a row an entry, from which `make golden` makes tests/golden.

A row says how both sides are made and what they are called with. Values are the same on both sides,
made of integers, so that nothing but the results is stored. Parameters are in our layout; ``of`` says how
PyTorch's are made of them, and its own gradients then come back in ours.

Neither library is imported here: makers take it as their argument.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

__all__ = [
    "GAINS",
    "INITIAL",
    "OPTIMIZERS",
    "OPTIMIZER_REASONS",
    "PARTS",
    "REASONS",
    "ROWS",
    "SHOWN",
    "STEPS",
    "Initial",
    "Numbers",
    "Row",
    "Trained",
    "differentiated",
    "given",
    "slopes",
    "start",
    "values",
]

F8 = np.float64
Array = Any
Maker = Callable[[Any], Any]


@dataclass(frozen=True)
class Numbers:
    """An array of floats between two bounds, by which is differentiated."""

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0


@dataclass(frozen=True)
class Row:
    """One entry.

    Attributes
    ----------
    name : str
        What it is called in the file, with its options.
    ours : mapping of str to callable
        By public name ("Linear", "functional.linear") a function of `nn` that gives a module, or a
        function ``(p, *inputs)`` of a dict of parameters. All of them give the same results.
    theirs : callable
        A function of `torch` that gives a function ``(p, *inputs)``, as `of` does.
    inputs : sequence
        Shapes of normal arrays, `Numbers`, or arrays as they are (class numbers, weights), by which is
        not differentiated.
    params : mapping of str to shape or Numbers
        Ours, by their names in the module.
    training : bool
    after : sequence of str
        Buffers that are looked at after the call, under names that both sides have.
    nest : callable
        Puts inputs into tuples, where both sides are called with such.
    """

    name: str
    ours: Mapping[str, Maker]
    theirs: Maker
    inputs: Sequence[Any] = ((5, 3),)
    params: Mapping[str, Any] = field(default_factory=dict)
    training: bool = True
    after: Sequence[str] = ()
    nest: Callable[..., tuple[Any, ...]] = lambda *x: x


def values(numbers: Any, seed: int) -> Array:
    """Floats between bounds, out of integers (splitmix64): the same on every machine."""
    if isinstance(numbers, np.ndarray):
        return numbers
    numbers = numbers if isinstance(numbers, Numbers) else Numbers(numbers)
    count = math.prod(numbers.shape)
    z = np.arange(1, count + 1, dtype=np.uint64) + np.uint64(1_000_003 * (seed + 1))
    z *= np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    shares = ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(F8) / 2.0**53
    return (numbers.low + (numbers.high - numbers.low) * shares).reshape(numbers.shape)


def given(row: Row) -> tuple[list[Array], dict[str, Array]]:
    """Inputs and parameters of a row."""
    inputs = [values(one, k) for k, one in enumerate(row.inputs)]
    params = {name: values(one, 50 + k) for k, (name, one) in enumerate(row.params.items())}
    return inputs, params


def differentiated(row: Row) -> list[bool]:
    """By which of its inputs."""
    return [not isinstance(one, np.ndarray) for one in row.inputs]


def of(module: Any, mapping: Mapping[str, str]) -> Callable[..., Any]:
    """A PyTorch module as a function of our parameters.

    ``mapping`` has for each of its parameters the name of ours, ``"weight.T"`` for a transpose.
    """
    import torch

    module = module.double()

    def one(p: Mapping[str, Any], ours: str) -> Any:
        return p[ours.removesuffix(".T")].T if ours.endswith(".T") else p[ours]

    def called(p: Mapping[str, Any], *inputs: Any) -> Any:
        mapped = {theirs: one(p, ours) for theirs, ours in mapping.items()}
        return torch.func.functional_call(module, mapped, inputs)

    called.module = module  # type: ignore[attr-defined]
    return called


def pair(
    kind: str,
    options: Mapping[str, Any] | None = None,
    *,
    function: str = "",
    only: Sequence[str] = (),
    theirs: Mapping[str, Any] | None = None,
    inputs: Sequence[Any] = ((5, 3),),
    params: Mapping[str, Any] | None = None,
    mapping: Mapping[str, str] | None = None,
    args: Sequence[Any] = (),
    dtype: bool | None = None,
    mode: str = "",
    **rest: Any,
) -> Row:
    """A layer or loss of one name on both sides, and the function beside it.

    Parameters
    ----------
    kind : str
        Its name in `nn`, and in torch.nn.
    options : mapping
        Of ours, and of theirs unless ``theirs`` has others.
    function : str
        Its name in `nn.functional`, called with the inputs, the parameters by name, and ``options`` but
        those in ``only``, which are the constructor's alone.
    params, mapping
        Ours, and for each of theirs which of ours it is: see `of`.
    args : sequence
        Sizes that both constructors begin with.
    dtype : bool
        Whether ours takes one; by default where it has parameters.
    mode : str
        What stands behind the name.
    """
    options, params = options or {}, params or {}
    takes_dtype = bool(params) if dtype is None else dtype

    def layer(nn: Any) -> Any:
        return getattr(nn, kind)(*args, **options, **({"dtype": F8} if takes_dtype else {}))

    def call(nn: Any) -> Any:
        passed = {name: value for name, value in options.items() if name not in only}
        return lambda p, *x: getattr(nn.functional, function)(*x, **p, **passed)

    def peer(torch: Any) -> Any:
        made = {
            name: torch.tensor(value) if isinstance(value, np.ndarray) else value
            for name, value in (options if theirs is None else theirs).items()
        }
        return of(getattr(torch.nn, kind)(*args, **made), mapping or {})

    ours: dict[str, Maker] = {kind: layer}
    if function:
        ours[f"functional.{function}"] = call
    words = [f"{name}={_word(value)}" for name, value in options.items()]
    shown = [
        str(_word(getattr(x, "shape", x)) if not _is_array(x) else x.ravel()[:3]) for x in inputs
    ]
    name = f"{kind}({', '.join([*map(str, args), *words])}) of {', '.join(shown)}{mode}"
    return Row(name, ours, peer, inputs, params, **rest)


def _word(value: Any) -> Any:
    return value.tolist() if _is_array(value) else value


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


# --- activations ------------------------------------------------------------------------------------

WIDE = Numbers((5, 4), -8.0, 8.0)  # beyond every bound
ELEMENTWISE = {
    "CELU": "celu", "ELU": "elu", "GELU": "gelu", "Hardshrink": "hardshrink", "Hardsigmoid": "hardsigmoid",
    "Hardswish": "hardswish", "Hardtanh": "hardtanh", "LeakyReLU": "leaky_relu", "LogSigmoid": "logsigmoid",
    "Mish": "mish", "ReLU": "relu", "ReLU6": "relu6", "SELU": "selu", "SiLU": "silu", "Sigmoid": "sigmoid",
    "Softplus": "softplus", "Softshrink": "softshrink", "Softsign": "softsign", "Tanh": "tanh",
    "Tanhshrink": "tanhshrink",
}  # fmt: skip
KINKS = np.array([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0])


def _hardsigmoid(torch: Any) -> Callable[..., Any]:
    """By its formula: the backward of torch's own has 1/6 in single precision."""
    return lambda p, x: torch.nn.functional.relu6(x + 3) / 6


def _peer(torch: Any, kind: str) -> Callable[..., Any]:
    return _hardsigmoid(torch) if kind == "Hardsigmoid" else of(getattr(torch.nn, kind)(), {})


def _at_kinks(kind: str) -> Row:
    def layer(nn: Any) -> Any:
        return lambda p, x: getattr(nn, kind)()(x + KINKS)

    def peer(torch: Any) -> Any:
        return lambda p, x: _peer(torch, kind)(p, x + torch.tensor(KINKS))

    return Row(f"{kind} at kinks", {kind: layer}, peer, (Numbers(KINKS.shape, 0.0, 0.0),))


def activations() -> Iterator[Row]:
    """Each with its defaults, its options, and at places of kinks."""
    for kind, function in ELEMENTWISE.items():
        row = pair(kind, function=function, inputs=(WIDE,))
        yield replace(row, theirs=_hardsigmoid) if kind == "Hardsigmoid" else row
    yield pair("Identity", inputs=(WIDE,))
    for kind, options in (
        ("GELU", {"approximate": "tanh"}),
        ("Softplus", {"beta": 2.5}),
        ("ELU", {"alpha": 0.5}),
        ("CELU", {"alpha": 0.5}),
        ("LeakyReLU", {"negative_slope": 0.3}),
        ("Hardtanh", {"min_val": -0.25, "max_val": 1.5}),
        ("Hardshrink", {"lambd": 1.25}),
        ("Softshrink", {"lambd": 1.25}),
    ):
        yield pair(kind, options, function=ELEMENTWISE[kind], inputs=(Numbers((5, 4), -5.0, 5.0),))
    options = {"threshold": 0.5, "value": -3.0}
    yield pair("Threshold", options, function="threshold", inputs=(WIDE,))
    yield from map(_at_kinks, ELEMENTWISE)
    for kind in ("Softmax", "LogSoftmax", "Softmin", "GLU"):
        function = {"LogSoftmax": "log_softmax"}.get(kind, kind.lower())
        for axis in (1, -1):
            own, theirs = {"axis": axis}, {"dim": axis}
            yield pair(kind, own, function=function, theirs=theirs, inputs=((3, 2, 4),))
    for many, shape in ((1, (4, 3)), (3, (4, 3)), (3, (2, 3, 5))):
        yield pair(
            "PReLU", {"num_parameters": many}, function="prelu", only=("num_parameters",),
            inputs=(shape,), params={"weight": Numbers((many,), 0.0, 0.5)}, mapping=SAME,
        )  # fmt: skip


# --- layers -----------------------------------------------------------------------------------------

SAME = {"weight": "weight"}
TURNED = {"weight": "weight.T"}
BOTH = {"weight": "weight", "bias": "bias"}


def layers() -> Iterator[Row]:
    """Linear layers and convolutions."""
    yield pair("Flatten", inputs=((2, 3, 4),))
    for shape in ((5, 3), (4, 2, 3)):
        yield pair(
            "Linear", function="linear", args=(3, 2), inputs=(shape,),
            params={"weight": (3, 2), "bias": (2,)}, mapping={**TURNED, "bias": "bias"},
        )  # fmt: skip
    yield pair(
        "Linear", {"bias": False}, function="linear", only=("bias",), args=(3, 2),
        params={"weight": (3, 2)}, mapping=TURNED,
    )  # fmt: skip
    for bias in (True, False):
        params: dict[str, Any] = {"weight": (2, 3, 4), **({"bias": (2,)} if bias else {})}
        yield pair(
            "Bilinear", {"bias": bias}, function="bilinear", only=("bias",), args=(3, 4, 2),
            inputs=((5, 3), (5, 4)), params=params,
            mapping={name: name for name in params},
        )  # fmt: skip
    words = np.array([[0, 3, 1], [3, 3, 6]])
    for padding in (None, 3):
        yield pair(
            "Embedding", {"padding_idx": padding}, function="embedding", args=(7, 2),
            inputs=(words,), params={"weight": (7, 2)}, mapping=SAME,
        )  # fmt: skip


def _kernels(kind: str, function: str, shape: Any, size: Any, options: dict[str, Any]) -> Row:
    """A convolution from 4 channels to 2 or, in groups, 4."""
    groups = int(options.get("groups", 1))
    out = 4 if groups > 1 else 2
    first, second = (4, out // groups) if "Transpose" in kind else (out, 4 // groups)
    sizes = (size,) * (len(shape) - 2) if isinstance(size, int) else size
    params: dict[str, Any] = {"weight": (first, second, *sizes)}
    if options.get("bias", True):
        params["bias"] = (out,)
    return pair(
        kind, options, function=function, only=("bias",), args=(4, out, size), inputs=(shape,),
        params=params, mapping={name: name for name in params},
    )  # fmt: skip


def convolutions() -> Iterator[Row]:
    """Along one axis and two, and transposed."""
    grid: tuple[dict[str, Any], ...] = (
        {}, {"stride": 2}, {"padding": 1}, {"padding": "same"}, {"dilation": 2},
        {"stride": 2, "padding": 2, "dilation": 2}, {"groups": 2}, {"groups": 4}, {"bias": False},
    )  # fmt: skip
    for options in grid:
        yield _kernels("Conv1d", "conv1d", (2, 4, 7), 3, options)
        yield _kernels("Conv2d", "conv2d", (1, 4, 5, 6), 3, options)
    uneven: dict[str, Any] = {"stride": (2, 1), "padding": (0, 1), "dilation": (1, 2)}
    yield _kernels("Conv2d", "conv2d", (2, 4, 4, 5), (2, 3), uneven)
    for options in (
        {}, {"stride": 2}, {"stride": 2, "padding": 1, "output_padding": 1}, {"dilation": 2},
        {"groups": 2, "stride": 2}, {"bias": False},
    ):  # fmt: skip
        yield _kernels("ConvTranspose1d", "conv_transpose1d", (2, 4, 4), 3, dict(options))
        yield _kernels("ConvTranspose2d", "conv_transpose2d", (1, 4, 2, 3), 3, dict(options))


def pooling() -> Iterator[Row]:
    """Largest and mean values of windows."""
    maxima: tuple[dict[str, Any], ...] = (
        {}, {"stride": 1}, {"padding": 1}, {"dilation": 2, "stride": 1}, {"ceil_mode": True},
        {"padding": 1, "stride": 2, "ceil_mode": True},
    )  # fmt: skip
    means: tuple[dict[str, Any], ...] = (
        {}, {"stride": 1}, {"padding": 1}, {"padding": 1, "count_include_pad": False},
        {"ceil_mode": True}, {"padding": 1, "ceil_mode": True, "count_include_pad": False},
    )  # fmt: skip
    for axes, shape in ((1, (2, 2, 8)), (2, (1, 2, 5, 8))):
        for options in maxima:
            function = f"max_pool{axes}d"
            yield pair(f"MaxPool{axes}d", {"kernel_size": 3, **options}, function=function, inputs=(shape,))  # fmt: skip
        for options in means:
            function = f"avg_pool{axes}d"
            yield pair(f"AvgPool{axes}d", {"kernel_size": 3, **options}, function=function, inputs=(shape,))  # fmt: skip
        for size in (1, 3, 5):
            function, options = f"adaptive_avg_pool{axes}d", {"output_size": size}
            yield pair(f"AdaptiveAvgPool{axes}d", options, function=function, inputs=(shape,))
    shape = (1, 2, 5, 8)
    options = {"kernel_size": (2, 3), "stride": (2, 1), "padding": (1, 0)}
    yield pair("MaxPool2d", options, function="max_pool2d", inputs=(shape,))
    yield pair(
        "AvgPool2d", {**options, "divisor_override": 5}, function="avg_pool2d", inputs=(shape,)
    )
    for sizes in ((2, 3), (None, 3)):
        options = {"output_size": sizes}
        yield pair("AdaptiveAvgPool2d", options, function="adaptive_avg_pool2d", inputs=(shape,))


def attention() -> Iterator[Row]:
    """Of several heads, with masks; and the function of one."""
    query, key = (3, 2, 4), (4, 2, 4)
    names = {
        "in_proj_weight": (12, 4), "in_proj_bias": (12,), "out_proj.weight": (4, 4), "out_proj.bias": (4,),
    }  # fmt: skip
    forbidden = np.array([[False, True, False, False], [True, True, False, True], [False] * 4])
    padding = np.array([[False, False, False, True], [False, True, False, False]])
    for heads in (1, 2):
        for extra, nest in (
            ((), lambda q, k, v: (q, k, v)),
            ((forbidden,), lambda q, k, v, m: (q, k, v, None, True, m)),
            ((padding,), lambda q, k, v, m: (q, k, v, m)),
            ((forbidden * -2.5,), lambda q, k, v, m: (q, k, v, None, True, m, False)),
        ):
            yield pair(
                "MultiheadAttention", args=(4, heads), inputs=(query, key, key, *extra), params=names,
                mapping={name: name for name in names}, nest=nest,
            )  # fmt: skip
    batched = ((2, 3, 4), (2, 4, 4), (2, 4, 4))
    yield pair(
        "MultiheadAttention", {"batch_first": True}, args=(4, 2), inputs=batched, params=names,
        mapping={name: name for name in names},
    )  # fmt: skip
    short = {name: shape for name, shape in names.items() if "bias" not in name}
    yield pair(
        "MultiheadAttention", {"bias": False}, args=(4, 2), inputs=(query, key, key), params=short,
        mapping={name: name for name in short},
    )  # fmt: skip
    for name, mask, options in (
        ("", None, {}),
        (" of some", ~forbidden, {}),
        (" of what was", None, {"is_causal": True}),
        (" scaled", None, {"scale": 0.3}),
    ):
        yield _dot_product(name, mask, options)


def _dot_product(name: str, mask: Any, options: dict[str, Any]) -> Row:
    def ours(nn: Any) -> Any:
        return lambda p, q, k, v, m=None: nn.functional.scaled_dot_product_attention(
            q, k, v, m, **options
        )

    def peer(torch: Any) -> Any:
        return lambda p, q, k, v, m=None: torch.nn.functional.scaled_dot_product_attention(
            q, k, v, m, **options
        )

    function = "functional.scaled_dot_product_attention"
    inputs = ((2, 3, 4), (2, 4, 4), (2, 4, 2), *(() if mask is None else (mask,)))
    return Row(f"scaled dot product{name}", {function: ours}, peer, inputs)


# --- recurrent --------------------------------------------------------------------------------------

GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


def _recurrent_shapes(kind: str, suffix: str, inputs: int, bias: bool) -> dict[str, Any]:
    """Of a cell of 2 units: PyTorch's names and shapes are ours."""
    many = 2 * GATES[kind]
    shapes: dict[str, Any] = {
        f"weight_ih{suffix}": Numbers((many, inputs), -0.6, 0.6),
        f"weight_hh{suffix}": Numbers((many, 2), -0.6, 0.6),
    }
    if bias:
        shapes |= {f"bias_ih{suffix}": (many,), f"bias_hh{suffix}": (many,)}
    return shapes


def _paired(x: Any, h: Any = None, c: Any = None) -> tuple[Any, ...]:
    """What a recurrent layer is called with: an LSTM's state is a pair."""
    return (x,) if h is None else (x, h) if c is None else (x, (h, c))


def recurrent() -> Iterator[Row]:
    """Cells, and layers over sequences: several, in both directions, with states that are given."""
    for kind, function in (("RNN", "rnn_cell"), ("LSTM", "lstm_cell"), ("GRU", "gru_cell")):
        two = 2 if kind == "LSTM" else 1
        relu: list[dict[str, Any]] = [{"nonlinearity": "relu"}] if kind == "RNN" else []
        options: dict[str, Any]
        for options in ({}, {"bias": False}, *relu):
            shapes = _recurrent_shapes(kind, "", 3, bool(options.get("bias", True)))
            yield pair(
                f"{kind}Cell", options, function=function, only=("bias",), args=(3, 2),
                inputs=((5, 3), *[(5, 2)] * two), params=shapes, nest=_paired,
                mapping={name: name for name in shapes},
            )  # fmt: skip
        several: list[dict[str, Any]] = [
            {},
            *relu,
            {"num_layers": 2},
            {"bidirectional": True},
            {"num_layers": 2, "bidirectional": True, "batch_first": True},
            {"bias": False},
        ]
        for options in several:
            yield from _over_sequences(kind, two, options)


def _over_sequences(kind: str, two: int, options: dict[str, Any]) -> Iterator[Row]:
    many, ways = int(options.get("num_layers", 1)), 1 + bool(options.get("bidirectional"))
    shapes: dict[str, Any] = {}
    for layer in range(many):
        for way in range(ways):
            width, suffix = 2 * ways if layer else 3, f"_l{layer}" + "_reverse" * way
            shapes |= _recurrent_shapes(kind, suffix, width, bool(options.get("bias", True)))
    x = (2, 4, 3) if options.get("batch_first") else (4, 2, 3)
    for states in ([], [(many * ways, 2, 2)] * two):
        yield pair(
            kind, options, args=(3, 2), inputs=(x, *states), params=shapes, nest=_paired,
            mapping={name: name for name in shapes},
        )  # fmt: skip


# --- normalization ----------------------------------------------------------------------------------

AFFINE = {"weight": "gamma", "bias": "beta"}
GAMMA, BETA = Numbers((4,), 0.5, 1.5), (4,)


def normalization() -> Iterator[Row]:
    """Batch, layer, group and instance norm; batch norm's statistics after a step, and evaluation by them."""
    affine = {"gamma": GAMMA, "beta": BETA}
    for kind, shapes in (
        ("BatchNorm1d", ((5, 4), (3, 4, 5))),
        ("BatchNorm2d", ((2, 4, 3, 2),)),
    ):
        for shape in shapes:
            for options in ({}, {"affine": False}, {"eps": 0.1, "momentum": 0.3}):
                for training, mode in ((True, ""), (False, " in evaluation")):
                    params = affine if options.get("affine", True) else {}
                    yield pair(
                        kind, options, args=(4,), inputs=(shape,), params=params, dtype=True,
                        mapping=AFFINE if params else {}, training=training, mode=mode,
                        after=("running_mean", "running_var"),
                    )  # fmt: skip
    yield pair(
        "BatchNorm1d", {"eps": 0.01}, function="batch_norm", args=(4,), inputs=((6, 4),),
        params=affine, mapping=AFFINE,
    )  # fmt: skip
    sizes: Any
    for shape, sizes in (((5, 4), (4,)), ((3, 5, 4), (5, 4)), ((2, 3, 4), (4,))):
        yield pair(
            "LayerNorm", {"normalized_shape": sizes}, function="layer_norm", inputs=(shape,),
            params={"gamma": Numbers(sizes, 0.5, 1.5), "beta": sizes}, mapping=AFFINE,
        )  # fmt: skip
    yield pair(
        "LayerNorm", {"normalized_shape": 4, "elementwise_affine": False, "eps": 0.1},
        function="layer_norm", only=("elementwise_affine",), inputs=((5, 4),), dtype=True,
    )  # fmt: skip
    yield pair(
        "LayerNorm", {"normalized_shape": 4, "bias": False}, function="layer_norm", only=("bias",),
        inputs=((5, 4),), params={"gamma": GAMMA}, mapping={"weight": "gamma"},
    )  # fmt: skip
    for groups in (1, 2, 4):
        yield pair(
            "GroupNorm", {"num_groups": groups, "num_channels": 4}, function="group_norm",
            only=("num_channels",), inputs=((2, 4, 3),), params=affine, mapping=AFFINE,
        )  # fmt: skip
    yield pair(
        "GroupNorm", {"num_groups": 2, "num_channels": 4, "affine": False, "eps": 0.1},
        function="group_norm", only=("num_channels", "affine"), inputs=((2, 4, 3, 2),), dtype=True,
    )  # fmt: skip
    for kind, shape in (("InstanceNorm1d", (2, 4, 5)), ("InstanceNorm2d", (2, 4, 3, 2))):
        yield pair(
            kind, {"eps": 0.1}, function="instance_norm", args=(4,), inputs=(shape,), dtype=True
        )
        yield pair(
            kind, {"affine": True}, function="instance_norm", only=("affine",), args=(4,),
            inputs=(shape,), params=affine, mapping=AFFINE,
        )  # fmt: skip


# --- noise, where it does nothing -------------------------------------------------------------------


def noise() -> Iterator[Row]:
    """Masks are everyone's own; the rule of evaluation is not."""
    for kind, shape in (
        ("Dropout", (5, 3)),
        ("Dropout1d", (2, 3, 4)),
        ("Dropout2d", (2, 3, 4, 2)),
        ("AlphaDropout", (5, 3)),
    ):
        yield pair(kind, {"p": 0.4}, inputs=(shape,), training=False, mode=" in evaluation")


# --- losses -----------------------------------------------------------------------------------------

LABELS = np.array([0, 2, 1, 1, 0])
CHANCE, BELOW = Numbers((5, 3), 0.05, 0.95), Numbers((5, 3), -3.0, -0.1)
WEIGHT = np.array([0.5, 2.0, 1.25])
SIGNS = np.array([[1.0, -1.0, 1.0], [-1.0, -1.0, 1.0], [1.0, 1.0, 1.0], [-1.0, 1.0, -1.0], [1.0, -1.0, -1.0]])  # fmt: skip
_COUNTS = np.abs(SIGNS.cumsum(0)) + 0.5
DENSE = _COUNTS / _COUNTS.sum(1, keepdims=True)


def losses() -> Iterator[Row]:
    """Every loss by every reduction, with its options."""
    for reduction in ("mean", "sum", "none"):
        yield from _losses_by({"reduction": reduction})
    for reduction in ("batchmean", "mean", "sum", "none"):
        by = {"reduction": reduction}
        yield pair("KLDivLoss", by, function="kl_div", inputs=(BELOW, DENSE))
        logs = {**by, "log_target": True}
        yield pair("KLDivLoss", logs, function="kl_div", inputs=(BELOW, np.log(DENSE)))


def _losses_by(by: dict[str, Any]) -> Iterator[Row]:
    two = ((5, 3), (5, 3))
    yield pair("MSELoss", by, function="mse_loss", inputs=two)
    yield pair("L1Loss", by, function="l1_loss", inputs=two)
    for delta in (1.0, 0.3):
        yield pair("HuberLoss", {**by, "delta": delta}, function="huber_loss", inputs=two)
        yield pair("SmoothL1Loss", {**by, "beta": delta}, function="smooth_l1_loss", inputs=two)
    weighted = {"weight": WEIGHT}
    for options in (
        {},
        {"label_smoothing": 0.2},
        weighted,
        {**weighted, "label_smoothing": 0.2},
        {"ignore_index": 1},
        {**weighted, "ignore_index": 1, "label_smoothing": 0.2},
    ):
        both = {**by, **options}
        yield pair("CrossEntropyLoss", both, function="cross_entropy", inputs=((5, 3), LABELS))
        if "ignore_index" not in options:
            yield pair("CrossEntropyLoss", both, function="cross_entropy", inputs=((5, 3), DENSE))
        if "label_smoothing" not in options:
            yield pair("NLLLoss", both, function="nll_loss", inputs=(BELOW, LABELS))
    half = (SIGNS + 1) / 2
    for options in ({}, weighted):
        for targets in (half, DENSE):
            both = {**by, **options}
            yield pair("BCELoss", both, function="binary_cross_entropy", inputs=(CHANCE, targets))
    far = Numbers((5, 3), -9.0, 9.0)
    for options in ({}, weighted, {"pos_weight": WEIGHT}, {**weighted, "pos_weight": WEIGHT}):
        yield pair(
            "BCEWithLogitsLoss", {**by, **options}, function="binary_cross_entropy_with_logits",
            inputs=(far, half),
        )  # fmt: skip
    for p in (1, 2):
        for options in ({}, {"margin": 0.5}, weighted):
            yield pair(
                "MultiMarginLoss", {**by, "p": p, **options}, function="multi_margin_loss",
                inputs=((5, 3), LABELS),
            )  # fmt: skip


# --- initial values ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Initial:
    """An initializer: what it draws from, as a bound of uniform numbers or a deviation of normal ones.

    Attributes
    ----------
    ours : str
        Of `nn.initializers`.
    theirs : str
        Of torch.nn.init.
    shape : tuple of int
        Of a weight in our layout; ``turned`` says that theirs is its transpose.
    options : mapping
        Of theirs.
    """

    ours: str
    theirs: str
    shape: tuple[int, ...]
    turned: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """For the file."""
        return f"{self.ours} {self.shape}"


def _initial() -> Iterator[Initial]:
    relu, line = {"nonlinearity": "relu"}, {"nonlinearity": "linear"}
    for shape, turned in (((40, 60), True), ((16, 8, 3), False), ((16, 8, 3, 3), False)):
        for draw in ("uniform", "normal"):
            yield Initial(f"he_{draw}", f"kaiming_{draw}_", shape, turned, relu)
            yield Initial(f"lecun_{draw}", f"kaiming_{draw}_", shape, turned, line)
            yield Initial(f"glorot_{draw}", f"xavier_{draw}_", shape, turned)


PARTS: dict[str, tuple[Row, ...]] = {
    "activations": tuple(activations()),
    "layers": tuple(layers()),
    "convolutions": tuple(convolutions()),
    "pooling": tuple(pooling()),
    "attention": tuple(attention()),
    "recurrent": tuple(recurrent()),
    "normalization": tuple(normalization()),
    "noise": tuple(noise()),
    "losses": tuple(losses()),
}
ROWS: tuple[Row, ...] = tuple(row for rows in PARTS.values() for row in rows)
INITIAL = tuple(_initial())

# --- optimizers -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trained:
    """An optimizer that makes a hundred steps on both sides, from the same start by the same gradients.

    Attributes
    ----------
    kind : str
        Its name in `optim` and in torch.optim.
    options : mapping
        Of both, where the names are the same.
    ours, theirs : mapping
        What else it takes here, and there.
    drops : bool
        After fifty steps the learning rate is a tenth.
    """

    kind: str
    options: Mapping[str, Any]
    ours: Mapping[str, Any] = field(default_factory=dict)
    theirs: Mapping[str, Any] = field(default_factory=dict)
    drops: bool = False

    @property
    def name(self) -> str:
        """What it is called in the file."""
        told = {**self.options, **self.ours, **({"drops": True} if self.drops else {})}
        return f"{self.kind}({', '.join(f'{k}={v}' for k, v in told.items())})"


SHAPES = ((3, 2), (5,), ())
STEPS = 100
SHOWN = (1, 2, 50, 100)  # after which the parameters are written down


def start() -> list[Array]:
    """The parameters before the first step."""
    return [values(shape, 7 + k) for k, shape in enumerate(SHAPES)]


def slopes(thetas: Sequence[Array], k: int) -> list[Array]:
    """Gradients of ½ ‖M θ − d_k‖² + Σ cos θ: coupled, with a noise that is new in each step, and not convex."""
    flat = np.concatenate([np.ravel(t) for t in thetas])
    matrix = values(Numbers((flat.size, flat.size), -0.5, 0.5), 70)
    target = values(Numbers((flat.size,), -1.0, 1.0), 1000 + k)
    g = matrix.T @ (matrix @ flat - target) - np.sin(flat)
    ends = np.cumsum([math.prod(shape) for shape in SHAPES])[:-1]
    return [part.reshape(s) for part, s in zip(np.split(g, ends), SHAPES, strict=True)]


def _optimizers() -> Iterator[Trained]:
    outside = {"epsilon": "outside"}
    options: dict[str, Any]
    decay, up = {"weight_decay": 0.1}, {"maximize": True}
    for options in (
        {}, decay, up, {"momentum": 0.9, "eta": "inside"}, {"momentum": 0.9, **decay},
        {"momentum": 0.9, "dampening": 0.5}, {"momentum": 0.9, "dampening": 0.5, "eta": "inside"},
        {"momentum": 0.9, "nesterov": True, **decay}, {"momentum": 0.9, "nesterov": True, "eta": "inside"},
        {"momentum": 0.9, **up, **decay},
    ):  # fmt: skip
        inside = options.get("eta") == "inside"  # which is the same, while η is
        options = {name: value for name, value in options.items() if name != "eta"}
        for drops in (False,) if inside else (False, True):
            eta = {} if "momentum" not in options or inside else {"eta": "outside"}
            yield Trained("SGD", {"lr": 0.05, **options}, ours=eta, drops=drops)
    for options in ({}, decay, up, {"initial_accumulator_value": 0.5}, {"eps": 0.1}):
        yield Trained("Adagrad", {"lr": 0.1, "eps": 1e-8, **options}, ours=outside)
    for options in ({}, decay, up, {"rho": 0.5, "lr": 0.5}, {"eps": 0.01}):
        yield Trained("Adadelta", options)
    for options in (
        {}, decay, up, {"alpha": 0.9}, {"eps": 0.1}, {"centered": True}, {"momentum": 0.9},
        {"momentum": 0.9, "centered": True, **decay},
    ):  # fmt: skip
        yield Trained("RMSprop", {"lr": 0.01, "alpha": 0.99, **options}, ours=outside)
    for options in ({}, decay, up, {"betas": (0.5, 0.9)}, {"eps": 0.1}):
        yield Trained("Adam", {"lr": 0.05, **options}, ours=outside)
        yield Trained("AdamW", {"lr": 0.05, **options}, ours=outside)
        yield Trained("Adamax", {"lr": 0.05, **options})
        yield Trained("NAdam", {"lr": 0.05, **options}, ours=outside)
    yield Trained(
        "Adam",
        {"lr": 0.05, **decay},
        {**outside, "decoupled": True},
        {"decoupled_weight_decay": True},
    )
    yield Trained("NAdam", {"lr": 0.05, "momentum_decay": 0.1}, outside)
    yield Trained(
        "NAdam",
        {"lr": 0.05, **decay},
        {**outside, "decoupled": True},
        {"decoupled_weight_decay": True},
    )
    for options in ({}, up, {"etas": (0.7, 1.1)}, {"step_sizes": (1e-3, 0.05)}):
        yield Trained("Rprop", options, {"form": "irprop-"}, {"lr": 0.1})


OPTIMIZERS = tuple(_optimizers())

# What PyTorch has not, or another way.
OPTIMIZER_REASONS = {
    "LAMB": "PyTorch has none; held to formulas in its own tests",
    "LARS": "PyTorch has none; held to formulas in its own tests",
    "Lion": "PyTorch has none; held to formulas in its own tests",
    "Momentum": "SGD by another default",
    "Nesterov": "SGD by other defaults",
    "Quickprop": "PyTorch has none; held to formulas in its own tests",
}
GAINS = ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu")


# --- what has no row, and why -----------------------------------------------------------------------

_OWN = "PyTorch has none; held to formulas in its own tests"
_MASK = "takes a mask, which PyTorch draws inside; held to the formula in its own tests"
_PENALTY = "a penalty in the loss; PyTorch has weight_decay of optimizers"
_PROJECTION = "a projection; PyTorch has none"
_FRACTION = "Graham's regions; PyTorch's windows are of one size, at other places for each image"
_LOOP = "the loop of recurrent layers, whose rows run it"
_PARTS = "calls what is in it, or nothing; no formula of its own"
_BITS = "makes numbers of given bits"
_PIECE = "a piece of batch norm, whose rows run it"
_ASKED = "asked by the rows of the initializers"
_TOLD = "draws from what its arguments say"
_PROPERTY = "a property, which its own tests ask: W Wᵀ = I; outputs of unit variance"
REASONS: dict[str, str] = {
    name: reason
    for reason, names in {
        _PARTS: ("ModuleDict", "ModuleList", "Residual", "Sequential"),
        _PENALTY: (
            "ElasticNet", "GroupLasso", "KLSparsity", "L1", "L2", "functional.elastic_net",
            "functional.group_lasso", "functional.kl_sparsity", "functional.l1", "functional.l2",
        ),
        _OWN: (
            "DropConnect", "GaussianDropout", "GaussianNoise", "HingeLoss", "InputNorm", "LabelFlip",
            "Shakeout", "SquaredErrorLoss", "StochasticDepth", "WeightNoise", "Whiteout", "Zoneout",
            "functional.connected", "functional.drop_connect", "functional.flip_labels", "functional.hinge_loss",
            "functional.moment_matched", "functional.shakeout", "functional.squared_error",
            "functional.whiteout_spread",
        ),
        _PROJECTION: (
            "functional.project_l1_ball", "functional.project_l2_ball", "functional.project_max_norm",
            "functional.project_simplex",
        ),
        _FRACTION: (
            "FractionalMaxPool2d", "functional.fractional_edges", "functional.fractional_max_pool2d",
        ),
        _LOOP: ("functional.recurrence",),
        "the parts of attention, whose rows run them": ("functional.masked_softmax", "functional.multi_head_attention"),
        _MASK: ("functional.alpha_dropout", "functional.dropout", "functional.zoneout"),
        _BITS: ("functional.bernoulli", "functional.box_muller", "functional.standard_normal"),
        _PIECE: ("functional.batch_norm_with_statistics", "functional.normalize"),
        "softshrink by a threshold that may be an array": ("functional.soft_threshold",),
        _ASKED: ("initializers.Initializer", "initializers.fans", "initializers.gain"),
        _TOLD: (
            "initializers.constant", "initializers.normal", "initializers.ones",
            "initializers.truncated_normal", "initializers.uniform", "initializers.zeros",
        ),
        _PROPERTY: ("initializers.lsuv", "initializers.orthogonal"),
    }.items()
    for name in names
}  # fmt: skip
