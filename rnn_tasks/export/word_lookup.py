"""Words in, their nearest words out: the endpoints of word vectors, and close spellings of unknown words."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tasks.errors import UserError
from rnn_tasks.export.saved_model import Endpoint, load_endpoints
from rnn_tasks.line_stream import chunks
from rnn_tasks.records import Line
from rnn_tasks.text.vocabulary import SPECIAL_TOKENS, Vocabulary
from rnn_tasks.text.word_form import WordForm
from rnn_tasks.text.word_ids import WORDS

ASKED_AT_ONCE = 256


class WordLookup(tf.Module):
    """A table of vectors with lookup by word.

    Args:
        words: one for each row, all distinct.
        vectors: (words, dim) weights of a model.
        hidden: number of first rows that are not words; they are never an answer.
        lowercase: words are lower-cased before they are looked up.
    """

    def __init__(self, words: Sequence[str], vectors: keras.Variable, hidden: int, lowercase: bool):
        super().__init__()
        self.hidden, self.lowercase, self.vectors = hidden, lowercase, vectors
        self.words = tf.constant(list(words))
        rows = tf.range(len(words))
        self.rows = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(self.words, rows), -1)

    def endpoints(self) -> dict[str, Endpoint]:
        """`neighbours(words, count)`, `analogies(words, count)` and `vector(words)`."""
        strings, triples = tf.TensorSpec([None], tf.string, "words"), tf.TensorSpec([None, 3], tf.string, "words")
        count = tf.TensorSpec([], tf.int32, "count")
        return {
            "neighbours": Endpoint(self.neighbours, [strings, count]),
            "analogies": Endpoint(self.analogies, [triples, count]),
            "vector": Endpoint(self.vector, [strings]),
        }

    def neighbours(self, words: tf.Tensor, count: tf.Tensor) -> dict[str, tf.Tensor]:
        """The nearest words of each word.

        Args:
            words: (batch,) strings.
            count: neighbours of each.

        Returns:
            `known` (batch,); `words` (batch, count) strings and `cosines` (batch, count), falling; they have no meaning
            where a word is not known.
        """
        rows = self._find(words)
        unit = self._unit()
        return self._nearest(unit, tf.gather(unit, tf.maximum(rows, 0)), rows[:, None], count)

    def analogies(self, words: tf.Tensor, count: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answers to "a is to b as c is to ?": the words nearest to b - a + c, without a, b and c.

        Args:
            words: (batch, 3) strings a, b, c.
            count: number of answers for each.

        Returns:
            As in `neighbours`, but `known` is (batch, 3).
        """
        rows = self._find(words)
        unit = self._unit()
        a, b, c = tf.unstack(tf.gather(unit, tf.maximum(rows, 0)), axis=1)
        return self._nearest(unit, tf.math.l2_normalize(b - a + c, axis=1), rows, count)

    def vector(self, words: tf.Tensor) -> tf.Tensor:
        """(batch, dim) the vector of each word, zeros where it is not known."""
        rows = self._find(words)
        return tf.where((rows >= 0)[:, None], tf.gather(self.vectors.value, tf.maximum(rows, 0)), 0.0)

    def _find(self, words: tf.Tensor) -> tf.Tensor:
        rows = self.rows.lookup(tf.strings.lower(words, encoding="utf-8") if self.lowercase else words)
        return tf.where(rows >= self.hidden, rows, -1)

    def _unit(self) -> tf.Tensor:
        return tf.math.l2_normalize(tf.convert_to_tensor(self.vectors.value), axis=1)

    def _nearest(self, unit: tf.Tensor, asked: tf.Tensor, given: tf.Tensor, count: tf.Tensor) -> dict[str, tf.Tensor]:
        cosines = tf.matmul(asked, unit, transpose_b=True)  # (batch, words)
        numbers = tf.range(tf.shape(unit)[0])
        barred = tf.reduce_any(given[:, :, None] == numbers, axis=1) | (numbers < self.hidden)
        others = tf.maximum(tf.shape(unit)[0] - self.hidden - given.shape[1], 0)
        best = tf.math.top_k(tf.where(barred, -2.0, cosines), tf.minimum(count, others))
        known = given >= 0
        return {
            "known": known[:, 0] if given.shape[1] == 1 else known,
            "words": tf.gather(self.words, best.indices),
            "cosines": best.values,
        }


