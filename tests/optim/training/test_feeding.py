"""What a run is fed with: arrays in an order, with weights, or batches from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.errors import ConfigError, DataError

X = np.random.default_rng(0).normal(size=(22, 3))
D = X @ np.array([[1.0], [-2.0], [0.5]]) + np.random.default_rng(1).normal(size=(22, 1))
BATCHES = [(X[i : i + 4], D[i : i + 4]) for i in range(0, 22, 4)]  # the last has two


def line(dtype=np.float64):
    return nn.Linear(3, 1, rng=0, dtype=dtype)


def run(train, model=None, criterion=None, **options):
    model = model or line()
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    options = {"epochs": 3, "rng": 0, "verbose": 0, **options}
    history = optim.fit(model, criterion or nn.MSELoss(), optimizer, train, **options)
    return model.weight.numpy().ravel().tolist(), {
        k: v for k, v in history.items() if k != "seconds"
    }


class Loader:
    """Begun anew by each iter; draws an order from a state of its own."""

    def __init__(self, seed=5):
        self.rng, self.passes = np.random.default_rng(seed), 0

    def __iter__(self):
        self.passes += 1
        for i in self.rng.permutation(len(BATCHES)):
            yield BATCHES[i]

    def state_dict(self):
        return {"rng": self.rng.bit_generator.state, "passes": self.passes}

    def load_state_dict(self, state):
        self.rng.bit_generator.state, self.passes = state["rng"], state["passes"]


def batches():
    yield from BATCHES


STREAMS = {
    "list of tuples": lambda: BATCHES,
    "list of two": lambda: BATCHES[:2],
    "function": lambda: batches,
    "generator, one epoch": batches,
    "lists within": lambda: [(np.asarray(x), d.tolist()) for x, d in BATCHES],
    "tensors": lambda: [(ag.tensor(x), ag.tensor(d)) for x, d in BATCHES],
    "prefetched": lambda: optim.Prefetch(BATCHES, ahead=3),
    "prefetched function": lambda: optim.Prefetch(batches),
}


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("name", STREAMS)
def test_batches_of_any_kind_are_the_arrays_in_their_order(name, jit):
    epochs = 1 if "one epoch" in name else 3
    rows = 8 if "two" in name else 22
    arrays = run(
        (X[:rows], D[:rows]), batch_size=4, sampler=optim.in_order, last_batch="keep", epochs=epochs
    )
    found = run(STREAMS[name](), epochs=epochs, jit=jit)
    if jit:
        np.testing.assert_allclose(found[0], arrays[0], rtol=1e-9)
    else:
        assert found == arrays


def test_a_generator_is_refused_for_several_epochs_and_says_what_to_pass():
    for what in (batches(), iter(BATCHES), (b for b in BATCHES)):
        with pytest.raises(
            ConfigError,
            match=r"fit: train: a \w+ is used up after one epoch, and epochs is 2.*lambda",
        ):
            run(what, epochs=2)
        with pytest.raises(ConfigError, match=r"fit: validation: a .* is used up after one epoch"):
            run(BATCHES, validation=what, epochs=2)
    assert len(list(batches())) == 6


def test_what_is_left_of_somebodys_generator_stays_theirs():
    class Stop(optim.Callback):
        def on_batch_end(self, run):
            if run.batch == 2:
                run.stop("enough", now=True)

    for prefetch in (0, 1):
        given = batches()
        run(given, epochs=1, callbacks=Stop(), prefetch=prefetch)
        assert next(given)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([], DataError, r"fit: train: expected a pair \(inputs, targets\)"),
        (lambda: iter([]), DataError, "fit: train: there was no batch"),
        (lambda: 3, DataError, "fit: train: the function gave int. Expected an iterable of batches"),
        (lambda: [{"x": X, "d": D}], DataError, r"fit: train: batch 1: expected a pair .*received dict. Pick its parts: \(batch\['x'\], batch\['d'\]\)"),
        (lambda: [(X, D), X], DataError, "fit: train: batch 2: expected a pair .*received ndarray"),
        (lambda: [(X, D[:3])], DataError, "fit: train: batch 1: expected as many inputs as targets"),
        (lambda: [(X, D), (np.full((2, 3), np.nan), D[:2])], DataError, "fit: train: batch 2: inputs: 6 of 6 values are not finite"),
        ({"x": X, "d": D}, DataError, "fit: train: expected a pair .*received dict. Pick its parts"),
        (3, DataError, "fit: train: expected a pair"),
        ("data", DataError, "fit: train: expected a pair"),
    ],
)  # fmt: skip
def test_what_are_no_batches_is_refused_with_its_place(given, error, message):
    with pytest.raises(error, match=message):
        run(given, batch_size=None if callable(given) else 4)


@pytest.mark.parametrize(
    ("option", "value"),
    [("batch_size", 4), ("sampler", optim.in_order), ("last_batch", "drop"), ("validation_split", 0.2)],
)  # fmt: skip
def test_what_says_nothing_of_batches_that_are_made_is_refused(option, value):
    with pytest.raises(
        ConfigError, match=f"fit: {option}: train gives batches that are made already"
    ):
        run(BATCHES, **{option: value})


@pytest.mark.parametrize("prefetch", [0, 2])
def test_an_error_of_a_loader_comes_through_as_it_is(prefetch):
    def failing():
        yield BATCHES[0]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone") as caught:
        run(failing, prefetch=prefetch)
    assert any("failing" in str(entry) for entry in caught.traceback)


def test_an_epoch_may_have_another_number_of_batches_than_the_last():
    counts = iter([6, 2, 4])
    seen = []

    class See(optim.Callback):
        def on_epoch_end(self, run):
            seen.append((run.batch, run.batches))

    _, history = run(lambda: BATCHES[: next(counts)], callbacks=See())
    assert seen == [(6, 6), (2, 2), (4, 4)]
    assert len(history["loss"]) == 3


def test_batches_are_validated_on_like_arrays():
    whole = run((X, D), batch_size=22, validation=(X, D), metrics=["mse"])[1]
    parts = run((X, D), batch_size=22, validation=BATCHES, metrics=["mse"])[1]
    np.testing.assert_allclose(parts["val_loss"], whole["val_loss"], rtol=1e-12)
    np.testing.assert_allclose(parts["val_mse"], whole["val_loss"], rtol=1e-12)


def test_a_state_that_is_none_is_named():
    class Odd(list):
        def state_dict(self):
            return object()

    with pytest.raises(
        DataError, match=r"fit: the state of Odd: expected a dict .*received object"
    ):
        run(Odd(BATCHES))


def test_metrics_go_by_the_targets_that_are_known():
    labels = (D[:, 0] > 0).astype(int)
    model, loss = nn.Linear(3, 2, rng=0, dtype=np.float64), nn.CrossEntropyLoss()
    stream = [(X, labels)]
    assert "error" not in run_classes(model, loss, stream)
    assert "val_error" in run_classes(model, loss, stream, validation=(X, labels))
    assert "accuracy" in run_classes(model, loss, stream, metrics=["accuracy"])


def run_classes(model, loss, train, **options):
    return optim.fit(
        model,
        loss,
        optim.SGD(model.parameters(), lr=0.1),
        train,
        epochs=1,
        rng=0,
        verbose=0,
        **options,
    )


class Frame:
    """What pandas has of an array."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)

    def __len__(self):
        return len(self.values)


