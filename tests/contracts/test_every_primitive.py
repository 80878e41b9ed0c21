"""What every declared primitive and every composite must satisfy; found by walking the registry.

An elementwise primitive is sampled by its arity and domain, so a new one is tested by existing.
The other kinds say ``cases=`` in their declaration, and a composite needs a sample below; what has none
fails `test_everything_has_a_sample`.
"""

from __future__ import annotations

import collections
import functools
import inspect
import itertools
import operator
import re
import warnings
import zlib

import mpmath
import numpy as np
import pytest
import scipy.special

import autograd_core as ag
from autograd_core import functional
from autograd_core.cases import drawn
from autograd_core.primitives import REGISTRY
from autograd_core.shelves import ARRAYS
from autograd_core.tensors import NUMPY
from gradproof import functions

# A function's samples come from a stream of its own: a new one moves no other's onto a kink.
STREAM = [np.random.default_rng(7)]


def seeded(name, make):
    STREAM[0] = np.random.default_rng(zlib.crc32(name.encode()))
    return make()


def real(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    return STREAM[0].uniform(low, high, shape)


def integers(high: int, *shape: int) -> np.ndarray:
    return STREAM[0].integers(0, high, shape)


WELL = real(3, 3) + 4 * np.eye(3)
BATCH = real(2, 3, 3) + 4 * np.eye(3)
ORDERS = np.array([0, 1, 3])
BOTH = np.array([True, False])
POSITIVE = BATCH @ np.swapaxes(BATCH, -1, -2)


# composites: name -> calls; a list is a sequence of operands
COMPOSITES: dict = {
    "corrcoef": lambda: [((real(3, 5),), {}), ((real(5, 2),), {"rowvar": False})],
    "cov": lambda: [
        ((real(3, 5),), {}),
        ((real(4),), {}),
        ((real(4, 2),), {"rowvar": False, "bias": True}),
        ((real(2, 4),), {"ddof": 0}),
        ((real(2, 4), real(4)), {}),
        ((real(2, 4),), {"fweights": np.array([1, 3, 0, 2]), "aweights": real(4, low=0.5)}),
        ((real(2, 4),), {"aweights": real(4, low=0.5), "ddof": 0}),
    ],
    "delete": lambda: [
        ((real(3, 4), 1), {"axis": 1}),
        ((real(2, 3), [0, 4]), {}),
        ((real(5), slice(1, 3)), {}),
    ],
    "interp": lambda: [
        ((real(4), np.array([-1.5, -0.3, 0.2, 1.7]), real(4)), {}),
        ((real(3), np.array([-1.0, 1.0]), real(2)), {"left": 7, "right": 8}),
        ((real(2), np.array([5.0]), real(1)), {}),
    ],
    "matrix_transpose": lambda: [((real(2, 3, 4),), {})],
    "matvec": lambda: [((real(2, 3, 4), real(4)), {}), ((real(3, 4), real(2, 4)), {})],
    "nanmax": lambda: [
        ((real(3, 4),), {"axis": 1}),
        ((np.array([1.0, np.nan, 3.0]),), {}),
        ((integers(9, 4),), {}),
    ],
    "nanmin": lambda: [
        ((real(3, 4),), {"axis": 1, "keepdims": True}),
        ((np.array([1.0, np.nan, 3.0]),), {}),
    ],
    "polyval": lambda: [((real(4), real(2, 3)), {}), ((real(1), real(2)), {})],
    "vecdot": lambda: [((real(2, 3), real(3)), {}), ((real(3), real(3)), {})],
    "vecmat": lambda: [((real(4), real(2, 4, 3)), {}), ((real(2, 4), real(4, 3)), {})],
    "all": lambda: [((integers(2, 3, 4),), {"axis": 1}), ((integers(2, 3),), {})],
    "any": lambda: [((integers(2, 3, 4),), {"axis": 1}), ((integers(2, 3),), {})],
    "argmin": lambda: [((real(3, 4),), {"axis": 1}), ((real(3, 4),), {})],
    "array_split": lambda: [((real(5, 2), 3), {}), ((real(2, 5), [1, 3]), {"axis": 1})],
    "atleast_1d": lambda: [((real(),), {}), ((real(2), real()), {})],
    "atleast_2d": lambda: [((real(),), {}), ((real(3), real(2, 2)), {})],
    "atleast_3d": lambda: [((real(),), {}), ((real(3), real(2, 2), real(1, 2, 1)), {})],
    "average": lambda: [
        ((real(2, 3),), {}),
        ((real(2, 3), 1, real(3, low=0.5)), {}),
        ((real(2, 3), None, real(2, 3, low=0.5)), {}),
    ],
    "broadcast_arrays": lambda: [((real(2, 1), real(3)), {})],
    "clip": lambda: [((real(5), -0.5, 0.7), {}), ((real(5),), {"a_min": -0.5, "a_max": 0.7})],
    "column_stack": lambda: [(([real(3), real(3, 2)],), {})],
    "cross": lambda: [
        ((real(3), real(3)), {}),
        ((real(2, 3), real(3)), {}),
        ((real(3, 2), real(3, 2)), {"axis": 0}),
    ],
    "cumprod": lambda: [
        ((real(5),), {}),
        ((np.array([0.5, 0.0, 2.0, 0.0]),), {}),
        ((real(2, 6), 1), {}),
    ],
    "diag": lambda: [((real(3),), {"k": -1}), ((real(3, 4),), {"k": 1}), ((real(3, 3),), {})],
    "diagonal": lambda: [
        ((real(3, 4),), {}),
        ((real(2, 3, 4),), {"offset": 1, "axis1": 2, "axis2": 0}),
    ],
    "diff": lambda: [
        ((real(5),), {}),
        ((real(4, 3),), {"n": 2, "axis": 0}),
        ((real(2, 3),), {"prepend": 0.5, "append": real(2, 2)}),
    ],
    "dot": lambda: [
        ((real(2, 3), real(3, 2)), {}),
        ((real(3), real(3)), {}),
        ((2.5, real(3)), {}),
        ((real(2, 2, 3), real(2, 3, 2)), {}),
        ((real(2, 2, 3), real(3)), {}),
    ],
    "dsplit": lambda: [((real(2, 2, 4), 2), {})],
    "dstack": lambda: [(([real(2, 3), real(2, 3)],), {}), (([real(2), real(2)],), {})],
    "expand_dims": lambda: [((real(2, 3), 1), {}), ((real(2, 3), (0, -1)), {})],
    "fliplr": lambda: [((real(2, 3),), {})],
    "flipud": lambda: [((real(2, 3),), {})],
    "full_like": lambda: [((real(2, 3), 1.5), {})],
    "hsplit": lambda: [((real(2, 4), 2), {}), ((real(4), [1]), {})],
    "hstack": lambda: [(([real(2), real(3)],), {}), (([real(2, 1), real(2, 2)],), {})],
    "index_update": lambda: [
        ((real(3, 4), 1, real(4)), {}),
        ((real(3, 4), (slice(None, None, -2), [0, 2]), real(2, 2)), {}),
        ((real(5), np.array([1, 1, 3]), real(3)), {}),
        ((real(2, 2), np.array([[True, False], [False, True]]), real()), {}),
        ((real(3), slice(0, 0), real()), {}),
    ],
    "inner": lambda: [
        ((real(2, 3), real(4, 3)), {}),
        ((real(3), real(3)), {}),
        ((real(), real(3)), {}),
    ],
    "kron": lambda: [
        ((real(2, 3), real(2, 1)), {}),
        ((real(3), real(2)), {}),
        ((real(2), real(2, 2)), {}),
    ],
    "log_softmax": lambda: [((real(2, 3),), {}), ((real(2, 3), 0), {})],
    "degrees": lambda: [((real(2, 3),), {})],
    "radians": lambda: [((real(2, 3),), {})],
    "logical_and": lambda: [((integers(2, 4), integers(3, 4)), {})],
    "logical_or": lambda: [((integers(2, 4), integers(3, 4)), {})],
    "logical_xor": lambda: [((integers(2, 4), integers(3, 4)), {})],
    "logit": lambda: [((real(4, low=0.1, high=0.9),), {})],
    "matrix_trace": lambda: [
        ((real(3, 4),), {}),
        ((real(2, 3, 3),), {"offset": -1, "axis1": 1, "axis2": 2}),
    ],
    "mean": lambda: [((real(2, 3),), {"axis": 1}), ((real(2, 3),), {"keepdims": True})],
    "median": lambda: [
        ((real(5),), {}),
        ((real(4, 3),), {"axis": 0, "keepdims": True}),
        ((real(2, 3, 2),), {"axis": (0, 2)}),
    ],
    "min": lambda: [((real(2, 3),), {"axis": 1})],
    "moveaxis": lambda: [((real(2, 3, 4), 0, -1), {}), ((real(2, 3, 4), (0, 1), (2, 0)), {})],
    "nan_to_num": lambda: [((real(3),), {})],
    "norm": lambda: [((real(2, 3),), {}), ((real(2, 3),), {"axis": 1})],
    "one_hot": lambda: [((integers(3, 4), 3), {})],
    "ones_like": lambda: [((real(2, 3),), {})],
    "outer": lambda: [((real(2), real(3)), {})],
    "pad": lambda: [
        ((real(2, 3), ((1, 0), (2, 1))), {}),
        ((real(2), 1), {}),
        ((real(2), 1), {"constant_values": 2.5}),
        ((real(2, 3), 1), {"mode": "edge"}),
        ((real(3, 3), 2), {"mode": "reflect"}),
        ((real(3), (2, 4)), {"mode": "symmetric"}),
        ((real(3), (2, 4)), {"mode": "wrap"}),
        ((real(2, 3), 1), {"constant_values": ((1.5, 2.5), (3.5, 4.5))}),
        ((real(2, 3), ((1, 0), (2, 3))), {"mode": "linear_ramp", "end_values": (1.5, -2.0)}),
        ((real(3, 4), 2), {"mode": "mean"}),
        ((real(4, 3), 1), {"mode": "maximum", "stat_length": 2}),
        ((real(4, 3), 1), {"mode": "minimum"}),
        ((real(3, 4), ((0, 1), (2, 2))), {"mode": "median", "stat_length": 3}),
    ],
    "partition": lambda: [((real(5), 2), {}), ((real(3, 4), (0, -1)), {"axis": 0})],
    "prod": lambda: [
        ((real(5),), {}),
        ((np.array([[0.5, 0.0, 2.0], [0.0, 0.0, 1.5]]),), {"axis": 1}),
        ((real(2, 3, 2),), {"axis": (0, 2), "keepdims": True}),
    ],
    "ravel": lambda: [((real(2, 3),), {})],
    "reciprocal": lambda: [((real(3, low=0.5),), {})],
    "repeat": lambda: [((real(2, 3), 2), {}), ((real(2, 3), [0, 1, 3]), {"axis": 1})],
    "roll": lambda: [
        ((real(5), 2), {}),
        ((real(2, 3), (1, -4)), {"axis": (0, 1)}),
        ((real(2, 3), -1), {}),
    ],
    "rollaxis": lambda: [((real(2, 3, 4), 2), {}), ((real(2, 3, 4), 0), {"start": 3})],
    "rot90": lambda: (
        [((real(2, 3), k), {}) for k in range(4)] + [((real(2, 3, 2),), {"axes": (2, 0)})]
    ),
    "round": lambda: [
        ((np.array([0.123, -1.677, 2.231]),), {"decimals": 2}),
        ((np.array([12.3]), -1), {}),
    ],
    "sinc": lambda: [((real(4),), {}), ((np.array([0.0, 1e-3, 0.3]),), {})],
    "sliding_window_view": lambda: [
        ((real(5), 2), {}),
        ((real(4, 3), (2, 2)), {}),
        ((real(4, 3), 3, 0), {}),
    ],
    "softmax": lambda: [((real(2, 3),), {})],
    "sort": lambda: [
        ((real(5),), {}),
        ((real(3, 4),), {"axis": 0}),
        ((real(2, 2),), {"axis": None}),
    ],
    "split": lambda: [((real(4, 2), 2), {}), ((real(2, 5), [1, 3]), {"axis": 1})],
    "squeeze": lambda: [((real(2, 1, 3),), {}), ((real(2, 1, 1), 1), {})],
    "stack": lambda: [(([real(2), real(2)],), {"axis": 1})],
    "std": lambda: [
        ((real(4, 3),), {"axis": 0, "ddof": 1}),
        ((real(4, 3),), {"axis": 0, "correction": 1}),
    ],
    "swapaxes": lambda: [((real(2, 3, 4), 0, -1), {})],
    "take": lambda: [((real(3, 4), integers(4, 2)), {"axis": 1}), ((real(3, 4), 5), {})],
    "tensordot": lambda: [
        ((real(2, 3), real(3, 2)), {"axes": 1}),
        ((real(2, 3, 2), real(2, 3)), {"axes": ([1, 0], [1, 0])}),
        ((real(2), real(3)), {"axes": 0}),
    ],
    "tile": lambda: [((real(2, 3), 2), {}), ((real(3), (2, 2)), {}), ((real(2, 1, 2), (3, 1)), {})],
    "tril": lambda: [((real(3, 4),), {}), ((real(2, 3, 3),), {"k": -1}), ((real(3),), {})],
    "triu": lambda: [((real(3, 4),), {}), ((real(2, 3, 3),), {"k": 1}), ((real(3),), {})],
    "var": lambda: [((real(4, 3),), {"axis": 0}), ((real(4, 3),), {"ddof": 1})],
    "vdot": lambda: [((real(2, 3), real(3, 2)), {})],
    "vsplit": lambda: [((real(4, 2), 2), {})],
    "vstack": lambda: [(([real(3), real(2, 3)],), {})],
    "angle": lambda: [((real(4),), {}), ((real(4),), {"deg": True})],
    "append": lambda: [((real(2, 3), real(2)), {}), ((real(2, 3), real(1, 3)), {"axis": 0})],
    "conj": lambda: [((real(2, 3),), {})],
    "convolve": lambda: (
        [((real(5), real(3)), {"mode": m}) for m in ("full", "same", "valid")]
        + [((real(2), real(3)), {}), ((real(2), real(4), "same"), {})]
    ),
    "correlate": lambda: (
        [((real(5), real(3)), {"mode": m}) for m in ("full", "same", "valid")]
        + [((real(2), real(4)), {"mode": m}) for m in ("full", "same", "valid")]
    ),
    "cumsum": lambda: [((real(3, 4),), {}), ((real(3, 4),), {"axis": 1}), ((real(4),), {})],
    "fftshift": lambda: [((real(5, 4),), {}), ((real(3, 4),), {"axes": 1})],
    "fmax": lambda: [((real(2, 3), real(3)), {}), ((np.array([0.3, np.nan]), 0.5), {})],
    "fmin": lambda: [((real(2, 3), real(3)), {})],
    "gradient": lambda: [
        ((real(5),), {}),
        ((real(4, 3), 0.5), {}),
        ((real(4, 3), 0.5, np.array([0.1, 0.4, 1.5])), {"edge_order": 2}),
        ((real(3, 4, 3),), {"axis": (2, 0)}),
    ],
    "heaviside": lambda: [((real(4), real(4)), {}), ((np.zeros(3, int), real(3)), {})],
    "ifftshift": lambda: [((real(5, 4),), {}), ((real(3, 4),), {"axes": (1,)})],
    "imag": lambda: [((real(2, 3),), {})],
    "isclose": lambda: [
        ((real(3), real(3)), {}),
        (
            (np.array([1.0, np.nan, np.inf]), np.array([1.0 + 1e-9, np.nan, np.inf])),
            {"equal_nan": True},
        ),
    ],
    "iscomplex": lambda: [((real(3),), {})],
    "isreal": lambda: [((real(3),), {})],
    "linspace": lambda: [
        ((real(), real(), 5), {}),
        ((real(2), real(3, 1), 4), {"endpoint": False, "axis": 1}),
        ((real(), real()), {"num": 3, "retstep": True}),
        ((real(), real()), {"num": 1}),
    ],
    "meshgrid": lambda: [
        ((real(2), real(3)), {}),
        ((real(2), real(3), real(1)), {"indexing": "ij", "sparse": True}),
    ],
    "nanmean": lambda: [((real(2, 3),), {"axis": 1}), ((real(4),), {})],
    "nansum": lambda: [((real(2, 3),), {"axis": 1, "keepdims": True}), ((real(4),), {})],
    "argsort": lambda: [((real(2, 3),), {}), ((real(2, 3),), {"axis": None})],
    "take_along_axis": lambda: [
        ((real(2, 4), integers(4, 1, 3)), {"axis": 1}),
        ((real(2, 3), integers(6, 4)), {"axis": None}),
    ],
    "block": lambda: [
        (([real(2, 2), real(2, 1)],), {}),
        (([[real(2, 2), real(2, 1)], [real(1, 2), real(1, 1)]],), {}),
    ],
    "cumulative_prod": lambda: [((real(4),), {}), ((real(3, 4),), {"axis": 1})],
    "cumulative_sum": lambda: [
        ((real(4),), {"include_initial": True}),
        ((real(3, 4),), {"axis": 0, "include_initial": True}),
    ],
    "diagflat": lambda: [((real(2, 2),), {}), ((real(3),), {"k": -1})],
    "ediff1d": lambda: [((real(2, 3),), {}), ((real(4),), {"to_begin": 1.5, "to_end": real(2)})],
    "float_power": lambda: [((real(2, 3, low=0.5), real(3)), {})],
    "insert": lambda: [
        ((real(4), 1, 2.5), {}),
        ((real(2, 3), 1, real(2)), {"axis": 1}),
        ((real(2, 3), [0, 2], real(2, 2)), {"axis": 1}),
        ((real(4), slice(0, 3, 2), real(2)), {}),
    ],
    "isneginf": lambda: [((np.array([1.0, -np.inf, np.inf]),), {})],
    "isposinf": lambda: [((np.array([1.0, -np.inf, np.inf]),), {})],
    "modf": lambda: [((np.array([0.3, -1.7, 2.4]),), {})],
    "nancumprod": lambda: [((real(4),), {}), ((real(3, 4),), {"axis": 1})],
    "nancumsum": lambda: [((real(4),), {}), ((real(3, 4),), {"axis": 1})],
    "nanprod": lambda: [((real(2, 3),), {"axis": 1, "keepdims": True})],
    "nanstd": lambda: [((real(4, 3),), {"axis": 0, "ddof": 1})],
    "nanvar": lambda: [((real(4, 3),), {"axis": 0, "keepdims": True}), ((real(5),), {"ddof": 1})],
    "unstack": lambda: [((real(2, 3),), {"axis": 1})],
    "vander": lambda: [((real(3),), {}), ((real(3),), {"N": 2, "increasing": True})],
    "nanmedian": lambda: [((real(4, 3),), {"axis": 0, "keepdims": True}), ((real(5),), {})],
    "nanpercentile": lambda: [((real(4, 3), 10), {"axis": 0})],
    "nanquantile": lambda: [
        ((real(5), 0.33), {"method": "hazen"}),
        ((real(4, 3), [0.1, 1.0]), {"axis": (0, 1)}),
    ],
    "percentile": lambda: [
        ((real(5), 30), {}),
        ((real(4, 3), [10, 90]), {"axis": 0, "keepdims": True}),
    ],
    "ptp": lambda: [((real(2, 3),), {"axis": 1}), ((real(4),), {})],
    "quantile": lambda: [
        ((real(5),), {"q": 0.3}),
        ((real(4, 3),), {"q": np.array([[0.1], [1.0]]), "axis": (0, 1)}),
    ],
    "real": lambda: [((real(2, 3),), {})],
    "real_if_close": lambda: [((real(2, 3),), {})],
    "select": lambda: [(([BOTH, ~BOTH],), {"choicelist": [real(2), real(2)], "default": real()})],
    "signbit": lambda: [((np.array([1.0, -1.0, 0.0, -0.0]),), {})],
    "trapezoid": lambda: [
        ((real(2, 5),), {"dx": 0.3}),
        ((real(4, 3), np.sort(real(4))), {"axis": 0}),
        ((real(2, 4), real(2, 4)), {}),
    ],
    "zeros_like": lambda: [((real(2, 3),), {})],
}

# ag.linalg: name -> calls
LINALG: dict = {
    "cross": lambda: [((real(2, 3), real(3)), {})],
    "diagonal": lambda: [((real(2, 3, 4),), {"offset": 1})],
    "matrix_norm": lambda: [((BATCH,), {}), ((real(2, 3),), {"ord": "nuc", "keepdims": True})],
    "multi_dot": lambda: [(([real(2), real(2, 4), real(4, 3), real(3, 2)],), {})],
    "tensorinv": lambda: [((WELL.reshape(3, 1, 3),), {})],
    "tensorsolve": lambda: [((WELL.reshape(3, 3), real(3)), {})],
    "trace": lambda: [((real(2, 3, 4),), {"offset": -1})],
    "vector_norm": lambda: [
        ((real(2, 3),), {}),
        ((real(2, 3, 2),), {"axis": (0, 2), "ord": 3, "keepdims": True}),
    ],
    "block_diag": lambda: [((real(2, 3), real(3), real()), {})],
    "cholesky": lambda: [((POSITIVE,), {}), ((POSITIVE,), {"upper": True})],
    "det": lambda: [((WELL,), {}), ((BATCH,), {})],
    "cofactor": lambda: [((WELL,), {})],
    "eigh": lambda: [((POSITIVE,), {}), ((POSITIVE[0],), {"UPLO": "U"})],
    "eigvalsh": lambda: [((POSITIVE,), {})],
    "inv": lambda: [((WELL,), {}), ((BATCH,), {})],
    "matrix_power": lambda: [((BATCH, n), {}) for n in (-2, 0, 1, 3)],
    "norm": lambda: [
        ((real(2, 3),), {}),
        ((real(4),), {"ord": 3}),
        ((real(4),), {"ord": np.inf}),
        ((real(2, 3),), {"ord": 1, "axis": 1}),
        ((real(2, 3),), {"ord": "nuc", "keepdims": True}),
        ((real(2, 3),), {"ord": 2}),
        ((real(3, 2, 3),), {"ord": -1, "axis": (2, 0)}),
        ((real(3, 2, 3),), {"ord": np.inf, "axis": (0, 2), "keepdims": True}),
    ],
    "pinv": lambda: [((real(3, 2),), {})],
    "qr": lambda: [((real(3, 2),), {}), ((real(3, 2),), {"mode": "r"}), ((real(2, 2, 4),), {})],
    "slogdet": lambda: [((BATCH,), {})],
    "solve": lambda: [((BATCH, real(3)), {})],
    "solve_sylvester": lambda: [((WELL, BATCH[0], real(3, 3)), {})],
    "solve_triangular": lambda: [
        ((WELL, real(3)), {}),
        ((BATCH, real(3, 2)), {"lower": True, "trans": 1}),
        ((WELL, real(3)), {"unit_diagonal": True, "trans": "T"}),
    ],
    "svd": lambda: [
        ((real(3, 2),), {"full_matrices": False}),
        ((real(3, 2),), {"compute_uv": False}),
    ],
    "svdvals": lambda: [((real(3, 2),), {}), ((BATCH,), {})],
}


# ag.special: name -> calls; those that are primitives of operands alone are sampled as such
ONE = lambda low, high: lambda: [((real(2, 3, low=low, high=high),), {})]  # noqa: E731
LAST = lambda: [((ORDERS + 1, real(3, low=0.5)), {}), ((2, real(2, 3, low=0.5)), {})]  # noqa: E731
SPECIAL: dict = {
    "betainc": lambda: [((ORDERS + 1, 2, real(3, low=0.1, high=0.9)), {})],
    "betaincc": lambda: [((ORDERS + 1, 2, real(3, low=0.1, high=0.9)), {})],
    "betaincx": lambda: [((ORDERS + 1, 2, real(3)), {})],
    "digamma": ONE(0.3, 3.0),
    "entr": ONE(0.1, 2.0),
    "expit": ONE(-3.0, 3.0),
    "kl_div": lambda: [((real(2, 3, low=0.2), real(3, low=0.2)), {})],
    "log_expit": ONE(-3.0, 3.0),
    "log_softmax": lambda: [((real(2, 3),), {}), ((real(2, 3), 1), {}), ((real(2, 3), (0, 1)), {})],
    "logsumexp": lambda: [
        ((real(2, 3),), {}),
        ((real(2, 3), 1, real(2, 3, low=0.2)), {}),
        ((real(2, 3),), {"axis": 1, "b": np.array([1.0, 0.0, 2.0]), "keepdims": True}),
    ],
    "multigammaln": lambda: [((real(3, low=2.5, high=4.0), d), {}) for d in (1, 3)],
    "ndtr": ONE(-3.0, 3.0),
    "ndtri": ONE(0.1, 0.9),
    "polygamma": lambda: [((n, real(2, 3, low=0.3)), {}) for n in range(3)],
    "rel_entr": lambda: [((real(2, 3, low=0.2), real(3, low=0.2)), {})],
    "softmax": lambda: [((real(2, 3),), {}), ((real(2, 3), 1), {}), ((real(2, 3), (0, 1)), {})],
} | dict.fromkeys(("gammainc", "gammaincc", "gammainccx", "gammaincx", "iv", "ive", "jv", "kv", "stdtr", "yv"), LAST) | dict.fromkeys(
    ("i0", "i1", "j0", "j1", "y0", "y1"), ONE(0.5, 5.0)
)  # fmt: skip

SIGNAL: dict = {
    "convolve": lambda: (
        [((real(4, 3), real(2, 2)), {"mode": m}) for m in ("full", "same", "valid")]
        + [
            ((real(2, 2), real(3, 4)), {"mode": "valid"}),
            ((real(3, 5), real(4, 2)), {"axes": ([1], [0])}),
            (
                (real(2, 4), real(3, 2, 3)),
                {"axes": ([1], [0]), "dot_axes": ([0], [1]), "mode": "valid"},
            ),
            (
                (real(2, 2), real(2, 4)),
                {"axes": ([1], [1]), "dot_axes": ([0], [0]), "mode": "valid"},
            ),
        ]
    )
}

SCALED = {"loc": 0.1, "scale": 1.3}
STATS: dict = {
    f"{family}.{function}": (lambda family=family: [(VALUES[family](), {}), (VALUES[family]()[:3 if family == "beta" else 2 - (family in ("norm", "expon"))], SCALED)])
    for family in ("beta", "chi2", "expon", "gamma", "norm", "t")
    for function in ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf")
} | {
    f"poisson.{function}": lambda: [((np.arange(3), real(3, low=0.5)), {})]
    for function in ("logpmf", "pmf", "cdf")
} | {
    f"dirichlet.{function}": lambda: [
        ((np.array([0.2, 0.3, 0.5]), real(3, low=1.2)), {}),
        ((real(3, 2, low=0.1), real(3, low=1.2)), {}),
    ]
    for function in ("logpdf", "pdf")
} | {
    f"multivariate_normal.{function}": lambda: [
        ((real(3), real(3), POSITIVE[0]), {}), ((real(2, 3), real(3), POSITIVE[1]), {}),
    ]
    for function in ("logpdf", "pdf")
} | {"multivariate_normal.entropy": lambda: [((real(3), POSITIVE[0]), {})]}  # fmt: skip
# A value inside the support, then the parameters that have a gradient in every function, or none.
VALUES = {
    "beta": lambda: (real(3, low=0.3, high=0.8), 2, 3),
    "chi2": lambda: (real(3, low=0.3), 3),
    "expon": lambda: (real(3, low=0.3),),
    "gamma": lambda: (real(3, low=0.3), 2),
    "norm": lambda: (real(3), real(3), real(3, low=0.5)),
    "t": lambda: (real(3), 4),
}

# Where a family stands, and the calls of each function in it.
FAMILIES = {
    "": COMPOSITES,
    "linalg.": LINALG,
    "special.": SPECIAL,
    "signal.": SIGNAL,
    "stats.": STATS,
}
for _prefix, _samples in FAMILIES.items():
    for _name, _make in _samples.items():
        _samples[_name] = seeded(_prefix + _name, _make)


def public(prefix, name):
    """The function of a family by its name, which may have a dot in it."""
    return operator.attrgetter(prefix + name)(ag) if prefix else getattr(functional, name)


def composites():
    """Name with its family, function and calls of each composite."""
    for prefix, samples in FAMILIES.items():
        for name, calls in sorted(samples.items()):
            yield prefix + name, public(prefix, name), calls


@functools.cache
def samples_of(p):
    """Operands and params; the operands that are float64 are differentiated."""
    return drawn(p)


def cases():
    for name, p in sorted(REGISTRY.items()):
        for k, (operands, params) in enumerate(samples_of(p)):
            yield pytest.param(p.function, operands, params, p, id=f"{name}-{k}")


def composite_cases():
    for name, function, calls in composites():
        for k, (args, params) in enumerate(calls):
            yield pytest.param(function, args, params, id=f"{name}-{k}")


def parts(outputs):
    return tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)


