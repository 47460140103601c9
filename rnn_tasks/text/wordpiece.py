"""A vocabulary of word pieces, learned from counted words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from tensorflow_text.tools.wordpiece_vocab import wordpiece_tokenizer_learner_lib as learner

from rnn_tasks.text.tokenizer import SUFFIX_MARK, Tokenizer
from rnn_tasks.text.vocabulary import SPECIAL_TOKENS, Vocabulary

# The learner takes about 0.1 ms per distinct word at each threshold; words rarer than these add no frequent piece.
_MOST_WORDS = 50_000
_LONGEST_PIECE = 50
_ENCODED_AT_ONCE = 10_000


def learn_wordpieces(counts: Mapping[str, int], size: int) -> Vocabulary:
    """`size` word pieces, frequent characters among them, counted over `counts`.

    tensorflow-text's learner keeps the pieces that occur at least `threshold` times. We search for the threshold that
    comes closest to `size` from below, and fill up with the most frequent pieces of the next larger vocabulary.
    The learner's own search starts at the most frequent word's count, and may return far too many pieces.

    Args:
        counts: word -> how often it was seen; words as `Tokenizer.words` makes them.
        size: entries, special ones included; fewer if the words have fewer pieces. At most half of the entries are
            characters: words with rarer characters become `<unk>`. Characters that are always words, as in Chinese, get
            the entries that the pieces of longer words leave, and at least half of all.

    References:
        Schuster and Nakajima (2012), Japanese and Korean voice search; learned top down as in
        https://www.tensorflow.org/text/guide/subwords_tokenizer.
    """
    size -= len(SPECIAL_TOKENS)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    inside = {character for word in counts if len(word) > 1 for character in word}
    whole = [word for word, _ in ranked if len(word) == 1 and word.isalpha() and word not in inside]
    alone = set(whole)
    others = [item for item in ranked if item[0] not in alone][:_MOST_WORDS]
    for_others = size - min(len(whole), size // 2)
    pieces, more = _around(dict(others), for_others) if others else ([], [])
    known = set(pieces)
    pieces += [piece for piece in more if piece not in known][: for_others - len(pieces)]
    return _counted(pieces + whole[: size - len(pieces)], counts)


def _around(counts: Mapping[str, int], size: int) -> tuple[list[str], list[str]]:
    """The vocabularies of two neighbouring thresholds: at most `size` pieces, and more (or all there are)."""
    ranked = list(counts.values())
    # As many words as `size` are seen this often. Pieces of words are seen more often than the words.
    threshold = 2 * ranked[min(size, len(ranked)) - 1]
    few: tuple[int, list[str]] | None = None
    many: tuple[int, list[str]] | None = None
    while True:
        pieces = _pieces_seen(counts, threshold, size)
        if len(pieces) <= size:
            few = threshold, pieces
            if threshold == 1:
                return pieces, pieces
        else:
            many = threshold, pieces
        if few is None:
            threshold *= 2
        elif many is None:
            threshold = max(1, threshold // 2)
        elif few[0] - many[0] <= 1 + many[0] // 8:  # near enough: filling up evens out the rest
            return few[1], many[1]
        else:
            threshold = (few[0] + many[0]) // 2


def _pieces_seen(counts: Mapping[str, int], threshold: int, size: int) -> list[str]:
    """All characters, then the pieces seen `threshold` times or more, the most frequent first."""
    return learner.learn(
        counts,
        vocab_size=size,
        reserved_tokens=[],
        upper_thresh=threshold,  # equal thresholds: no search
        lower_thresh=threshold,
        max_token_length=_LONGEST_PIECE,
        # Each costs two entries, alone and as a suffix: at most half of the vocabulary is spent on characters.
        max_unique_chars=max(1, size // 4),
        joiner=SUFFIX_MARK,
    )


def _counted(pieces: list[str], counts: Mapping[str, int]) -> Vocabulary:
    """The vocabulary in order of how often each piece is used when the counted words are cut into them."""
    draft = Vocabulary.from_pairs([(piece, 0) for piece in pieces])
    tokenizer = Tokenizer(draft, level="wordpiece")
    words, seen = list(counts), np.fromiter(counts.values(), np.int64, len(counts))
    used = np.zeros(len(draft), np.int64)
    for start in range(0, len(words), _ENCODED_AT_ONCE):
        part = slice(start, start + _ENCODED_AT_ONCE)
        ids = tokenizer.ids(tf.RaggedTensor.from_uniform_row_length(tf.constant(words[part]), 1))
        np.add.at(used, ids.flat_values.numpy(), np.repeat(seen[part], ids.row_lengths().numpy()))
    by_piece = Counter(dict(zip(draft.tokens, used.tolist(), strict=True)))
    return Vocabulary.from_counts({piece: by_piece[piece] for piece in pieces}, min_count=0)
