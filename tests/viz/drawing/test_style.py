import pytest

from viz.drawing import style


def luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("kind", [k for k, look in style.KINDS.items() if look.shape != "circle"])
def test_text_is_readable_on_every_fill(kind):
    fill = style.KINDS[kind].fill
    assert contrast(style.INK, fill) >= 7
    assert contrast(style.MUTED, fill) >= 4.5
    assert contrast(style.WARNING, fill) >= 4.5


@pytest.mark.parametrize("kind", ["input", "parameter", "operation", "random", "mask", "output"])
def test_borders_stand_out_from_the_background(kind):
    assert contrast(style.KINDS[kind].line, style.BACKGROUND) >= 3


def test_kinds_are_told_apart_without_colour():
    kinds = ["input", "parameter", "buffer", "operation", "mask", "output", "saved"]
    shapes = {(style.KINDS[k].shape, style.KINDS[k].dashed) for k in kinds}
    assert len(shapes) == len(kinds)


def test_an_unknown_kind_is_drawn_as_an_operation():
    assert style.look_of("nothing such") is style.KINDS["operation"]