def differentiable(function, operands, params):
    """Whether some output is a float that depends on a float operand."""
    outputs = parts(function(*map(variable, operands), **params))
    return any(o.requires_grad for o in outputs)


def variable(x):
    if isinstance(x, list):
        return [variable(v) for v in x]
    return ag.tensor(x, requires_grad=True) if getattr(x, "dtype", None) == np.float64 else x


def test_everything_has_a_sample():
    for name, p in REGISTRY.items():
        assert p.picks or samples_of(p), f"{name}: say cases= in its declaration"
    for name in functional.__all__:
        assert name in COMPOSITES, f"add a sample for {name}"
    for name in ag.linalg.__all__:
        assert name in LINALG, f"add a sample for linalg.{name}"
    for name in ag.special.__all__:
        assert name in SPECIAL or name in REGISTRY or getattr(ag, name), f"add a sample for {name}"
    assert set(SIGNAL) == set(ag.signal.__all__)
    for family in set(ag.stats.__all__) - {"Continuous"}:
        assert {n for n in STATS if n.startswith(f"{family}.")}, f"add samples for stats.{family}"


def test_every_kind_is_represented():
    kinds = {type(p.kind).__name__ for p in REGISTRY.values()}
    assert kinds == {
        "Call",
        "Elementwise",
        "View",
        "Reduce",
        "Contract",
        "Gather",
        "Loop",
        "Random",
        "Scan",
        "Opaque",
    }


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("function", "operands", "params", "p"), list(cases()))
def test_gradients_of_primitives_to_second_order(function, operands, params, p):
    if not differentiable(function, operands, params):
        return
    assert ag.gradcheck(lambda *xs: function(*xs, **params), *operands)
    assert ag.gradgradcheck(lambda *xs: function(*xs, **params), *operands)


