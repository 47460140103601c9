"""An encoder-decoder with its tokenisers: strings in, strings out, in one traced function."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from rnn_tasks import activity
from rnn_tasks.decoding import SearchResult, beam_search
from rnn_tasks.export.saved_model import Endpoint, load_endpoints
from rnn_tasks.files import write_whole
from rnn_tasks.layers import native_inference
from rnn_tasks.line_stream import chunks
from rnn_tasks.text import EOS, UNK, Tokenizer

SEARCH_SETTINGS = "search.json"
# Output lengths: a translation is rarely twice as long as its source; output for meaningless text must end, too.
LENGTH_FACTOR, LENGTH_MARGIN = 2, 10
# Lines at most that are sorted by length together: enough for even batches, few enough to answer a long file in parts.
WINDOW = 4096
ROWS, CHARACTERS = 64, 12_000


class Hypothesis(NamedTuple):
    """One translation of one sentence.

    Attributes:
        text: the sentence.
        score: log probability divided by the length penalty.
        source_tokens: the source as tokens of the model, in natural order.
        target_tokens: the output as tokens of the model, `<eos>` included.
        alignment: (target tokens, source tokens) attention weights; zeros without attention.
    """

    text: str
    score: float
    source_tokens: list[str]
    target_tokens: list[str]
    alignment: np.ndarray

    def unmapped(self) -> Hypothesis:
        """The hypothesis without its alignment, which takes megabytes for a long source."""
        return self._replace(alignment=np.zeros((0, 0), np.float32))


class Translator(tf.Module):
    """Traceable translation.

    Args:
        model: has `encode` and `step`, as `rnn_tasks.models.EncoderDecoder`.
        source: tokeniser of the inputs.
        target: tokeniser of the outputs.
        reverse_source: the encoder reads the source's last token first.
        has_attention: the model has alignments: `<unk>` is replaced by the source token with the most attention.
        max_length: the largest number of target tokens, `<eos>` included.
    """

    def __init__(
        self,
        model: keras.Model,
        source: Tokenizer,
        target: Tokenizer,
        *,
        reverse_source: bool,
        has_attention: bool,
        max_length: int = 256,
    ):
        super().__init__(name="translator")
        self.model, self.source, self.target = model, source, target
        self.reverse_source, self.has_attention, self.max_length = reverse_source, has_attention, max_length

    def search(self, ids: tf.RaggedTensor, beam_width: tf.Tensor, alpha: tf.Tensor) -> SearchResult:
        """Source ids (batch, None) -> the best hypotheses; alignments in the source's natural order."""
        lengths = tf.cast(ids.row_lengths(), tf.int32)
        read = ids[:, ::-1] if self.reverse_source else ids
        # At least one token, so that an empty sentence has something to encode.
        padded = read.to_tensor(shape=[None, None])
        padded = tf.pad(padded, [[0, 0], [0, tf.maximum(0, 1 - tf.shape(padded)[1])]])
        first = tf.where(padded[:, :1] == 0, EOS, padded[:, :1])
        memory, state = self.model.encode(tf.concat([first, padded[:, 1:]], axis=1))
        limits = tf.minimum(LENGTH_FACTOR * lengths + LENGTH_MARGIN, self.max_length)
        found = beam_search(self.model.step, state, memory, limits, beam_width, alpha)
        if not self.reverse_source:
            return found
        natural = tf.reverse_sequence(found.alignments, tf.maximum(lengths, 1), seq_axis=3, batch_axis=0)
        return found._replace(alignments=natural)

    def translate(self, sentences: tf.Tensor, beam_width: tf.Tensor, alpha: tf.Tensor) -> dict[str, tf.Tensor]:
        """Translate sentences, with scores, tokens and alignments.

        Args:
            sentences: (batch,) strings.
            beam_width: scalar int32.
            alpha: scalar, of the length penalty.

        Returns:
            texts (batch, beams), scores (batch, beams) with -inf where there are no more hypotheses, log_probabilities
            (batch, beams), source_tokens (batch, source time), target_tokens (batch, beams, target time), both "" after
            their end, and alignments (batch, beams, target time, source time).
        """
        words = self.source.words(sentences)
        ids = self.source.ids(words)
        found = self.search(ids, beam_width, alpha)
        shown = words if self.source.level == "word" else tf.ragged.map_flat_values(self.source.tokens, ids)
        source_tokens = shown.to_tensor("")  # (batch, source time)
        tokens = tf.where(found.ids == 0, "", self.target.tokens(found.ids))  # (batch, beams, target time)
        if self.has_attention:
            looked_at = tf.argmax(found.alignments, axis=-1, output_type=tf.int32)  # (batch, beams, target time)
            some = tf.pad(source_tokens, [[0, 0], [0, 1]])  # an empty sentence looks at nothing
            tokens = tf.where(found.ids == UNK, tf.gather(some, looked_at, batch_dims=1), tokens)
        sentence_tokens = tf.where((found.ids == 0) | (found.ids == EOS), "", tokens)
        texts = self.target.join(tf.strings.strip(tf.strings.reduce_join(sentence_tokens, axis=-1, separator=" ")))
        empty = ids.row_lengths() == 0
        return {
            "texts": tf.where(empty[:, None], "", texts),
            "scores": found.scores,
            "log_probabilities": found.log_probabilities,
            "source_tokens": source_tokens,
            "target_tokens": tokens,
            "alignments": found.alignments,
        }

    def endpoints(self, beam_width: int, alpha: float) -> dict[str, Endpoint]:
        """`serve`: strings -> best translations; `translate`: beam and length penalty chosen by the caller.

        Args:
            beam_width: of `serve`.
            alpha: of `serve`.
        """

        def serve(sentences):
            return self.translate(sentences, tf.constant(beam_width), tf.constant(alpha))["texts"][:, 0]

        strings = tf.TensorSpec([None], tf.string, name="sentences")
        width, penalty = tf.TensorSpec([], tf.int32, name="beam_width"), tf.TensorSpec([], tf.float32, name="alpha")
        return {
            "serve": Endpoint(serve, [strings]),
            "translate": Endpoint(self.translate, [strings, width, penalty]),
        }

    def compiled(self) -> TranslateFunction:
        """`translate` as a function that is traced once, for this process only: it is fast, but not portable."""
        endpoint = self.endpoints(1, 0.0)["translate"]

        def translate(*arguments):
            activity.note("compiling")
            with native_inference():
                return endpoint.function(*arguments)

        return tf.function(translate, list(endpoint.signature), autograph=False)


