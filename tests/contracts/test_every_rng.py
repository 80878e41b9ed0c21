"""Everything that takes ``rng``: it may be left out, says what it drew, and can be repeated."""

from __future__ import annotations

import functools
import inspect
import logging
import re

import numpy as np
import pytest

import analysis
import autograd_core as ag
import nn
import optim
from autograd_core.errors import CaptureError, ConfigError
from nn.catalogue import public_modules
from nn.contract import example_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
LABELS = RNG.integers(0, 2, 40)
FILES = {}  # of a small MNIST, filled by a fixture


def fitted(rng):
    model = nn.Linear(3, 2, rng=1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    history = optim.fit(
        model, nn.CrossEntropyLoss(), optimizer, (X, LABELS), epochs=2, batch_size=8, rng=rng,
        validation_split=0.25,
    )  # fmt: skip
    return history, [history["loss"], history["val_loss"], *model.state_dict().values()]


def searched(search, *more):
    def call(rng):
        found = search(lambda config, seed: float(seed), {"x": [1, 2, 3]}, *more, rng=rng)
        return found, [np.array(found["x"]), np.array(found["seed"])]

    return call


def layer(made):
    return made, [*made.state_dict().values()]


def parts(made):
    return made, [array for part in made for array in part]


LINEAR, HEAD = nn.Linear(3, 3, rng=0), nn.Linear(3, 2, rng=1)


def judged_by_data(rng):
    nn.initializers.lsuv(LINEAR, X[:, :3], rng=rng)
    return None, [np.array(LINEAR.weight.numpy())]


def bumps(w):
    return ag.sum(ag.cos(w) * w**2) + ag.sum(w) ** 2


def looked_at(function, get, **options):
    """What an analysis finds of a loss with bumps."""
    return lambda rng: (None, [np.asarray(get(function(bumps, np.ones(5), rng=rng, **options)))])


# How each is called, and what of the result must be repeated: (what says the seed, arrays).
CALLS = {
    "analysis.bowl": lambda rng: (None, [analysis.bowl(9.0, 3, coupled=True, rng=rng).matrix]),
    "analysis.convexity_along_lines": looked_at(
        analysis.convexity_along_lines, lambda found: found.counterexample.first, scale=3.0
    ),
    "analysis.critical_points": looked_at(
        analysis.critical_points,
        lambda found: np.concatenate([p.at for p in found.points]),
        starts=5,
    ),
    "analysis.diagonal": looked_at(analysis.diagonal, lambda found: found.values, probes=3),
    "analysis.ends_of": lambda rng: (
        None,
        [analysis.ends_of(lambda v: np.arange(30) * v, 30, rng=rng).highest.vector],
    ),
    "analysis.gradient_noise": lambda rng: (
        None,
        [
            analysis.gradient_noise(
                HEAD, nn.CrossEntropyLoss(), (X, LABELS), [4], draws=5, rng=rng
            ).with_replacement.errors
        ],
    ),
    "analysis.noisy_descent": lambda rng: (
        None,
        [
            analysis.noisy_descent(
                analysis.Quadratic(1.0), [1.0], 0.1, 1.0, 3, runs=2, rng=rng
            ).errors
        ],
    ),
    "analysis.spectrum_ends": looked_at(
        analysis.spectrum_ends, lambda found: found.highest.vector, steps=2
    ),
    "analysis.step_sizes": looked_at(
        analysis.step_sizes, lambda found: found.diagonal.values, probes=3
    ),
    "nn.data.mnist": lambda rng: parts(nn.data.mnist(FILES["mnist"], validation=0.5, rng=rng)),
    "nn.initializers.lsuv": judged_by_data,
    "nn.data.k_fold": lambda rng: (
        (pairs := nn.data.k_fold((X, X), 2, rng=rng))[0],
        [array for pair in pairs for part in pair for array in part],
    ),
    "nn.data.random_split": lambda rng: parts(nn.data.random_split((X, X), [0.5], rng=rng)),
    "nn.data.stratified": lambda rng: parts(nn.data.stratified((X, LABELS), [0.5], rng=rng)),
    "optim.fit": fitted,
    "optim.grid_search": searched(optim.grid_search),
    "optim.random_search": searched(optim.random_search, 2),
}
BUNDLED = {
    f"nn.data.{name}"
    for name in ("breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine")
}
for _name in sorted(BUNDLED):
    CALLS[_name] = lambda rng, name=_name[8:]: parts(getattr(nn.data, name)(rng=rng))
for _name in (
    "blobs", "circle", "moons", "multi_gaussian", "plane", "spiral", "two_gaussians", "xor"
):  # fmt: skip
    CALLS[f"nn.data.{_name}"] = lambda rng, name=_name: (
        found := getattr(nn.data, name)(rng=rng),
        list(found),
    )
for _name in nn.initializers.__all__:
    if {"shape", "rng"} <= inspect.signature(getattr(nn.initializers, _name)).parameters.keys():
        _draw = functools.partial(getattr(nn.initializers, _name), (3, 4))
        CALLS[f"nn.initializers.{_name}"] = lambda rng, draw=_draw: (None, [draw(rng=rng)])
for _kind in public_modules():
    if "rng" in inspect.signature(_kind).parameters:
        _case = next(example_of(_kind).cases())
        _home = "nn" if hasattr(nn, _kind.__name__) else "nn.data"
        CALLS[f"{_home}.{_kind.__name__}"] = lambda rng, case=_case: layer(case.build(rng=rng))
# They take ``rng`` to be called like the others, and draw nothing; or ask for it themselves.
OTHERS = {"nn.initializers.ones", "nn.initializers.zeros", "nn.initializers.Initializer"}
CALLS = {name: call for name, call in CALLS.items() if name not in OTHERS}
OTHERS |= {"nn.data.Augmentation"}  # a base of others
OTHERS |= {"nn.averages", "nn.monte_carlo"}  # left out, the model's next draws
OTHERS |= {"analysis.lr_range_test"}  # puts a generator that it is given back to where it was
OTHERS |= {  # are handed a generator by fit
    f"optim.{name}"
    for name in ("cyclic", "in_order", "one_sample", "permutation", "with_replacement", "Run")
}


@pytest.fixture(scope="module", autouse=True)
def mnist(tmp_path_factory):
    folder = FILES["mnist"] = tmp_path_factory.mktemp("mnist")
    for part in ("train", "t10k"):
        for name, shape in (("images-idx3", (40, 28, 28)), ("labels-idx1", (40,))):
            header = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes()
            values = RNG.integers(0, 2, shape, np.uint8).tobytes()
            (folder / f"{part}-{name}-ubyte").write_bytes(header + values)


def public():
    for package in (analysis, nn, nn.data, nn.initializers, optim):
        for name in package.__all__:
            yield f"{package.__name__}.{name}", getattr(package, name)


def test_the_list_is_complete():
    found = set()
    for name, value in public():
        if callable(value):
            try:
                parameters = inspect.signature(value).parameters
            except ValueError:
                continue
            if "rng" in parameters:
                found.add(name)
                if name not in OTHERS:
                    assert parameters["rng"].default is None, name
    assert found - OTHERS == set(CALLS)


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", CALLS)
def test_left_out_it_is_a_fresh_seed_that_is_told_and_repeats_the_result(name, caplog):
    if name in BUNDLED:
        pytest.importorskip("sklearn")
    with caplog.at_level(logging.INFO, logger="gradproof"):
        teller, first = CALLS[name](None)
    (seed,) = {int(n) for n in re.findall(r"rng=(\d+), a fresh seed", caplog.text)}
    if teller is not None:
        assert f"rng={seed}" in repr(teller)
        assert teller.seed == seed
    assert same(first, CALLS[name](seed)[1])
    assert same(first, CALLS[name](np.int64(seed))[1])
    assert same(first, CALLS[name](np.random.default_rng(seed))[1])
    assert not same(first, CALLS[name](None)[1])


@pytest.mark.parametrize("name", CALLS)
def test_a_generator_is_used_as_it_is_and_no_seed_is_claimed(name):
    if name in BUNDLED:
        pytest.importorskip("sklearn")
    rng = np.random.default_rng(3)
    teller, first = CALLS[name](rng)
    if teller is not None:
        assert teller.seed is None
        assert "rng" not in repr(teller)
    assert not same(first, CALLS[name](rng)[1])  # it has gone on


@pytest.mark.together
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("wrong", [-1, 0.5, "0", True, np.random, np.random.RandomState(0)])
def test_anything_else_is_refused_by_name(name, wrong):
    with pytest.raises(
        ConfigError, match=rf"^{name.rpartition('.')[2]}: rng is neither .*rng=0.*received"
    ):
        CALLS[name](wrong)


@pytest.mark.parametrize("name", sorted(set(CALLS) - {"optim.fit"}))
def test_a_fresh_seed_inside_of_a_compiled_step_is_refused_by_name(name):
    if name in BUNDLED:
        pytest.importorskip("sklearn")

    def step(x):
        CALLS[name](None)
        return x * 2

    with pytest.raises(
        CaptureError, match=f"{name.rpartition('.')[2]}: rng was left out inside of"
    ):
        ag.jit(step)(np.ones(2))


def test_a_seed_outlives_copies_and_files(tmp_path):
    import copy
    import pickle

    for made in (
        nn.Linear(2, 2),
        nn.Dropout(),
        nn.data.random_split((X, X), [0.5]),
        fitted(None)[0],
    ):
        for again in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
            assert again.seed == made.seed is not None


def test_a_resumed_run_goes_on_with_the_seed_that_it_was_begun_with(tmp_path):
    def run(epochs, **options):
        model = nn.Linear(3, 2, rng=1)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        return optim.fit(
            model, nn.CrossEntropyLoss(), optimizer, (X, LABELS), epochs=epochs, batch_size=8, **options
        )  # fmt: skip

    path = tmp_path / "run"
    first = run(2, checkpoint=path)
    resumed = run(4, resume=path)
    assert resumed.seed == first.seed
    assert resumed["loss"] == run(4, rng=first.seed)["loss"]


def test_a_resumed_run_must_hold_out_the_same_examples(tmp_path):
    def run(**options):
        model = nn.Linear(3, 2, rng=1)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        return optim.fit(
            model, nn.CrossEntropyLoss(), optimizer, (X, LABELS), batch_size=8, validation_split=0.25,
            **options,
        )  # fmt: skip

    path = tmp_path / "run"
    first = run(epochs=2, checkpoint=path)
    with pytest.raises(
        ag.StateError, match=rf"validation_split: .*Pass the same rng, {first.seed}"
    ):
        run(epochs=4, resume=path)
    resumed = run(epochs=4, resume=path, rng=first.seed)
    assert resumed["val_loss"] == run(epochs=4, rng=first.seed)["val_loss"]
