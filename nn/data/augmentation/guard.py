"""What a transform may turn into what: 'b' into 'd' by a flip, '6' into '9' by a half turn.

A transform declares how far it reaches (`Reach`): by which angle it turns at most, whether it mirrors, by which
factor it stretches. A table here says which things differ by how much of that. Where two classes of a data set
stand in it and the transform reaches half of the way from one to the other or more, a picture may end nearer to
the other than to itself: then the label would be wrong, and `Guarded` raises unless the pair is confirmed.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from autograd_core.errors import ConfigError

from ...module import Module

__all__ = ["Reach"]

Pair = tuple[str, str]
# A picture as it is, mirrored or not and turned by so many degrees.
Pose = tuple[bool, float]
UPRIGHT: Pose = (False, 0.0)
MIRRORED: Pose = (True, 0.0)  # left and right exchanged
UPSIDE_DOWN: Pose = (True, 180.0)  # above and below exchanged: mirrored, and half a turn


@dataclass(frozen=True)
class Reach:
    """How far a transform may take a picture from what it was.

    Attributes
    ----------
    turn : float
        Degrees, either way.
    poses : frozenset of (mirrored, degrees)
        Where it starts to turn: upright, and mirrored if it flips.
    size : float, ≥ 1
        Factor by which it grows or shrinks.
    squeeze : float, ≥ 1
        Factor by which one side is stretched against the other.
    slant : float
        Degrees of a shear.
    moved : float
        Share of a side.
    trimmed : float
        Share of a side that may be cut off at an edge.
    hidden : float
        Share of the area that may be covered.
    warp : float
        Typical distance that a pixel moves against its neighbourhood, in pixels.
    pairs : frozenset of (str, str)
        What it turns into what besides: for a transform of one's own.
    """

    turn: float = 0.0
    poses: frozenset[Pose] = frozenset({UPRIGHT})
    size: float = 1.0
    squeeze: float = 1.0
    slant: float = 0.0
    moved: float = 0.0
    trimmed: float = 0.0
    hidden: float = 0.0
    warp: float = 0.0
    pairs: frozenset[Pair] = frozenset()

    def then(self, other: Reach) -> Reach:
        """The reach of one transform and then another: two flips are half a turn."""
        return Reach(
            turn=self.turn + other.turn,
            poses=frozenset(
                (a[0] != b[0], (a[1] + b[1]) % 360)
                for a, b in itertools.product(self.poses, other.poses)
            ),
            size=self.size * other.size,
            squeeze=self.squeeze * other.squeeze,
            slant=self.slant + other.slant,
            moved=self.moved + other.moved,
            trimmed=1 - (1 - self.trimmed) * (1 - other.trimmed),
            hidden=1 - (1 - self.hidden) * (1 - other.hidden),
            warp=(self.warp**2 + other.warp**2) ** 0.5,
            pairs=self.pairs | other.pairs,
        )

    def turns_to(self, pose: Pose) -> bool:
        """Whether it comes at least half of the way to a pose."""
        return any(
            mirrored == pose[0] and _apart(angle, pose[1]) <= 2 * self.turn
            for mirrored, angle in self.poses
        )


def _apart(a: float, b: float) -> float:
    """The angle between two directions, in degrees."""
    between = abs(a - b) % 360
    return min(between, 360 - between)


def _words(text: str) -> Iterator[Pair]:
    """Pairs as they stand in the tables below: two words each, parted by two blanks."""
    for words in text.split("  "):
        if words.strip():
            first, second = words.split()
            yield first, second


# By pose. What is symmetric stands in more than one row.
_POSES: dict[Pose, tuple[Pair, ...]] = {
    pose: tuple(_words(text))
    for pose, text in {
        MIRRORED: "b d  p q  ( )  [ ]  { }  < >  / \\  « »  ‹ ›  ← →  ↗ ↖  ↘ ↙  E 3  J L  2 5  S Z  s z  N И  "
        "R Я  left right  east west  clockwise counterclockwise",
        UPSIDE_DOWN: "b p  d q  M W  m w  n u  ∧ ∨  ^ v  A V  ∩ ∪  ↑ ↓  ↗ ↘  ↖ ↙  2 5  / \\  T ⊥  ! ¡  y λ  "
        "up down  top bottom  north south  rising falling",
        (
            False,
            180.0,
        ): "6 9  b q  d p  n u  M W  m w  h y  e ə  ∧ ∨  ^ v  A V  ∩ ∪  ( )  [ ]  { }  < >  ← →  "
        "↑ ↓  ↗ ↙  ↖ ↘  ! ¡  ? ¿  T ⊥  left right  up down  top bottom  north south  east west",
        (
            False,
            90.0,
        ): "N Z  n z  H I  - |  — |  C U  c u  3 m  3 w  8 ∞  < ∧  > ∨  < ^  > v  / \\  ← ↑  → ↑  "
        "← ↓  → ↓  horizontal vertical  landscape portrait  left up  right up  left down  right down",
        (
            False,
            45.0,
        ): "+ ×  + x  □ ◇  square diamond  / |  \\ |  / -  \\ -  ↑ ↗  ↑ ↖  ↓ ↘  ↓ ↙  → ↗  → ↘  ← ↖  ← ↙",
    }.items()
}
# By amount: a reach beyond it comes half of the way.
_AMOUNTS: tuple[tuple[str, float, tuple[Pair, ...]], ...] = (
    # letters that differ in size alone, by about 1.5; so do proportions
    ("size", 1.5**0.5, tuple(_words("c C  o O  s S  u U  v V  w W  x X  z Z  k K  p P  o 0  small large  near far"))),
    ("squeeze", 1.5**0.5, tuple(_words("0 O  circle ellipse  square rectangle  □ ▭"))),
    ("slant", 15.0, tuple(_words("/ |  \\ |  I /  l /  rectangle parallelogram  □ ▱"))),
    ("moved", 0.25, tuple(_words("- _  , '  . ·  left right  top bottom"))),
    ("trimmed", 0.2, tuple(_words("E F  Q O  R P  i l  j i  Ö O  Ä A  Ü U  ; ,  : .  ! |  8 6  8 9  7 1  _ -"))),
    ("hidden", 0.1, tuple(_words("8 3  8 6  8 9  8 0  6 0  9 0  0 C  E F  Q O  R P  B P  B E  G C  7 1  i l  : .  = -"))),
    ("warp", 3.0, tuple(_words("1 7  4 9  5 6  3 8  u v  U V  c e  a u  n h  O D  B 8  S 5  Z 2  l I"))),
)  # fmt: skip
_HOW = {
    "size": "grows or shrinks them by up to {:.3g}",
    "squeeze": "stretches one side of them by up to {:.3g} against the other",
    "slant": "slants them by up to {:g}°",
    "moved": "moves them by up to {:.3g} of a side",
    "trimmed": "cuts off up to {:.3g} of a side",
    "hidden": "covers up to {:.3g} of the area",
    "warp": "moves pixels by about {:.2g} pixels",
}


@functools.lru_cache(maxsize=256)
def changes(reaches: tuple[Reach, ...]) -> dict[Pair, str]:
    """What transforms of these reaches may turn into what, and how."""
    found: dict[Pair, str] = {}
    for reach in reaches:
        for pose, pairs in _POSES.items():
            if reach.turns_to(pose):
                for pair in pairs:
                    found.setdefault(pair, _posed(reach, pose))
        for name, amount, pairs in _AMOUNTS:
            if getattr(reach, name) > amount:
                for pair in pairs:
                    found.setdefault(pair, _HOW[name].format(getattr(reach, name)))
        for pair in sorted(reach.pairs):
            found.setdefault(pair, "is declared to do so")
    return found


def _posed(reach: Reach, pose: Pose) -> str:
    if pose in reach.poses and pose != UPRIGHT:
        return {
            MIRRORED: "exchanges left and right",
            UPSIDE_DOWN: "exchanges above and below",
        }.get(pose, "exchanges left and right, and above and below: half a turn")
    turns = f"turns them by up to {reach.turn:g}°"
    return f"mirrors them and {turns}" if pose[0] else turns


class Guarded(Module):
    """A transform that knows what it may turn into what, and what the classes are.

    Attributes
    ----------
    classes : tuple of str or None
        What the pictures are of; None where that was not said.
    confirmed : frozenset of frozenset of str, or True
        Pairs that may be turned into each other all the same.
    """

    classes: tuple[str, ...] | None = None
    confirmed: frozenset[frozenset[str]] | Literal[True] = frozenset()

    def reaches(self) -> tuple[Reach, ...]:
        """How far it may take a picture: of each way that it may take, one. A subclass says so."""
        return (Reach(),)

    def turns(self) -> tuple[Pair, ...]:
        """What it may turn into what, with its parameters, either way round.

        Examples
        --------
        >>> import nn
        >>> ("6", "9") in nn.data.Rotation(30).turns(), ("6", "9") in nn.data.Rotation(180).turns()
        (False, True)
        """
        return tuple(changes(self.reaches()))

    def _among(
        self,
        classes: Iterable[str | int] | None,
        confirmed: Sequence[Pair] | bool,
    ) -> None:
        """Take over what the classes are; raise if it may turn one into another."""
        name = type(self).__name__
        if classes is not None:
            many = isinstance(classes, Iterable) and not isinstance(classes, str | bytes)
            known = list(classes) if many else [classes]
            whole = (str, int, np.integer)
            if not many or any(not isinstance(c, whole) or isinstance(c, bool) for c in known):
                raise ConfigError(
                    name,
                    "classes: expected a sequence of names or whole numbers, such as nn.data.digits().classes; "
                    f"received {classes!r:.60}.",
                )
            self.classes = tuple(str(c).strip() for c in known)
        if confirmed is True:
            self.confirmed = True
        elif confirmed is not False:
            many = isinstance(confirmed, Iterable) and not isinstance(confirmed, str | bytes)
            pairs = list(confirmed) if many else []
            if not many or any(isinstance(p, str) or len(tuple(p)) != 2 for p in pairs):
                raise ConfigError(
                    name,
                    f"confirmed: expected pairs of classes, such as [('6', '9')], or True; received {confirmed!r:.60}.",
                )
            self.confirmed = frozenset(frozenset(str(c).strip() for c in pair) for pair in pairs)
        if self.classes is not None:
            self._check()

    def _check(self) -> None:
        """Raise if it may turn one class into another, or if it is not known what the classes are."""
        if self.confirmed is True:
            return
        able = changes(self.reaches())
        if self.classes is None:
            open_pairs = [pair for pair in able if frozenset(pair) not in self.confirmed]
            if open_pairs:
                first = open_pairs[0]
                raise ConfigError(
                    type(self).__name__,
                    f"it {able[first]}, so it may turn {first[0]!r} into {first[1]!r}"
                    f"{_and(len(open_pairs) - 1)}, and it was not said what the pictures are of. Expected the "
                    "names of the classes; received none. Pass classes=, such as nn.data.digits().classes, or "
                    "confirmed=True if labels stay right whatever it does.",
                )
            return
        there = set(self.classes)
        there |= {name.casefold() for name in there if len(name) > 2}
        hit = [p for p in able if there.issuperset(p) and frozenset(p) not in self.confirmed]
        if hit:
            first = hit[0]
            raise ConfigError(
                type(self).__name__,
                f"it {able[first]}, so it may turn {first[0]!r} into {first[1]!r}"
                f"{_also(hit[1:])}, and both are classes: labels would be wrong. Expected a transform that "
                f"preserves labels; received classes {', '.join(map(repr, self.classes[:12]))}"
                f"{', …' if len(self.classes) > 12 else ''}. Make it weaker or leave it out; or, if labels stay "
                f"right all the same, pass confirmed={[tuple(p) for p in hit[:3]]!r}"
                f"{' and so on, or confirmed=True' if len(hit) > 3 else ''}.",
            )

    def _told(self) -> list[str]:
        """What a repr says of the classes."""
        told = [] if self.classes is None else [f"classes={self.classes!r}"]
        if self.confirmed is True:
            return [*told, "confirmed=True"]
        pairs = sorted(tuple(sorted(pair)) for pair in self.confirmed)
        return [*told, f"confirmed={pairs!r}"] if pairs else told


def _and(more: int) -> str:
    return f", and {more} such pairs more" if more else ""


def _also(pairs: Sequence[Pair]) -> str:
    shown = "".join(f", {a!r} into {b!r}" for a, b in pairs[:4])
    return shown + (", …" if len(pairs) > 4 else "")
