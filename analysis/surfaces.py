"""The surfaces on which optimizers are compared: Beale, long valley, saddle and the like, by name.

Each is written once, as a function of its two coordinates in Tensor operators: the engine differentiates it,
and its formula is proved to be what is written beside it (claims O33 and O33b).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array, RandomSource
from autograd_core.errors import ConfigError
from autograd_core.options import Interval, Whole
from autograd_core.randomness import source_of

from .convergence import Quadratic

__all__ = ["SURFACES", "Surface", "bowl", "surface"]

Point = tuple[float, ...]


@dataclass(frozen=True)
class Surface:
    """An error E of two weights, with what is known of it.

    Attributes
    ----------
    name : str
    function : callable
        E of two numbers, or arrays of one shape, in Tensor operators.
    formula : str
        The same as an expression of x and y, as Python and sympy read it.
    minimisers : tuple of (float, float)
        Where E is least, all of them; to double precision where they are roots of polynomials.
    minimum : float
        E there; -inf where it has none.
    saddles : tuple of (float, float)
        Points with a gradient of 0 that are neither minima nor maxima, all of them.
    maxima : tuple of (float, float)
        Local maxima, all of them.
    box : ((float, float), (float, float))
        The part worth drawing: of x, and of y.
    start : (float, float)
        Where a race begins unless told otherwise.
    source : str

    Examples
    --------
    >>> from analysis import surface
    >>> beale = surface("beale")
    >>> float(beale([3.0, 0.5]).item()), beale.gradient([3.0, 0.5]).tolist()
    (0.0, [0.0, 0.0])
    """

    name: str
    function: Callable[[Any, Any], Any]
    formula: str
    minimisers: tuple[Point, ...]
    minimum: float
    saddles: tuple[Point, ...]
    maxima: tuple[Point, ...]
    box: tuple[tuple[float, float], tuple[float, float]]
    start: Point
    source: str

    def __call__(self, w: Any) -> Any:
        """E at w, shape (2,): what an optimizer's gradient is taken of."""
        w = ag.tensor(np.asarray(w, np.float64)) if isinstance(w, (list, tuple, np.ndarray)) else w
        if w.shape != (2,):
            raise ConfigError(
                self.name, f"expected a point of shape (2,); received one of {w.shape}."
            )
        return self.function(w[0], w[1])

    def gradient(self, w: Any) -> Array:
        """∇E at w by the engine, shape (2,)."""
        return ag.grad(self)(np.asarray(w, np.float64)).numpy()

    def hessian(self, w: Any) -> Array:
        """The second derivatives at w by the engine, shape (2, 2)."""
        return ag.hessian(self)(np.asarray(w, np.float64)).numpy()

    def heights(self, x: Any, y: Any) -> Array:
        """E over a grid, shape (len(y), len(x)): what contours are drawn of."""
        across, up = np.meshgrid(np.asarray(x, np.float64), np.asarray(y, np.float64))
        return np.asarray(self.function(ag.tensor(across), ag.tensor(up)).numpy())

    def distance(self, w: Any) -> float:
        """How far w is from the nearest minimiser; inf if there is none."""
        if not self.minimisers:
            return np.inf
        apart = np.asarray(self.minimisers) - np.asarray(w, np.float64)
        return float(np.linalg.norm(apart, axis=1).min())


# --- the functions ---------------------------------------------------------------------------------


def beale(x: Any, y: Any) -> Any:
    """Steep walls, a flat valley, a saddle at (0, 1) and another."""
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def long_valley(x: Any, y: Any) -> Any:
    """A bowl a hundred times as steep across as along, turned by no angle."""
    return x**2 / 200 + y**2 / 2


def saddle(x: Any, y: Any) -> Any:
    """Up along x, down along y, without a minimum."""
    return x**2 - y**2


def rosenbrock(x: Any, y: Any) -> Any:
    """A curved valley with a nearly flat floor."""
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def himmelblau(x: Any, y: Any) -> Any:
    """Four minima of the same height, four saddles and a maximum between them."""
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


