"""Files of labelled strings: read whole, divided cleanly, refused in one line that names the place."""

import pytest

from rnn_tasks import text
from rnn_tasks.errors import UserError


def write(tmp_path, content):
    path = tmp_path / "strings.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_reads_strings_and_labels(tmp_path):
    path = write(tmp_path, b"\xef\xbb\xbfab\t1\r\n\n  ba \t 0\nab\t1\n\xc3\xa9\t1")
    assert text.read_labelled_strings(path) == ({"ab": 1, "ba": 0, "é": 1}, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("ab\t1\nba\n", "line 2: found 'ba', expected string<TAB>label"),
        ("ab\t1\nba\t2\n", "line 2: found 'ba\\\\t2'"),
        ("\t1\n", "line 1: found '\\\\t1', expected string<TAB>label"),
        ("ab\t1\t0\n", "line 1: .*expected string<TAB>label"),
        ("ab\t1\nx\t0\nab\t0\n", "line 3: 'ab' has label 0, but label 1 on line 1"),
        (b"ab\t1\nb\xffa\t0\n", r"line 2: not UTF-8 \(byte 2 of the line\)"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, content, message):
    with pytest.raises(UserError, match=rf"strings\.tsv, {message}"):
        text.read_labelled_strings(write(tmp_path, content))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nothing\.tsv: cannot be read \(No such file"):
        text.read_labelled_strings(tmp_path / "nothing.tsv")


def test_splits_share_nothing_and_leave_nothing_out(tmp_path):
    rows = {f"s{i}": i % 3 == 0 for i in range(100)}
    path = write(tmp_path, "".join(f"{string}\t{label:d}\n" for string, label in [*rows.items(), ("s3", 1)]))
    shares = {"train": 6000, "val": 1000, "test": 3000}
    splits, repeated = text.split_labelled_strings(path, shares, seed=1)
    assert {name: len(split.strings) for name, split in splits.items()} == {"train": 60, "val": 10, "test": 30}
    assert repeated == 1
    assert sorted(s for split in splits.values() for s in split.strings) == sorted(rows)
    for split in splits.values():
        assert split.labels == [rows[s] for s in split.strings]
        assert split.kinds == ["member" if rows[s] else "non-member" for s in split.strings]
    assert (splits, repeated) == text.split_labelled_strings(path, shares, seed=1)
    assert splits != text.split_labelled_strings(path, shares, seed=2)[0]


def test_too_few_strings_for_three_splits(tmp_path):
    with pytest.raises(UserError, match="2 distinct strings, which leaves none for the .* split"):
        text.split_labelled_strings(write(tmp_path, "a\t1\nb\t0\n"), {"train": 8, "val": 1, "test": 1}, seed=1)
