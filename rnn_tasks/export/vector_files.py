"""Word vectors as other programs read them: word2vec's text and binary formats, and NumPy's `.npz`."""

from __future__ import annotations

import gzip
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnn_tasks.errors import UserError
from rnn_tasks.files import whole_file

ENDINGS = (".txt", ".vec", ".bin", ".npz")


class WordTable(NamedTuple):
    """Words, and a vector for each, (words, dim) float32."""

    words: list[str]
    vectors: np.ndarray


def write_text(path: Path, words: Sequence[str], vectors: np.ndarray) -> Path:
    """word2vec's text format: `words dim`, then a word and its numbers a line, 9 digits, which give float32 back."""
    _check(words, vectors)
    with whole_file(path) as file:
        file.write(f"{len(words)} {vectors.shape[1]}\n".encode())
        for word, row in zip(words, np.asarray(vectors, np.float32).tolist(), strict=True):
            file.write(f"{word} {' '.join(f'{value:.9g}' for value in row)}\n".encode())
    return path


def write_binary(path: Path, words: Sequence[str], vectors: np.ndarray) -> Path:
    """word2vec's binary format: the same head, then each word, a space, and its little-endian float32 numbers."""
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
    """Any of the three, by its ending (`.txt`, `.vec`, `.bin`, `.npz`; text and binary may be `.gz`).

    Text without a head, as GloVe's, is read, too.

    Args:
        path: of the file.
        only: keep these words alone, so that a few of millions cost little memory; None keeps all.

    Raises:
        UserError: unreadable, cut short, another format, or vectors of unequal length; names the line of a text.
    """
    name = path.name.lower().removesuffix(".gz")
    try:
        if name.endswith(".npz"):
            with np.load(path, allow_pickle=False) as archive:
                words, vectors = archive["words"].tolist(), np.asarray(archive["vectors"], np.float32)
            rows = [row for row, word in enumerate(words) if only is None or word in only]
            return WordTable([words[row] for row in rows], vectors[rows])
        if name.endswith((".bin", ".txt", ".vec")):
            with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
                return _read_binary(path, file, only) if name.endswith(".bin") else _read_text(path, file, only)
    except (OSError, EOFError, KeyError) as error:
        raise UserError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    except ValueError as error:
        raise UserError(f"{path}: no word vectors ({error})") from None
    raise UserError(
        f"{path}: accepted are word vectors in word2vec's text (.txt, .vec) or binary (.bin) format, or .npz"
    )


def _check(words: Sequence[str], vectors: np.ndarray) -> None:
    if len(words) != len(vectors):
        raise ValueError(f"{len(words)} words, {len(vectors)} vectors")
    for word in words:
        if not word or any(character.isspace() for character in word):
            raise ValueError(f"{word!r} cannot be written: word2vec's formats separate words by spaces")


def _read_text(path: Path, file: Any, only: Container[str] | None) -> WordTable:
    words: list[str] = []
    rows: list[np.ndarray] = []
    length = 0
    for number, line in enumerate(file, 1):
        cells = line.decode("utf-8", errors="replace").rstrip().split(" ")
        if number == 1 and len(cells) == 2 and all(cell.isdigit() for cell in cells):
            continue
        try:
            row = np.array(cells[1:], np.float32)
        except ValueError:
            found = " ".join(cells)[:60]
            raise UserError(f"{path}, line {number}: found {found!r}; accepted is a word and numbers") from None
        length = length or len(row)
        if not len(row) or len(row) != length:
            wanted = length or "some"
            raise UserError(f"{path}, line {number}: found {len(row)} numbers after the word; accepted are {wanted}")
        if only is None or cells[0] in only:
            words.append(cells[0])
            rows.append(row)
    if not length:
        raise UserError(f"{path}: empty; accepted are a word and its numbers a line")
    return WordTable(words, np.stack(rows) if rows else np.empty((0, length), np.float32))


def _read_binary(path: Path, file: Any, only: Container[str] | None) -> WordTable:
    try:
        count, dim = (int(cell) for cell in file.readline(100).split())
    except ValueError:
        raise UserError(f"{path}: does not begin with the number of words and of their numbers") from None
    words: list[str] = []
    rows: list[np.ndarray] = []
    for number in range(count):
        name = bytearray()
        while (character := file.read(1)) not in (b" ", b""):
            name += character
        data = file.read(4 * dim)
        if len(data) < 4 * dim:
            raise UserError(f"{path}: ends after {number} of {count} words; fetch it again")
        word = name.lstrip(b"\n").decode("utf-8", errors="replace")
        if only is None or word in only:
            words.append(word)
            rows.append(np.frombuffer(data, "<f4"))
    return WordTable(words, np.stack(rows).astype(np.float32) if rows else np.empty((0, dim), np.float32))
