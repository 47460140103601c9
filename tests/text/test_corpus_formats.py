"""Sentence pairs out of files: what is read, and each way in which a file can be wrong, told in one line."""

import gzip
import zipfile

import pytest

from rnn_tasks.errors import UserError
from rnn_tasks.text.corpus_formats import aligned_pairs, read_lines, tab_separated_pairs


def written(path, content: bytes):
    path.write_bytes(content)
    return path


def zipped(path, members: dict[str, bytes]):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


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
    ],
    ids=["ends", "no last end", "CRLF", "BOM", "empty line", "other line boundaries", "narrow space"],
)
def test_lines_end_at_line_feeds_alone(tmp_path, content, lines):
    assert list(read_lines(written(tmp_path / "a.en", content))) == lines
    assert list(read_lines(written(tmp_path / "a.en.gz", gzip.compress(content)))) == lines
    assert list(read_lines(zipped(tmp_path / "a.zip", {"a.txt": content}))) == lines


def test_invalid_utf8_names_file_line_and_byte(tmp_path):
    path = written(tmp_path / "train.fr", "bon\nça va\n".encode() + b"caf\xe9\nfin\n")
    assert message(read_lines(path)) == (
        f"{path}, line 3: invalid UTF-8 (byte 0xe9 at column 4); accepted is UTF-8 text"
    )


def test_invalid_utf8_is_found_in_compressed_files_too(tmp_path):
    path = written(tmp_path / "train.fr.gz", gzip.compress(b"bon\n\xff\n"))
    assert message(read_lines(path)).startswith(f"{path}, line 2: invalid UTF-8 (byte 0xff at column 1)")


@pytest.mark.parametrize("name", ["train.en", "train.en.gz", "train.zip"])
def test_an_empty_file_is_an_error(tmp_path, name):
    path = tmp_path / name
    if name.endswith(".zip"):
        zipped(path, {"train.txt": b""})
    else:
        written(path, gzip.compress(b"") if name.endswith(".gz") else b"")
    assert message(read_lines(path)) == f"{path}: empty file; accepted is one sentence or pair a line"


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    path = tmp_path / "train.en"
    assert message(read_lines(path)) == f"{path}: cannot be read (No such file or directory)"


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


def test_tables_give_their_first_two_columns(tmp_path):
    path = written(tmp_path / "a.tsv", b"Go.\tVa !\tCC-BY 2.0\tmore\nRun!\tCours !\nHi.\t\n")
    assert list(tab_separated_pairs(path)) == [("Go.", "Va !"), ("Run!", "Cours !"), ("Hi.", "")]


def test_a_line_without_tab_names_file_and_line(tmp_path):
    path = written(tmp_path / "a.tsv", b"Go.\tVa !\nRun! Cours !\n")
    assert message(tab_separated_pairs(path)) == (
        f"{path}, line 2: no TAB in 'Run! Cours !'; accepted is source<TAB>target[<TAB>...] on every line"
    )


def test_notes_in_an_archive_are_passed_over(tmp_path):
    members = {"_about.txt": b"notes", "__MACOSX/fra.txt": b"x", ".hidden.txt": b"x", "fra.txt": b"Go.\tVa !\n"}
    assert list(tab_separated_pairs(zipped(tmp_path / "fra-eng.zip", members))) == [("Go.", "Va !")]


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({}, "nothing"),
        ({"_about.txt": b"x"}, "_about.txt"),
        ({"a.txt": b"x\ty\n", "b.tsv": b"x\ty\n"}, "a.txt, b.tsv"),
        ({"a.csv": b"x,y\n"}, "a.csv"),
    ],
)
def test_an_archive_without_exactly_one_text_is_an_error(tmp_path, members, found):
    path = zipped(tmp_path / "a.zip", members)
    assert message(tab_separated_pairs(path)) == (
        f"{path}: found {found}; accepted is an archive with exactly one .txt or .tsv of pairs"
    )


CONTENT = b"".join(b"sentence %d of many\ttarget %d\n" % (i, i * i) for i in range(5_000))


def broken_files(folder):
    packed = gzip.compress(CONTENT)
    middle = len(packed) // 2
    archive = zipped(folder / "whole.zip", {"a.txt": CONTENT}).read_bytes()
    return [
        written(folder / "text.tsv.gz", CONTENT),
        written(folder / "cut.tsv.gz", packed[:middle]),
        written(folder / "damaged.tsv.gz", packed[:middle] + bytes(64) + packed[middle + 64 :]),
        written(folder / "trailing.tsv.gz", packed + b"rubbish"),
        written(folder / "text.zip", CONTENT),
        written(folder / "cut.zip", archive[: len(archive) // 2]),
        written(folder / "damaged.zip", archive[:2_000] + bytes(64) + archive[2_064:]),
    ]


def test_corrupt_archives_are_errors_of_one_line_that_name_the_file(tmp_path):
    for path in broken_files(tmp_path):
        text = message(tab_separated_pairs(path))
        assert text.startswith(f"{path}: corrupt or cut short ("), path
        assert text.endswith("; fetch or pack it again"), path
