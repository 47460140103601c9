"""Word vectors from elsewhere as the beginning of a task's own: `data.vectors`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnn_tasks.config import Section
from rnn_tasks.errors import UserError
from rnn_tasks.export.vector_files import ENDINGS, read_vectors
from rnn_tasks.text.vocabulary import SPECIAL_TOKENS

if TYPE_CHECKING:
    import keras


def vector_files(data: Section) -> list[Path]:
    """The files that the settings `vectors` and `target_vectors` name.

    Raises:
        UserError: a file does not exist.
    """
    found = []
    for key in ("vectors", "target_vectors"):
        if value := getattr(data, key, ""):
            path = Path(os.path.expanduser(value))
            if not path.is_file():
                raise UserError(
                    f"data.{key}: {value} does not exist; accepted is a file of word vectors ({', '.join(ENDINGS)}; "
                    "text and binary may be .gz), or the id of a run of embeddings"
                )
            found.append(path)
    return found


def prepare_vectors(data: Section, key: str, tokens: Sequence[str], directory: Path) -> dict[str, int]:
    """Write the vectors of a vocabulary's tokens; writes nothing if the setting `key` is empty.

    A token's vector is that of its word as it is written, or else of the word in small letters.

    Args:
        data: has the setting.
        key: `vectors` or `target_vectors`.
        tokens: by id, special ones first.
        directory: where to.

    Returns:
        How many tokens have a vector, and how many miss one, for the manifest.
    """
    if not (value := getattr(data, key)):
        return {}
    from rnn_tasks.text.words import JOINER  # imports TensorFlow, which declaring a task does not need

    path = Path(os.path.expanduser(value))
    words = [token.strip(JOINER) for token in tokens]
    words[: len(SPECIAL_TOKENS)] = [""] * len(SPECIAL_TOKENS)
    known, vectors = read_vectors(path, only={form for word in words for form in (word, word.lower())})
    rows = {word: row for row, word in enumerate(known)}
    places = np.array([rows.get(word, rows.get(word.lower(), -1)) if word else -1 for word in words], np.int64)
    ids = np.flatnonzero(places >= 0)
    if not len(ids):
        raise UserError(f"{path}: has none of the {len(tokens) - len(SPECIAL_TOKENS)} words of this vocabulary")
    np.savez(directory / f"{key}.npz", ids=ids, vectors=vectors[places[ids]])
    missing = len(tokens) - len(SPECIAL_TOKENS) - len(ids)
    return {f"{key}_found": len(ids), f"{key}_missing": missing}


def start_from_vectors(embedding: keras.layers.Embedding, directory: Path, key: str) -> None:
    """Put prepared vectors into a layer; tokens without one keep their random start.

    All vectors are scaled by one factor, to the root mean square of the random ones: a network depends on how large its
    inputs are, and programs write vectors of different sizes.

    Raises:
        UserError: vectors of another length.
    """
    path = directory / f"{key}.npz"
    if not path.exists():
        return
    table: Any = np.asarray(embedding.embeddings).copy()
    with np.load(path) as archive:
        ids, vectors = archive["ids"], archive["vectors"]
    if vectors.shape[1] != table.shape[1]:
        raise UserError(
            f"data.{key}: found vectors of {vectors.shape[1]} numbers; accepted are model.embedding_dim, "
            f"{table.shape[1]}"
        )
    scale = np.sqrt(np.mean(table**2) / max(np.mean(vectors**2), 1e-30))
    table[ids] = vectors * scale
    embedding.embeddings.assign(table)