def of_operands(function, args, params):
    """A composite as a function of its operands alone, and these; some come in a list."""
    if isinstance(args[0], list):
        return lambda *xs: function(list(xs), **params), args[0]
    return lambda *xs: function(*xs, **params), args


@pytest.mark.together
@pytest.mark.parametrize(("function", "args", "params"), list(composite_cases()))
def test_gradients_of_composites(function, args, params):
    if differentiable(function, args, params):
        closed, operands = of_operands(function, args, params)
        assert ag.gradcheck(closed, *operands)


@pytest.mark.sampled(2)  # what they are made of is looked at to second order above
@pytest.mark.parametrize(("function", "args", "params"), list(composite_cases()))
def test_second_derivatives_of_composites(function, args, params):
    if differentiable(function, args, params):
        closed, operands = of_operands(function, args, params)
        assert ag.gradgradcheck(closed, *operands)


@pytest.mark.together
@pytest.mark.parametrize(("function", "operands", "params", "p"), list(cases()))
def test_the_rules_run_on_abstract_arrays_with_the_right_shapes(function, operands, params, p):
    """A branch on data, a NumPy call or a wrong shape rule in forward or VJP fails here."""

    def loss(*xs):
        outputs = function(*xs, **params)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        for o, e in zip(outputs, expected, strict=True):
            assert o.shape == e.shape
            assert o.dtype == e.dtype
        return sum(ag.sum(o * 1.0) for o in outputs)

    expected = function(*operands, **params)
    expected = expected if isinstance(expected, tuple) else (expected,)
    floats = [i for i, x in enumerate(operands) if getattr(x, "dtype", None) == np.float64]
    if differentiable(function, operands, params):
        derive = ag.grad(loss, floats, unreachable="zero")
        program = ag.trace(derive)(*operands)
        for found, wanted in zip(program(*operands), derive(*operands), strict=True):
            np.testing.assert_allclose(found, np.asarray(wanted), rtol=1e-12, atol=1e-12)
    else:
        ag.trace(loss)(*operands)


