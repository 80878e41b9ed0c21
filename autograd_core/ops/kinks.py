"""What a derivative is where a function has none: at kinks, jumps and poles.

A table, one test a row (`tests/autograd_core/ops/test_piecewise.py`); this page shows it at its end.

"Unless the cotangent is 0": 0 times an infinite derivative is 0. Where a mask has made the 0 (`where`,
`clip`, an index, a cotangent that was given), that is right, of every operation and to every order,
also where the derivative is nan or a matrix singular: what is not taken changes nothing. In a sum of
products (`matmul`, `einsum`, `convolve`) it holds term by term; other zeros in it are as in NumPy, 0
times nan is nan. Where no mask has made the 0 (`sqrt(x) ** 2` at 0) it is a convention, and
`detect_anomaly` reports it.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KINKS", "Kink", "table"]


@dataclass(frozen=True)
class Kink:
    """A convention.

    Attributes
    ----------
    functions : tuple of str
        Public names, as in ``ag.name``.
    at : str
        Where it holds; empty: wherever the function is asked.
    derivative : str
    """

    functions: tuple[str, ...]
    at: str
    derivative: str


KINKS = (
    Kink(("relu",), "x = 0", "0"),
    Kink(("absolute",), "x = 0", "0, that is sign(0)"),
    Kink(("sign", "step"), "everywhere", "0; sign(0) = 0, step(0) = 0"),
    Kink(("heaviside", "angle"), "everywhere", "0 in x"),
    Kink(("copysign",), "everywhere", "0 in b; in a as `absolute`"),
    Kink(("floor", "ceil", "trunc", "rint"), "everywhere", "0"),
    Kink(("round", "floor_divide"), "everywhere", "0"),
    Kink(("mod", "fmod"), "at a jump", "1 in a; minus the whole part of the quotient in b"),
    Kink(("maximum", "minimum"), "a = b", "1/2 to each operand"),
    Kink(("fmax", "fmin"), "a = b", "1/2 to each operand; of nan and a number the number"),
    Kink(("clip",), "x at a bound", "1 (the bounds belong to the inside)"),
    Kink(("where",), "", "the branch taken; the other gets 0, whatever its value"),
    Kink(("nan_to_num",), "what is replaced", "0"),
    Kink(("nansum", "nanmean"), "nan", "0"),
    Kink(("logaddexp", "logaddexp2"), "equal infinities", "1/2 to each operand"),
    Kink(("sigmoid", "tanh"), "saturated", "of the rounded value: 0 where y is 1, as in PyTorch"),
    Kink(("softplus",), "saturated", "the second one is that of `sigmoid`"),
    Kink(("max", "min", "ptp"), "ties", "shared equally among the tied elements"),
    Kink(("nanmax", "nanmin"), "ties", "shared equally among the tied elements"),
    Kink(("sort", "partition", "median"), "ties", "that of the order of a stable sort"),
    Kink(("quantile", "percentile"), "ties", "that of the order of a stable sort"),
    Kink(("interp",), "a sample", "in x that of the piece to the right"),
    Kink(("power",), "a = 0", "0 in b; in a infinite for 0 < b < 1"),
    Kink(("prod", "cumprod"), "zeros", "exact: the product of the others"),
    Kink(("norm", "hypot", "arctan2"), "the origin", "0"),
    Kink(
        ("hypot", "arctan2"), "infinite", "the limit; two infinite operands count as equally large"
    ),
    Kink(("linalg.norm",), "the origin", "0; of orders below 1 in each element that is 0"),
    Kink(("logsumexp",), "only -inf", "0"),
    Kink(("std",), "equal elements", "0"),
    Kink(("sinc",), "x = 0", "0, and -π²/3 the second time: exact"),
    Kink(("relu", "clip"), "nan", "that of x: what made the nan answers for it"),
    Kink(("maximum", "minimum"), "nan", "1 to each operand"),
    Kink(("sqrt", "log", "log2", "log10"), "x = 0", "infinite, unless the cotangent is 0"),
    Kink(("cbrt",), "x = 0", "infinite, unless the cotangent is 0"),
    Kink(("arcsin", "arccos", "arctanh"), "x = ±1", "infinite, unless the cotangent is 0"),
    Kink(("arccosh",), "x = 1", "infinite, unless the cotangent is 0"),
    Kink(("eigh", "svd"), "equal values", "infinite in the vectors, unless the cotangent is 0"),
    Kink(("det",), "singular", "the cofactors; the second one is nan"),
    Kink(("slogdet",), "singular", "nan for that matrix alone, unless its cotangent is 0"),
    Kink(("xdivy",), "0 / 0", "0 in both, as its value; 0 / nan is nan"),
    Kink(("xlogy", "special.xlog1py"), "a = 0", "0 in b where that is a pole; 0 log nan is nan"),
    Kink(("pinv",), "rank changes", "not defined; it is that of the rank found"),
)


def table() -> str:
    """The conventions as a table of text."""
    rows = [(", ".join(k.functions), k.at or "--", k.derivative) for k in KINKS]
    rows.insert(0, ("function", "at", "derivative"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "  ".join("=" * n for n in widths)
    head, *lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join((rule, head, rule, *lines, rule))


__doc__ = f"{__doc__}\n{table()}\n"
