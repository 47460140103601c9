"""Lines out of files: what is read, and each way in which a file can be wrong, told in one line."""

import gzip
import zipfile

import pytest

from rnn_tasks.errors import UserError
from rnn_tasks.text.lines import TextFile, aligned_pairs, files_in, read_lines

ACCEPTED = "accepted is UTF-8 text, or UTF-16 with a byte order mark"


def written(path, content: bytes) -> TextFile:
    path.write_bytes(content)
    return TextFile(path)


def zipped(path, members: dict[str, bytes]) -> TextFile:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return TextFile(path, next(iter(members)))


def message(read) -> str:
    with pytest.raises(UserError) as caught:
        list(read)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\ntwo", ["one", "two"]),
        (b"one\r\ntwo\r\n", ["one", "two"]),
        (b"\xef\xbb\xbfone\ntwo\n", ["one", "two"]),
        (b"one\n\ntwo\n", ["one", "", "two"]),
        ("a\u2028b\nc\x0bd\x0c\x1c\x85e\rf\n".encode(), ["a\u2028b", "c\x0bd\x0c\x1c\x85e\rf"]),
        ("Ça va\u202f?\n".encode(), ["Ça va\u202f?"]),
        (b"one\rtwo\r", ["one", "two"]),
        (b"one\r\rtwo", ["one", "", "two"]),
        ("été\r二\r".encode("utf-16"), ["été", "二"]),
        ("été\r\n二\re\r\n".encode("utf-16"), ["été", "二\re"]),
        (b"\xfe\xff" + "été\n二\n".encode("utf-16-be"), ["été", "二"]),
        ("été\n二".encode("utf-32"), ["été", "二"]),
        (b"\xef\xbb\xbfone\n\xef\xbb\xbftwo\n", ["one", "two"]),
    ],
)
def test_lines_end_at_line_feeds_and_without_any_at_returns(tmp_path, content, lines):
    assert list(read_lines(written(tmp_path / "a.en", content))) == lines
    assert list(read_lines(written(tmp_path / "a.en.gz", gzip.compress(content)))) == lines
    assert list(read_lines(zipped(tmp_path / "a.zip", {"a.txt": content}))) == lines


def test_invalid_utf8_names_file_line_and_byte(tmp_path):
    path = written(tmp_path / "train.fr", "bon\nça va\n".encode() + b"caf\xe9\nfin\n")
    assert message(read_lines(path)) == (
        f"{path}, line 3: invalid UTF-8 (byte 0xe9 at column 4); accepted is UTF-8 text"
    )


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"one\rtwo\rthree\nfour", ": 2 lines seem to end at CR, 1 at LF; accepted is one kind of line end in a file"),
        ("one\ntwo".encode("utf-16-le"), f", line 1: found a NUL character; {ACCEPTED}"),
        (b"one\n" * 90_000 + b"t\0wo\n", f", line 90001: found a NUL character; {ACCEPTED}"),
        (b"\xff\xfea\0\n\0b", ", after line 1: invalid UTF-16 (truncated data)"),
    ],
    ids=["mixed ends", "UTF-16 without mark", "NUL further down", "half a character"],
)  # fmt: skip
def test_what_is_unclear_is_named(tmp_path, content, wrong):
    path = written(tmp_path / "train.fr", content)
    assert message(read_lines(path)) == f"{path}{wrong}"


def test_invalid_utf8_is_found_in_compressed_files_too(tmp_path):
    path = written(tmp_path / "train.fr.gz", gzip.compress(b"bon\n\xff\n"))
    assert message(read_lines(path)).startswith(f"{path}, line 2: invalid UTF-8 (byte 0xff at column 1)")


@pytest.mark.parametrize("name", ["train.en", "train.en.gz", "train.zip"])
def test_an_empty_file_is_an_error(tmp_path, name):
    if name.endswith(".zip"):
        path = zipped(tmp_path / name, {"train.txt": b""})
    else:
        path = written(tmp_path / name, gzip.compress(b"") if name.endswith(".gz") else b"")
    assert message(read_lines(path)) == f"{path}: empty file; accepted is one sentence or pair a line"


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    path = TextFile(tmp_path / "train.en")
    assert message(read_lines(path)) == f"{path}: cannot be read (No such file or directory)"


def test_files_of_a_directory_and_of_an_archive(tmp_path):
    members = {"_about.txt": b"x", "__MACOSX/fra.txt": b"x", "data/fra.txt": b"Go.\tVa !\n", "README": b"x"}
    zipped(tmp_path / "a.zip", members)
    files = files_in(tmp_path / "a.zip")
    assert [(file.member, file.name, file.is_note) for file in files] == [
        ("README", "README", True),
        ("__MACOSX/fra.txt", "fra.txt", True),
        ("_about.txt", "_about.txt", True),
        ("data/fra.txt", "fra.txt", False),
    ]
    assert list(read_lines(files[-1])) == ["Go.\tVa !"]
    assert str(files[-1]) == f"{tmp_path}/a.zip/data/fra.txt"
    assert [(file.name, file.is_note) for file in files_in(tmp_path)] == [("a.zip", False)]


def test_aligned_files_give_pairs(tmp_path):
    source = written(tmp_path / "a.en", b"one\n\ntwo\n")
    target = written(tmp_path / "a.fr.gz", gzip.compress(b"un\nrien\ndeux\n"))
    assert list(aligned_pairs(source, target)) == [("one", "un"), ("", "rien"), ("two", "deux")]


@pytest.mark.parametrize(("source_lines", "target_lines"), [(3, 7), (7, 3), (4, 5), (5, 4)])
def test_unequal_line_counts_name_both_files_and_counts(tmp_path, source_lines, target_lines):
    source = written(tmp_path / "a.en", b"x\n" * source_lines)
    target = written(tmp_path / "a.fr", b"y\n" * target_lines)
    assert message(aligned_pairs(source, target)) == (
        f"{source} has {source_lines} lines but {target} has {target_lines}; "
        "accepted are files that translate each other line by line"
    )
