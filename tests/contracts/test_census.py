"""Every primitive under every evaluator: a rule, by itself or by its kind, or a reason why not.

A primitive is named at its declaration and where a reading is registered for it. ``gradproof functions
--readings`` prints the table.
"""

import ast
import statistics
from pathlib import Path

import pytest

import autograd_core as ag
from autograd_core import symbolic
from autograd_core.compiler import straight_line
from autograd_core.compiler.native import runner
from autograd_core.primitives import REGISTRY
from autograd_core.readings import READINGS, record_of
from autograd_core.transforms.batching import BATCHED
from gradproof import functions

ROOT = Path(ag.__file__).parents[1]
LOADED = symbolic, straight_line, runner  # whatever registers readings
OWN = {n: p for n, p in REGISTRY.items() if p.function.__module__.startswith("autograd_core.")}
NEEDED = [r for r in READINGS.values() if not r.optional]


@pytest.mark.together
@pytest.mark.parametrize("name", sorted(OWN))
def test_every_reading_has_each_primitive_or_a_reason(name):
    holes = [r.title for r in NEEDED if not r.how(OWN[name])]
    assert not holes, f"{name}: register a rule, or say absent(…, reason=…), for {holes}"


def test_what_is_registered_and_what_is_said_to_be_absent_is_there():
    assert {"vmap", "every size", "fixed shapes", "native code"} <= {r.title for r in NEEDED}
    for r in READINGS.values():
        for name in (*r.rules, *(n for n in r.reasons if isinstance(n, str))):
            assert name in REGISTRY, (r.title, name)
        assert not r.rules.keys() & r.reasons.keys(), r.title
        for kind in r.kinds.keys() & r.reasons.keys():
            raise AssertionError(f"{r.title}: a rule for {kind}, and a reason why there is none")


def test_the_table_shows_all_of_them():
    headings, rows = functions.readings()
    assert headings[2:] == list(READINGS)
    assert {row[0] for row in rows} == set(OWN)
    table = {row[0]: dict(zip(headings, row, strict=True)) for row in rows}
    assert table["matmul"]["vmap"] == "own"
    assert table["tanh"]["vmap"] == "kind"
    assert table["svd"]["every size"] == "absent"


def test_a_hole_is_found(declared):
    @ag.primitive(ag.kinds.View(lambda x: x))
    def upside_down(x: ag.ArrayLike):
        """Of a user, for which no evaluator has a rule."""
        return x[::-1]

    p = REGISTRY["upside_down"]
    titles = {r.title for r in NEEDED if not r.how(p)}
    assert titles == {"vmap", "native code"}  # proofs read views by running them
    with pytest.raises(ag.ConfigError, match=r"is no primitive"):
        record_of(len)
    BATCHED(upside_down)(lambda *_: None)
    assert BATCHED.how(p) == "own"


# --- names --------------------------------------------------------------------------------------

# Where the names of structural primitives are words of something else, or of the primitive's own file.
ELSEWHERE = {
    "gradproof/checker.py": "shares no code with what it checks",
    "autograd_core/compiler/meanings.py": "methods of NumPy's arrays",
    "autograd_core/dispatch.py": "names of NumPy",
    "gradproof/latex.py": "names of LaTeX",
}


def named(tree, names):
    """Names of primitives that stand as strings where code asks which primitive it has met."""

    def text(node):
        return node.value if isinstance(node, ast.Constant) and node.value in names else None

    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            found = [c for c in (text(c) for s in sides for c in ast.walk(s)) if c]
            if found and any("name" in ast.unparse(s) for s in sides):
                yield from found
        elif isinstance(node, ast.Subscript):
            if text(node.slice) and ast.unparse(node.value).endswith("REGISTRY"):
                yield text(node.slice)
        elif isinstance(node, (ast.Set, ast.Dict)):
            elements = node.elts if isinstance(node, ast.Set) else node.keys
            found = [text(e) for e in elements if e is not None]
            if found and all(found):
                yield from found


def test_structural_primitives_are_named_in_their_readings_and_hardly_anywhere_else():
    """A string that says which primitive is meant is a table that a new one is not in."""
    structural = {n for n, p in OWN.items() if not isinstance(p.kind, ag.Elementwise)}
    where = {n: set() for n in structural}
    for package in ("autograd_core", "nn", "optim", "analysis", "viz", "gradproof"):
        for file in (ROOT / package).rglob("*.py"):
            path = str(file.relative_to(ROOT))
            if path in ELSEWHERE:
                continue
            for name in named(ast.parse(file.read_text()), structural):
                if REGISTRY[name].function.__code__.co_filename != str(file):
                    where[name].add(path)
    counts = sorted(map(len, where.values()))
    most = {n: sorted(files) for n, files in where.items() if len(files) > 4}
    print(f"files that name a structural primitive: median {statistics.median(counts)}, {counts}")
    assert statistics.median(counts) <= 1
    assert not most, f"register a reading instead: {most}"
    assert sum(counts) <= TOTAL, f"more names than before: {where}"


TOTAL = 30  # of all structural primitives; may fall
