"""The formulas of the report, in MathML: browsers set it themselves, without any script."""

from __future__ import annotations

from .markup import Markup, element, join

__all__ = ["BATCH_NORM_BACKWARD", "BATCH_NORM_FORWARD", "CROSS_ENTROPY", "formula"]


def formula(*parts: object) -> Markup:
    """A formula on a line of its own, from parts that are MathML already or plain letters."""
    return element("math", _row(*parts), display="block")


def _row(*parts: object) -> Markup:
    return element("mrow", *map(_atom, parts))


def _atom(part: object) -> Markup:
    """Letters as identifiers, digits as numbers, anything else as an operator."""
    if isinstance(part, Markup):
        return part
    name = "mn" if str(part).isdigit() else "mi" if str(part)[-1:].isalpha() else "mo"
    # Dummies such as ∂ are operators that stand close to what follows.
    extra = {"lspace": "0", "rspace": "0"} if part == "∂" else {}
    return element(name, part, **extra)


def _sub(base: object, index: object) -> Markup:
    return element("msub", _atom(base), _atom(index))


def _sup(base: object, power: object) -> Markup:
    return element("msup", _atom(base), _atom(power))


def _both(base: object, index: object, power: object) -> Markup:
    return element("msubsup", _atom(base), _atom(index), _atom(power))


def _over(top: object, bottom: object) -> Markup:
    return element("mfrac", _atom(top), _atom(bottom))


def _root(*parts: object) -> Markup:
    return element("msqrt", *map(_atom, parts))


def _sum(index: str, top: str) -> Markup:
    # Large by its font size: only a font with a table of mathematics would have a large sign.
    sign = element("mo", "∑", largeop="false", movablelimits="false", class_="sum")
    return element("munderover", sign, _row(index, "=", "1"), _atom(top))


def _fenced(*parts: object) -> Markup:
    return _row(element("mo", "(", fence="true"), *parts, element("mo", ")", fence="true"))


def _by(below: object) -> Markup:
    """∂Div/∂(below)."""
    return _over(_row("∂", "Div"), _row("∂", below))


MU = _sub("μ", "B")
VARIANCE = _both("σ", "B", "2")
ROOT = _root(VARIANCE, "+", "ε")
# Fonts have no slanted ẑ of their own, and a hat set apart strikes the line of a fraction.
Z_HAT = _sub(element("mi", "ẑ", class_="slanted"), "i")
Z, U = (_sub(base, "i") for base in "zu")
FROM_MEAN = _row(Z, "−", MU)
BC = _row("b", "c")
Y = _sub("y", BC)
SPACE = element("mspace", width="0.2em")

BATCH_NORM_FORWARD = join(
    [
        formula(MU, "=", _over("1", "B"), _sum("i", "B"), Z),
        formula(VARIANCE, "=", _over("1", "B"), _sum("i", "B"), _sup(_fenced(FROM_MEAN), "2")),
        formula(U, "=", _over(FROM_MEAN, ROOT)),
        formula(Z_HAT, "=", "γ", U, "+", "β"),
    ]
)

BATCH_NORM_BACKWARD = join(
    [
        formula(_by(U), "=", "γ", _by(Z_HAT)),
        formula(
            _by(VARIANCE), "=", _sum("i", "B"), _by(U), _fenced(FROM_MEAN), "·",
            _over(_row("−", "1"), "2"),
            _sup(_fenced(VARIANCE, "+", "ε"), _row("−", "3", "/", "2")),
        ),
        formula(
            _by(MU), "=", _fenced(_sum("i", "B"), _by(U), "·", _over(_row("−", "1"), ROOT)), "+",
            _by(VARIANCE), "·",
            _over(_row(_sum("i", "B"), "−", "2", _fenced(FROM_MEAN)), "B"),
        ),
        formula(
            _by(Z), "=", _by(U), "·", _over("1", ROOT), "+", _by(VARIANCE), "·",
            _over(_row("2", _fenced(FROM_MEAN)), "B"), "+", _by(MU), "·", _over("1", "B"),
        ),
        formula(
            _by("γ"), "=", _sum("i", "B"), U, _by(Z_HAT), element("mspace", width="2em"),
            _by("β"), "=", _sum("i", "B"), _by(Z_HAT),
        ),
    ]
)  # fmt: skip

CROSS_ENTROPY = join(
    [
        formula(
            "Div", "=", "−", _over("1", "B"), _sum("b", "B"), _sum("c", "C"), Y,
            "log", SPACE, "softmax", _sub(_fenced(_sub("z", "b")), "c"),
        ),
        formula(
            _by(_sub("z", BC)), "=", _over("1", "B"),
            _fenced("softmax", _sub(_fenced(_sub("z", "b")), "c"), "−", Y),
        ),
    ]
)  # fmt: skip