def test_lists_and_frames_are_arrays():
    arrays = run((X, D), batch_size=4)
    assert run((X.tolist(), D.tolist()), batch_size=4) == arrays
    assert run([X.tolist(), D.tolist()], batch_size=4) == arrays
    assert run((Frame(X), Frame(D)), batch_size=4) == arrays
    assert run([X, D], batch_size=4) == arrays


def test_inputs_of_float64_train_a_model_of_float32():
    for jit in (False, True):
        model = line(np.float32)
        run((X, D), model, batch_size=4, jit=jit)
        assert model.weight.dtype == np.float32


# --- how many at a time -------------------------------------------------------------------------


def test_a_batch_of_all_has_a_name_and_may_be_asked_for_by_too_large_a_number():
    named = run((X, D), batch_size="full", sampler=optim.in_order)
    for size in (22, 23, 1000):
        assert run((X, D), batch_size=size, sampler=optim.in_order) == named
    with pytest.raises(
        ConfigError, match=r'last_batch="drop" leaves nothing of 22 examples in batches of 23'
    ):
        run((X, D), batch_size=23, last_batch="drop")


@pytest.mark.parametrize(("sampler", "updates"), [
    (optim.permutation, 6), (optim.in_order, 6), (optim.cyclic, 6), (optim.with_replacement, 6), (optim.one_sample, 1),
    (lambda count, rng: np.arange(3 * count) % count, 17), (lambda count, rng: [0, 1, 2], 1),
])  # fmt: skip
@pytest.mark.parametrize("jit", [False, True])
def test_an_epoch_is_what_the_sampler_gives(sampler, updates, jit):
    optimizer = optim.SGD((model := line()).parameters(), lr=0.01)
    optim.fit(
        model,
        nn.MSELoss(),
        optimizer,
        (X, D),
        epochs=2,
        batch_size=4,
        sampler=sampler,
        rng=0,
        jit=jit,
    )
    assert optimizer.updates == 2 * updates


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([0, 22], "expected indices from 0 to 21; received 22"),
        ([-1], "expected indices from 0 to 21; received -1"),
        ([], "expected at least one index"),
        ([0.5], "expected at least one index, in an array of integers; received float64"),
        ([[0]], r".*received int64 of shape \(1, 1\)"),
        (None, "expected at least one index"),
    ],
)
def test_what_is_no_order_is_refused(given, message):
    def mine(count, rng):
        return given

    with pytest.raises(DataError, match=rf"fit: sampler mine: {message}"):
        run((X, D), batch_size=4, sampler=mine)


