"""Paths that a user gives: regular files, links, pipes, devices and descriptors."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from rnn_tasks import user_files
from rnn_tasks.errors import UserError
from rnn_tasks.user_files import reading, writing

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices and gives files away")


def write(path, *lines):
    with writing(Path(path), str(path)) as line:
        for text in lines:
            line(text)


def failed(path, *lines):
    with pytest.raises(UserError) as error:
        write(path, *lines)
    return str(error.value).removeprefix(f"{path}: ")


def fail_halfway(path):
    before = path.exists() and path.read_bytes()
    with contextlib.suppress(ZeroDivisionError), writing(path, "out") as line:
        line("half")
        assert (path.exists() and path.read_bytes()) == before
        raise ZeroDivisionError


def test_a_regular_file_has_all_or_what_it_had(tmp_path):
    path = tmp_path / "new" / "deep" / "out"
    fail_halfway(path)
    assert list(tmp_path.iterdir()) == []
    write(path, "é\u2028", "")
    assert path.read_bytes() == "é\u2028\n\n".encode()
    fail_halfway(path)
    assert path.read_bytes() == "é\u2028\n\n".encode()
    write(path)
    assert path.read_bytes() == b""
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_has_the_mode_of_every_new_file_and_an_old_one_keeps_its_own(tmp_path):
    plain, new, old = tmp_path / "plain", tmp_path / "new", tmp_path / "old"
    plain.touch()
    write(new, "x")
    assert new.stat().st_mode == plain.stat().st_mode
    old.touch()
    old.chmod(0o640)
    write(old, "x")
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


@root
def test_an_old_file_keeps_its_owner(tmp_path):
    path = tmp_path / "out"
    path.touch()
    os.chown(path, 1234, 5678)
    path.chmod(0o4750)
    write(path, "x")
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1234, 5678, 0o4750)


def test_links_are_followed_also_one_to_nothing(tmp_path):
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "target"
    (tmp_path / "first").symlink_to("second")
    (tmp_path / "second").symlink_to("there/target")
    for text in ("new", "old"):
        write(tmp_path / "first", text)
        assert target.read_text() == f"{text}\n"
        assert not target.is_symlink()
    assert os.readlink(tmp_path / "first") == "second"
    assert os.readlink(tmp_path / "second") == "there/target"
    assert sorted(os.listdir(tmp_path)) == ["first", "second", "there"]


def test_a_pipe_gets_each_line_at_once_and_stays_a_pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    found = []

    def read():
        with path.open() as file:
            found.extend((file.readline(), told.set(), file.read()))

    told = threading.Event()
    reader = threading.Thread(target=read)
    reader.start()
    with writing(path, "pipe") as line:
        line("one")
        assert told.wait(30)
        line("two")
    reader.join()
    assert found == ["one\n", None, "two\n"]
    assert path.is_fifo()


@root
def test_a_device_is_written_through(tmp_path):
    null, full = tmp_path / "null", tmp_path / "full"
    os.mknod(null, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(full, stat.S_IFCHR | 0o666, os.makedev(1, 7))
    (tmp_path / "link").symlink_to("null")
    try:
        write(tmp_path / "link", "x")
    except UserError:
        pytest.skip("devices do not work on this file system")
    assert null.is_char_device()
    assert failed(full, "x") == "cannot be written (No space left on device)"
    assert full.is_char_device()
    assert sorted(os.listdir(tmp_path)) == ["full", "link", "null"]


def test_a_descriptor_is_shared_not_opened_anew(tmp_path):
    path = tmp_path / "out"
    with path.open("w+b", buffering=0) as file:
        file.write(b"head\n")
        (tmp_path / "link").symlink_to(f"/dev/fd/{file.fileno()}")
        write(tmp_path / "link", "body")
        file.write(b"foot\n")
        assert path.read_bytes() == b"head\nbody\nfoot\n"
        file.seek(5)
        with reading(tmp_path / "link", "link") as lines:
            assert list(lines) == ["body", "foot"]
    assert failed("/dev/fd/999") == "cannot be written (Bad file descriptor)"


def test_a_file_whose_directory_does_not_let_it_be_replaced_is_overwritten(tmp_path, monkeypatch):
    path = tmp_path / "out"
    path.write_text("a long old text\n")
    inode = path.stat().st_ino

    def busy(*_):
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(user_files.os, "replace", busy)
    write(path, "new")
    assert path.read_text() == "new\n"
    assert path.stat().st_ino == inode
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "loop").symlink_to("loop")
    assert failed(tmp_path) == "cannot be written (Is a directory)"
    assert failed(tmp_path / "file" / "x") == "cannot be written (File exists)"
    assert failed(tmp_path / "loop") == "cannot be written (Too many levels of symbolic links)"
    assert failed(tmp_path / ("x" * 300)) == "cannot be written (File name too long)"
    assert failed("/proc/new/out") == "cannot be written (No such file or directory)"
    monkeypatch.setattr(user_files.os, "access", lambda *_: False)
    assert failed(tmp_path / "file", "new") == "cannot be written (Permission denied)"
    assert (tmp_path / "file").read_text() == "kept"
    assert sorted(os.listdir(tmp_path)) == ["file", "loop"]


def test_a_full_disk_is_one_line(tmp_path):
    assert failed("/dev/full", "x") == "cannot be written (No space left on device)"


def test_a_reader_that_has_seen_enough_is_no_mistake(tmp_path):
    read, end = os.pipe()
    os.close(read)
    with pytest.raises(BrokenPipeError):
        write(Path(f"/dev/fd/{end}"), "x")
    os.close(end)


def test_pipes_can_be_read_and_what_cannot_is_named(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (
        subprocess.Popen(["sh", "-c", 'echo one > "$1"', "sh", tmp_path / "pipe"]),
        reading(tmp_path / "pipe", "pipe") as lines,
    ):
        assert list(lines) == ["one"]
    for path, reason in (
        (tmp_path, "is a directory; a file is wanted"),
        (Path("/dev/fd/999"), "cannot be read (Bad file descriptor)"),
    ):
        with pytest.raises(UserError) as error, reading(path, "it"):
            pass
        assert str(error.value) == f"it: {reason}"