_EVERY = (
    Surface(
        "beale",
        beale,
        "(3/2 - x + x*y)**2 + (9/4 - x + x*y**2)**2 + (21/8 - x + x*y**3)**2",
        ((3.0, 0.5),),
        0.0,
        ((0.0, 1.0), (0.10053793732415836, -2.644513585023125)),
        (),
        ((-4.5, 4.5), (-4.5, 4.5)),
        (1.0, 1.5),
        "Beale (1958), On an iterative method for finding a local minimum; [More recent methods]",
    ),
    Surface(
        "long valley",
        long_valley,
        "x**2/200 + y**2/2",
        ((0.0, 0.0),),
        0.0,
        (),
        (),
        ((-12.0, 12.0), (-3.0, 3.0)),
        (-10.0, 2.0),
        "the picture on [More recent methods], which prints no formula: this one is ours",
    ),
    Surface(
        "saddle",
        saddle,
        "x**2 - y**2",
        (),
        -np.inf,
        ((0.0, 0.0),),
        (),
        ((-2.0, 2.0), (-2.0, 2.0)),
        (-1.5, 0.001),
        "the picture on [More recent methods], which prints no formula: this one is ours",
    ),
    Surface(
        "rosenbrock",
        rosenbrock,
        "(1 - x)**2 + 100*(y - x**2)**2",
        ((1.0, 1.0),),
        0.0,
        (),
        (),
        ((-2.0, 2.0), (-1.0, 3.0)),
        (-1.2, 1.0),
        "Rosenbrock (1960), An automatic method for finding the greatest or least value of a function",
    ),
    Surface(
        "himmelblau",
        himmelblau,
        "(x**2 + y - 11)**2 + (x + y**2 - 7)**2",
        (
            (3.0, 2.0),
            (-2.805118086952745, 3.131312518250573),
            (-3.779310253377747, -3.2831859912861696),
            (3.5844283403304917, -1.8481265269644036),
        ),
        0.0,
        (
            (-3.0730257507643897, -0.08135304428796751),
            (-0.12796134673068008, -1.9537149802445763),
            (0.08667750455539636, 2.884254701174776),
            (3.385154183607021, 0.07385187983774928),
        ),
        ((-0.2708445906673476, -0.9230385564799815),),
        ((-5.0, 5.0), (-5.0, 5.0)),
        (0.0, 0.0),
        "Himmelblau (1972), Applied nonlinear programming",
    ),
)

SURFACES: Mapping[str, Surface] = MappingProxyType({s.name: s for s in _EVERY})
"""Every surface by name."""


def surface(name: str) -> Surface:
    """A surface by name, a key of `SURFACES`.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    if name not in SURFACES:
        raise ConfigError(
            "surface",
            f"expected one of {', '.join(map(repr, SURFACES))}; received {name!r}. For a quadratic of a "
            "condition of your choice take bowl(condition).",
        )
    return SURFACES[name]


def bowl(
    condition: float,
    n: int = 2,
    *,
    coupled: bool = False,
    smallest: float = 1.0,
    rng: RandomSource = None,
) -> Quadratic:
    """A positive definite quadratic of a condition number of one's choice, its minimum at 0.

    Parameters
    ----------
    condition : float, ≥ 1
        κ = λ_max/λ_min.
    n : int, ≥ 1
        How many weights; with one the condition is 1.
    coupled : bool
        Whether the axes are turned by a random rotation. Without it A is diagonal.
    smallest : float, > 0
        λ_min. The eigenvalues are evenly spaced on a logarithmic scale.
    rng : numpy.random.Generator or int, optional
        Of the rotation. Left out, a fresh seed is drawn and told.

    Returns
    -------
    Quadratic

    Raises
    ------
    ConfigError
        If a number is out of its range, or a condition other than 1 is asked of one weight.

    Examples
    --------
    >>> from analysis import bowl
    >>> bowl(100.0).matrix.tolist(), round(bowl(50.0, 5, coupled=True, rng=0).condition, 9)
    ([[1.0, 0.0], [0.0, 100.0]], 50.0)
    """
    condition = Interval(low=1.0).check("bowl: condition", condition)
    n = Whole(1).check("bowl: n", n)
    smallest = Interval(low=0.0, open_low=True).check("bowl: smallest", smallest)
    if n == 1 and condition != 1:
        raise ConfigError(
            "bowl", f"expected a condition of 1 with one weight; received {condition:g}."
        )
    values = smallest * condition ** (np.arange(n) / max(1, n - 1))
    if not coupled:
        return Quadratic(np.diag(values))
    generator, _ = source_of(rng, "bowl")
    q, r = np.linalg.qr(generator.normal(size=(n, n)))
    q = q * np.sign(np.diag(r))  # so that every rotation is as likely
    a = (q * values) @ q.T
    return Quadratic((a + a.T) / 2)
