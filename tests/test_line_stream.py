"""Lines from files, pipes and whoever writes them one by one."""

from __future__ import annotations

import os
import subprocess
import threading

import pytest

from rnn_tasks.errors import UserError
from rnn_tasks.line_stream import READ, LineStream, chunks


@pytest.fixture
def pipe():
    """(a stream, the end to write to), both closed at the end."""
    read, write = os.pipe()
    with os.fdopen(write, "wb", buffering=0) as file:
        yield LineStream(read, "the pipe"), file
    os.close(read)


def stream_of(path, content):
    path.write_bytes(content)
    return LineStream(os.open(path, os.O_RDONLY), path.name)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("a\u2028b\r\n\n c\x85d \nlast".encode(), ["a\u2028b", "", " c\x85d ", "last"]),
        ("\ufeffa\n\ufeffb\n".encode(), ["a", "\ufeffb"]),  # only the mark at the very beginning is none of the text
        (b"", []),
        (b"\n", [""]),
        (b"a\r", ["a"]),
        (b"\xef\xbb\xbfa\r\rb c\rlast", ["a", "", "b c", "last"]),  # as old Macs wrote
        (b"a\rb\r", ["a", "b"]),
        (b"a\rb\nc\rd", ["a\rb", "c\rd"]),
        (b"a\n\rb", ["a", "\rb"]),
        (b"x" * (3 * READ) + b"\ny", ["x" * (3 * READ), "y"]),
    ],
)
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_lines_end_at_newlines_only(tmp_path, content, lines, limit):
    assert list(stream_of(tmp_path / "lines", content)) == lines
    stream = stream_of(tmp_path / "lines", content)
    assert list(chunks(stream, limit)) == [lines[i : i + limit] for i in range(0, len(lines), limit)]
    assert stream.take(limit) == []


def test_what_has_come_is_taken_and_a_line_is_waited_for_until_its_end(pipe):
    stream, write = pipe
    write.write(b"one\n")
    assert stream.take(10) == ["one"]
    write.write(b"two\nthr")
    assert stream.take(10) == ["two"]
    threading.Timer(0.2, write.write, [b"ee\nfour\nfive\nsix"]).start()
    assert stream.take(2) == ["three", "four"]
    assert stream.take(2) == ["five"]
    write.close()
    assert stream.take(2) == ["six"]
    assert stream.take(2) == []


def test_a_stream_that_does_not_wait_by_itself_is_waited_for(pipe):
    stream, write = pipe
    os.set_blocking(stream.descriptor, False)
    threading.Timer(0.2, write.write, [b"one\n"]).start()
    assert stream.take(10) == ["one"]


def test_a_long_file_comes_in_full_chunks_also_through_a_pipe(tmp_path):
    content = b"".join(b"%059d\n" % i for i in range(20_000))
    path = tmp_path / "lines"
    path.write_bytes(content)
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as cat:
        found = list(chunks(LineStream(cat.stdout.fileno(), "cat"), 4096))
    assert [len(chunk) for chunk in found] == [4096] * 4 + [20_000 - 4 * 4096]
    assert found == list(chunks(stream_of(path, content), 4096))


def test_lines_before_one_that_is_not_utf8_are_given_first(tmp_path):
    stream = stream_of(tmp_path / "lines.txt", b"fine\nalso fine\ncaf\xe9\nlost\n")
    assert stream.take(100) == ["fine", "also fine"]
    for _ in range(2):
        with pytest.raises(UserError) as error:
            stream.take(100)
        assert str(error.value) == "lines.txt, line 3: not UTF-8 (byte 4 of the line)"


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UserError) as error:
        LineStream(os.open(tmp_path, os.O_RDONLY), "a folder").take(1)
    assert str(error.value) == "a folder: cannot be read (Is a directory)"


def test_other_lines_come_in_full_chunks():
    assert list(chunks(iter("abcde"), 2)) == [["a", "b"], ["c", "d"], ["e"]]
    assert list(chunks([], 2)) == []
