"""The runner of another project's tests, without the network and without that project."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIM = ROOT / "tools" / "autograd_shim"


@pytest.fixture
def conformance(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("conformance", ROOT / "tools" / "conformance.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FOLDER", tmp_path / "fetched")
    module.FOLDER.mkdir()
    return module


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("DTypeError: np.tile: not supported on a Tensor. Use …", "missing function: np.tile"),
        ("DTypeError: np.linalg.foo: not supported on a Tensor", "missing function: np.linalg.foo"),
        (
            "autograd.scipy.ScipyError: autograd.scipy.linalg.sqrtm is not part of this engine",
            "missing function: scipy.linalg.sqrtm",
        ),
        ("np.linalg.eig: eigenvalues may be complex", "complex numbers: np.linalg.eig"),
        ("tensor: complex numbers are not supported.", "complex numbers"),
        ("autograd.internal.InternalInterfaceError: vspace is", "inside of HIPS/autograd: vspace"),
        ("DTypeError: np.fft.fft: not supported on a Tensor", "complex numbers: np.fft"),
        ("'Tensor' object has no attribute 'conj'", "missing name: conj"),
        (
            "TypeError: clip() got an unexpected keyword argument 'a_min'",
            "missing option: clip a_min",
        ),
        (
            "AssertionError: …-mode derivative at 0: analytic: nan",
            "NOT A NUMBER, where differences are finite",
        ),
        ("AssertionError: reverse-mode derivative at 1", "WRONG DERIVATIVE, reverse mode"),
        ("KeyError: 'a'\nmore", "other: KeyError: 'a'"),
        ("", "other: no message"),
    ],
)
def test_failures_are_put_in_groups(conformance, error, words):
    assert conformance.reason("test_it", error) == words


def test_a_name_tells_where_the_error_does_not(conformance):
    found = conformance.reason("a.py::test_grad_through_dataarray", "assert np.float64(0.0) == 6.0")
    assert found == "tensor times xarray.DataArray, in that order"


def test_another_archive_is_refused_and_deleted(conformance):
    archive = conformance.FOLDER / "autograd-1.9.1.tar.gz"
    archive.write_bytes(b"something else")
    with pytest.raises(SystemExit, match="has SHA-256"):
        conformance.fetch()
    assert not archive.exists()


THEIRS = """
import pytest
import autograd.numpy as np
import autograd.numpy.random as npr
from autograd import grad, jacobian, hessian, make_hvp, make_jvp, elementwise_grad, value_and_grad
from autograd.core import vspace
from autograd.extend import primitive
from autograd.test_util import check_grads, combo_check

def test_right():
    combo_check(np.multiply, (0, 1))([0.5, npr.randn(3), npr.randn(2, 3)], [0.5, npr.randn(3)])
    check_grads(lambda x, y: np.sum(np.tanh(x) * y, axis=0), (0, 1))(npr.randn(2, 3), npr.randn(3))

def test_operators():
    x = np.array([0.5, 1.5])
    f = lambda x: np.sum(x ** 3)
    assert np.allclose(grad(f)(x), 3 * x ** 2)
    assert grad(lambda x: x * x)(3.0) == 6.0
    assert np.allclose(elementwise_grad(np.sin)(x), np.cos(x))
    assert np.allclose(jacobian(np.sin)(x), np.diag(np.cos(x)))
    assert np.allclose(hessian(f)(x), np.diag(6 * x))
    assert np.allclose(make_hvp(f)(x)[0](np.ones(2)), 6 * x)
    assert np.allclose(make_jvp(np.sin)(x)(np.ones(2))[1], np.cos(x))
    value, slope = value_and_grad(lambda p: p["a"] * p["b"])({"a": 2.0, "b": 3.0})
    assert (value, slope) == (6.0, {"a": 3.0, "b": 2.0})

def test_left_out():
    check_grads(np.sin)(1.0 + 2.0j)
    check_grads(np.sin)(1.0)

def test_only_complex():
    combo_check(np.sin, 0)([1.0 + 2.0j, 3.0j])

def test_own_placeholder():
    with pytest.raises(NotImplementedError):
        grad(primitive(lambda x: x))(1.0)

def test_own_error():
    with pytest.raises(TypeError):
        grad(lambda x: x * np.ones(3))(1.0)

def test_of_itself():
    assert 1 + 1 == 2

def test_inside():
    vspace(1.0)

def test_scipy():
    import scipy.special
    import autograd.scipy.stats.norm as norm
    from autograd.scipy import linalg, special
    assert special.psi is scipy.special.psi  # whose tensors come back to the engine
    check_grads(special.psi)(1.5)
    check_grads(norm.logpdf, (0, 1, 2))(0.5, 0.1, 1.3)
    linalg.sqrtm(np.eye(2))

def test_wrong():
    check_grads(lambda x: x * float(x.detach() if hasattr(x, "detach") else x))(2.0)

@pytest.mark.skip(reason="no time")
def test_skipped():
    pass
"""


def test_a_suite_is_run_against_the_engine(conformance, capfd):
    folder = conformance.FOLDER / "suite"
    (folder / "tests").mkdir(parents=True)
    (folder / "tests" / "test_theirs.py").write_text(THEIRS)
    results = conformance.run(folder, [])
    outcomes = {
        name.split("::")[-1]: (outcome, error) for name, (outcome, error) in results.items()
    }
    assert outcomes["test_right"] == ("passed", "")
    assert outcomes["test_operators"] == ("passed", "")
    assert outcomes["test_left_out"] == ("passed on real numbers", "")
    for empty in ("only_complex", "own_placeholder", "own_error", "of_itself"):
        assert outcomes[f"test_{empty}"] == ("passed without a check", ""), empty
    assert outcomes["test_skipped"] == ("skipped", "Skipped: no time")
    reasons = {name: conformance.reason(name, error) for name, (_, error) in outcomes.items()}
    assert reasons["test_inside"] == "inside of HIPS/autograd: vspace"
    assert reasons["test_scipy"] == "missing function: scipy.linalg.sqrtm"
    assert reasons["test_wrong"].startswith("WRONG DERIVATIVE")


def test_the_shim_does_not_shadow_the_engine():
    script = "import autograd, numpy, json; import autograd.numpy as anp; print(json.dumps([autograd.__file__, anp is numpy]))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SHIM), str(ROOT)])},
        capture_output=True,
        text=True,
        check=True,
    )
    place, plain = json.loads(done.stdout)
    assert Path(place).is_relative_to(SHIM)
    assert plain


@pytest.mark.parametrize(("passed", "wrong", "code"), [(420, 0, 0), (419, 0, 1), (430, 1, 1)])
def test_the_goal_counts_what_passes_in_full_and_no_wrong_derivative(
    conformance, monkeypatch, capsys, passed, wrong, code
):
    results = {f"t{n}": ("passed", "") for n in range(passed)}
    results |= {f"r{n}": ("passed on real numbers", "") for n in range(50)}
    results |= {f"e{n}": ("passed without a check", "") for n in range(7)}
    results |= {
        f"w{n}": ("failed", "AssertionError: reverse-mode derivative at 1") for n in range(wrong)
    }
    for name in ("fetch", "beside"):
        monkeypatch.setattr(conformance, name, lambda: Path())
    monkeypatch.setattr(conformance, "run", lambda *args: results)
    assert conformance.main([]) == code
    said = capsys.readouterr().out
    assert f"{passed} of {len(results)} tests passed in full, 50 on real" in said
    assert "7 without checking anything" in said
    assert "   7  checks nothing of the engine  (e0, e1, e2, e3, e4, e5, e6)" in said
