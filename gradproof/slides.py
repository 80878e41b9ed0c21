"""The lecture's slides, 1 to 165, by title; which of them a claim is about; claims by number or title.

Titles repeat: a claim says the title, and is about all slides that have it but where `PLACES` knows better.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from autograd_core.errors import ConfigError
from autograd_core.symbolic.claims import DERIVED, Claim

__all__ = ["PLACES", "TITLES", "about", "close_titles", "numbered", "numbers"]

TITLES: Mapping[int, str] = MappingProxyType({
    1: "Deep Learning",
    2: "Topics for the session",
    3: "General approach to training",
    4: "Overfitting",
    5: "Data under-specification in learning",
    6: "Need “smoothing” constraints",
    7: "What is regularization?",
    8: "Objective function for neural networks",
    9: "Smoothness through weight constraints",
    10: "Classical regularization",
    11: "l_2 regularization",
    12: "Effect on the optimal solution",
    13: "Effect on the optimal solution",
    14: "Effect on the optimal solution",
    15: "Effect on the optimal solution",
    16: "Effect on the optimal solution",
    17: "l_1 regularization",
    18: "Effect on gradient descent",
    19: "Effect on the optimal solution",
    20: "Effect on the optimal solution",
    21: "Effect on the optimal solution",
    22: "Effect on the optimal solution",
    23: "Geometric Interpretation of L1 Minimization",
    24: "Regularization as hard constraint",
    25: "Regularization as soft constraint",
    26: "Regularizing the weights",
    27: "Summary: Regularization",
    28: "Dropout",
    29: "Dropout",
    30: "Dropout",
    31: "Dropout",
    32: "Dropout",
    33: "Dropout",
    34: "What each neuron computes",
    35: "Dropout during test: implementation",
    36: "Dropout during test: implementation",
    37: "Dropout: Typical results",
    38: "Variations on dropout",
    39: "Early stopping",
    40: "Early stopping",
    41: "Early Stopping",
    42: "Other heuristics: Early stopping",
    43: "Additional heuristics: Gradient clipping",
    44: "Additional heuristics: Data Augmentation",
    45: "Data augmentation with Noise",
    46: "Other tricks",
    47: "Setting up a problem",
    48: "Experiment",
    49: "Topics for the session",
    50: "Variance and Depth",
    51: "10000 training instances",
    52: "The Error Surface",
    53: "Convex Loss Functions",
    54: "Convergence of gradient descent",
    55: "Convergence and convergence rate",
    56: "Convergence for quadratic surfaces",
    57: "Convergence for quadratic surfaces",
    58: "With non-optimal step size",
    59: "For generic differentiable convex objectives",
    60: "For functions of multivariate inputs",
    61: "Vector update rule",
    62: "Problem with vector update rule",
    63: "Dependence on learning rate",
    64: "Convergence",
    65: "Issues: 1. The Hessian",
    66: "Issues: 2. The learning rate",
    67: "Issues: 2. The learning rate",
    68: "Decaying learning rate",
    69: "Decaying learning rate",
    70: "Derivative-inspired algorithms",
    71: "RProp",
    72: "Rprop",
    73: "Rprop",
    74: "Rprop",
    75: "Rprop",
    76: "Rprop",
    77: "Rprop",
    78: "Rprop",
    79: "Rprop",
    80: "Rprop (simplified)",
    81: "Rprop (simplified)",
    82: "RProp",
    83: "QuickProp",
    84: "QuickProp: Modification 1",
    85: "QuickProp: Modification 2",
    86: "QuickProp",
    87: "Quickprop",
    88: "A closer look at the convergence problem",
    89: "A closer look at the convergence problem",
    90: "The momentum methods",
    91: "Momentum Update",
    92: "Training by gradient descent",
    93: "Training with momentum",
    94: "Momentum Update",
    95: "Momentum Update",
    96: "Momentum Update",
    97: "Momentum Update",
    98: "Momentum update",
    99: "Nestorov's Accelerated Gradient",
    100: "Nestorov's Accelerated Gradient",
    101: "Nestorov's Accelerated Gradient",
    102: "Nestorov's Accelerated Gradient",
    103: "Nestorov's Accelerated Gradient",
    104: "The training formulation",
    105: "Gradient descent",
    106: "Gradient descent",
    107: "Gradient descent",
    108: "Effect of number of samples",
    109: "Alternative: Incremental update",
    110: "Incremental Update: Stochastic Gradient Descent",
    111: "Stochastic Gradient Descent",
    112: "Caveats: order of presentation",
    113: "Caveats: order of presentation",
    114: "Caveats: order of presentation",
    115: "Caveats: order of presentation",
    116: "Caveats: order of presentation",
    117: "Caveats: learning rate",
    118: "When does SGD work",
    119: "Batch gradient convergence",
    120: "SGD Convergence",
    121: "SGD example",
    122: "SGD vs batch",
    123: "Alternative: Mini-batch update",
    124: "Incremental Update: Mini-batch update",
    125: "Mini Batches",
    126: "Mini Batches",
    127: "Mini Batches",
    128: "Minibatch convergence",
    129: "SGD example",
    130: "Training and minibatches",
    131: "More recent methods",
    132: "Variance-normalized step",
    133: "RMS Prop",
    134: "RMS Prop",
    135: "RMS Prop (updates are for each weight of each layer)",
    136: "ADAM: RMSprop with momentum",
    137: "Other variants of the same theme",
    138: "Visualizing the optimizers: Beale's Function",
    139: "Visualizing the optimizers: Long Valley",
    140: "Visualizing the optimizers: Saddle Point",
    141: "The problem of covariate shifts",
    142: "The problem of covariate shifts",
    143: "The problem of covariate shifts",
    144: "Solution: Move all subgroups to a “standard” location",
    145: "Solution: Move all subgroups to a “standard” location",
    146: "Solution: Move all subgroups to a “standard” location",
    147: "Solution: Move all subgroups to a “standard” location",
    148: "Solution: Move all subgroups to a “standard” location",
    149: "Solution: Move all subgroups to a “standard” location",
    150: "Batch normalization",
    151: "Batch normalization",
    152: "Batch normalization: Training",
    153: "Batch normalization: Training",
    154: "A better picture for batch norm",
    155: "A note on derivatives",
    156: "Backpropagation",
    157: "Batch normalization: Backpropagation",
    158: "Batch normalization: Backpropagation",
    159: "Batch normalization: Backpropagation",
    160: "Batch normalization: Backpropagation",
    161: "Batch normalization: Backpropagation",
    162: "Batch normalization: Backpropagation",
    163: "Batch normalization: Inference",
    164: "Batch normalization",
    165: "Story so far",
})  # fmt: skip

# Of several slides with one title, those that state what a claim is about, by the claim's id.
PLACES: Mapping[str, tuple[int, ...]] = MappingProxyType({
    "R3": (12, 13, 19), "R4": (14, 15), "R5": (15,), "R5b": (15,), "R8": (20,), "R9": (22,), "R10": (20,),
    "R18": (21,), "D5": (33,), "O4": (57,), "O7": (57,), "X35": (67,), "X25": (69,), "O30": (134,), "O6": (57,), "O18": (69,), "O24": (86,), "X2": (86,),
    "X32": (71, 76, 77, 78, 79), "O25": (91, 94, 95, 96, 97), "X3": (103,), "X19": (127,), "O29b": (127,),
    "B1": (153,), "B1b": (153,), "B11": (153,), "B2": (159, 160, 161, 162), "B3": (160, 161, 162), "B4": (162,),
    "B5": (157, 158), "B7": (164,), "B13": (164,),
})  # fmt: skip


def _plain(title: str) -> str:
    return " ".join(title.replace("’", "'").replace("“", '"').replace("”", '"').lower().split())


def numbers(claim: Claim) -> tuple[int, ...]:
    """The slides that a claim is about, by number; none if it names no slide."""
    if claim.id in PLACES:
        return PLACES[claim.id]
    title = claim.slide.removeprefix(DERIVED)
    return tuple(n for n, known in TITLES.items() if known == title)


def numbered(claim: Claim) -> str:
    """A claim's slide with its numbers, as "91, 94–97 Momentum Update"."""
    runs: list[list[int]] = []
    for n in numbers(claim):
        if runs and runs[-1][-1] == n - 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    written = ", ".join(f"{r[0]}–{r[-1]}" if len(r) > 1 else str(r[0]) for r in runs)
    return f"{written} {claim.slide}".strip()


