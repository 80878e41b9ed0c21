from __future__ import annotations

import signal

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from autograd_core.errors import AnomalyError, ConfigError, DataError, ShapeError, StateError


@pytest.fixture
def fit(tiny, criterion, train):
    def run(model=None, optimizer=None, data=train, **options):
        model = model or tiny()
        optimizer = optimizer or optim.Adam(model.parameters(), lr=0.02)
        options = {
            "epochs": 3,
            "batch_size": 16,
            "rng": np.random.default_rng(0),
            "verbose": 0,
            **options,
        }
        return optim.fit(model, options.pop("criterion", criterion), optimizer, data, **options)

    return run


def test_a_model_learns(fit, tiny, criterion, train, validation):
    model = tiny()
    history = fit(model, epochs=60, validation=validation)
    assert history.epochs == 60
    assert history.stopped_by == "epochs"
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert history["val_error"][-1] < 0.2
    assert history["val_loss"][-1] == optim.evaluate(model, criterion, validation)["loss"]
    assert list(history) == ["loss", "error", "val_loss", "val_error", "seconds"]


def test_equal_generators_give_equal_runs(fit, tiny):
    models = [tiny(), tiny()]
    histories = [fit(model, validation=None) for model in models]
    assert histories[0]["loss"] == histories[1]["loss"]
    for name, values in models[0].state_dict().items():
        np.testing.assert_array_equal(values, models[1].state_dict()[name])
    assert fit(rng=np.random.default_rng(1))["loss"] != histories[0]["loss"]


def recording(tiny):
    class Recording(tiny):
        def __init__(self):
            super().__init__()
            self.batches = []

        def __call__(self, x):
            self.batches.append((self.training, np.array(x)))
            return super().__call__(x)

    return Recording()


def test_every_epoch_is_a_new_permutation_of_all_examples(fit, tiny, train):
    model = recording(tiny)
    fit(model, epochs=2, batch_size=16)
    assert [len(x) for _, x in model.batches] == [16, 16, 16, 12] * 2
    first, second = (np.concatenate([x for _, x in model.batches[k : k + 4]]) for k in (0, 4))
    assert not np.array_equal(first, second)
    for order in (first, second):
        np.testing.assert_array_equal(np.sort(order, axis=0), np.sort(train[0], axis=0))
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(first, train[0][rng.permutation(60)])


@pytest.mark.parametrize(("last", "sizes"), [("merge", [59, 1]), ("keep", [59, 1]), ("drop", [59])])
def test_a_short_last_batch_is_treated_as_asked(fit, tiny, last, sizes):
    model = recording(tiny)
    fit(model, epochs=1, batch_size=59, last_batch=last)
    assert [len(x) for _, x in model.batches] == ([60] if last == "merge" else sizes)


@pytest.mark.parametrize(
    ("size", "sizes"), [(16, [16] * 4), (60, [60]), (59, [59, 59]), (150, [150])]
)
def test_a_short_last_batch_may_be_filled_up_from_the_beginning(fit, tiny, train, size, sizes):
    model = recording(tiny)
    history = fit(model, epochs=2, batch_size=size, last_batch="pad")
    assert [len(x) for _, x in model.batches] == sizes * 2
    order = np.random.default_rng(0).permutation(60)
    seen = np.concatenate([x for _, x in model.batches[: len(sizes)]])
    np.testing.assert_array_equal(seen, train[0][np.resize(order, sum(sizes))])
    assert np.isfinite(history["loss"]).all()


def test_the_order_may_be_kept(fit, tiny, train):
    model = recording(tiny)
    fit(model, epochs=2, sampler=optim.in_order)
    np.testing.assert_array_equal(np.concatenate([x for _, x in model.batches[:4]]), train[0])


def test_validation_is_in_evaluation_mode_and_the_mode_comes_back(fit, tiny, validation):
    model = recording(tiny)
    model.training = False
    fit(model, epochs=2, batch_size=60, validation=validation)
    assert [mode for mode, _ in model.batches] == [True, False, True, False]
    assert model.training is False