def test_compiled_updates_made_in_one_call_are_those_made_one_by_one():
    """To the last bit, whatever number is made at once, which depends on the clock."""

    class Watch(optim.Callback):
        def on_batch_end(self, run):
            pass

    for options in (
        {},
        {"last_batch": "drop"},
        {"last_batch": "pad"},
        {"metrics": ["mse", "mae"]},
        {"regularizer": nn.L2(0.1)},
    ):
        alone = run((X, D), batch_size=4, epochs=30, jit=True, callbacks=Watch(), **options)
        assert run((X, D), batch_size=4, epochs=30, jit=True, **options) == alone
        assert run((X, D), batch_size=4, epochs=30, jit=True, prefetch=2, **options) == alone


def test_a_failure_among_many_updates_names_its_batch_and_leaves_the_weights_of_before():
    x = np.array(X)
    x[14] = 1e200  # in batch 4 of each epoch: its square is infinite
    messages = []
    for jit in (False, True):
        model = line()
        with np.errstate(over="ignore"), pytest.raises(ag.errors.AnomalyError) as caught:
            run((x, D), model, batch_size=4, jit=jit, sampler=optim.in_order, epochs=1)
        messages.append((str(caught.value), model.weight.numpy().round(9).tolist()))
    assert messages[0] == messages[1]
    assert "the loss is inf in epoch 1, batch 4 of 6" in messages[0][0]


# --- weights ------------------------------------------------------------------------------------

EACH = nn.MSELoss(reduction="none")
W = np.random.default_rng(2).integers(0, 4, size=22)


@pytest.mark.parametrize("jit", [False, True])
def test_a_weight_is_how_often_an_example_is_there(jit):
    often = np.repeat(np.arange(22), W)
    repeated = run((X[often], D[often]), batch_size="full", sampler=optim.in_order)
    weighted = run((X, D, W), criterion=EACH, batch_size="full", sampler=optim.in_order, jit=jit)
    np.testing.assert_allclose(weighted[0], repeated[0], rtol=1e-9)
    np.testing.assert_allclose(weighted[1]["loss"], repeated[1]["loss"], rtol=1e-9)


@pytest.mark.parametrize("jit", [False, True])
def test_means_over_batches_are_weighted_in_training_and_validation(jit):
    frozen = {
        "batch_size": 4,
        "criterion": EACH,
        "epochs": 1,
        "jit": jit,
        "metrics": ["mse", "mae"],
    }

    class Still(optim.Callback):  # the same function in every batch
        def on_fit_begin(self, run):
            run.optimizer.lr = 0.0

    _, found = run((X, D, W), validation=(X, D, W), callbacks=Still(), **frozen)
    model = line()
    errors = (X @ model.weight.numpy() + model.bias.numpy() - D)[:, 0]
    np.testing.assert_allclose(found["loss"], np.average(errors**2, weights=W), rtol=1e-9)
    np.testing.assert_allclose(found["mse"], found["loss"], rtol=1e-9)
    np.testing.assert_allclose(found["mae"], np.average(abs(errors), weights=W), rtol=1e-9)
    for name in ("loss", "mse", "mae"):
        np.testing.assert_allclose(found[f"val_{name}"], found[name], rtol=1e-9)


def test_metrics_that_know_no_weights_count_examples_alike():
    found = run(
        (X, D, W),
        criterion=EACH,
        batch_size=4,
        metrics={"rows": lambda y, d: 1.0, "late": lambda y, d: float(len(y))},
    )[1]
    assert found["rows"] == [1.0] * 3


