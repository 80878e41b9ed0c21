"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import stat
import threading

import pytest

import autograd_core as ag
from autograd_core import files
from autograd_core.errors import CheckpointError


def test_text_is_written_as_utf_8(tmp_path):
    files.write(tmp_path / "page", "∂ẑ\n")
    assert (tmp_path / "page").read_bytes() == "∂ẑ\n".encode()


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    page = tmp_path / "page"
    page.write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space left"):
        files.write(page, "new")
    assert page.read_text() == "old"
    assert list(tmp_path.iterdir()) == [page]


def test_ctrl_c_during_a_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write(tmp_path / "page", "new")
    assert list(tmp_path.iterdir()) == []


def test_permissions_are_those_that_were_asked_for(tmp_path):
    files.write(tmp_path / "own", b"1", durable=False, permissions=0o600)
    files.write(tmp_path / "shared", b"1")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "own").stat().st_mode) == 0o600 & ~mask
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o666 & ~mask


def test_who_reads_while_others_write_finds_one_of_them_whole(tmp_path):
    page = tmp_path / "page"
    contents = [bytes([n]) * 100_000 for n in range(3)]
    files.write(page, contents[0])

    def write(content):
        for _ in range(20):
            files.write(page, content, durable=False)

    writers = [threading.Thread(target=write, args=(c,)) for c in contents]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert page.read_bytes() in contents
        for name in os.listdir(tmp_path):
            assert name == "page" or files.is_temporary(name)
    for writer in writers:
        writer.join()
    assert os.listdir(tmp_path) == ["page"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without pipes that have names")
@pytest.mark.parametrize("linked", [False, True])
def test_what_is_no_file_stays_where_it_is(tmp_path, linked):
    """A device, a pipe: who may rename in /dev would take /dev/null away."""
    pipe = target = tmp_path / "pipe"
    os.mkfifo(pipe)
    if linked:
        target = tmp_path / "link"
        target.symlink_to(pipe)
    with pytest.raises(OSError, match="not a regular file"):
        files.write(target, "text")
    with pytest.raises(CheckpointError, match="not a regular file"):
        ag.save(target, {"a": [1.0]})
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)
    assert sorted(os.listdir(tmp_path)) == (["link", "pipe"] if linked else ["pipe"])
    assert target.is_symlink() == linked


@pytest.mark.skipif(os.name != "posix", reason="a system where links need a permission")
def test_of_a_link_the_file_that_it_leads_to_is_written(tmp_path):
    (tmp_path / "to").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "to" / "file")
    for text in ("first", "second"):  # where there is none yet, too
        files.write(link, text)
        assert link.is_symlink()
        assert (tmp_path / "to" / "file").read_text() == text
    assert os.listdir(tmp_path / "to") == ["file"]
