# %% [markdown]
# # Overfitting, and each cure
#
# Aim: to see a network learn its training examples by heart; to try each cure of the lecture by itself,
# on real handwritten digits and over several seeds; and to read from numbers which of them narrow the gap
# between training and test error. Slides: "Overfitting" to "Data augmentation with Noise". Running
# time: about fifteen seconds.
#
# There are 1,797 digits of 8 × 8 pixels. We learn from 100 of them, ten of each, with 85,000 weights.

# %%
import numpy as np

import nn
import optim

EPOCHS, BATCH, SEEDS = 60, 20, (0, 1, 2)
digits = nn.data.digits(rng=0)
few, _ = nn.data.stratified(digits.train, [1 - 100 / len(digits.train.inputs)], rng=0)
print(digits.classes, few.inputs.shape, digits.test.inputs.shape)

# %% [markdown]
# ## What the classes forbid
#
# Augmentation makes new examples of old ones: turned, or drawn on rubber that is pulled a little. It has to preserve the
# label. A transform says what it may turn into what, so half a turn is refused here:

# %%
try:
    nn.data.Rotation(180, classes=digits.classes)
except ValueError as error:
    print(error)

# %% [markdown]
# ## The network, plain and with what stands inside of it
#
# Dropout, batch norm, noise and augmentation are layers; they act in training alone. Pictures come in
# rows of 64 numbers: an augmentation wants them as pictures.


# %%
class Pictures(nn.Module):
    """Rows of 64 numbers as pictures of 8 × 8."""

    def forward(self, x):
        return x.reshape(-1, 8, 8)


def network(rng, inside):
    augment = nn.data.Compose(
        nn.data.Rotation(10, rng=rng),
        nn.data.Elastic(6.0, 2.0, rng=rng),
        classes=digits.classes,
    )
    layers = [Pictures(), augment, nn.Flatten()] if inside == "augmentation" else []
    layers += [nn.GaussianNoise(0.3, rng=rng)] if inside == "noise" else []
    for width in (64, 256):
        layers += [nn.Linear(width, 256, rng=rng)]
        layers += [nn.BatchNorm1d(256)] if inside == "batch norm" else []
        layers += [nn.ReLU()]
        layers += [nn.Dropout(0.5, rng=rng)] if inside.startswith("dropout") else []
    return nn.Sequential(*layers, nn.Linear(256, 10, rng=rng))


# %% [markdown]
# Penalties are added to the loss, max-norm is a constraint that weights are brought back to after each
# update, and early stopping watches held-out digits and gives the best weights back.


# %%
class Projected(optim.Callback):
    """After each update, back to where the constraint holds."""

    def __init__(self, constraint):
        self.constraint = constraint

    def on_batch_end(self, run):
        self.constraint(run.model)


CURES = {
    "none": {},
    "L2": {"regularizer": nn.L2(0.003)},
    "L1": {"regularizer": nn.L1(0.0003)},
    "max-norm": {"constraint": nn.MaxNorm(0.9)},
    "dropout": {},
    "dropout, max-norm": {"constraint": nn.MaxNorm(0.9)},
    "batch norm": {},
    "noise": {},
    "augmentation": {},
    "early stopping": {"stop": 5},
}


def run(cure, seed, regularizer=None, constraint=None, stop=None):
    rng = np.random.default_rng(seed)
    model = network(rng, cure)
    callbacks = [Projected(constraint)] if constraint else []
    callbacks += [optim.EarlyStopping(patience=stop)] if stop else []
    optim.fit(
        model, nn.CrossEntropyLoss(), optim.Adam(model.parameters(), lr=1e-3), few,
        validation=digits.validation if stop else None, regularizer=regularizer, callbacks=callbacks,
        epochs=EPOCHS, batch_size=BATCH, rng=rng, jit=True, verbose=0,
    )  # fmt: skip
    seen, unseen = (
        optim.evaluate(model, nn.CrossEntropyLoss(), part) for part in (few, digits.test)
    )
    return seen["loss"], unseen["loss"], 100 * unseen["error"]


table = {cure: np.array([run(cure, seed, **how) for seed in SEEDS]) for cure, how in CURES.items()}

# %% [markdown]
# ## The gap
#
# In nats: cross-entropy on what was learned from, and on what was not. Of three seeds, mean and range.

# %%
print(f"{'':18}{'training':>9}{'test':>8}{'gap':>8}{'range':>16}{'test error':>13}")
gap = {}
for cure, runs in table.items():
    seen, unseen, error = runs.mean(axis=0)
    apart = runs[:, 1] - runs[:, 0]
    gap[cure] = apart.mean()
    low, high = apart.min(), apart.max()
    print(
        f"{cure:18}{seen:9.4f}{unseen:8.3f}{gap[cure]:8.3f}{low:8.3f} …{high:6.3f}{error:11.1f} %"
    )

# %% [markdown]
# Without a cure the network knows its examples: its training error is next to nothing, and the gap is
# all of the test error.

# %%
plain = table["none"]
assert (plain[:, 0] < 0.01).all(), "it learned them by heart"
assert (plain[:, 1] > 30 * plain[:, 0]).all()

# %% [markdown]
# Each cure narrows the gap, but for two, which leave it about as it was. Dropout alone: of so few examples, what is
# left of the network learns them by heart as well, as Srivastava et al. (2014) found at 100 and at 500 examples
# (section 7.4); with max-norm beside it, as they advise, it narrows the gap. And batch norm, which is there for
# speed: the training error falls further with it, and takes the network's doubts along.
#
# A narrower gap is not yet a smaller test error: early stopping, say, is less sure of itself rather than right
# more often. New examples are what helps most, and augmentation comes nearest to them.

# %%
cures = [cure for cure in CURES if cure not in ("none", "dropout", "batch norm")]
assert all(gap[cure] < gap["none"] for cure in cures), gap
assert all(gap[cure] < 1.2 * gap["none"] for cure in ("dropout", "batch norm"))
assert gap["augmentation"] == min(gap.values())
assert table["augmentation"][:, 2].mean() < plain[:, 2].mean()

# %% [markdown]
# ## What can go wrong
#
# A cure is a bet on what the data are like. Fitting λ, p and the angle on the test set is learning from it:
# the validation part is there for that. And a stronger cure is no better one: weights that are held too small
# fit nothing.

# %%
seen, unseen, error = run("L2", 0, regularizer=nn.L2(1.0))
print(f"L2 with λ = 1: training {seen:.2f}, test {unseen:.2f}, {error:.0f} % wrong")
assert seen > 1

# %% [markdown]
# ## Check yourself
#
# Which flips are let through for the letters b, d, p, q? And for 0 and 8?

# %%
refused = []
for way in ("left-right", "upside-down"):
    for classes in ("bdpq", "08"):
        try:
            nn.data.Flip(way, classes=list(classes))
        except ValueError:
            refused.append((way, classes))
assert refused == [("left-right", "bdpq"), ("upside-down", "bdpq")]
