"""Running text to token ids and back; the end of a line is a token, `<eos>`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from rnn_tasks.text.config import StreamConfig
from rnn_tasks.text.tokenizer import SUFFIX_MARK, Tokenizer
from rnn_tasks.text.vocabulary import EOS, GO, PAD, SPECIAL_TOKENS, UNK, Vocabulary
from rnn_tasks.text.words import WordSplitter

LINES_AT_ONCE = 2_000
TAIL = 8  # tokens that decide how the next one is joined, with some reserve
_NO_TEXT = "\N{REPLACEMENT CHARACTER}"  # written for an unknown character


class StreamTokenizer(tf.Module):
    """Text to ids and ids to text by one vocabulary; TensorFlow ops, so that a SavedModel has it inside.

    Args:
        vocabulary: tokens by id; if tokens are characters, white space is written as its code (`character_token`).
        config: `level`, `tokenized` and `lowercase` are read.
    """

    def __init__(self, vocabulary: Vocabulary, config: StreamConfig):
        super().__init__(name="stream_tokenizer")
        self.vocabulary, self.level, self.tokenized = vocabulary, config.level, config.tokenized
        self.lowercase = config.lowercase
        if self.level == "character":
            characters = [character_of(token) for token in vocabulary.tokens[len(SPECIAL_TOKENS) :]]
            self.surfaces = ["", _NO_TEXT, "", "\n", *characters]
            keys, ids = tf.constant(self.surfaces[EOS:]), tf.range(EOS, len(vocabulary))
            self._table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, ids), UNK)
            self._codes = np.full(0x110000, UNK, np.int32)
            self._codes[[ord(character) for character in self.surfaces[EOS:]]] = range(EOS, len(vocabulary))
        else:
            self._words = Tokenizer(vocabulary, config.level, config.lowercase, keeps_typography=True)
            self.surfaces = ["", SPECIAL_TOKENS[UNK], "", "\n", *vocabulary.tokens[len(SPECIAL_TOKENS) :]]
        self._surfaces = tf.constant(self.surfaces)

    def ids(self, text: str) -> np.ndarray:
        """(tokens,) int32 of any text, in plain NumPy where tokens are characters."""
        if self.level == "character":
            return self._codes[code_points(lowered(text) if self.lowercase else text)]
        *lines, rest = text.split("\n")
        found = [self._ids_of_lines(lines[i : i + LINES_AT_ONCE]) for i in range(0, len(lines), LINES_AT_ONCE)]
        if rest:
            found.append(self.encode(tf.constant([rest])).flat_values.numpy())
        return np.concatenate(found) if found else np.zeros(0, np.int32)

    def _ids_of_lines(self, lines: list[str]) -> np.ndarray:
        ids = self._line_ids(tf.constant(lines))
        return tf.concat([ids, tf.fill([len(lines), 1], EOS)], axis=1).flat_values.numpy()

    def encode(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """Strings (batch,) -> ids (batch, None) int32, `<eos>` between the lines of a string."""
        if self.level == "character":
            strings = tf.strings.lower(strings, encoding="utf-8") if self.lowercase else strings
            return tf.ragged.map_flat_values(self._table.lookup, tf.strings.unicode_split(strings, "UTF-8"))
        lines = tf.strings.split(strings, "\n")  # (batch, None)
        ids = self._line_ids(lines.flat_values)
        ended = tf.concat([ids, tf.fill([tf.shape(lines.flat_values)[0], 1], EOS)], axis=1)
        return tf.RaggedTensor.from_row_splits(ended, lines.row_splits).merge_dims(1, 2)[:, :-1]

    def pieces(self, ids: np.ndarray) -> list[str]:
        """The text that each of the tokens (tokens,) adds; if tokens are words, this includes spaces."""
        if self.level == "character":
            return [self.surfaces[i] for i in ids.tolist()]
        found: list[str] = []
        windows = np.lib.stride_tricks.sliding_window_view(np.concatenate([np.full(TAIL, PAD), ids]), TAIL + 1)
        for start in range(0, len(windows), LINES_AT_ONCE):
            now = tf.constant(windows[start : start + LINES_AT_ONCE], tf.int32)
            texts = (self.decode(part).numpy().tolist() for part in (now[:, :-1], now))
            found += [after.decode()[len(before.decode()) :] for before, after in zip(*texts, strict=True)]
        return found

    def decode(self, ids: tf.Tensor) -> tf.Tensor:
        """Ids (batch, time) -> strings (batch,); `<pad>` and `<go>` are left out."""
        surfaces = tf.gather(self._surfaces, ids)
        if self.level == "character":
            return tf.strings.reduce_join(surfaces, axis=1)
        kept = tf.ragged.boolean_mask(surfaces, (ids != PAD) & (ids != GO))
        joined = tf.strings.regex_replace(tf.strings.reduce_join(kept, axis=1, separator=" "), " ?\n ?", "\n")
        if self.tokenized:
            return joined
        if self.level == "wordpiece":
            joined = tf.strings.regex_replace(joined, f"(^|[ \n]){SUFFIX_MARK}", "")
        return self._words.splitter.join(joined)

    def _line_ids(self, lines: tf.Tensor) -> tf.RaggedTensor:
        ids = self._words.ids(split_words(lines, self._words.splitter, self.tokenized))
        return tf.ragged.map_flat_values(lambda flat: tf.where((flat == PAD) | (flat == GO), UNK, flat), ids)


def split_words(lines: tf.Tensor, splitter: WordSplitter, tokenized: bool) -> tf.RaggedTensor:
    """Lines (batch,) as words (batch, None): cut by the splitter, or at spaces if `tokenized`."""
    if tokenized:
        return tf.strings.split(tf.strings.lower(lines, encoding="utf-8") if splitter.lowercase else lines)
    return tf.strings.split(splitter.split(lines))


def lowered(text: str) -> str:
    """The text in lower case by TensorFlow's rules; Python has other rules for a few letters."""
    return tf.strings.lower(text, encoding="utf-8").numpy().decode()


def code_points(text: str) -> np.ndarray:
    """(characters,) uint32."""
    return np.frombuffer(text.encode("utf-32-le", errors="replace"), np.uint32)


def character_token(character: str) -> str:
    """A character as in a vocabulary file: white space other than a plain space becomes its code, `％0009`."""
    return f"％{ord(character):04X}" if character.isspace() and character != " " else character


def character_of(token: str) -> str:
    """The character of a token from `character_token`."""
    return chr(int(token[1:], 16)) if len(token) > 1 else token


def surface_offsets(surfaces: Iterable[str]) -> np.ndarray:
    """The position of each string when they are concatenated, and the end of the last one."""
    return np.concatenate([[0], np.cumsum([len(surface) for surface in surfaces])]).astype(np.int64)