TranslateFunction = Callable[..., dict[str, tf.Tensor]]


def load_translator(export_dir: Path) -> TranslateFunction:
    """The `translate` endpoint of an exported model."""
    endpoints = load_endpoints(export_dir)
    # Not the method alone: the variables live only as long as the loaded object.
    return lambda *arguments: endpoints.translate(*arguments)


class SearchSettings(NamedTuple):
    """The search settings with which an exported model was tested; they are its defaults."""

    beam_width: int = 4
    length_penalty: float = 1.0


def save_search_settings(export_dir: Path, settings: SearchSettings) -> None:
    """Write the settings beside the model."""
    write_whole(export_dir / SEARCH_SETTINGS, json.dumps(settings._asdict()))


def load_search_settings(export_dir: Path) -> SearchSettings:
    """The settings that `save_search_settings` wrote; the defaults for an old export without them."""
    path = export_dir / SEARCH_SETTINGS
    return SearchSettings(**json.loads(path.read_text())) if path.exists() else SearchSettings()


def translate_lines(
    translate: TranslateFunction, lines: Iterable[str], beam_width: int, alpha: float
) -> Iterator[list[Hypothesis]]:
    """The best hypotheses of each line, in order, computed in batches of similar length.

    Args:
        translate: from `load_translator` or `Translator.compiled`.
        lines: sentences; an empty one has an empty translation.
        beam_width: hypotheses a sentence; fewer where there are no more.
        alpha: of the length penalty.
    """
    for window in chunks(lines, WINDOW):
        results: list[list[Hypothesis]] = [[] for _ in window]
        with activity.doing("translating", len(window), unit="sentences") as translating:
            for rows in _batches(window):
                answer = translate(tf.constant([window[i] for i in rows]), tf.constant(beam_width), tf.constant(alpha))
                for i, hypotheses in zip(rows, _hypotheses({k: v.numpy() for k, v in answer.items()}), strict=True):
                    results[i] = hypotheses
                translating.advance(len(rows))
        yield from results


def _batches(window: Sequence[str]) -> Iterator[list[int]]:
    """Indices of lines of similar length, few lines where they are long."""
    by_length = sorted(range(len(window)), key=lambda i: len(window[i]))
    batch: list[int] = []
    for i in by_length:
        if batch and (len(batch) == ROWS or len(window[i]) * (len(batch) + 1) > CHARACTERS):
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _hypotheses(answer: dict[str, np.ndarray]) -> Iterator[list[Hypothesis]]:
    for row, texts in enumerate(answer["texts"]):
        source = [token.decode() for token in answer["source_tokens"][row] if token]
        hypotheses = []
        for beam, text in enumerate(texts):
            if answer["scores"][row, beam] == -np.inf:  # an empty place
                continue
            target = [token.decode() for token in answer["target_tokens"][row, beam] if token]
            alignment = answer["alignments"][row, beam, : len(target), : len(source)]
            hypotheses.append(Hypothesis(text.decode(), float(answer["scores"][row, beam]), source, target, alignment))
        yield hypotheses
