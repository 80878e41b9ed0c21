"""Folders that are refused before any work is done, and files that appear whole or not at all."""

import os
from pathlib import Path

import pytest

from autograd_core.errors import ConfigError
from gradproof import output


def test_a_folder_is_made_with_its_parents(tmp_path):
    made = output.prepare(tmp_path / "a" / "b")
    assert made == tmp_path / "a" / "b"
    assert made.is_dir()
    assert list(made.iterdir()) == []


def test_what_lies_in_the_folder_stays(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    output.prepare(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_relative_folder_is_meant_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert output.prepare("report") == tmp_path / "report"


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "report").write_text("mine")
    with pytest.raises(ConfigError, match=r"--out: .*report is a file\. .*Choose another"):
        output.prepare(tmp_path / "report")
    assert (tmp_path / "report").read_text() == "mine"


def test_a_file_on_the_way_to_the_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written to"):
        output.prepare(tmp_path / "file" / "report")


def test_a_folder_that_takes_no_files_is_refused(tmp_path, monkeypatch):
    def refused(self, data):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_bytes", refused)
    with pytest.raises(ConfigError, match=r"cannot be written to \(Read-only file system\)"):
        output.prepare(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_of_somebody_else_is_refused(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(ConfigError, match="Permission denied"):
        output.prepare(tmp_path)


def test_text_is_written_as_utf_8(tmp_path):
    output.write(tmp_path / "page", "∂ẑ\n")
    assert (tmp_path / "page").read_bytes() == "∂ẑ\n".encode()


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    page = tmp_path / "page"
    page.write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), fail)
    with pytest.raises(OSError, match="No space left"):
        output.write(page, "new")
    assert page.read_text() == "old"
    assert list(tmp_path.iterdir()) == [page]


def test_ctrl_c_during_a_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        output.write(tmp_path / "page", "new")
    assert list(tmp_path.iterdir()) == []
