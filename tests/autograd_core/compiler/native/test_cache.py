"""Object code on disk: found again, and made anew where it is damaged, stale or not to be had."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest

import autograd_core as ag

pytest.importorskip("llvmlite")

from autograd_core.compiler.native import cache
from autograd_core.compiler.native.machine import Machine, host

TEXT = """define i32 @answer() {
  ret i32 42
}"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    folder = tmp_path / "objects"
    monkeypatch.setenv("GRADPROOF_CACHE", str(folder))
    return folder


@pytest.fixture
def made(monkeypatch):
    """The texts that LLVM was asked for."""
    texts = []
    assemble = Machine.assemble
    monkeypatch.setattr(
        Machine, "assemble", lambda self, text: texts.append(text) or assemble(self, text)
    )
    return texts


def answer(code):
    import ctypes

    return host().load(code).function("answer", ctypes.c_int32)()


def test_what_was_made_is_found_again(place, made):
    first, found = cache.assembled(host(), TEXT)
    assert not found
    again, found = cache.assembled(host(), TEXT)
    assert found
    assert again == first
    assert made == [TEXT]
    assert answer(again) == 42
    assert [path.suffix for path in place.iterdir()] == [".o"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda held: b"",
        lambda held: held[:20],
        lambda held: held[:32],
        lambda held: held[:-1],
        lambda held: held + b"\0",
        lambda held: held[:100] + bytes([held[100] ^ 1]) + held[101:],
        lambda held: bytes(len(held)),
    ],
)
def test_a_damaged_file_is_made_anew(place, made, damage):
    code, _ = cache.assembled(host(), TEXT)
    (path,) = place.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    again, found = cache.assembled(host(), TEXT)
    assert not found
    assert answer(again) == 42
    assert len(made) == 2
    assert path.read_bytes()[:32] == whole[:32]
    assert cache.assembled(host(), TEXT) == (code, True)


def test_other_code_processors_and_versions_have_files_of_their_own(place, made, monkeypatch):
    cache.assembled(host(), TEXT)
    cache.assembled(host(), TEXT.replace("42", "43"))
    cache.assembled(dataclasses.replace(host(), features=""), TEXT)
    cache.assembled(host("baseline"), TEXT)
    monkeypatch.setattr(cache, "versions", lambda: ("0.0", "0.0"))
    cache.assembled(host(), TEXT)
    monkeypatch.setattr(cache, "_package", lambda: "another")
    cache.assembled(host(), TEXT)
    assert len(made) == len(list(place.iterdir())) == 6


def test_no_folder_is_no_error(tmp_path, made, monkeypatch):
    file = tmp_path / "a file"
    file.write_text("not a folder")
    for given in (str(file / "objects"), ""):
        monkeypatch.setenv("GRADPROOF_CACHE", given)
        for _ in range(2):
            code, found = cache.assembled(host(), TEXT)
            assert not found
            assert answer(code) == 42
    assert len(made) == 4
    assert file.read_text() == "not a folder"


def test_a_write_that_fails_leaves_nothing_behind(place, monkeypatch):
    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(cache.os, "replace", full)
    code, found = cache.assembled(host(), TEXT)
    assert not found
    assert answer(code) == 42
    assert not list(place.iterdir())


def test_threads_may_make_the_same_at_once(place):
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(cache.assembled(host(), TEXT)[0]))
        for _ in range(8)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(results) == 8
    assert set(map(answer, results)) == {42}
    assert len(list(place.iterdir())) == 1


def test_a_step_from_disk_computes_the_same(place):
    def f(x):
        return ag.sum(ag.tanh(x) ** 2)

    x = np.linspace(-2, 2, 37)
    first, again = ag.jit(f, backend="native"), ag.jit(f, backend="native")
    assert first(x).item() == again(x).item()
    assert ", made;" in str(ag.jit.explain(first))
    assert "from the cache on disk" in str(ag.jit.explain(again))
