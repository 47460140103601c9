"""Running text by split: documents of one or several files, in blocks, whatever their length.

A block is a part of one document. Every line in it ends with `\\n`; a line of many characters comes in several blocks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rnn_tasks.errors import UserError
from rnn_tasks.split_names import SPLIT_NAMES, TEST, TRAINING, VALIDATION
from rnn_tasks.text.config import StreamConfig
from rnn_tasks.text.lines import TextFile, files_in, read_lines

SPLITS = (TRAINING, VALIDATION, TEST)
BLOCK = 1 << 18  # characters

Block = tuple[bool, str]
"""Whether a document begins here, and its text."""
Blocks = Callable[[], Iterator[Block]]


@dataclass(frozen=True)
class Documents:
    """A text in three splits.

    Attributes:
        name: for people.
        inputs: the user's files.
        splits: split -> its blocks, read anew at each call.
    """

    name: str
    inputs: tuple[Path, ...]
    splits: Mapping[str, Blocks]


def document_files(source: str) -> dict[str, list[TextFile]]:
    """The files of a text by split; the key is "" if the names of the files do not tell the split.

    Raises:
        UserError: no such path, no text file, or files of only some splits.
    """
    path = Path(os.path.expanduser(source))
    if os.path.isfile(path) and not path.name.lower().endswith(".zip"):
        return {"": [TextFile(path)]}
    if not os.path.exists(path):
        raise UserError(f"data.source: {source!r} does not exist; accepted are embedded, a text file and a directory")
    if not os.path.isfile(path) and not path.is_dir():
        raise UserError(f"data.source: {path} is no regular file, and it is read more than once; save it first")
    files = [file for file in files_in(path) if not file.is_note]
    if not files:
        raise UserError(f"data.source: {path} holds no file; accepted are text files, plain or .gz")
    by_split: dict[str, list[TextFile]] = {}
    for file in files:
        if split := _split_of(file.name):
            by_split.setdefault(split, []).append(file)
    if not by_split or by_split.keys() == {VALIDATION}:
        return {"": files}
    missing = [split for split in (TRAINING, TEST) if split not in by_split]
    if missing:
        listed = ", ".join(file.name for file in files[:12])
        raise UserError(
            f"data.source: {path} has no {missing[0]} file; found {listed}; accepted are train, valid and test files, "
            "or files of other names, which are split as one text"
        )
    return by_split


def documents_of_files(config: StreamConfig) -> Documents:
    """The text at the path `config.source`.

    Raises:
        UserError: as in `document_files`.
    """
    by_split = document_files(config.source)
    inputs = tuple(dict.fromkeys(file.path for files in by_split.values() for file in files))
    shares = (config.validation_fraction, config.test_fraction)
    exact = config.level == "character"
    if "" in by_split:
        whole: Blocks = partial(_blocks, by_split[""])
        splits: dict[str, Blocks] = {split: partial(_part, whole, split, shares, exact) for split in SPLITS}
    else:
        splits = {split: partial(_blocks, files) for split, files in by_split.items()}
        if VALIDATION not in splits:  # the end of the training text
            whole, shares = splits[TRAINING], (config.validation_fraction, 0.0)
            splits |= {split: partial(_part, whole, split, shares, exact) for split in (TRAINING, VALIDATION)}
    return Documents(config.source, inputs, splits)


def _split_of(name: str) -> str | None:
    """`ptb.train.txt`, `wiki_valid.txt.gz`, `test.txt` -> the split; None for any other name."""
    found = {SPLIT_NAMES[part] for part in re.split(r"[._\-]", name.lower()) if part in SPLIT_NAMES}
    return found.pop() if len(found) == 1 else None


def _blocks(files: Sequence[TextFile]) -> Iterator[Block]:
    for file in files:
        first, lines, size = True, [], 0
        for line in read_lines(file):
            for piece in _pieces(line + "\n"):
                lines.append(piece)
                size += len(piece)
                if size >= BLOCK:
                    yield first, "".join(lines)
                    first, lines, size = False, [], 0
        if lines:
            yield first, "".join(lines)


def _pieces(line: str) -> Iterator[str]:
    """A line, cut at spaces into pieces if it is very long."""
    while len(line) > BLOCK:
        end = line.rfind(" ", 0, BLOCK) + 1 or BLOCK
        yield line[:end]
        line = line[end:]
    yield line


def _part(whole: Blocks, split: str, shares: tuple[float, float], exact: bool) -> Iterator[Block]:
    """The blocks of one split of a text that is cut at two places: after exact shares, or at the next line ends."""
    size = sum(len(text) for _, text in whole())
    validation, test = shares
    ends = [int(size * (1 - validation - test)), int(size * (1 - test)) if test else size, size]
    wanted, part, at, fresh = SPLITS.index(split), 0, 0, True
    for first, text in whole():
        fresh |= first
        while text:
            over = part < 2 and at + len(text) > ends[part]
            end = _cut(text, max(0, ends[part] - at), exact) if over else len(text)
            if end and part == wanted:
                yield fresh, text[:end]
            fresh = fresh and not end
            at, text = at + end, text[end:]
            if over:
                part, fresh = part + 1, True
        if part > wanted:
            return


def _cut(text: str, place: int, exact: bool) -> int:
    if exact or not place:
        return place
    return text.find("\n", place - 1) + 1 or text.find(" ", place) + 1 or len(text)