class Spellings:
    """Known words that are spelled like an unknown word; if equally similar, frequent ones come first.

    Args:
        words: the known words, by falling frequency.
    """

    CANDIDATES = 300

    def __init__(self, words: Sequence[str]):
        self.words = words
        self._having: dict[str, list[int]] | None = None

    def near(self, word: str, count: int = 3) -> list[str]:
        """Up to `count` similar words; empty if there are none."""
        if self._having is None:  # the index takes seconds, so it is made only for the first misspelling
            having = defaultdict(list)
            for number, known in enumerate(self.words):
                for pair in _pairs(known.casefold()):
                    having[pair].append(number)
            self._having = dict(having)
        word = word.casefold()
        shared: dict[int, int] = defaultdict(int)
        for pair in _pairs(word):
            for number in self._having.get(pair, ()):
                shared[number] += 1
        likely = sorted(shared, key=lambda n: (-2 * shared[n] / (len(self.words[n]) + len(word)), n))
        return difflib.get_close_matches(word, [self.words[n] for n in likely[: self.CANDIDATES]], count)


def _pairs(word: str) -> set[str]:
    """Neighbouring letters, the word's borders included."""
    framed = f"\n{word}\n"
    return {framed[i : i + 2] for i in range(len(framed) - 1)}


def near_words(export_dir: Path, records: Iterable[Line], count: int, analogy: bool) -> Iterator[str]:
    """`word cosine<TAB>word cosine …` for each record; for an unknown word, a note and words with a similar spelling.

    Args:
        export_dir: holds a SavedModel with the endpoints of `WordLookup`, `vocabulary.tsv` and the form of its words.
        records: each is a word or a phrase, or with `analogy` three words a, b, c.
        count: number of nearest words for each.
        analogy: answer "a is to b as c is to ?".

    Raises:
        UserError: not three words; names the line; the lines before it were answered.
    """
    served, form = load_endpoints(export_dir), WordForm.load(export_dir)
    spellings = Spellings(Vocabulary.load(export_dir / WORDS).tokens[len(SPECIAL_TOKENS) :])
    for chunk in chunks(records, ASKED_AT_ONCE):
        read, wrong = _asked(chunk, analogy)
        asked = [words for words in read if words]
        array = np.array([[form.word(word) for word in words] for words in asked], object)
        if asked:
            found = served.analogies(array, count) if analogy else served.neighbours(array[:, 0], count)
            parts = (np.asarray(found[name]) for name in ("known", "words", "cosines"))
            answers = zip(asked, *parts, strict=True)
        yield from (_answer(spellings, *next(answers)) if words else "" for words in read)
        if wrong:
            raise wrong


def _asked(lines: Sequence[Line], analogy: bool) -> tuple[list[list[str]], UserError | None]:
    """The words of each line (none for an empty line) up to the first wrong line, and the error of that line."""
    found: list[list[str]] = []
    for line in lines:
        words = line.text.split()
        if analogy and len(words) not in (0, 3):
            said = f"{line.where}: found {len(words)} words, {line.text[:80]!r}; --analogy accepts three, a b c"
            return found, UserError(said)
        found.append(words if analogy or not words else [line.text])
    return found, None


def _answer(spellings: Spellings, asked: Sequence[str], known: Any, words: Any, cosines: Any) -> str:
    strange = [word for word, is_known in zip(asked, np.atleast_1d(known), strict=True) if not is_known]
    if not strange:
        return "\t".join(f"{word.decode()} {cosine:.6f}" for word, cosine in zip(words, cosines, strict=True))
    said = []
    for word in strange:
        near = spellings.near(word)
        said.append(f"{word[:80]!r} is unknown" + (f"; spelled like it: {', '.join(near)}" if near else ""))
    return "; ".join(said)
