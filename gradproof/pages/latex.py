r"""LaTeX as MathML, which browsers set themselves: read by latex2mathml, checked and mended here.

That library reads nearly all of LaTeX's mathematics, but it lets pass what it cannot read (an unknown
command is shown as it was typed, a fraction may lack a part), and hands on text that may be markup.
Here whatever is not read whole is an error: a formula is shown as it was meant or not at all.
What is mended is written at each function below; the rest is as it came.
"""

from __future__ import annotations

import html
import re
import unicodedata
from xml.etree import ElementTree as ET

from latex2mathml.converter import convert_to_element
from markupsafe import Markup

from autograd_core.errors import ConfigError

__all__ = ["mathml"]

# Elements that browsers set, with the number of children that each must have (None: any).
ARITY = {
    "math": None, "mrow": None, "mstyle": None, "mtable": None, "mtr": None, "mtd": None, "msqrt": None,
    "mi": 0, "mn": 0, "mo": 0, "mspace": 0, "mtext": 0,
    "mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2, "munderover": 3,
}  # fmt: skip
LIMITS = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}
DEEPEST = 50  # braces within braces
BIG = "∑∏"
TIGHT = "∂∇|‖"


def mathml(formula: str, *, block: bool = True) -> Markup:
    """A formula as a ``math`` element.

    Parameters
    ----------
    formula : str
        LaTeX, without dollar signs.
    block : bool
        On a line of its own.

    Raises
    ------
    ConfigError
        If a part cannot be read.

    Examples
    --------
    >>> mathml("a_i", block=False)
    Markup('<math><mrow><msub><mi>a</mi><mi>i</mi></msub></mrow></math>')
    """
    _check_signs(formula)
    try:
        tree = convert_to_element(formula, display="block")
    except Exception as error:
        what = str(error) or type(error).__name__
        raise _error(formula, f"cannot be read: {what}") from error
    tree.attrib.clear()
    if block:
        tree.set("display", "block")
    for node in tree.iter():
        _read_text(node)
        _join_upright(node)
        _check(node, formula)
        _mend_leaf(node)
    for node in tree.iter():
        _mend_limits(node)
        _mend_hat(node)
        _space_functions(node)
    return Markup(ET.tostring(tree, encoding="unicode", short_empty_elements=False))


def _error(formula: str, what: str) -> ConfigError:
    return ConfigError("formula", f"{formula!r} {what}. Expected the mathematics of LaTeX.")


def _check_signs(formula: str) -> None:
    """latex2mathml closes what is open at the end, shows a brace too many, and drops what follows a %."""
    if not formula.isprintable():
        raise _error(formula, "has a character that cannot be shown")
    depth = 0
    for sign in re.findall(r"\\.|[{}%$]", formula):
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            raise _error(formula, "has a } without its {")
        if depth > DEEPEST:
            raise _error(formula, "is nested too deeply")
        if sign in ("%", "$"):
            raise _error(formula, f"has a {sign}")
    if depth:
        raise _error(formula, "has a { without its }")


def _read_text(node: ET.Element) -> None:
    """Signs come as entities that only its own writer would resolve."""
    if node.text:
        node.text = html.unescape(node.text)


def _join_upright(node: ET.Element) -> None:
    r"""``\mathrm{opt}`` comes letter by letter: one name is set, and read aloud, as one."""
    letters = list(node)
    if len(letters) > 1 and all(c.get("mathvariant") == "normal" for c in letters):
        name = "".join(html.unescape(c.text or "") for c in letters)
        node[:] = []
        node.tag, node.text = "mi", name


def _check(node: ET.Element, formula: str) -> None:
    if node.tag not in ARITY:
        raise _error(formula, f"needs <{node.tag}>, which browsers do not set")
    if "href" in node.attrib:
        raise _error(formula, "has a link")
    expected = ARITY[node.tag]
    if expected is not None and len(node) != expected:
        raise _error(formula, f"has <{node.tag}> with {len(node)} parts, not {expected}")
    if expected != 0:
        if node.text:
            raise _error(formula, f"has loose text, {node.text!r}")
    elif "\\" in (node.text or ""):
        raise _error(formula, f"has {node.text}, which is not known")


def _mend_leaf(node: ET.Element) -> None:
    sign = node.text or ""
    if node.tag == "mi" and sign and not sign.isalpha():
        node.tag = "mo"  # such as a colon, which comes without its space
    if node.tag != "mo":
        return
    if sign and sign in BIG:
        # Large by its font size: only a font with a table of mathematics would have it large.
        node.attrib |= {"largeop": "false", "movablelimits": "false", "class": "sum"}
    elif sign and sign in TIGHT:
        node.attrib |= {"lspace": "0", "rspace": "0"}


def _mend_limits(node: ET.Element) -> None:
    r"""Between ``\left`` and ``\right``, limits of a sum come beside it instead of above and below."""
    if node.tag in LIMITS and node[0].get("class") == "sum":
        node.tag = LIMITS[node.tag]


def _mend_hat(node: ET.Element) -> None:
    """A hat set apart would strike the line of a fraction; the combined letter stays close."""
    if node.tag != "mover" or node[1].text != "^":
        return
    letter = "".join(node[0].itertext())
    if len(letter) == 1:
        node[:] = []
        node.attrib.clear()
        node.tag, node.text = "mi", unicodedata.normalize("NFC", f"{letter}\u0302")
        node.set("class", "slanted")


def _space_functions(node: ET.Element) -> None:
    r"""``\log T`` comes as "logT"; a bracket needs no space."""
    if node.tag not in ("math", "mrow", "msqrt", "mtd"):
        return
    children = list(node)
    for child, after in zip(children[::-1][1:], children[::-1], strict=False):
        name = child[0] if child.tag in LIMITS else child
        first = next(iter(after.itertext()), "")
        if name.tag == "mi" and len(name.text or "") > 1 and first not in ("(", "[", ",", ""):
            node.insert(list(node).index(child) + 1, ET.Element("mspace", width="0.15em"))
