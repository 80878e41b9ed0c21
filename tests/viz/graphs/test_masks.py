import numpy as np
import pytest

import autograd_core as ag
import nn
import viz
from autograd_core.errors import ConfigError


def test_they_are_those_of_the_next_pass(two, batch):
    first, second = viz.read_dropout_masks(two, batch)
    assert (first.name, second.name) == ("0 · Dropout", "3 · Dropout")
    kept = two[0](batch).numpy() != 0
    np.testing.assert_array_equal(first.kept, kept | (batch == 0))
    hidden = two[2](two[1](batch * kept))
    np.testing.assert_array_equal(second.kept, two[3](hidden).numpy() != 0)


def test_reading_and_drawing_have_no_effect(two, batch):
    before = {key: value.copy() for key, value in two.state_dict().items()}
    two.eval()
    viz.read_dropout_masks(two, batch)
    viz.draw_dropout_mask(two, batch)
    assert not any(module.training for module in two.modules())
    for key, value in two.state_dict().items():
        np.testing.assert_array_equal(value, before[key])


class Shared(nn.Module):
    """One mask for all samples, in any shape that broadcasts; of a user's own, found by its role."""

    def __init__(self, shape):
        self.mask = np.arange(np.prod(shape)).reshape(shape) % 3 != 0

    def forward(self, x):
        mask = ag.mark(ag.tensor(self.mask), role="dropout mask", name="mine")
        return nn.functional.dropout(x, mask, 0.5)


@pytest.mark.parametrize("shape", [(6,), (1, 6), (2, 3, 4)])
def test_a_mask_of_any_shape_is_rows_of_units(shape):
    x = np.ones((8, 6)) if len(shape) < 3 else np.ones(shape)
    model = Shared(shape)
    (mask,) = viz.read_dropout_masks(model, x)
    assert mask.kept.shape == ((2, 12) if len(shape) > 2 else (1, 6))
    np.testing.assert_array_equal(mask.kept.ravel(), model.mask.ravel())


@pytest.mark.parametrize(
    "read", [viz.read_dropout_masks, viz.plot_dropout_mask, viz.draw_dropout_mask]
)
def test_what_has_no_mask_is_refused(read, batch, two):
    model = nn.Sequential(nn.Linear(6, 2, rng=0))
    with pytest.raises(ConfigError, match=r"draws no dropout mask.*nn\.Dropout"):
        read(model, batch)
    with pytest.raises(ConfigError, match="received int"):
        read(3, batch)
    with pytest.raises(ConfigError, match=r"expected a batch of one sample or more; .*\(0, 6\)"):
        read(two, np.ones((0, 6)))
