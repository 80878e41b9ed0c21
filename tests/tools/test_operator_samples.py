"""PyTorch's operator samples on this engine, where `make torch` has been; and the comparison itself."""

import re
import subprocess
from pathlib import Path

import numpy as np
import operator_mapping
import operator_samples
import pytest
from operator_mapping import OPERATORS

import autograd_core as ag

ROOT = Path(__file__).resolve().parents[2]
TORCH = ROOT / ".environments" / "torch" / "bin" / "python"
PARTS = 4  # each loads PyTorch and its samples first, which takes some ten seconds


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_the_samples_of_pytorchs_operators_come_to_the_same(part):
    if not TORCH.exists():
        pytest.skip("SKIPPED: PyTorch's operator samples; `make torch` fetches it")
    command = [str(TORCH), "tools/operator_samples.py", "--part", f"{part}/{PARTS}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[:5000] + done.stderr[-3000:]
    assert re.search(r"^value .*\d+ agree", done.stdout, re.MULTILINE)


def test_what_is_expected_names_operators_and_stages_that_there_are():
    for operator, stages, pattern, words in operator_samples.EXPECTED:
        assert any(re.fullmatch(operator, name) for name in OPERATORS), operator
        assert any(re.fullmatch(stages, stage) for stage in operator_samples.TOLERANCES), stages
        re.compile(pattern)
        assert words


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ([1.0, np.nan], [1.0, np.nan], None),
        ([np.inf], [np.inf], None),
        ([1e8 + 1e-3], [1e8], None),
        ([1.0], [1.0 + 1e-9], "where PyTorch has"),
        ([np.nan], [1.0], "where PyTorch has"),
        ([1.0], [[1.0]], "shape"),
        ([0.0, 1.0], [np.inf, 1.0], "where PyTorch has"),
    ],
)
def test_a_difference_is_seen(ours, theirs, said):
    found = operator_samples.distance(np.array(ours), np.array(theirs), 1e-10)
    assert found is None if said is None else said in found


def test_the_tally_counts_and_keeps_what_nobody_expects(monkeypatch):
    expected = (("fmod", "second", "0.5", "for a reason"),)
    monkeypatch.setattr(operator_samples, "EXPECTED", expected)
    tally = operator_samples.Tally()
    tally.agreed("value", "fmod")
    tally.left_out("value", "an option")
    tally.differed("second", "fmod", "(…)", "0.5, where PyTorch has 0.25")
    assert tally.news == []
    tally.differed("first", "fmod", "(…)", "0.5, where PyTorch has 0.25")
    tally.differed("second", "fmod", "(…)", "7.0, where PyTorch has 0.25")
    tally.differed("second", "remainder", "(…)", "0.5, where PyTorch has 0.25")
    assert len(tally.news) == 3
    assert "value     1 agree, 1 left out (1 operators)" in str(tally)
    assert "for a reason" in str(tally)


def test_samples_are_spread_from_first_to_last():
    assert operator_samples.spread(list(range(5)), 9) == [0, 1, 2, 3, 4]
    assert operator_samples.spread(list(range(101)), 5) == [0, 25, 50, 75, 100]
    assert operator_samples.spread([1, 2], 1) == [1]


def test_the_words_for_operators_are_of_this_engine():
    x = ag.tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True)
    assert float(OPERATORS["sum"](x)) == 11.0
    assert OPERATORS["sum"](x, (), True).shape == (1, 1)
    np.testing.assert_allclose(OPERATORS["var"](x, 0).numpy(), [2.0, 4.5])
    with pytest.raises(operator_mapping.Unsupported):
        OPERATORS["bfloat16"](x)
    y = OPERATORS["nn.functional.conv1d"](x[None], ag.tensor(np.ones((1, 2, 2))))
    np.testing.assert_allclose(y.numpy(), [[[11.0]]])