def batch_of(x):
    """Three operands like ``x`` in one array, with an axis in front; valid as indices and keys, too."""
    x = np.asarray(x)
    if x.dtype.kind == "f":
        return np.stack([x * (1 + k / 50) for k in range(3)])
    return np.stack([x, np.roll(x, 1), x])


def mapped(operands):
    """Which operands have the axis: each alone, and all."""
    if not operands:
        return []
    alone = [tuple(i == k for i in range(len(operands))) for k in range(len(operands))]
    return [*alone, (True,) * len(operands)] if len(operands) > 1 else alone


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("function", "operands", "params", "p"), list(cases()))
def test_vmap_is_a_loop(function, operands, params, p):
    """In values, and in gradients by every operand; in a trace, too."""
    floats = [i for i, x in enumerate(operands) if getattr(x, "dtype", None) == np.float64]
    smooth = differentiable(function, operands, params)

    def loss(run):
        def weighted(*xs):
            outputs = [o for o in parts(run(*xs)) if o.dtype.kind == "f"]
            return sum(ag.sum(ag.square(o) + o) for o in outputs)

        return weighted

    for flags in mapped(operands):
        batch = [batch_of(x) if f else x for x, f in zip(operands, flags, strict=True)]
        at_once = ag.vmap(lambda *xs: function(*xs, **params), [0 if f else None for f in flags])

        def loop(*xs, flags=flags):
            rows = [[x[i] if f else x for x, f in zip(xs, flags, strict=True)] for i in range(3)]
            found = [parts(function(*row, **params)) for row in rows]
            return tuple(ag.stack(list(column)) for column in zip(*found, strict=True))

        found = parts(at_once(*batch))
        for f, w in zip(found, loop(*batch), strict=True):
            assert f.shape == w.shape
            assert f.dtype == w.dtype
            np.testing.assert_allclose(f.data, w.data, rtol=1e-11, atol=1e-13)
        if not smooth:
            ag.trace(at_once)(*batch)
            continue
        derive = ag.grad(loss(at_once), floats, unreachable="zero")
        wanted = ag.grad(loss(loop), floats, unreachable="zero")(*batch)
        traced = ag.trace(derive)(*batch)(*batch)
        for f, t, w in zip(derive(*batch), traced, wanted, strict=True):
            np.testing.assert_allclose(f.data, w.data, rtol=1e-9, atol=1e-11)
            np.testing.assert_allclose(t, w.data, rtol=1e-9, atol=1e-11)


