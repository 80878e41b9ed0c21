"""The README is true: its Python blocks run, in order, and its printed program is what is printed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

import autograd_core as ag

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text()


def test_every_block_runs(tmp_path, run_script):
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) >= 8
    script = tmp_path / "readme.py"
    script.write_text("\n".join(blocks) + "\nprint('test error:', error)\nassert error <= 0.04\n")
    printed = run_script(script)
    assert "PROVED" in printed
    assert "written after" in printed
    for name in ("graph.svg", "subnetwork.svg", "mask.png", "history.png"):
        assert (tmp_path / name).stat().st_size > 1000


def test_the_printed_program_is_what_is_printed():
    printed = str(ag.trace(ag.grad(lambda w: ag.sum(ag.exp(w))))(np.ones(3)))
    assert printed in TEXT


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target
