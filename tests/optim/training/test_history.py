from __future__ import annotations

import copy
import json
import math

import pytest

import optim


def filled(losses, **extra):
    history = optim.History()
    for k, loss in enumerate(losses):
        history.append({"loss": loss, "seconds": 0.5, **{n: v[k] for n, v in extra.items()}})
    return history


def test_it_is_a_table_of_columns():
    history = filled([3.0, 2.0], val_loss=[4.0, 5.0])
    assert dict(history) == {"loss": [3.0, 2.0], "seconds": [0.5, 0.5], "val_loss": [4.0, 5.0]}
    assert (history.epochs, history.seconds) == (2, 1.0)
    with pytest.raises(KeyError):
        history["error"]


def test_a_value_that_some_epochs_lack_is_nan_there():
    history = optim.History()
    history.append({"loss": 1.0})
    history.append({"loss": 2.0, "extra": 3.0})
    history.append({"loss": 2.0})
    assert math.isnan(history["extra"][0])
    assert history["extra"][1] == 3.0
    assert math.isnan(history["extra"][2])


def test_the_best_epoch_is_judged_on_held_out_data_where_there_are_any():
    assert optim.History().best_epoch is None
    assert filled([3.0, 1.0, 1.0, 2.0]).best_epoch == 2
    history = filled([3.0, 2.0, 1.0], val_loss=[2.0, 1.0, 4.0], val_accuracy=[0.1, 0.2, 0.9])
    assert history.best_epoch == 2
    history.monitor, history.mode = "val_accuracy", "max"
    assert history.best_epoch == 3


def test_it_becomes_json():
    history = filled([3.0, 2.0])
    history.stopped_by = "epochs"
    assert json.loads(json.dumps(history.to_dict())) == {
        "columns": {"loss": [3.0, 2.0], "seconds": [0.5, 0.5]},
        "epochs": 2,
        "best_epoch": 2,
        "seconds": 1.0,
        "stopped_by": "epochs",
        "seed": None,
    }


def test_it_is_a_dict_of_columns_for_those_who_take_one():
    history = filled([3.0, 2.0], val_loss=[4.0, 5.0])
    assert isinstance(history, dict)  # pandas.DataFrame(history) looks for one
    assert json.loads(json.dumps(history)) == dict(history)
    again = copy.deepcopy(history)
    assert (again, again.epochs, again.seconds) == (history, 2, 1.0)
    pandas = pytest.importorskip("pandas")
    assert pandas.DataFrame(history)["val_loss"].tolist() == [4.0, 5.0]


def test_its_repr_shows_the_first_the_best_and_the_last_epochs():
    history = filled([9.0, 8.0, 1.0, 7.0, 6.0, 5.0, 4.0, 3.0])
    history.stopped_by = "early stopping"
    assert repr(history).splitlines() == [
        "History: 8 epochs in 4.0 s, stopped by early stopping, best loss 1 in epoch 3",
        "epoch  loss  seconds",
        "    1     9      0.5",
        "    …     …        …",
        "    3     1      0.5",
        "    …     …        …",
        "    6     5      0.5",
        "    7     4      0.5",
        "    8     3      0.5",
    ]
    assert repr(optim.History()) == "History: 0 epochs in 0.0 s"
