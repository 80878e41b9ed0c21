import numpy as np
import pytest

from autograd_core.errors import ConfigError
from viz.figures import augmentation, chart_augmentation


def test_it_shows_the_pictures_that_it_was_given_the_right_way_up():
    pixels = np.arange(6.0).reshape(2, 3)
    chart = chart_augmentation([("one", pixels), ("two", pixels[:1])])
    assert [panel.title for panel in chart.panels] == ["one", "two"]
    grid = chart.panels[0].marks[0]
    np.testing.assert_array_equal(grid.values, pixels[::-1])  # row 0 of a grid is at the bottom
    assert (grid.x, grid.y, grid.low, grid.high) == ((0, 3), (0, 2), 0.0, 5.0)
    assert not augmentation.holds(chart)


def test_the_statement_is_about_each_variant():
    variants = augmentation.example()
    assert augmentation.holds(chart_augmentation(variants))
    letter = variants[0].pixels
    for k in range(1, 9):
        for other in (letter, letter[:, ::-1], variants[k].pixels[:, ::-1], np.zeros_like(letter)):
            changed = [*variants[:k], variants[k]._replace(pixels=other), *variants[k + 1 :]]
            assert not augmentation.holds(chart_augmentation(changed)), variants[k].words
    assert not augmentation.holds(chart_augmentation(variants[:-1]))


@pytest.mark.parametrize("variants", [[], [("flat", np.zeros(4))], [("none", np.zeros((0, 2)))]])
def test_what_is_no_picture_is_refused(variants):
    with pytest.raises(ConfigError, match="augmentation: expected pictures"):
        chart_augmentation(variants)