def test_a_batch_that_counts_for_nothing_changes_nothing():
    weights = np.where(np.arange(22) < 4, 0, 1)
    optimizer = optim.SGD((model := line()).parameters(), lr=0.1)
    before = np.array(model.weight.numpy())
    optim.fit(
        model, EACH, optimizer, [(X[:4], D[:4], weights[:4])] * 1, epochs=1, rng=0, metrics=["mse"]
    ) if False else None
    for jit in (False, True):
        found = run((X, D, weights), criterion=EACH, batch_size=4, sampler=optim.in_order, jit=jit)
        assert np.isfinite(found[0]).all()
    with pytest.raises(DataError, match="weights: they are 0 for all examples"):
        run((X, D, 0 * weights), criterion=EACH, batch_size=4)
    np.testing.assert_array_equal(before, line().weight.numpy())


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (W[:3], r"weights: expected a number of at least 0 for each of 22 examples; received shape \(3,\)"),
        (W[:, None], r"received shape \(22, 1\)"),
        (-1.0 * W, "for each of 22 examples; received -"),
        (W * np.nan, "weights: 22 of 22 values are not finite"),
    ],
)  # fmt: skip
def test_what_are_no_weights_is_refused(weights, message):
    with pytest.raises(DataError, match=message):
        run((X, D, weights), criterion=EACH, batch_size=4)


@pytest.mark.parametrize("jit", [False, True])
def test_a_criterion_with_a_mean_cannot_be_weighted(jit):
    with pytest.raises(
        ConfigError,
        match=r'fit: criterion: examples that have weights need a loss each.*reduction="none"',
    ):
        run((X, D, W), batch_size=4, jit=jit)
    with pytest.raises(
        ConfigError, match="evaluate: criterion: examples that have weights need a loss each"
    ):
        optim.evaluate(line(), nn.MSELoss(), (X, D, W))


# --- accumulation -------------------------------------------------------------------------------


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize(("size", "accumulate"), [(4, 2), (4, 4), (5, 3), (1, 22), (22, 3)])
def test_accumulated_batches_are_one_large_batch(size, accumulate, weights, jit):
    """22 examples: the last window is short, and its last batch too; a mean over examples all the same."""
    data = (X, D, W) if weights else (X, D)
    options = {
        "criterion": EACH if weights else None,
        "last_batch": "keep",
        "regularizer": nn.L2(0.1),
    }
    large = run(data, batch_size=size * accumulate, **options)
    parts = run(data, batch_size=size, accumulate=accumulate, jit=jit, **options)
    np.testing.assert_allclose(parts[0], large[0], rtol=1e-9)
    for name in ("loss", "penalty"):
        np.testing.assert_allclose(parts[1][name], large[1][name], rtol=1e-9)


def test_a_sum_is_not_put_together_of_parts():
    """Its gradient would be that of the batch over the number of parts."""
    summed = nn.MSELoss(reduction="sum")
    with pytest.raises(
        ConfigError, match=r"criterion: with accumulate.*which adds them up\. Pass reduction=.mean"
    ):
        run((X, D), criterion=summed, batch_size=4, accumulate=2)
    run((X, D), criterion=summed, batch_size=4, epochs=1)


def test_accumulated_updates_are_seen_once_and_by_their_own_loss():
    seen = []

    class See(optim.Callback):
        def on_batch_end(self, run):
            seen.append((run.batch, run.optimizer.updates, run.logs["loss"]))

    run(
        (X, D),
        batch_size=4,
        accumulate=4,
        epochs=1,
        callbacks=See(),
        sampler=optim.in_order,
        last_batch="keep",
    )
    assert [s[:2] for s in seen] == [(4, 1), (6, 2)]
    first = np.mean((X[:16] @ line().weight.numpy() + line().bias.numpy() - D[:16]) ** 2)
    assert seen[0][2] == pytest.approx(first)


def test_a_loss_that_is_not_finite_within_a_window_names_its_batch():
    x = np.array(X)
    x[9] = 1e200
    for jit in (False, True):
        with (
            np.errstate(over="ignore"),
            pytest.raises(ag.errors.AnomalyError, match="loss is inf in epoch 1, batch 3 of 6"),
        ):
            run((x, D), batch_size=4, accumulate=4, jit=jit, sampler=optim.in_order)


def test_rules_that_compare_losses_are_told_the_windows():
    told = []

    class Spy(optim.Rprop):
        def step(self, loss=None):
            told.append(float(loss.item()))
            super().step(loss)

    model = line()
    spy = Spy(model.parameters(), form="irprop+")
    optim.fit(
        model,
        nn.MSELoss(),
        spy,
        (X, D),
        epochs=1,
        batch_size=4,
        accumulate=6,
        sampler=optim.in_order,
        rng=0,
    )
    assert told == [
        pytest.approx(np.mean((X @ line().weight.numpy() + line().bias.numpy() - D) ** 2))
    ]