def test_an_epochs_loss_is_the_mean_over_its_examples(tiny, criterion, train):
    model = tiny()
    # At lr 0 and without masks every batch sees the same function.
    model.train = model.eval
    model.eval()
    history = optim.fit(
        model, criterion, optim.SGD(model.parameters(), lr=0.0), train,
        epochs=1, batch_size=7, rng=np.random.default_rng(0), verbose=0,
    )  # fmt: skip
    whole = optim.evaluate(model, criterion, train)
    np.testing.assert_allclose(history["loss"], whole["loss"], rtol=1e-12)
    np.testing.assert_allclose(history["error"], whole["error"], rtol=1e-12)


def test_one_update_is_the_gradient_of_the_mean_plus_the_penalty(tiny, criterion, train):
    model, twin = tiny(), tiny()

    def penalty(m):
        return 0.05 * sum((ag.sum(t * t) for t in m.parameters() if t.ndim == 2), start=0.0)

    history = optim.fit(
        model, criterion, optim.SGD(model.parameters(), lr=0.5), train, epochs=1, batch_size=60,
        rng=np.random.default_rng(0), regularizer=penalty, sampler=optim.in_order, verbose=0,
    )  # fmt: skip
    loss = criterion(twin(train[0]), train[1])
    (loss + penalty(twin)).backward()
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy() - 0.5 * b.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(history["loss"], loss.item())
    np.testing.assert_allclose(history["penalty"], penalty(tiny()).item())


def test_metrics_are_measured_on_both_sets(fit, validation):
    history = fit(validation=validation, metrics={"accuracy": optim.accuracy})
    assert list(history) == ["loss", "accuracy", "val_loss", "val_accuracy", "seconds"]
    assert list(fit(metrics={})) == ["loss", "seconds"]


def test_no_epochs_change_nothing(fit, tiny):
    model = tiny()
    history = fit(model, epochs=0)
    assert (history.epochs, history.stopped_by) == (0, "epochs")
    for name, values in tiny().state_dict().items():
        np.testing.assert_array_equal(model.tensors[name].numpy(), values)


# --- ends -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_the_run_after_the_present_batch(fit, tiny):
    class Press(optim.Callback):
        def __init__(self):
            self.batches = 0

        def on_batch_end(self, run):
            self.batches += 1
            if (run.epoch, run.batch) == (2, 3):
                signal.raise_signal(signal.SIGINT)

    model, press = tiny(), Press()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    history = fit(model, optimizer, callbacks=[press], epochs=9)
    assert history.stopped_by == "Ctrl-C"
    assert history.epochs == 1
    assert press.batches == optimizer.updates == 4 + 3
    assert model.training is True


def test_a_loss_that_is_not_finite_names_epoch_batch_and_remedy(fit, tiny, criterion):
    model, calls = tiny(), []

    def failing(outputs, targets):
        calls.append(None)
        return criterion(outputs, targets) * (np.nan if len(calls) == 6 else 1.0)

    class Keep(optim.Callback):
        def on_batch_end(self, run):
            self.state = run.model.parameters()[0].numpy().copy()

    keep = Keep()
    with pytest.raises(
        AnomalyError,
        match="fit: the loss is nan in epoch 2, batch 2 of 4. Expected a finite number. The parameters are "
        r"those before this batch\. Lower the learning rate",
    ):
        fit(model, criterion=failing, callbacks=[keep])
    np.testing.assert_array_equal(model.parameters()[0].numpy(), keep.state)


def test_a_gradient_that_is_not_finite_names_epoch_and_batch(fit, tiny):
    model = tiny()

    class Spoil(optim.Callback):
        def on_batch_end(self, run):
            step = run.optimizer.step

            def spoiled():
                run.optimizer.params[0].grad = ag.tensor(np.full((2, 8), np.inf))
                step()

            run.optimizer.step = spoiled

    with pytest.raises(AnomalyError, match="the gradient of parameter 0") as caught:
        fit(model, callbacks=[Spoil()])
    assert caught.value.__notes__ == ["In fit, epoch 1, batch 2 of 4."]


def test_validation_that_is_not_finite_names_the_epoch(fit, tiny, criterion, validation):
    model = tiny()

    def failing(outputs, targets):
        return criterion(outputs, targets) * (1.0 if model.training else np.inf)

    with pytest.raises(
        AnomalyError, match="on the validation data of epoch 1: evaluate: loss is inf"
    ):
        fit(model, criterion=failing, validation=validation)


