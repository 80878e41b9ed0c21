"""Folders that are refused before any work is done."""

import os

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
    def refused(*args):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "write", refused)
    with pytest.raises(ConfigError, match=r"cannot be written to \(Read-only file system\)"):
        output.prepare(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_of_somebody_else_is_refused(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(ConfigError, match="Permission denied"):
        output.prepare(tmp_path)
