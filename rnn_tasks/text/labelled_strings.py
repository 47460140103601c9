"""Strings that belong to a language and strings that do not, and files of `string<TAB>label` lines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnn_tasks.errors import UserError

LABELS = ("0", "1")
MEMBER, NON_MEMBER = "member", "non-member"


class LabelledStrings(NamedTuple):
    """Strings, whether each belongs to the language (1 or 0), and its kind: `member`, or its kind of error."""

    strings: list[str]
    labels: list[int]
    kinds: list[str]


def read_labelled_strings(path: Path) -> tuple[dict[str, int], int]:
    """The distinct strings of a file with their labels, in the order of the file.

    Blank lines are skipped, and so is white space around a string.

    Args:
        path: UTF-8 text, a `string<TAB>label` line for each string; a label is 1 (in the language) or 0.

    Returns:
        string -> label, and the number of repeated lines that were left out.

    Raises:
        UserError: no such file, a line of another form, or a string with two different labels.
    """
    first_line: dict[str, int] = {}
    labels: dict[str, int] = {}
    repeated = 0
    try:
        raw_lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    for number, raw in enumerate(raw_lines, start=1):
        try:
            line = raw.decode().strip("\r\n ")
        except UnicodeDecodeError as error:
            raise UserError(f"{path}, line {number}: not UTF-8 (byte {error.start + 1} of the line)") from None
        if not line.strip():
            continue
        string, tab, label = line.partition("\t")
        string, label = string.strip(), label.strip()
        if not tab or not string or label not in LABELS:
            raise UserError(
                f"{path}, line {number}: found {line[:80]!r}, expected string<TAB>label with a label 0 or 1"
            )
        if string not in labels:
            labels[string], first_line[string] = int(label), number
            continue
        if labels[string] != int(label):
            raise UserError(
                f"{path}, line {number}: {string[:80]!r} has label {label}, "
                f"but label {labels[string]} on line {first_line[string]}"
            )
        repeated += 1
    return labels, repeated


def split_labelled_strings(
    path: Path, shares: Mapping[str, float], seed: int
) -> tuple[dict[str, LabelledStrings], int]:
    """A file's distinct strings, shuffled and divided.

    Args:
        path: as in `read_labelled_strings`.
        shares: split name -> share, in any unit.
        seed: of the shuffling.

    Returns:
        Split name -> strings, and how many repeated lines were left out.

    Raises:
        UserError: as `read_labelled_strings`, or a split would be empty.
    """
    labels, repeated = read_labelled_strings(path)
    strings = list(labels)
    order = np.random.default_rng(seed).permutation(len(strings))
    ends = (np.cumsum(list(shares.values())) / sum(shares.values()) * len(strings)).round().astype(int)
    splits = {}
    for name, rows in zip(shares, np.split(order, ends[:-1]), strict=True):
        if not rows.size:
            raise UserError(f"{path}: {len(strings)} distinct strings, which leaves none for the {name} split")
        chosen = [strings[row] for row in rows]
        kinds = [MEMBER if labels[string] else NON_MEMBER for string in chosen]
        splits[name] = LabelledStrings(chosen, [labels[string] for string in chosen], kinds)
    return splits, repeated
