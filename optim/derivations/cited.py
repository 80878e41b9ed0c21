"""What the lecture states and algebra cannot check: convergence theorems, and experience."""

from __future__ import annotations

from autograd_core.symbolic.claims import cited

ROBBINS_MONRO = cited(
    "O19",
    slide="When does SGD work",
    formula=r"\sum_k \eta_k = \infty, \quad \sum_k \eta_k^2 < \infty",
    words="SGD converges almost surely if the step sizes sum to infinity and their squares do not.",
    source="Robbins and Monro (1951), A stochastic approximation method; Bottou (1998), Online "
    "learning and stochastic approximations; measured by gradproof reproduce stochastic-rates: the largest error of "
    "2,000 runs from update k on has a slope of −1.0",
    module=__name__,
)

BATCH_RATE = cited(
    "O10",
    slide="Batch gradient convergence",
    formula=r"O\left( \log \frac{1}{\varepsilon} \right), \quad O\left( \frac{1}{\varepsilon} \right)",
    words="Gradient descent comes within ε in O(log 1/ε) steps for strongly convex functions, in O(1/ε) for convex ones.",
    source="Nesterov (2004), Introductory lectures on convex optimization, theorems 2.1.14 and 2.1.15 "
    "(for functions with a Lipschitz gradient); slopes measured by gradproof reproduce convergence-rates",
    module=__name__,
)

SGD_RATE = cited(
    "O20",
    slide="SGD Convergence",
    formula=r"O\left( \frac{\log T}{T} \right), \quad O\left( \frac{\log T}{\sqrt{T}} \right)",
    words="The last iterate of SGD is within O(log T / T) for strongly convex losses, O(log T / √T) for convex ones; averaging takes the logarithm away, and smoothness is not required.",
    source="Shamir and Zhang (2013), Stochastic gradient descent for non-smooth optimization; slopes measured by "
    "gradproof reproduce stochastic-rates: −1.00 on a parabola, −0.50 on |w|, averaged −1.07 and −0.98",
    module=__name__,
)

MINIBATCH_RATE = cited(
    "O27",
    slide="Minibatch convergence",
    formula=r"O\left( \frac{1}{\sqrt{k}} \right), \quad O\left( \frac{1}{\sqrt{b k}} + \frac{1}{k} \right)",
    words="SGD converges like 1/√k on convex functions, and with batches of b samples like 1/√(bk) + 1/k.",
    source="Dekel, Gilad-Bachrach, Shamir and Xiao (2012), Optimal distributed online prediction "
    "using mini-batches; slopes measured by gradproof reproduce stochastic-rates: −0.50 against k, −0.50 against b",
    module=__name__,
)

SADDLES = cited(
    "O17",
    slide="The Error Surface",
    formula=r"\text{saddle points} \gg \text{local minima}",
    words="In large networks saddle points are far more common than local minima, most of which are about as good as the best.",
    source="a popular hypothesis, as the slide says: Dauphin et al. (2014), Choromanska et al. (2015); "
    "measured in small by gradproof reproduce critical-points",
    module=__name__,
)

EQUIVALENT = cited(
    "O11",
    slide="More recent methods",
    formula=r"\text{RMSProp} \approx \text{Adam} \approx \text{Adagrad} \approx \text{AdaDelta}",
    words="The adaptive methods are all roughly equivalent in performance.",
    source="experience; nobody shows it. Measured by gradproof reproduce tuned-methods",
    module=__name__,
)
