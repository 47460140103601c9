"""Word vectors as other programs read them: word2vec's text and binary formats, and NumPy's `.npz`."""

from __future__ import annotations

import zipfile
from collections.abc import Container, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from rnn_tasks.errors import UserError
from rnn_tasks.files import whole_file
from rnn_tasks.text.lines import TextFile, open_bytes, readable

ENDINGS = (".txt", ".vec", ".bin", ".npz")
LONGEST_WORD, LONGEST_VECTOR = 10_000, 1_000_000
"""Bytes of a word, numbers of a vector: a file with longer ones is not a file of word vectors."""


class WordTable(NamedTuple):
    """Words, and a vector for each, (words, dim) float32."""

    words: list[str]
    vectors: np.ndarray


def write_text(path: Path, words: Sequence[str], vectors: np.ndarray) -> Path:
    """word2vec's text format: `words dim`, then a line for each word and its numbers, with 9 digits (exact float32)."""
    _check(words, vectors)
    with whole_file(path) as file:
        file.write(f"{len(words)} {vectors.shape[1]}\n".encode())
        for word, row in zip(words, np.asarray(vectors, np.float32).tolist(), strict=True):
            file.write(f"{word} {' '.join(f'{value:.9g}' for value in row)}\n".encode())
    return path


def write_binary(path: Path, words: Sequence[str], vectors: np.ndarray) -> Path:
    """word2vec's binary format: the same header, then each word, a space, and its little-endian float32 numbers."""
    _check(words, vectors)
    with whole_file(path) as file:
        file.write(f"{len(words)} {vectors.shape[1]}\n".encode())
        for word, row in zip(words, np.ascontiguousarray(vectors, "<f4"), strict=True):
            file.write(f"{word} ".encode() + row.tobytes() + b"\n")
    return path


def write_npz(path: Path, words: Sequence[str], vectors: np.ndarray) -> Path:
    """NumPy's archive, with `words` and `vectors`; it loads without pickle."""
    with whole_file(path) as file:
        np.savez(file, words=np.array(words, np.str_), vectors=np.asarray(vectors, np.float32))
    return path


def read_vectors(path: Path, only: Container[str] | None = None) -> WordTable:
    """Read any of the three formats, by the ending (`.txt`, `.vec`, `.bin`, `.npz`; text and binary may be `.gz`).

    Text without a header, such as GloVe's, is read, too.

    Args:
        path: of the file.
        only: keep only these words, so that a few of millions need little memory; None keeps all.

    Raises:
        UserError: unreadable, cut short, another format, vectors of unequal length, NaN or infinite numbers; names the
            line in a text file, the word in other files.
    """
    name = path.name.lower()
    if name.endswith(".npz"):
        return _read_npz(path, only)
    readers = {".txt": _read_text, ".vec": _read_text, ".bin": _read_binary}
    read = readers.get(Path(name.removesuffix(".gz")).suffix)
    if read is None:
        raise UserError(
            f"{path}: accepted are word vectors in word2vec's text (.txt, .vec) or binary (.bin) format, or .npz"
        )
    with open_bytes(TextFile(path)) as file:
        return read(path, file, only)


def _check(words: Sequence[str], vectors: np.ndarray) -> None:
    if len(words) != len(vectors):
        raise ValueError(f"{len(words)} words, {len(vectors)} vectors")
    for word in words:
        if not word or any(character.isspace() for character in word):
            raise ValueError(f"{word!r} cannot be written: word2vec's formats separate words by spaces")


