"""Strings to token ids and back. It uses only TensorFlow ops, so it can be a part of a SavedModel."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_text as tf_text

from rnn_tasks.text.levels import Level
from rnn_tasks.text.vocabulary import EOS, GO, PAD, SPECIAL_TOKENS, UNK, Vocabulary
from rnn_tasks.text.words import WordSplitter

SUFFIX_MARK = "##"
"""Begins a word piece that continues a word. No other piece begins with it: no word longer than `#` begins with `#`."""

# Longer words are <unk>. The default of 100 bytes is one clause in a script without spaces.
_MAX_BYTES_PER_WORD = 1000


class Tokenizer(tf.Module):
    """Strings to ids and ids to strings by one vocabulary.

    It holds its vocabulary in tensors: a saved trace of it (`tf.saved_model.save`,
    `keras.export.ExportArchive`) contains the vocabulary and needs no further file.

    Args:
        vocabulary: tokens by id.
        level: whether the vocabulary's tokens are whole words or pieces of words.
        lowercase, keeps_typography, segmented: as in `WordSplitter`.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        level: Level = "word",
        lowercase: bool = False,
        keeps_typography: bool = False,
        segmented: bool = False,
    ):
        super().__init__(name="tokenizer")
        self.vocabulary = vocabulary
        self.level = level
        self.splitter = WordSplitter(level, lowercase, keeps_typography, segmented)
        self._tokens = tf.constant(vocabulary.tokens)
        if level == "wordpiece":
            self._pieces = tf_text.FastWordpieceTokenizer(
                list(vocabulary.tokens),
                suffix_indicator=SUFFIX_MARK,
                max_bytes_per_word=_MAX_BYTES_PER_WORD,
                token_out_type=tf.int32,
                unknown_token=SPECIAL_TOKENS[UNK],
                no_pretokenization=True,
            )
        else:
            words = tf.lookup.KeyValueTensorInitializer(self._tokens, tf.range(len(vocabulary)))
            self._ids = tf.lookup.StaticHashTable(words, default_value=UNK)

    def words(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """Sentences (batch,) as words (batch, None) with their joiners, before any cutting into pieces."""
        return tf.strings.split(self.splitter.split(strings))

    def tokenize(self, strings: tf.Tensor) -> tf.RaggedTensor:
        """Sentences (batch,) as ids (batch, None), int32, without `<go>` and `<eos>`."""
        return self.ids(self.words(strings))

    def ids(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        """Words (batch, None) as ids (batch, None), int32: one for each word, or one for each piece."""
        if self.level == "wordpiece":
            return self._pieces.tokenize(words).merge_dims(1, 2)
        return self._ids.lookup(words)

    def tokens(self, ids: tf.Tensor) -> tf.Tensor:
        """Ids of any shape as their tokens, strings of the same shape."""
        return tf.gather(self._tokens, ids)

    def detokenize(self, ids: tf.Tensor) -> tf.Tensor:
        """Ids as sentences, in the spelling of the vocabulary.

        Args:
            ids: (batch, time), dense; ids after the first `<eos>` are left out, and so are `<pad>` and `<go>`.

        Returns:
            (batch,) strings; `<unk>` stands as it is.
        """
        ids = tf.convert_to_tensor(ids)
        ended = tf.cumsum(tf.cast(ids == EOS, tf.int32), axis=1) > 0  # (batch, time)
        kept = tf.ragged.boolean_mask(ids, ~ended & (ids != PAD) & (ids != GO))  # (batch, None)
        return self.join(tf.strings.reduce_join(self.tokens(kept), axis=1, separator=" "))

    def join(self, strings: tf.Tensor) -> tf.Tensor:
        """Token strings of any shape, tokens separated by single spaces, as sentences: the end of `detokenize`."""
        if self.level == "wordpiece":
            strings = tf.strings.regex_replace(strings, f"(^| ){SUFFIX_MARK}", "")
        return self.splitter.join(strings)
