"""What is known to be wrong, or to need an assumption, on the lecture's slides: by id, all of it.

A claim with such an id is checked, with certificates; the rest is a list, and says so. Nothing here
accuses a slide: that is for a claim to do, when its readings are refuted and a correction is proved.
"""

from __future__ import annotations

from collections.abc import Container

__all__ = ["KNOWN", "unchecked"]

KNOWN: dict[str, str] = {
    "X1": "Adam's means in terms of their own corrected values",
    "X2": "the sign of QuickProp's step",
    "X3": "where Nesterov's method takes the gradient",
    "X4": "the sign of the mini-batch update",
    "X5": "the sample that the mini-batch loop takes the gradient at",
    "X6": "½ before the linear term of a diagonal quadratic",
    "X7": "a small condition number where a large one is meant",
    "X8": "indices of the inner layer, in dropout at test time",
    "X9": "Rprop's bounds on a step with a sign",
    "X10": "convex, and always positive definite",
    "X11": "the fastest series of step sizes",
    "X12": "hard and soft constraints as one, without an assumption",
    "X13": "a constant rate where a bound is given",
    "X14": "a strict inequality at the first step",
    "X15": "gradient clipping on one side",
    "X16": "the sign of shakeout's constant",
    "X17": "scaled weights as the mean over the ensemble",
    "X18": "what happens at the borders of the step size",
    "X19": "the variance of a mini-batch that is drawn without replacement",
    "X20": "the cost of mini-batches for the same accuracy",
    "X21": "eigenvalues of both signs at every saddle",
    "X22": "a bound on the step size that needs a diagonal matrix",
    "X23": "two conventions for the penalty",
    "X24": "names of iterations, transposes and counts",
    "X25": "names: linear decay, running average, 10³⁰",
    "X26": "the velocity that is reset in the loop of momentum",
    "X27": "the mean square that is reset in each epoch of RMSprop",
    "X28": "sum or mean over a mini-batch, and its last part",
    "X29": "Rprop's loop over the weights, read literally",
    "X30": "callbacks under names that their library does not have",
    "X31": "Rprop, as a procedure, that stands still where the gradient is not 0",
    "X32": "Rprop's return to the old weight, in two forms",
    "X33": "QuickProp's quotient as the second derivative, without a diagonal matrix",
    "X34": "the optimal step size where the second derivative changes or is not there",
    "X35": "no convergence, ever, beyond twice the optimal step size",
    "X36": "the normalized Newton step where the Hessian is indefinite",
    "X37": "Nesterov's method as more optimal than momentum",
    "X38": "two sums over the step sizes as enough for convergence",
    "X39": "stochastic descent that cannot end on a saddle",
    "X40": "a rate of batch descent, without a bound on the curvature",
    "X41": "B/(B − 1) as unbiased over all the data",
    "X42": "batch norm as what removes a shift between training and test",
    "X43": "equal distributions, where two moments are made equal",
    "X44": "identical units, under dropout",
    "X45": "L1 steps that reach zeros",
    "X46": "descent as less predictable in higher dimensions",
    "X47": "names and dates",
    "X48": "an unbiased error of batches on which the weights depend",
    "X49": "c/k as optimal for every c",
    "O1c": "convex as what curves upward",
    "O16b": "saddles as what descent likes",
}


def unchecked(claims: Container[str]) -> dict[str, str]:
    """Those that none of the claims, by id, checks."""
    return {name: words for name, words in KNOWN.items() if name not in claims}
