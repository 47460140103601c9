"""A text turned into a flat file of token ids for each split, in memory that does not grow with the text.

There are two passes over the training part: the first counts its tokens for the vocabulary, the second writes ids. The
other parts need one pass. The directory then contains `train.ids` (int32, little-endian), `train.documents.npy` (the
start of each document), the same for `val` and `test`, and `vocabulary.tsv`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from rnn_tasks import activity
from rnn_tasks.errors import UserError
from rnn_tasks.files import beside
from rnn_tasks.split_names import TRAINING
from rnn_tasks.text.config import StreamConfig
from rnn_tasks.text.documents import SPLITS, Blocks, Documents
from rnn_tasks.text.stream_tokenizer import (
    LINES_AT_ONCE,
    StreamTokenizer,
    character_token,
    code_points,
    lowered,
    split_words,
)
from rnn_tasks.text.vocabulary import SPECIAL_TOKENS, UNK, Vocabulary
from rnn_tasks.text.wordpiece import learn_wordpieces
from rnn_tasks.text.words import WordSplitter

VOCABULARY = "vocabulary.tsv"
TEST_IDS = "test.ids"
_DISTINCT_WORDS = 1_000_000  # counted; when there are more, the rarest are forgotten
COUNTED_AT_ONCE = 1 << 22  # tokens
_ID = np.dtype("<i4")


@dataclass(frozen=True)
class TokenStream:
    """One split, memory-mapped.

    Attributes:
        ids: (tokens,) int32, document after document.
        documents: (documents,) int64, the start of each document; the first is 0.
    """

    ids: np.ndarray
    documents: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def counts(self, vocabulary: int) -> np.ndarray:
        """(vocabulary,) how often each id occurs, in memory that does not grow with the text."""
        parts = range(0, len(self.ids), COUNTED_AT_ONCE)
        counted = (np.bincount(self.ids[start : start + COUNTED_AT_ONCE], minlength=vocabulary) for start in parts)
        return sum(counted, np.zeros(vocabulary, np.int64))


def load_stream(directory: Path, split: str) -> TokenStream:
    """What `prepare_stream` wrote of a split."""
    ids = np.memmap(beside(directory / split, "ids"), _ID, mode="r")
    return TokenStream(ids, np.load(beside(directory / split, "documents.npy")))


def load_stream_tokenizer(directory: Path, config: StreamConfig) -> StreamTokenizer:
    """The tokeniser that `prepare_stream` used."""
    return StreamTokenizer(Vocabulary.load(directory / VOCABULARY), config)


def prepare_stream(documents: Documents, config: StreamConfig, directory: Path) -> dict[str, int]:
    """Write a text as token ids, with the vocabulary of its training part.

    Args:
        documents: the text.
        config: how text becomes tokens.
        directory: exists; is filled.

    Returns:
        Counts: `vocabulary`, and of each split `<split>` (tokens), `<split>_characters`, `<split>_documents` and
        `<split>_unknown`.

    Raises:
        UserError: the text has an error, or is so short that a split is empty.
    """
    with activity.doing("counting tokens"):
        vocabulary = _vocabulary(documents.splits[TRAINING], config)
    vocabulary.save(directory / VOCABULARY)
    tokenizer = StreamTokenizer(vocabulary, config)
    counts = {"vocabulary": len(vocabulary)}
    for split in SPLITS:
        counts |= _write_ids(documents.splits[split], tokenizer, directory / split)
        if not counts[split]:
            raise UserError(
                f"data.source: {documents.name} has no text for its split {split!r}; accepted is a longer one"
            )
    return counts


def _vocabulary(blocks: Blocks, config: StreamConfig) -> Vocabulary:
    if config.level == "character":
        characters: Counter[int] = Counter()
        for _, text in blocks():
            found, times = np.unique(code_points(lowered(text) if config.lowercase else text), return_counts=True)
            characters.update(dict(zip(found.tolist(), times.tolist(), strict=True)))
        characters.pop(ord("\n"), None)  # is <eos>
        counts = {character_token(chr(code)): count for code, count in characters.items()}
    else:
        words: Counter[bytes] = Counter()
        splitter = WordSplitter(config.level, config.lowercase, keeps_typography=True)
        for _, text in blocks():
            lines = text.split("\n")
            for start in range(0, len(lines), LINES_AT_ONCE):
                found = split_words(tf.constant(lines[start : start + LINES_AT_ONCE]), splitter, config.tokenized)
                words.update(found.flat_values.numpy().tolist())
            if len(words) > _DISTINCT_WORDS:
                words = Counter(dict(words.most_common(_DISTINCT_WORDS // 2)))
        counts = {word.decode(): count for word, count in words.items()}
        counts = {word: count for word, count in counts.items() if word not in SPECIAL_TOKENS}
    if not counts:
        raise UserError("data.source: the training part holds no text but line ends")
    if config.level == "wordpiece":
        return learn_wordpieces(counts, config.vocabulary_size)
    return Vocabulary.from_counts(counts, config.vocabulary_size, config.min_count)


def _write_ids(blocks: Blocks, tokenizer: StreamTokenizer, prefix: Path) -> dict[str, int]:
    starts, tokens, characters, unknown = [], 0, 0, 0
    with beside(prefix, "ids").open("wb") as file, activity.doing(f"writing {prefix.name}"):
        for first, text in blocks():
            if first:
                starts.append(tokens)
            ids = tokenizer.ids(text)
            file.write(ids.astype(_ID).tobytes())
            tokens, characters = tokens + len(ids), characters + len(text)
            unknown += int(np.count_nonzero(ids == UNK))
    # A document without a token begins where the next one does.
    documents = np.unique([start for start in starts if start < tokens]).astype(np.int64)
    np.save(beside(prefix, "documents.npy"), documents)
    return {
        prefix.name: tokens,
        f"{prefix.name}_characters": characters,
        f"{prefix.name}_documents": len(documents),
        f"{prefix.name}_unknown": unknown,
    }