# --- arguments --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"epochs": -1}, ConfigError, "fit: epochs: expected an integer of 0 or more; received -1"),
        ({"epochs": 1.5}, ConfigError, "fit: epochs"),
        ({"batch_size": 0}, ConfigError, "batch_size"),
        ({"rng": "0"}, ConfigError, "fit: rng is neither a generator nor a seed"),
        ({"last_batch": "short"}, ConfigError, "last_batch"),
        ({"metrics": [3]}, ConfigError, "fit: metrics: expected names, functions"),
        ({"metrics": "speed"}, ConfigError, "metrics: there is none by the name 'speed'. Expected one of accuracy"),
        ({"metrics": ["f1", "f1"]}, ConfigError, "metrics: there are two by the name 'f1'"),
        ({"accumulate": 0}, ConfigError, "fit: accumulate: expected an integer of 1 or more"),
        ({"prefetch": -1}, ConfigError, "fit: prefetch: expected an integer of 0 or more"),
        ({"batch_size": "all"}, ConfigError, "fit: batch_size: expected one of 'full'"),
        ({"batch_size": None}, ConfigError, "batch_size: expected an integer"),
        ({"validation": np.ones(3)}, DataError, "fit: validation: expected a pair"),
        ({"data": (np.ones((3, 2)), [0, 1])}, DataError, "fit: train: expected as many inputs as targets"),
        ({"optimizer": "adam"}, ConfigError, "fit: optimizer: expected an Optimizer; received str"),
        ({"model": print, "optimizer": "adam"}, ConfigError, "fit: model: builtin_function_or_method has no parameters, train"),
    ],
)  # fmt: skip
def test_arguments_outside_their_range_are_refused_by_name(fit, options, error, message):
    with pytest.raises(error, match=message):
        fit(**options)


def test_an_optimizer_of_another_model_is_refused(fit, tiny):
    with pytest.raises(ConfigError, match="the optimizer has none of this model's parameters"):
        fit(tiny(), optim.SGD(tiny().parameters(), lr=0.1))


# --- what a newcomer gets wrong -----------------------------------------------------------------

XS = np.linspace(-1, 1, 24).reshape(12, 2)
YS = XS @ np.array([[1.0], [2.0]])


def first_try(criterion=None, **options):
    model = nn.Linear(2, 1, rng=0, dtype=np.float64)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    criterion = criterion or nn.MSELoss()
    return optim.fit(
        model, criterion, optimizer, (XS, YS), **{"epochs": 1, "batch_size": 4, "rng": 0, **options}
    )


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize(
    ("criterion", "kind", "message"),
    [
        (lambda y, d: 1.0, ConfigError, r"criterion: it returned float 1\.0\. Expected a Tensor"),
        (lambda y, d: np.zeros(3), ConfigError, r"criterion: it returned ndarray array"),
        (lambda y, d: None, ConfigError, r"criterion: it returned NoneType"),
        (lambda y, d: (y - d) ** 2, ShapeError, r"criterion: .* of shape \(4, 1\)\. Expected one"),
        (lambda y, d: ag.sum(y.detach()), ConfigError, "depends on no parameter .*without"),
    ],
)
def test_a_criterion_gives_one_element_that_can_be_differentiated(criterion, kind, message, jit):
    with pytest.raises(kind, match=rf"fit: (the loss )?{message}"):
        first_try(criterion, jit=jit)
    if "depends" not in message:
        with pytest.raises(kind, match=rf"evaluate: {message}".replace("(4, 1", "(12, 1")):
            optim.evaluate(nn.Linear(2, 1, rng=0), criterion, (XS, YS))


def test_a_loss_of_one_element_in_any_shape_will_do():
    for shape in ((), (1,), (1, 1)):
        first_try(lambda y, d, shape=shape: ag.reshape(ag.mean((y - d) ** 2), shape))


def test_one_callback_needs_no_list():
    seen = []

    class Count(optim.Callback):
        def on_epoch_end(self, run):
            seen.append(run.epoch)

    first_try(callbacks=Count())
    first_try(callbacks=(Count(),))
    assert seen == [1, 1]


