"""A file is all that has to be written: dropped into its folder, it is found, tested, listed.

In a copy of the repository, one new file for each folder of many like things, among them the worked
examples of CONTRIBUTING.md; then `make docs`, their own tests, and the contract tests, which know nothing
of the new files.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import docs
import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("autograd_core", "analysis", "gradproof", "nn", "optim", "viz")
# The worked examples of CONTRIBUTING.md, as they stand there, with their tests.
TOLD = dict(
    re.findall(
        r"```python\n# (\S+)\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL
    )
)
FILES = {
    "nn/losses/smooth.py": '''
"""Smooth losses."""

import autograd_core as ag

from ..contract import Example
from ..module import Module

__all__ = ["LogCoshLoss"]


class LogCoshLoss(Module):
    """Mean of log cosh(Y − d).

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.LogCoshLoss()(np.zeros(2), np.zeros(2)))
    0.0
    """

    @classmethod
    def example(cls):
        """Rows."""
        return Example(cls, calls=[[(5, 3), (5, 3)]])

    def forward(self, output, targets):
        """Return the mean, shape ()."""
        return ag.mark(ag.mean(ag.log(ag.cosh(output - targets))), role="loss")
''',
    "nn/regularizers/quartic.py": '''
"""Fourth powers."""

import autograd_core as ag

from ..contract import Example
from ..module import Module

__all__ = ["Quartic"]


class Quartic(Module):
    """Penalty on fourth powers of the weights.

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(nn.Quartic()([np.array([2.0])]))
    16.0
    """

    @classmethod
    def example(cls):
        """One matrix."""
        return Example(cls, calls=[[[(5, 3)]]])

    def forward(self, weights):
        """Return the penalty, shape ()."""
        return sum(ag.sum(ag.square(ag.square(w))) for w in weights)
''',
    "nn/initializers/triangles.py": '''
"""Sums of two draws."""

from autograd_core.randomness import source_of

__all__ = ["triangular"]


def triangular(shape, *, rng=None, dtype="float32"):
    """Draw from the triangle over (−1, 1)."""
    rng = source_of(rng, "triangular").generator
    return (rng.uniform(-0.5, 0.5, shape) + rng.uniform(-0.5, 0.5, shape)).astype(dtype)
''',
    "nn/data/augmentation/brightness.py": '''
"""Light."""

import autograd_core as ag

from ...contract import Example
from ...module import Module

__all__ = ["Brightness"]


class Brightness(Module):
    """Images made brighter by an amount, in training alone.

    Examples
    --------
    >>> import nn
    >>> float(nn.data.Brightness(0.5)(1.0))
    1.5
    """

    def __init__(self, amount):
        self.amount = float(amount)

    @classmethod
    def example(cls):
        """Small images."""
        return Example(cls, (0.5,), calls=[[(5, 2, 2)]])

    def forward(self, x):
        """Add the amount."""
        return ag.add(x, self.amount) if self.training else ag.identity(x)
''',
}
FILES |= {
    path: text for path, text in TOLD.items() if any(path.startswith(f) for f in docs.FOLDERS)
}
NAMES = {path: re.search(r'__all__ = \["(\w+)"\]', text)[1] for path, text in FILES.items()}
# Which tests of which file each of them must have passed, by a word in their names.
ASKED = {
    "Wave": ("compiled_it_computes", "gradient_is_proved", "drawn", "state_carries", "gallery"),
    "LogCoshLoss": (
        "compiled_it_computes",
        "gradient_is_proved",
        "drawn",
        "state_carries",
        "gallery",
    ),
    "Quartic": ("compiled_it_computes", "gradient_is_proved", "drawn", "state_carries"),
    "Brightness": ("compiled_it_computes", "gradient_is_proved", "drawn", "state_carries"),
    "triangular": ("finite_values", "layer_takes_it", "fresh_seed"),
    "Forgetful": ("compiled_step", "rule_is_pure", "through_a_file"),
    "Hyperbola": ("values_on_symbols", "optimizer_follows"),
    "Balanced": ("stage_sees", "native_code", "single_precision", "goes_on_bit_for_bit"),
    "parabola": ("statement_holds", "reader_can_see", "gallery"),
    "H1": ("comes_out_as_declared", "says_what_it_is", "every_claim_has_one"),
    "heavy-ball": ("runs_is_recorded", "equal_seeds", "statement_can_fail", "its_help"),
}
DUE = {"nothing_in_this_repository": ("out_of_date",)}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The repository with the new files in it, after `make docs`."""
    root = tmp_path_factory.mktemp("house")
    for part in (*PACKAGES, "tools", "tests"):
        shutil.copytree(ROOT / part, root / part, copy_function=shutil.copy2)
    for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md", "Makefile"):
        shutil.copy2(ROOT / name, root / name)
    for path, text in {**TOLD, **FILES}.items():
        (root / path).write_text(text.lstrip("\n"), encoding="utf-8")
    for path, text in docs.due(root).items():
        path.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize("path", FILES)
def test_it_stands_in_the_table_of_its_page(house, path):
    page = docs.FOLDERS[max((f for f in docs.FOLDERS if path.startswith(f)), key=len)]
    inside = path.removeprefix(page.partition("/")[0] + "/")
    rows = (house / page).read_text(encoding="utf-8").splitlines()
    assert any(row.startswith(f"| [`{NAMES[path]}`]({inside}) | ") for row in rows)


def test_the_contract_tests_find_it_and_pass(house):
    pytest.importorskip("llvmlite")
    pytest.importorskip("matplotlib")
    files = [
        "tests/nn/test_layer_contract.py",
        "tests/nn/initializers/test_initializer_contract.py",
        "tests/optim/test_optimizer_contract.py",
        "tests/optim/schedules/test_schedule_contract.py",
        "tests/optim/transforms/test_transform_contract.py",
        "tests/contracts/test_every_figure.py",
        "tests/contracts/test_every_claim.py",
        "tests/contracts/test_killing_mutants.py",
        "tests/contracts/test_every_rng.py",
        "tests/gradproof/pages/test_gallery.py",
        "tests/gradproof/reproductions/test_every_reproduction.py",
        "tests/tools/test_docs.py",
    ]
    words = " or ".join(
        f"({name} and ({' or '.join(asked)}))" for name, asked in {**ASKED, **DUE}.items()
    )
    own_tests = [path for path in TOLD if Path(path).name.startswith("test_")]
    files += own_tests
    own = " or ".join(Path(path).stem for path in own_tests)
    options = ["-q", "-rA", "--apart", "-p", "no:cacheprovider", "-k", f"{words} or {own}", *files]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=house,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    passed = re.findall(r"^PASSED (\S.*)$", done.stdout, re.MULTILINE)
    for path in own_tests:
        assert any(test.startswith(path) for test in passed), path
    for name, asked in {**ASKED, **DUE}.items():
        mine = [test for test in passed if name in test]
        missing = [word for word in asked if not any(word in test for test in mine)]
        assert not missing, (name, missing, mine)
