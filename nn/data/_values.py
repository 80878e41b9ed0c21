"""What is asked of the values of a data set: that they are there."""

from __future__ import annotations

import numpy as np

from autograd_core.aliases import Array
from autograd_core.errors import DataError, DTypeError

__all__ = ["refuse_gaps"]


def refuse_gaps(operation: str, what: str, array: Array) -> None:
    """Raise a DataError that says how many values are not finite, and where the first stands."""
    if array.dtype.kind == "O":
        raise DTypeError(
            operation,
            f"the {what} are Python objects, shape {array.shape}, with None among them or of several kinds. Expected "
            "an array of one dtype. Fill in what is missing, and convert it: .astype(np.float32).",
        )
    if array.dtype.kind not in "fc":
        return
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(k) for k in np.argwhere(bad)[0])
        rows = np.unique(np.argwhere(bad)[:, 0]) if array.ndim else [0]
        place = "[" + ", ".join(map(str, first)) + "]" if first else ""
        raise DataError(
            operation,
            f"the {what} are not finite everywhere: {int(bad.sum())} values in {len(rows)} rows, the first "
            f"{what}{place} = {array[first]}. Expected numbers. Drop those rows "
            f"(keep = np.isfinite({what}).reshape(len({what}), -1).all(1)), or fill them in; "
            "nn.data.read_csv does either while reading.",
        )