@pytest.mark.parametrize("wrong", [optim.Callback, 3, print, [print]])
def test_what_is_no_callback_is_told_apart(wrong):
    with pytest.raises(
        ConfigError, match=r"fit: callbacks: expected objects derived from optim\.Callback"
    ):
        first_try(callbacks=wrong)


@pytest.mark.parametrize("jit", [False, True])
def test_several_regularizers_are_summed(jit):
    a, b = nn.L2(0.1), lambda model: 0.5 * ag.sum(ag.abs(model.weight))
    together = first_try(regularizer=[a, b], jit=jit)
    by_hand = first_try(regularizer=lambda model: a(model) + b(model), jit=jit)
    assert together["penalty"] == by_hand["penalty"]
    assert first_try(regularizer=[]).keys() == first_try().keys()
    with pytest.raises(ConfigError, match=r"fit: regularizer: expected a function .*received 'l2'"):
        first_try(regularizer="l2")
    with pytest.raises(ConfigError, match=r"fit: regularizer: it returned float 0\.5"):
        first_try(regularizer=[a, lambda model: 0.5])


def test_a_fraction_is_held_out_at_random():
    history = first_try(validation_split=0.25, batch_size=9)
    assert "val_loss" in history
    for wrong in (0.0, 1.0, 0.01, 3, True, "0.2"):
        with pytest.raises(ConfigError, match="fit: validation_split: expected a fraction in"):
            first_try(validation_split=wrong)
    with pytest.raises(ConfigError, match="validation and validation_split are one choice"):
        first_try(validation_split=0.2, validation=(XS, YS))


def test_the_held_out_examples_are_not_trained_on():
    seen, judged = [], []

    def criterion(y, d):
        rows = d.detach().numpy() if isinstance(d, ag.Tensor) else d
        (seen if y.requires_grad else judged).append(np.asarray(rows)[:, 0])
        return ag.mean((y - d) ** 2)

    first_try(criterion, validation_split=0.25)
    parts = [np.concatenate(rows).tolist() for rows in (seen, judged)]
    assert (len(parts[0]), len(parts[1])) == (9, 3)
    assert sorted(parts[0] + parts[1]) == sorted(YS[:, 0].tolist())


def test_the_advice_on_resuming_is_for_resuming(tmp_path):
    path = tmp_path / "run"
    first_try(checkpoint=path)
    model = nn.Linear(2, 3, rng=0, dtype=np.float64)
    with pytest.raises(StateError) as caught:
        optim.fit(
            model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), (XS, XS @ np.ones((2, 3))),
            epochs=2, batch_size=4, resume=path,
        )  # fmt: skip
    assert "strict" not in str(caught.value)
    assert "\n  model: wrong shape: weight: expected (2, 3), received (2, 1)\n" in str(caught.value)


@pytest.mark.parametrize("wrong", [nn.MSELoss, "mse", None, 3])
def test_what_is_no_criterion_is_told_apart(wrong):
    what = r"the class MSELoss\. Make one: MSELoss\(\)" if wrong is nn.MSELoss else repr(wrong)
    for operation, call in (
        ("fit", lambda: optim.fit(nn.Linear(2, 1), wrong, None, (XS, YS), epochs=1, batch_size=4)),
        ("evaluate", lambda: optim.evaluate(nn.Linear(2, 1), wrong, (XS, YS))),
    ):
        with pytest.raises(
            ConfigError, match=rf"{operation}: criterion: expected .*received {what}"
        ):
            call()


def test_a_sampler_is_a_function():
    with pytest.raises(ConfigError, match=r"fit: sampler: expected .*received None"):
        first_try(sampler=None)


def test_a_model_takes_its_part_of_a_checkpoint(tmp_path):
    path = tmp_path / "run"
    model = nn.Linear(2, 1, rng=0, dtype=np.float64)
    optimizer = optim.Adam(model.parameters())
    optim.fit(
        model, nn.MSELoss(), optimizer, (XS, YS), epochs=2, batch_size=4, rng=0, checkpoint=path
    )
    other = nn.Linear(2, 1, rng=1, dtype=np.float64)
    assert other.load(path) == ([], [])
    np.testing.assert_array_equal(other.weight.numpy(), model.weight.numpy())
