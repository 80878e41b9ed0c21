"""By how much larger weights must be, before a nonlinearity."""

from __future__ import annotations

import math

from autograd_core.errors import ConfigError
from autograd_core.options import Interval

__all__ = ["gain"]

_GAINS = {
    "linear": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def gain(nonlinearity: str, slope: float | None = None) -> float:
    """What the deviation of weights is multiplied by, so that signals keep their size through layers.

    ==============  =====================  ===============================================
    name            gain                   since
    ==============  =====================  ===============================================
    "linear"        1
    "sigmoid"       1                      PyTorch's; it keeps no size, as 0 becomes ½
    "tanh"          5/3                    LeCun et al.; 1/√E[tanh²] = 1.59 for N(0, 1)
    "relu"          √2                     E[relu²] = ½
    "leaky_relu"    √(2/(1 + slope²))      E[f²] = ½ (1 + slope²)
    "selu"          3/4                    PyTorch's; 1 keeps its fixed point
    ==============  =====================  ===============================================

    Parameters
    ----------
    nonlinearity : str
        One of the names above.
    slope : float, optional
        Of "leaky_relu" below 0; 0.01 by default. The others have none.

    Returns
    -------
    float
        As PyTorch's ``calculate_gain``.

    Raises
    ------
    ConfigError
        If there is no such name, or a slope of one that has none.

    References
    ----------
    He, Zhang, Ren and Sun (2015), Delving deep into rectifiers, eqs. 10 and 15.

    Examples
    --------
    >>> gain("relu") ** 2
    2.0000000000000004
    """
    if nonlinearity == "leaky_relu":
        below = Interval().check("gain: slope", 0.01 if slope is None else slope)
        return math.sqrt(2 / (1 + below**2))
    if not isinstance(nonlinearity, str) or nonlinearity not in _GAINS:
        names = ", ".join(map(repr, [*_GAINS, "leaky_relu"]))
        raise ConfigError(
            "gain", f"nonlinearity: expected one of {names}; received {nonlinearity!r:.60}."
        )
    if slope is not None:
        raise ConfigError(
            "gain", f"slope: {nonlinearity!r} has none. Expected None; received {slope!r:.60}."
        )
    return _GAINS[nonlinearity]
