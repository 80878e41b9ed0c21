"""The part of LaTeX's mathematics that claims are written in, as MathML.

Groups, indices, powers, fractions, roots, sums, Greek letters, relations, functions and text.
Whatever else is met is an error: a formula is shown as it was meant or not at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from autograd_core.errors import ConfigError

from .markup import Markup, element

__all__ = ["mathml"]

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "phi": "φ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Sigma": "Σ", "Omega": "Ω",
}  # fmt: skip
SIGNS = {
    "approx": "≈", "cdot": "·", "equiv": "≡", "ge": "≥", "gg": "≫", "iff": "⇔", "in": "∈",
    "infty": "∞", "leftarrow": "←", "le": "≤", "ne": "≠", "odot": "⊙", "partial": "∂", "nabla": "∇",
    "pm": "±", "Rightarrow": "⇒", "times": "×", "to": "→", "top": "⊤", "dots": "…", "|": "‖",
    "{": "{", "}": "}",
}  # fmt: skip
FUNCTIONS = frozenset({"exp", "lim", "log", "max", "min", "sinh", "tanh"})
SPACES = {"quad": "1.2em", ",": "0.17em", ";": "0.28em"}
BIG = {"sum": "∑", "prod": "∏"}
FENCES = ("(", ")", "[", "]", "|")
DEEPEST = 50
TOKEN = re.compile(
    r"\\(?P<command>[A-Za-z]+|.)"
    r"|(?P<letter>[A-Z][a-z]+|[A-Za-z])"  # Div and Err are names, not products
    r"|(?P<number>\d+)|(?P<space>\s+)|(?P<sign>.)",
    re.DOTALL,
)


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
    '<math><mrow><msub><mi>a</mi><mi>i</mi></msub></mrow></math>'
    """
    row = _Reader(formula).row("")
    return element("math", row, display="block" if block else None)


class _Reader:
    """Reads a formula from left to right."""

    def __init__(self, formula: str) -> None:
        self._formula = formula
        self._tokens = list(_tokens(formula))
        self._place = 0
        self._depth = 0

    def row(self, end: str) -> Markup:
        """Everything up to ``end`` ("}", "right", or "" for the end), which is taken."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error("is nested too deeply")
        parts: list[Markup] = []
        while self._token() != end:
            if self._token() == "":
                raise self._error(f"ends where {end!r} was expected")
            parts.append(self._scripted())
        self._place += 1
        self._depth -= 1
        return element("mrow", *parts)

    def _token(self) -> str:
        """What comes next, a sign or a name, or "" at the end; a brace that is shown is no brace."""
        if self._place == len(self._tokens):
            return ""
        kind, token, _ = self._tokens[self._place]
        return f"\\{token}" if kind == "command" and not token.isalpha() else token

    def _scripted(self) -> Markup:
        """A part with its index and power."""
        big = self._token() in BIG
        base = self._part()
        below = above = None
        while self._token() in ("_", "^", "'"):
            sign = self._token()
            self._place += 1
            if sign == "_" and below is None:
                below = self._part()
            elif sign == "^" and above is None:
                above = self._part()
            elif sign == "'" and above is None:
                primes = "′"
                while self._token() == "'":
                    primes += "′"
                    self._place += 1
                above = element("mo", primes)
            else:
                raise self._error(f"has {sign} twice")
        if below is not None and above is not None:
            return element("munderover" if big else "msubsup", base, below, above)
        if below is not None:
            return element("munder" if big else "msub", base, below)
        if above is not None:
            return element("mover" if big else "msup", base, above)
        return base

    def _part(self) -> Markup:
        """One part: a group in braces, a command with its arguments, or a single token."""
        if self._place == len(self._tokens):
            raise self._error("ends where a part was expected")
        kind, token, _ = self._tokens[self._place]
        self._place += 1
        if kind == "letter":
            return element("mi", token)
        if kind == "number":
            return element("mn", token)
        if kind == "sign":
            return self._sign(token)
        if token in GREEK:
            return element("mi", GREEK[token])
        if token in ("partial", "nabla"):
            return element("mo", SIGNS[token], lspace="0", rspace="0")
        if token in SIGNS:
            return element("mo", SIGNS[token])
        if token in FUNCTIONS:
            return element("mrow", element("mi", token), element("mspace", width="0.15em"))
        if token in SPACES:
            return element("mspace", width=SPACES[token])
        if token in BIG:
            # Large by its font size: only a font with a table of mathematics would have it large.
            return element("mo", BIG[token], largeop="false", movablelimits="false", class_="sum")
        if token == "text":
            return element("mtext", self._raw().replace(" ", "\u00a0"))
        if token == "mathrm":
            return element("mi", self._raw())
        if token == "frac":
            return element("mfrac", self._part(), self._part())
        if token == "sqrt":
            return element("msqrt", self._part())
        if token == "hat":
            return self._hat()
        if token == "left":
            return self._fenced()
        raise self._error(f"has \\{token}, which is not known")

    def _sign(self, token: str) -> Markup:
        if token == "{":
            return self.row("}")
        if token in "}_^'":
            raise self._error(f"has a {token} with nothing before it")
        sign = {"-": "−", "*": "∗"}.get(token, token)
        if sign in FENCES:
            return element("mo", sign, fence="true", stretchy="false")
        return element("mo", sign)

    def _raw(self) -> str:
        """The characters of a group, as they stand."""
        start = self._tokens[self._place][2] if self._token() else len(self._formula)
        found = re.compile(r"\{([^{}\\]*)\}").match(self._formula, start)
        if found is None:
            raise self._error("has text without braces, or with commands in it")
        while self._place < len(self._tokens) and self._tokens[self._place][2] < found.end():
            self._place += 1
        return found[1]

    def _hat(self) -> Markup:
        letter = self._raw() if self._token() == "{" else self._token()
        self._place += letter == self._token()
        if not re.fullmatch("[A-Za-z]", letter):
            raise self._error("has a hat on something that is no letter")
        # A hat set apart would strike the line of a fraction; the combined letter stays close.
        return element("mi", unicodedata.normalize("NFC", f"{letter}\u0302"), class_="slanted")

    def _fenced(self) -> Markup:
        opening = self._fence()
        inside = self.row("right")
        return element("mrow", opening, inside, self._fence())

    def _fence(self) -> Markup:
        sign = self._token()
        if sign not in FENCES:
            raise self._error("has \\left or \\right without a bracket")
        self._place += 1
        return element("mo", sign, fence="true")

    def _error(self, what: str) -> ConfigError:
        return ConfigError(
            "formula", f"{self._formula!r} {what}. Expected the LaTeX of gradproof.pages.latex."
        )


def _tokens(formula: str) -> Iterator[tuple[str, str, int]]:
    """Each token with its kind and its place; spaces are left out."""
    for match in TOKEN.finditer(formula):
        kind = match.lastgroup
        if kind is not None and kind != "space":
            yield kind, match[kind], match.start()