def about(word: str, claims: Iterable[Claim]) -> list[Claim]:
    """The claims about the slide of a number, or about those of a title.

    Raises
    ------
    ConfigError
        If there is no such slide, or no claim is about it; names what is near.
    """
    claims = list(claims)
    if word.isdecimal():
        slides = [int(word)] if int(word) in TITLES else []
        if not slides:
            raise ConfigError(
                "prove",
                f"there is no slide {word}. Expected a number from 1 to {len(TITLES)}, or a title.",
            )
    else:
        slides = [n for n, title in TITLES.items() if _plain(title) == _plain(word)]
    found = [claim for claim in claims if not {*slides}.isdisjoint(numbers(claim))]
    if slides and not found:
        with_claims = sorted({n for claim in claims for n in numbers(claim)})
        near = sorted(with_claims, key=lambda n: abs(n - slides[0]))[:3]
        hint = ", ".join(f"{n} “{TITLES[n]}”" for n in sorted(near))
        raise ConfigError(
            "prove",
            f"no claim is about slide {slides[0]}, “{TITLES[slides[0]]}”. Those next to it: {hint}.",
        )
    return found


def close_titles(word: str) -> list[str]:
    """Titles that are nearly ``word``, or that hold all of its words."""
    known = {_plain(title): title for title in [*TITLES.values()][::-1]}  # the first of a spelling
    plain = _plain(word)
    close = difflib.get_close_matches(plain, known, n=3, cutoff=0.6)
    close += [title for title in known if len(plain) > 3 and plain in title and title not in close]
    return [known[title] for title in close[:3]]
