"""A language model from text to text: the probability of a line, continuations of a text, and use of its SavedModel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tasks.decoding.writing import PIECE, Sampling, StreamStep, write_on
from rnn_tasks.export.saved_model import Endpoint
from rnn_tasks.models.fast_step import fast_step
from rnn_tasks.models.language_model import LanguageModel
from rnn_tasks.text.stream_tokenizer import TAIL, StreamTokenizer
from rnn_tasks.text.vocabulary import EOS, GO, PAD, UNK

NEVER = -1e9
TIME, AT_ONCE = 128, 1 << 25  # tokens of each line that are scored at once, and logits of all of them, at most
_DRAWING = [
    tf.TensorSpec((), tf.float32, "temperature"),
    tf.TensorSpec((), tf.int32, "top_k"),
    tf.TensorSpec((), tf.float32, "top_p"),
    tf.TensorSpec((), tf.int32, "seed"),
]


class TextWriter:
    """A language model with its tokeniser around it.

    Endpoints: `score` lines; `generate` continuations. To show a text while it is written, `begin` with a prompt, then
    `go_on` piece by piece, and `decode` the results.
    """

    def __init__(self, model: LanguageModel, tokenizer: StreamTokenizer):
        self.model, self.tokenizer = model, tokenizer
        self._form = model.first_states(1)

    def endpoints(self) -> dict[str, Endpoint]:
        """The endpoints for `saved_model.export_model`."""
        states = [
            tf.TensorSpec((None, state.shape[1]), state.dtype, f"state_{number}")
            for number, state in enumerate(tf.nest.flatten(self._form))
        ]
        strings, ids = tf.TensorSpec((None,), tf.string, "text"), tf.TensorSpec((None,), tf.int32, "last")
        length, piece = tf.TensorSpec((), tf.int32, "length"), tf.TensorSpec((), tf.int32, "piece")
        return {
            "score": Endpoint(self.score, [strings]),
            "generate": Endpoint(self.generate, [strings, length, *_DRAWING]),
            "begin": Endpoint(self.begin, [strings]),
            "go_on": Endpoint(self.go_on, [length, piece, *_DRAWING, ids, *states]),
            "decode": Endpoint(self.decode, [tf.TensorSpec((None, None), tf.int32, "ids")]),
        }

    def score(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Lines (batch,) -> `log_probability` (batch,) in nats of each line as the beginning of a text, and the number
        of `tokens` (batch,); both include the line's end."""
        ids = self.tokenizer.encode(text)
        lengths = tf.cast(ids.row_lengths(), tf.int32)
        batch = tf.shape(text)[0]
        inputs = tf.concat([tf.fill([batch, 1], GO), ids], axis=1).to_tensor(PAD)
        targets = tf.concat([ids, tf.fill([batch, 1], EOS)], axis=1).to_tensor(PAD)
        logits_a_step = tf.cast(batch, tf.int64) * self.model.settings["vocabulary"]
        steps = tf.cast(tf.clip_by_value(AT_ONCE // tf.maximum(logits_a_step, 1), 1, TIME), tf.int32)

        def some(start, total, *states):
            now = targets[:, start : start + steps]
            before = tf.nest.pack_sequence_as(self._form, states)
            hidden, after = self.model.hidden(inputs[:, start : start + steps], before)
            logits = self.model.logits(hidden)  # (batch, steps, vocabulary)
            likely = tf.gather(logits, now, axis=-1, batch_dims=2) - tf.reduce_logsumexp(logits, axis=-1)
            counted = tf.where(now != PAD, tf.cast(likely, tf.float64), 0.0)
            return start + steps, total + tf.reduce_sum(counted, axis=1), *tf.nest.flatten(after)

        begun = (
            tf.zeros([batch], tf.float64),
            *map(tf.convert_to_tensor, tf.nest.flatten(self.model.first_states(batch))),
        )
        shapes = tf.TensorShape([]), *(tf.TensorShape([None, *state.shape[1:]]) for state in begun)
        _, total, *_ = tf.while_loop(
            lambda start, *_: start < tf.shape(targets)[1], some, (tf.constant(0), *begun), shape_invariants=shapes
        )
        return {"log_probability": total, "tokens": lengths + 1}

    def begin(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Prompts (batch,) -> their `ids` (batch, time) behind `<go>`, right-padded; the `last` of each, and `state_0`,
        … before it is read."""
        ids = self.tokenizer.encode(text)
        lengths = tf.cast(ids.row_lengths(), tf.int32)
        padded = tf.concat([tf.fill([tf.shape(text)[0], 1], GO), ids], axis=1).to_tensor(PAD)
        read = tf.range(tf.shape(padded)[1])[None, :] < lengths[:, None]
        _, states = self.model.hidden(padded, mask=read)
        return {"ids": padded, "last": tf.gather(padded, lengths, batch_dims=1), **_named(states)}

    def go_on(self, length, piece, temperature, top_k, top_p, seed, last, *states) -> dict[str, tf.Tensor]:
        """The next `ids` (batch, length), and the values needed to continue after them; arguments as in `write_on`."""
        sampling = Sampling(temperature, top_k, top_p)
        before = tf.nest.pack_sequence_as(self._form, states)
        written = write_on(self._step(), last, before, length, sampling, seed=seed, first_piece=piece)
        return {"ids": written.ids, "last": written.ids[:, -1], **_named(written.states)}

    def generate(self, text, length, temperature, top_k, top_p, seed) -> dict[str, tf.Tensor]:
        """Prompts (batch,) -> the `text` (batch,) that continues each prompt."""
        begun = self.begin(text)
        drawing = temperature, top_k, top_p, seed
        written = self.go_on(length, tf.constant(0), *drawing, begun["last"], *_states(begun))
        whole = self.tokenizer.decode(tf.concat([begun["ids"], written["ids"]], axis=1))
        prompts = tf.strings.length(self.tokenizer.decode(begun["ids"]))  # bytes; words need a space behind the prompt
        return {"text": tf.strings.substr(whole, prompts, tf.strings.length(whole) - prompts)}

    def decode(self, ids: tf.Tensor) -> dict[str, tf.Tensor]:
        """Ids (batch, time) -> `text` (batch,)."""
        return {"text": self.tokenizer.decode(ids)}

    def _step(self) -> StreamStep:
        step, unwritten = fast_step(self.model), np.arange(self.model.settings["vocabulary"]) == UNK

        def known(ids: tf.Tensor, states: Any) -> tuple[tf.Tensor, Any]:
            logits, after = step(ids, states)
            return tf.where(unwritten, NEVER, logits), after  # an unknown token has no spelling

        return known


def _named(states: Any) -> dict[str, tf.Tensor]:
    return {f"state_{number}": state for number, state in enumerate(tf.nest.flatten(states))}


def _states(found: Mapping[str, tf.Tensor]) -> list[tf.Tensor]:
    return [found[f"state_{number}"] for number in range(sum(name.startswith("state_") for name in found))]


def written_pieces(served: Any, prompt: str, length: int, drawing: Sequence[Any], samples: int) -> Iterator[list[str]]:
    """The text that a SavedModel of a `TextWriter` writes after a prompt: step by step, the next piece of each sample.

    Args:
        served: the loaded SavedModel.
        prompt: how the text begins.
        length: tokens of each sample.
        drawing: temperature, top_k, top_p and seed.
        samples: number of texts.
    """
    found = served.begin(tf.constant([prompt] * samples))
    temperature, top_k, top_p, seed = drawing
    arguments = (tf.constant(temperature, tf.float32), tf.constant(top_k), tf.constant(top_p, tf.float32))
    tails = [ids[-TAIL:] for ids in found["ids"].numpy()]
    for piece in range(-(-length // PIECE)):
        tokens = tf.constant(min(PIECE, length - piece * PIECE))
        found = served.go_on(tokens, tf.constant(piece), *arguments, tf.constant(seed), found["last"], *_states(found))
        news = []
        for sample, ids in enumerate(found["ids"].numpy()):
            whole = np.concatenate([tails[sample], ids])
            shown, now = (_text(served, part) for part in (tails[sample], whole))
            news.append(now[len(shown) :])
            tails[sample] = whole[-TAIL:]
        yield news


def _text(served: Any, ids: np.ndarray) -> str:
    return served.decode(tf.constant(ids[None]))["text"].numpy()[0].decode()