def _read_npz(path: Path, only: Container[str] | None) -> WordTable:
    accepted = "accepted is an archive of NumPy with words (words,) and vectors (words, dim)"
    try:
        with readable(path):
            if not zipfile.is_zipfile(path):
                raise UserError(f"{path}: no archive, or one that is cut short; {accepted}")
            with np.load(path, allow_pickle=False) as archive:
                words, vectors = archive["words"], np.asarray(archive["vectors"], np.float32)
    except (KeyError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path}: no word vectors ({str(error.args[0]).splitlines()[0]}); {accepted}") from None
    if words.dtype.kind != "U" or words.ndim != 1 or vectors.ndim != 2 or len(words) != len(vectors):
        raise UserError(f"{path}: found words {words.shape} and vectors {vectors.shape}; {accepted}")
    names = words.tolist()
    rows = [row for row, word in enumerate(names) if only is None or word in only]
    for row in rows:
        _check_finite(vectors[row], f"{path}, {names[row]!r}")
    return WordTable([names[row] for row in rows], vectors[rows])


def _read_text(path: Path, file: IO[bytes], only: Container[str] | None) -> WordTable:
    words: list[str] = []
    rows: list[np.ndarray] = []
    head: list[int] = []
    length = found = 0
    for number, line in enumerate(file, 1):
        where = f"{path}, line {number}"
        cells = line.decode("utf-8", errors="replace").rstrip().split(" ")
        if number == 1 and len(cells) == 2 and all(cell.isdecimal() for cell in cells):
            head = [int(cell) for cell in cells]
            continue
        if cells == [""]:
            continue
        length = length or (head[1] if head else len(cells) - 1)
        # Some words of GloVe hold spaces: "at name@domain.com".
        start = len(cells) - length if len(cells) - length > 1 and not _is_number(cells[-length - 1]) else 1
        try:
            row = np.array(cells[start:], np.float32)
        except ValueError:
            raise UserError(f"{where}: found {' '.join(cells)[:60]!r}; accepted is a word and numbers") from None
        if not length or len(row) != length:
            raise UserError(f"{where}: found {len(row)} numbers after the word; accepted are {length or 'some'}")
        found += 1
        word = " ".join(cells[:start])
        if only is None or word in only:
            words.append(word)
            rows.append(_check_finite(row, where))
    if not found:
        raise UserError(f"{path}: empty; accepted are a word and its numbers a line")
    if head and found != head[0]:
        raise UserError(f"{path}: found {found} words, but its first line says {head[0]}; fetch or write it again")
    return WordTable(words, np.stack(rows) if rows else np.empty((0, length), np.float32))


def _read_binary(path: Path, file: IO[bytes], only: Container[str] | None) -> WordTable:
    head = file.readline(100).split()
    if len(head) != 2 or not all(cell.isdigit() for cell in head) or not 0 < int(head[1]) <= LONGEST_VECTOR:
        raise UserError(
            f"{path}: does not begin with the number of words and of their numbers (at most {LONGEST_VECTOR})"
        )
    count, dim = map(int, head)
    words: list[str] = []
    rows: list[np.ndarray] = []
    for number in range(1, count + 1):
        name = bytearray()
        while (character := file.read(1)) not in (b" ", b"") and len(name) <= LONGEST_WORD:
            name += character
        if len(name) > LONGEST_WORD:
            raise UserError(f"{path}: word {number} has no end; accepted is word2vec's binary format")
        data = file.read(4 * dim)
        if len(data) < 4 * dim:
            raise UserError(f"{path}: ends after {number - 1} of {count} words; fetch it again")
        word = name.lstrip(b"\n").decode("utf-8", errors="replace")
        if only is None or word in only:
            words.append(word)
            rows.append(_check_finite(np.frombuffer(data, "<f4"), f"{path}, {word[:80]!r}"))
    if file.read(2).strip():
        raise UserError(f"{path}: goes on after the {count} words that its first line says; fetch or write it again")
    return WordTable(words, np.stack(rows).astype(np.float32) if rows else np.empty((0, dim), np.float32))


def _check_finite(row: np.ndarray, where: str) -> np.ndarray:
    if not np.isfinite(row).all():
        raise UserError(f"{where}: found {row[~np.isfinite(row)][0]}; accepted are finite numbers")
    return row


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