@pytest.mark.together
@pytest.mark.parametrize(
    "name", sorted(n for n, p in REGISTRY.items() if isinstance(p.kind, ag.Elementwise))
)
def test_rules_hold_no_float_literal(name):
    rules = REGISTRY[name].vjp
    for rule in rules if isinstance(rules, tuple) else (rules,):
        if callable(rule):
            assert not [c for c in rule.__code__.co_consts if isinstance(c, float)]


@pytest.mark.together
@pytest.mark.parametrize(
    "name", sorted(n for n, p in REGISTRY.items() if isinstance(p.kind, ag.Elementwise))
)
def test_elementwise_dtype_is_numpys(name):
    p = REGISTRY[name]
    if name == "cast":
        return
    for dtype in (np.float32, np.float64):
        operands = [np.full((2,), sum(p.domain) / 2, dtype) for _ in range(p.arity)]
        with np.errstate(all="ignore"):
            expected = p.forward(*operands)
        assert p.function(*operands).dtype == expected.dtype
        assert expected.dtype in (dtype, np.bool_)


class _Floats:
    """The scalar shelf of plain floats, to compare a formula with its forward."""

    exp, log, tanh, sin, cos = map(staticmethod, (np.exp, np.log, np.tanh, np.sin, np.cos))
    arcsin, arccos, arctan = map(staticmethod, (np.arcsin, np.arccos, np.arctan))
    sqrt, floor = staticmethod(np.sqrt), staticmethod(np.floor)
    erf = staticmethod(lambda x: float(mpmath.erf(x)))
    erfinv = staticmethod(lambda x: float(mpmath.erfinv(x)))
    gammaln = staticmethod(lambda x: float(mpmath.re(mpmath.loggamma(x))))
    polygamma = staticmethod(lambda n, x: float(mpmath.psi(n, x)))
    gammainc = staticmethod(lambda a, x: float(mpmath.gammainc(a, 0, x, regularized=True)))
    betainc = staticmethod(lambda a, b, x: float(mpmath.betainc(a, b, 0, x, regularized=True)))
    iv = staticmethod(lambda v, x: float(mpmath.besseli(v, x)))
    jv = staticmethod(lambda v, x: float(mpmath.besselj(v, x)))
    kv = staticmethod(lambda v, x: float(mpmath.besselk(v, x)))
    yv = staticmethod(lambda v, x: float(mpmath.bessely(v, x)))
    power = staticmethod(lambda a, b: a**b)
    step = staticmethod(lambda u: float(u > 0))
    where = staticmethod(lambda c, a, b: a if c else b)


