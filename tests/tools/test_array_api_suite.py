"""The runner of the array API's suite, on a suite of a few tests that stands for it."""

import re

import array_api_suite as suite
import pytest

CONFTEST = """
import hypothesis

def pytest_addoption(parser):
    parser.addoption("--max-examples", type=int)
    parser.addoption("--disable-deadline", action="store_true")
"""
HELPERS = """
import os
from array_api_tests import xp

assert os.environ["ARRAY_API_TESTS_SKIP_DTYPES"] == "complex64,complex128"
dtype_nbits, complex_dtypes = {}, ()
dtype_to_name = {}
widest_complex_dtype = max(
    [(dt, dtype_nbits[dt]) for dt in complex_dtypes], key=lambda x: x[1]
)[0]
"""
SIGNATURES = """
import inspect
import pytest
from array_api_tests import dtype_helpers as dh, xp

name = dh.dtype_to_name[dh.widest_complex_dtype]  # when it is imported

def test_the_engine_is_asked(json_metadata):
    assert json_metadata == {} and name == "complex128"
    assert xp.__name__ == "autograd_core.array_api"
    assert float(xp.sum(xp.asarray([1.0, 2.0]))) == 3.0

def test_has_no_setitem():
    xp.zeros(3)[0] = 1.0

@pytest.mark.skip(reason="no time")
def test_skipped():
    pass
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "array_api_tests").mkdir()
    (tmp_path / "array-api" / "spec").mkdir(parents=True)
    for name, text in {
        "pytest.ini": "[pytest]\n",
        "conftest.py": CONFTEST,
        "array_api_tests/__init__.py": "import importlib, os\nxp = importlib.import_module(os.environ['ARRAY_API_TESTS_MODULE'])\n",
        "array_api_tests/dtype_helpers.py": HELPERS,
        "array_api_tests/test_signatures.py": SIGNATURES,
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_suite_is_run_against_the_engine_and_left_as_it_is(folder, capfd):
    before = sorted(path for path in folder.rglob("*"))
    assert suite.main([str(folder)]) == 0
    said = capfd.readouterr().out
    assert "1  a tensor is written by assign under no_grad  (test_has_no_setitem)" in said
    assert "array API: 1 passed, 1 failed, 0 of them unexpected, 1 skipped" in said
    assert sorted(path for path in folder.rglob("*")) == before


def test_what_nobody_expects_fails_and_is_shown(folder, capfd):
    with open(folder / "array_api_tests" / "test_signatures.py", "a") as file:
        file.write("\ndef test_news():\n    assert xp.pi == 3, 'tau'\n")
    assert suite.main([str(folder), "-k", "news"]) == 1
    said = capfd.readouterr().out
    assert "NEW   array_api_tests/test_signatures.py::test_news" in said
    assert "1 failed, 1 of them unexpected" in said


def test_without_a_suite_it_is_said_how_to_get_one(tmp_path, folder):
    with pytest.raises(SystemExit, match="clone that repository"):
        suite.main([""])
    with pytest.raises(SystemExit, match="is no checkout of data-apis/array-api-tests"):
        suite.main([str(tmp_path / "nowhere")])
    (folder / "array-api" / "spec").rmdir()
    with pytest.raises(SystemExit, match="git submodule update --init"):
        suite.main([str(folder)])


def test_a_suite_that_does_not_run_is_no_success(folder):
    (folder / "conftest.py").write_text("raise RuntimeError('broken')")
    with pytest.raises(SystemExit, match="did not run to its end"):
        suite.main([str(folder)])


def test_patterns_are_patterns_with_reasons():
    for pattern, words in suite.EXPECTED:
        re.compile(pattern)
        assert words
    assert suite.reason("test_x", "AssertionError: 1 == 2") is None
