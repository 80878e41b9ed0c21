"""When held-out error has risen for good: the criteria of Prechelt (1998), as functions of the errors so far."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from autograd_core.errors import ConfigError
from autograd_core.options import COUNT, NON_NEGATIVE

__all__ = ["GL", "PQ", "UP", "Criterion", "generalization_loss", "progress"]


class Criterion(Protocol):
    """Says from the errors so far whether training should end; what remembers nothing needs no state.

    Attributes
    ----------
    of_errors : bool
        Whether it needs errors, numbers from 0 that are to be small; not accuracies, say.
    """

    of_errors: bool

    def ends(self, held_out: Sequence[float], training: Sequence[float]) -> bool:
        """Whether training ends after the last of these epochs; smaller is better."""


def generalization_loss(held_out: Sequence[float]) -> float:
    """GL(t) = 100 (E_va(t) / E_opt(t) − 1): by how many per cent the last error is above the least so far.

    A value of nan counts as infinite.

    Raises
    ------
    ConfigError
        If an error is negative.

    Examples
    --------
    >>> generalization_loss([2.0, 1.0, 1.5])
    50.0
    """
    errors = [math.inf if math.isnan(e) else e for e in held_out]
    least, last = min(errors), errors[-1]
    if least < 0:
        raise ConfigError(
            "generalization loss",
            f"it is a ratio of errors, and one is {least}. Expected errors from 0. Monitor another value, or stop "
            "by patience or UP.",
        )
    if last == least:
        return 0.0
    return 100 * (last / least - 1) if least else math.inf


def progress(training: Sequence[float]) -> float:
    """P(t) = 1000 (mean / least − 1) of the training errors of a strip: what training still gains, in per mille.

    Examples
    --------
    >>> progress([3.0, 2.0, 1.0])
    1000.0
    """
    least, mean = min(training), math.fsum(training) / len(training)
    if mean == least:
        return 0.0
    return 1000 * (mean / least - 1) if least else math.inf


@dataclass(frozen=True)
class GL:
    """GL_α: stop after the first epoch with a generalization loss above α.

    Parameters
    ----------
    alpha : float, ≥ 0
        In per cent; Prechelt tries 1 to 5.

    References
    ----------
    [Other heuristics: Early stopping]. Prechelt (1998), Early stopping - but when?, section 2.

    Examples
    --------
    >>> GL(5).ends([1.0, 1.04], [1.0, 0.9]), GL(5).ends([1.0, 1.06], [1.0, 0.9])
    (False, True)
    """

    alpha: float
    of_errors = True

    def __post_init__(self) -> None:
        NON_NEGATIVE.check("GL: alpha", self.alpha)

    def ends(self, held_out: Sequence[float], training: Sequence[float]) -> bool:
        """GL(t) > α."""
        return generalization_loss(held_out) > self.alpha


@dataclass(frozen=True)
class PQ:
    """PQ_α: stop after the first strip whose generalization loss is above α times its training progress.

    Parameters
    ----------
    alpha : float, ≥ 0
        Prechelt tries 0.5 to 3.
    strip : int, ≥ 1
        The k of a training strip: the criterion is asked after every k-th epoch; Prechelt's is 5.

    References
    ----------
    [Other heuristics: Early stopping]. Prechelt (1998), section 2.

    Examples
    --------
    >>> PQ(1.0, strip=2).ends([1.0, 1.2], [1.0, 1.0]), PQ(1.0, strip=2).ends([1.0, 1.2], [2.0, 1.0])
    (True, False)
    """

    alpha: float
    strip: int = 5
    of_errors = True

    def __post_init__(self) -> None:
        NON_NEGATIVE.check("PQ: alpha", self.alpha)
        COUNT.check("PQ: strip", self.strip)

    def ends(self, held_out: Sequence[float], training: Sequence[float]) -> bool:
        """GL(t) > α P(t), at the end of a strip."""
        if len(held_out) % self.strip:
            return False
        loss = generalization_loss(held_out)
        return loss > 0 and loss > self.alpha * progress(training[-self.strip :])


@dataclass(frozen=True)
class UP:
    """UP_s: stop once held-out error has risen from end to end of s strips in a row.

    Parameters
    ----------
    s : int, ≥ 1
        Prechelt tries 2 to 8.
    strip : int, ≥ 1
        The k of a training strip; Prechelt's is 5.

    References
    ----------
    [Other heuristics: Early stopping]. Prechelt (1998), section 2.

    Examples
    --------
    >>> UP(2, strip=1).ends([1.0, 2.0, 3.0], []), UP(2, strip=1).ends([1.0, 2.0, 2.0], [])
    (True, False)
    """

    s: int
    strip: int = 5
    of_errors = False

    def __post_init__(self) -> None:
        COUNT.check("UP: s", self.s)
        COUNT.check("UP: strip", self.strip)

    def ends(self, held_out: Sequence[float], training: Sequence[float]) -> bool:
        """E_va(t) > E_va(t − k) > … > E_va(t − s k), at the end of a strip."""
        ends = [math.inf if math.isnan(e) else e for e in held_out[self.strip - 1 :: self.strip]]
        if len(held_out) % self.strip or len(ends) <= self.s:
            return False
        last = ends[-self.s - 1 :]
        return all(b > a for a, b in itertools.pairwise(last))