@pytest.mark.together
@pytest.mark.parametrize(
    "name", sorted(n for n, p in REGISTRY.items() if getattr(p.kind, "formula", None))
)
def test_the_formula_is_the_forward(name):
    p = REGISTRY[name]
    low, high = p.domain
    points = seeded(
        name, lambda: [[float(real(low=low, high=high)) for _ in range(p.arity)] for _ in range(20)]
    )
    if low < 0 < high:  # zeros and ties, where formulas of functions with kinks go wrong
        points += [[0.0] * p.arity, [0.5] * p.arity, [-0.5] * p.arity]
    for operands in points:
        found = p.kind.formula(_Floats(), *operands)
        np.testing.assert_allclose(
            found, p.forward(*map(np.float64, operands)), rtol=1e-12, atol=1e-15
        )


@pytest.mark.together
@pytest.mark.parametrize("name", sorted(n for n, p in REGISTRY.items() if p.meaning))
def test_the_meaning_is_the_forward(name):
    p = REGISTRY[name]
    folds = {"axis": None, "keepdims": False} if isinstance(p.kind, ag.kinds.Reduce) else {}
    for operands, params in samples_of(p):
        prepared = p.prepare(operands, folds | params) if params and p.prepare else params
        np.testing.assert_allclose(
            p.meaning(ARRAYS, *operands, **prepared), p.forward(*operands, **prepared), rtol=1e-12
        )


# --- NumPy's values, at every layout and shape --------------------------------------------------

# Functions whose results NumPy leaves open, or whose operands differ from NumPy's.
UNLIKE = {"partition", "where", "random_bits"}


def theirs():
    """NumPy's functions that Tensors answer, with our function and its samples."""
    ours = {id(p.function): (p.name, samples_of(p)) for p in REGISTRY.values()}
    ours |= {id(function): (name, calls) for name, function, calls in composites()}
    for numpys, function in NUMPY.items():
        if isinstance(numpys, str):
            numpys = getattr(scipy.special, numpys.removeprefix("scipy.special."))
        name, calls = ours.get(id(function), ("", []))
        calls = [c for c in calls if c[1].get("UPLO") != "U"]  # the signs are LAPACK's choice
        if numpys is np.fix:  # deprecated from NumPy 2.5 on; it answers, with a warning
            continue
        if numpys is np.reshape:  # by place: NumPy 2.0 has another name for it
            calls = [((*args, params["shape"]), {}) for args, params in calls]
        if name and name not in UNLIKE:
            yield name, numpys, function, calls


def numpy_cases():
    for name, numpys, function, calls in theirs():
        for k, (args, params) in enumerate(calls):
            yield pytest.param(numpys, function, args, params, id=f"{name}-{k}")


def constant(x):
    if isinstance(x, list):
        return [constant(v) for v in x]
    return ag.tensor(x) if isinstance(x, np.ndarray) else x


def same(found, wanted, **tolerances):
    for f, w in zip(parts(found), parts(wanted), strict=True):
        assert isinstance(f, ag.Tensor)
        w = np.asarray(w)
        assert f.shape == w.shape
        assert f.dtype == w.dtype
        np.testing.assert_allclose(np.asarray(f), w, **tolerances)


@pytest.mark.together
@pytest.mark.parametrize(("numpys", "function", "args", "params"), list(numpy_cases()))
def test_values_are_numpys_and_numpys_function_comes_here(numpys, function, args, params):
    with np.errstate(all="ignore"):
        wanted = numpys(*args, **params)
        same(function(*args, **params), wanted, rtol=1e-12, atol=1e-14)
        operands = [constant(a) for a in args]
        if any(
            isinstance(o, ag.Tensor)
            for o in (*operands, *itertools.chain(*(o for o in operands if isinstance(o, list))))
        ):
            same(numpys(*operands, **params), wanted, rtol=1e-12, atol=1e-14)


def single(x):
    if isinstance(x, list):
        return [single(v) for v in x]
    return x.astype(np.float32) if getattr(x, "dtype", None) == np.float64 else x


@pytest.mark.together
@pytest.mark.parametrize(
    ("numpys", "function", "args", "params"),
    [case for case in numpy_cases() if case.id != "dot-2"],  # Python numbers are weak in ours
)
def test_single_precision_is_kept_where_numpy_keeps_it(numpys, function, args, params):
    if "dtype" in params or numpys is scipy.special.yn:  # which has no loop of single precision
        return
    args = list(map(single, args))
    with np.errstate(all="ignore"):
        wanted = numpys(*args, **params)
        found = function(*args, **params)
        if numpys in vars(scipy.special).values() and any(type(a) in (int, float) for a in args):
            # Before 1.18 a number of Python's may make float64 of float32 there.
            arrays = [a.dtype for a in args if isinstance(a, (np.ndarray, np.generic))]
            wanted = np.asarray(wanted, np.result_type(np.float32, *arrays) if arrays else None)
        same(found, wanted, rtol=2e-5, atol=2e-5)


def layouts(x):
    """The same values as every second element, backwards, and in Fortran's order."""
    wide = np.repeat(x, 2, axis=-1)
    yield wide[..., ::2]
    yield np.ascontiguousarray(x[..., ::-1])[..., ::-1]
    yield np.asfortranarray(x)


@pytest.mark.together
@pytest.mark.parametrize(
    ("function", "operands", "params", "p"),
    [case for case in cases() if case.id.endswith(("-0", "-7"))],
)
def test_memory_layout_changes_no_gradient_of_a_primitive(function, operands, params, p):
    check_layouts(function, operands, params)


@pytest.mark.together
@pytest.mark.parametrize(
    ("function", "args", "params"),
    [case for case in composite_cases() if not isinstance(case.values[1][0], list)],
)
def test_memory_layout_changes_no_gradient_of_a_composite(function, args, params):
    check_layouts(function, args, params)


def check_layouts(function, operands, params):
    floats = [
        i for i, x in enumerate(operands) if getattr(x, "dtype", None) == np.float64 and x.ndim
    ]
    if not floats or not differentiable(function, operands, params):
        return

    def loss(*xs):
        return sum(
            ag.sum(ag.square(o) + o) for o in parts(function(*xs, **params)) if o.dtype.kind == "f"
        )

    derive = ag.value_and_grad(loss, floats, unreachable="zero")
    value, wanted = derive(*operands)
    for variant in zip(*(layouts(operands[i]) for i in floats), strict=True):
        changed = list(operands)
        for i, x in zip(floats, variant, strict=True):
            changed[i] = x
        found, gradient = derive(*changed)
        np.testing.assert_allclose(found, value, rtol=1e-13)
        for f, w in zip(gradient, wanted, strict=True):
            np.testing.assert_allclose(f, w, rtol=1e-11, atol=1e-13)


# Where we refuse what NumPy takes: an axis of a scalar, a flat scan of many axes, the median or the
# largest of nothing, the derivative of wide Q R.
STRICTER = {
    "nanmedian",
    "nanpercentile",
    "nanquantile",
    "sum",
    "cumsum",
    "argsort",
    "sort",
    "median",
    "linalg.qr",
    "linalg.norm",
}
# Signs and order are LAPACK's; elementwise operations have samples of every shape above.
JUMPY = {"linalg.svd", "svd", "qr", "eigh", "linalg.qr", "linalg.eigh", "round"} | {
    n for n, p in REGISTRY.items() if isinstance(p.kind, ag.Elementwise)
}
SHAPES = [(), (0,), (1,), (4,), (0, 3), (3, 0), (1, 1), (4, 4), (1, 3, 1), (2, 3, 4), (2, 0, 4, 4)]


def shape_cases():
    for name, numpys, function, calls in theirs():
        for k, (args, params) in enumerate(calls):
            arrays = [a for a in args if isinstance(a, np.ndarray)]
            if isinstance(args[0] if args else None, np.ndarray) and len(arrays) == 1:
                yield pytest.param(name, numpys, function, args[1:], params, id=f"{name}-{k}")


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("name", "numpys", "function", "rest", "params"), list(shape_cases()))
@pytest.mark.parametrize("shapes", [SHAPES[::2], SHAPES[1::2]], ids=["even", "odd"])
@pytest.mark.filterwarnings("ignore")
def test_shapes_that_numpy_takes_are_taken_and_others_refused_by_name(
    name, numpys, function, rest, params, shapes
):
    """0-d, empty, of size 1 and of every rank: the same value and a right gradient, or an error."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    refused = []
    for shape in shapes:
        x = rng.permutation(np.linspace(0.55, 0.69, int(np.prod(shape)))).reshape(shape)
        if len(shape) > 1 and "linalg" in str(getattr(numpys, "__module__", "")):
            # Neighbouring numbers are nearly of rank 1, and inverses of such matrices bend.
            if shape[-1] == shape[-2]:
                x = x + np.swapaxes(x, -1, -2)
            x = x + 9 * np.eye(*shape[-2:]) * np.arange(1, shape[-1] + 1)
        try:
            with np.errstate(all="ignore"):
                wanted = numpys(x, *rest, **params)
        except (ValueError, TypeError, IndexError, RuntimeError, np.linalg.LinAlgError):
            if x.size:  # of nothing, NumPy's own indexing takes what its take refuses
                with pytest.raises((ag.errors.AutogradError, TypeError)):
                    function(ag.tensor(x), *rest, **params)
            continue
        try:
            found = function(ag.tensor(x), *rest, **params)
        except ag.errors.AutogradError:
            refused.append(shape)
            continue
        same(found, wanted, rtol=1e-11, atol=1e-13)
        finite = all(np.isfinite(np.asarray(w)).all() for w in parts(wanted))
        if finite and name not in JUMPY and differentiable(function, (x, *rest), params):
            assert ag.gradcheck(lambda t: function(t, *rest, **params), x, atol=1e-7)
            if x.size <= 4:
                assert ag.gradgradcheck(lambda t: function(t, *rest, **params), x, atol=1e-6)
    assert not refused or name in STRICTER, refused


# --- errors -------------------------------------------------------------------------------------

# Public functions that hand their operands, in another form, to one primitive.
THROUGH: dict = {
    "concatenate": [(([real(2), real(3)],), {})],
    "einsum": [(("ij->i", real(2, 3)), {})],
    "getitem": [((real(2, 3), 0), {})],
}
# Errors that the walk below cannot make, of functions for which it makes few.
FURTHER = {
    "arange": [
        (lambda: ag.arange("3"), ag.ConfigError),
        (lambda: ag.arange(None), ag.ConfigError),
        (lambda: ag.arange(0, 1, 0), ag.ConfigError),
        (lambda: ag.arange(0, np.inf), ag.ConfigError),
        (lambda: ag.arange(3, dtype="c16"), ag.DTypeError),
        (lambda: ag.arange(3, requires_grad=True), ag.DTypeError),
    ],
    "array": [
        (lambda: ag.array([[1.0], [1.0, 2.0]]), ag.ShapeError),
        (lambda: ag.array([ag.tensor(1.0), [2.0, 3.0]]), ag.ShapeError),
        (lambda: ag.array("text"), ag.DTypeError),
        (lambda: ag.array([1j]), ag.DTypeError),
        (lambda: ag.array(1, requires_grad=True), ag.DTypeError),
    ],
    "full": [
        (lambda: ag.full(-1, 1.0), ag.ShapeError),
        (lambda: ag.full(2, real(3)), ag.ShapeError),
        (lambda: ag.full(2, "text"), ag.DTypeError),
        (lambda: ag.full(2, 1, requires_grad=True), ag.DTypeError),
        (lambda: ag.full(2, 1.0, "kind"), ag.DTypeError),
    ],
    "ones": [
        (lambda: ag.ones(2.5), ag.ShapeError),
        (lambda: ag.ones((2, True)), ag.ShapeError),
        (lambda: ag.ones(2, 3), ag.DTypeError),
        (lambda: ag.ones(2, int, requires_grad=True), ag.DTypeError),
    ],
    "zeros": [
        (lambda: ag.zeros("3"), ag.ShapeError),
        (lambda: ag.zeros(None), ag.ShapeError),
        (lambda: ag.zeros(2, 3), ag.DTypeError),
        (lambda: ag.zeros(2, object), ag.DTypeError),
    ],
    "eye": [
        (lambda: ag.eye(-1), ag.ShapeError),
        (lambda: ag.eye(2.5), ag.ShapeError),
        (lambda: ag.eye(2, k=0.5), ag.ShapeError),
        (lambda: ag.eye(2, dtype="kind"), ag.DTypeError),
        (lambda: ag.ops.contractions.eye(-1), ag.ShapeError),
        (lambda: ag.ops.contractions.eye(2.5), ag.DTypeError),
        (lambda: ag.ops.contractions.eye("3"), ag.DTypeError),
    ],
    "select": [
        (lambda: ag.select([], []), ag.ShapeError),
        (lambda: ag.select([BOTH], []), ag.ShapeError),
        (lambda: ag.select([BOTH], [real(3)]), ag.ShapeError),
    ],
}
# Where the operand that is walked is not the first.
PLACE = {"special.polygamma": 1, "einsum": 1}


def named(name):
    """What an error calls a function: its name in its family, without the underscore."""
    family, _, rest = name.partition(".")
    return (rest if f"{family}." in FAMILIES else name).rstrip("_")


def wrong_calls():
    """Calls with an operand or an axis that cannot be, of every function, and their errors."""
    bad = {
        "text": ("text", ag.DTypeError),
        "None": (None, ag.DTypeError),
        "complex": (np.array([1j]), ag.DTypeError),
        "dict": ({"a": 1}, ag.DTypeError),
        "function": (len, ag.DTypeError),
        "ragged": ([[1.0], [1.0, 2.0]], ag.ShapeError),
    }
    for name, function, calls in (
        *((n, p.function, samples_of(p)) for n, p in REGISTRY.items() if n != "pick" and p.arity),
        *((n, getattr(ag, n), calls) for n, calls in THROUGH.items()),
        *composites(),
    ):
        args, params = calls[0]
        place = PLACE.get(name, 0)
        for kind, (value, error) in bad.items():
            given = list(args)
            given[place] = [value, *args[0][1:]] if isinstance(args[0], list) else value
            yield name, kind, functools.partial(function, *given, **params), error
        optional = inspect.signature(function).parameters.get("axis")
        if (
            optional is not None
            and "axis" not in list(inspect.signature(function).parameters)[: len(args)]
        ):
            far = {**params, "axis": 99}
            yield name, "axis 99", functools.partial(function, *args, **far), ag.ShapeError
    for name, calls in FURTHER.items():
        for k, (call, error) in enumerate(calls):
            yield name, str(k), call, error


WRONG = list(wrong_calls())


@pytest.mark.together
@pytest.mark.parametrize(
    ("name", "call", "error"),
    [pytest.param(n, call, error, id=f"{n}-{kind}") for n, kind, call, error in WRONG],
)
def test_what_cannot_be_is_named(name, call, error):
    """The message begins with the function that was called, and says what fits or what does not."""
    what = r"(Expected|expected|dtype|do not|out of range|not supported)"
    with pytest.raises(error, match=rf"^({re.escape(named(name))}|t\[.*\]): .*{what}"):
        call()


def test_every_function_has_three_errors_or_more():
    counted = collections.Counter(name for name, *_ in WRONG)
    shorter = {f"special.{n}": n for n in ag.ops.special.__all__}
    for f in functions.listed():
        found = counted[f.name] + counted[shorter.get(f.name, "")]
        assert found >= 3, f"{f.name} has {found} errors in the walk: add some to FURTHER"


# What cannot be meant, at every place where something is meant.
NONSENSE = {
    "None": None,
    "text": "text",
    "dict": {"a": 1},
    "ragged": [1.0, [2.0, 3.0]],
    "list of floats": [0.5, 1.5],
    "empty list": [],
    "masked": np.ma.array([1.0, 2.0], mask=[0, 1]),
    "objects": np.array([None, 1], object),
    "integer beyond all": 10**400,
    "complex": 1j,
    "function": len,
    "float": 0.5,
    "list of tensors": [ag.tensor(1.0)],
    "far axis": 99,
    "dtype": np.float32,
    "tensor": ag.tensor([1.5, 2.5]),
    "boolean": True,
}


def every_call():
    for name, p in sorted(REGISTRY.items()):
        if name in ag.__all__ and p.arity:
            yield pytest.param(p.function, samples_of(p)[:2], id=name)
    for name, function, calls in composites():
        yield pytest.param(function, calls[:2], id=name)


@pytest.mark.together
@pytest.mark.parametrize(("function", "calls"), list(every_call()))
def test_no_argument_makes_a_bare_error(function, calls):
    """Whatever stands at any place of a call: an answer, or one of the library's own errors."""
    for args, params in calls:
        for place in (*range(len(args)), *params):
            for what, value in NONSENSE.items():
                given, options = list(args), dict(params)
                (given if isinstance(place, int) else options)[place] = value
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    try:
                        function(*given, **options)
                    except ag.AutogradError as error:
                        assert len(str(error)) > 20, (place, what)  # noqa: PT017 - any will do
                    except Exception as error:  # noqa: BLE001 - that is the question
                        pytest.fail(f"{place} = {what}: {type(error).__name__}: {error}")
